"""The page's files as they lie there: words, addresses, stamps, pins. No browser."""

import gzip
import importlib.util
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "src/pomona/serving/static"
SCRIPTS = sorted((STATIC / "js").rglob("*.js"))
FIRST_LOAD_BYTES = 300_000


@pytest.fixture(scope="module")
def stamp_shell():
    spec = importlib.util.spec_from_file_location("stamp_shell", ROOT / "tools/stamp_shell.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _keys(language: str) -> dict[str, str]:
    text = (STATIC / f"js/strings/{language}.js").read_text("utf-8")
    return dict(re.findall(r"^  (\w+): (.)", text, re.MULTILINE))


def test_strings_have_the_same_keys_and_kinds_in_both_languages():
    english, french = _keys("en"), _keys("fr")
    assert len(english) > 100
    assert english.keys() == french.keys()
    # A list or a function in one is a list or a function in the other.
    assert {k for k in english if english[k] in "[("} >= {k for k in french if french[k] == "["}


def test_strings_are_all_there_and_all_used():
    code = "".join(path.read_text("utf-8") for path in SCRIPTS if path.parent.name != "strings")
    code += (STATIC / "index.html").read_text("utf-8")
    asked = set(re.findall(r"\bt\(\s*\"(\w+)\"", code)) | set(
        re.findall(r'data-t(?:-label)?="(\w+)"', code)
    )
    assert asked <= _keys("en").keys()
    unused = {key for key in _keys("en") if not re.search(rf"\b{key}\b", code)}
    # Asked for by a name that is put together: a state, a place, a kind of the facts.
    built = ("engine_", "where_", "tip_", "nut", "mushroom")
    assert {key for key in unused if not key.startswith(built)} == set()


def test_scripts_import_only_files_that_are_there():
    for path in SCRIPTS:
        for name in re.findall(r'from "(\.[^"]+)"', path.read_text("utf-8")):
            assert (path.parent / name).resolve().is_file(), f"{path.name} imports {name}"


def test_page_names_no_other_origin_and_nothing_inline():
    for path in [STATIC / "index.html", STATIC / "sw.js", *SCRIPTS, *(STATIC / "css").iterdir()]:
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|@import|url\(", text), path.name
    html = (STATIC / "index.html").read_text("utf-8")
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]+src=)", html)


def test_scripts_never_make_markup_from_text():
    for path in SCRIPTS:
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(",
            path.read_text("utf-8"),
        )


def test_scripts_are_type_checked_without_exception():
    tools = [*(ROOT / "tools").glob("*.mjs"), *(ROOT / "tools/types").iterdir()]
    for path in [STATIC / "sw.js", *SCRIPTS, *tools]:
        text = path.read_text("utf-8")
        assert not re.search(r"@ts-|[{<|(:,]\s*any\s*[}>|),;\[]", text), path.name


def test_service_worker_is_stamped_with_the_files_as_they_are(stamp_shell):
    text = stamp_shell.SERVICE_WORKER.read_text("utf-8")
    assert stamp_shell.stamp(text) == text, "run: python tools/stamp_shell.py"


def test_stamp_changes_with_a_file_and_names_it(stamp_shell, tmp_path, monkeypatch):
    text = stamp_shell.SERVICE_WORKER.read_text("utf-8")
    files = stamp_shell.list_shell()
    (tmp_path / "more.js").write_text("1;")
    monkeypatch.setattr(
        stamp_shell, "list_shell", lambda: files | {"/static/js/more.js": tmp_path / "more.js"}
    )
    changed = stamp_shell.stamp(text)
    assert '"/static/js/more.js"' in changed
    assert re.search(r'SHELL = "\w+"', changed)[0] != re.search(r'SHELL = "\w+"', text)[0]


def test_shell_lists_every_script_and_fits_the_budget(stamp_shell):
    files = stamp_shell.list_shell()
    assert {path for path in files.values() if path.suffix == ".js"} == set(SCRIPTS)
    assert sum(path.stat().st_size for path in files.values()) < FIRST_LOAD_BYTES / 2


def test_runtime_is_pinned_without_addresses():
    package = json.loads((ROOT / "package.json").read_text())
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    pins = package["dependencies"] | package["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pins.values())
    for name, version in pins.items():
        assert lock[f"node_modules/{name}"]["version"] == version
    assert all(
        "integrity" in each and "resolved" not in each for name, each in lock.items() if name
    )


def test_runtime_script_states_version_and_size_of_the_copy():
    text = (STATIC / "js/runtime.js").read_text()
    version = re.search(r'version: "([\d.]+)"', text)[1]
    size = int(re.search(r"size_bytes: ([\d_]+)", text)[1].replace("_", ""))
    assert (
        version
        == json.loads((ROOT / "package.json").read_text())["dependencies"]["onnxruntime-web"]
    )
    vendor = STATIC / "vendor"
    if not (vendor / "VERSION").is_file():
        pytest.skip("the phone app's runtime is not here: run 'make web'")
    assert (vendor / "VERSION").read_text().strip() == version
    packed = (vendor / "ort-wasm-simd-threaded.wasm.gz").read_bytes()
    # Packers differ a little; the progress bar does not mind.
    assert len(packed) == pytest.approx(size, rel=0.03)
    assert gzip.decompress(packed).startswith(b"\0asm")


def test_manifest_names_icons_of_the_stated_sizes():
    from PIL import Image

    manifest = json.loads((STATIC / "manifest.webmanifest").read_text())
    for icon in manifest["icons"]:
        path = STATIC / icon["src"].removeprefix("/static/")
        if path.suffix == ".png":
            with Image.open(path) as image:
                assert f"{image.width}x{image.height}" == icon["sizes"]
        else:
            assert path.is_file()
    assert manifest["start_url"] == manifest["scope"] == "/"
