import pkgutil
import subprocess
import sys
from importlib import import_module

import pytest

import pomona
from pomona import errors

MODULES = [
    module.name
    for module in pkgutil.walk_packages(pomona.__path__, "pomona.")
    if module.name not in ("pomona.__main__", "pomona.pictures._resize_kernel")
]


@pytest.mark.parametrize("name", pomona.__all__)
def test_every_public_name_exists_and_is_documented(name):
    assert getattr(pomona, name).__doc__


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = pomona.nonsense


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is_and_what_it_exports(name):
    module = import_module(name)
    assert module.__doc__
    for exported in getattr(module, "__all__", []):
        assert hasattr(module, exported)


def test_every_error_is_a_pomona_error_and_a_builtin():
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert issubclass(kind, errors.PomonaError)
        if kind is not errors.PomonaError:
            assert issubclass(kind, ValueError | RuntimeError)


def test_import_is_light():
    heavy = "('numpy', 'pyspark', 'sklearn')"
    code = f"import sys, pomona; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_facts_need_the_standard_library_only():
    heavy = "('numpy', 'pandas', 'pyspark', 'rich')"
    code = (
        "import sys, pomona; pomona.find_facts('apple'); "
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_verbs_stay_functions_after_their_modules_are_imported():
    import pomona.reporting

    assert callable(pomona.report)
    assert callable(pomona.run)


def test_every_reason_code_is_in_the_reference():
    from pathlib import Path

    from pomona.schema import REASON_CODES

    page = Path(__file__).parents[1] / "docs" / "reference" / "quarantine.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    documented = [line for line in lines if line.startswith("| `")]
    assert documented == [f"| `{code}` | {text} |" for code, text in REASON_CODES.items()]
