"""The layout keeps to its rules, also for modules that are written tomorrow."""

import os
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import pomona

HOME = Path(pomona.__file__).parent
CONFIG = Path(__file__).parents[1] / ".importlinter"
MODULES = sorted(HOME.rglob("*.py"))
WORK_ON_FOLDERS = re.compile(
    r"\.(rename|glob|rglob|mkdir|iterdir)\(|os\.(rename|makedirs|replace)\("
)


def _lines(path):
    return len(path.read_text(encoding="utf-8").splitlines())


def test_few_modules_stand_beside_the_rooms():
    assert len(list(HOME.glob("*.py"))) <= 6


def test_modules_are_short():
    assert {path.name: _lines(path) for path in MODULES if _lines(path) > 400} == {}
    assert statistics.median(map(_lines, MODULES)) < 200


def test_folders_are_made_listed_and_moved_in_storage_only():
    outside = [path for path in MODULES if "storage" not in path.relative_to(HOME).parts]
    assert [path for path in outside if WORK_ON_FOLDERS.search(path.read_text("utf-8"))] == []


def test_only_the_session_knows_what_spark_connect_lacks():
    classic = re.compile(r"sparkContext|\.rdd\b")
    users = [path.name for path in MODULES if classic.search(path.read_text("utf-8"))]
    assert users == ["session.py"]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of the package without its data, to add to."""
    root = tmp_path_factory.mktemp("house")
    ignore = shutil.ignore_patterns("*.onnx", "static", "default", "__pycache__", "data")
    shutil.copytree(HOME, root / "pomona", ignore=ignore)
    shutil.copy(CONFIG, root)
    return root


def _lint(house):
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=house,
        env=os.environ | {"PYTHONPATH": str(house)},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.returncode, result.stdout + result.stderr


def test_the_house_as_it_stands_keeps_its_contracts(house):
    code, output = _lint(house)
    assert code == 0, output


@pytest.mark.parametrize(
    ("module", "text", "broken"),
    [
        ("pipeline/added.py", "import pyspark\n", "pipeline.added -> pyspark"),
        ("cli/added.py", "from pyspark.sql import SparkSession\n", "cli.added -> pyspark"),
        ("pipeline/added.py", "import fastapi\n", "pipeline.added -> fastapi"),
        ("training/added.py", "import torch\n", "training.added -> torch"),
        ("storage/added.py", "import pomona.pictures\n", "storage.added -> pomona.pictures"),
        ("facts/added.py", "import pomona.pictures\n", "facts.added -> pomona.pictures"),
        ("clusters/__init__.py", "import pomona.cli\n", "pomona.clusters -> pomona.cli"),
        ("attic/__init__.py", '"""No room of the plan."""\n', "attic"),
        ("loose.py", '"""No word everybody uses."""\n', "loose"),
    ],
)
def test_what_is_added_tomorrow_is_refused_where_it_does_not_belong(house, module, text, broken):
    path = house / "pomona" / module
    is_new_folder = not path.parent.exists()
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    try:
        code, output = _lint(house)
    finally:
        path.unlink()
        if is_new_folder:
            path.parent.rmdir()
    assert code == 1
    assert broken in output
