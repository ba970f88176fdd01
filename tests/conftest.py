"""One Spark session for all tests, and where real photographs may lie."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from picture_files import encode, make_pixels

# They take the longest, so they begin first: no core is left alone with one of them at the end.
SLOW_FILES = (
    "pipeline/test_run.py",
    "serving/test_page.py",
    "spark/train/test_training.py",
    "presets/test_presets.py",
    "test_notebook.py",
    "spark/test_jvm.py",
    "serving/test_page_parity.py",
    "spark/reduce/test_fitting.py",
    "spark/extract/test_images.py",
    "serving/http/test_processes.py",
)
SHARED = Path(os.environ.get("POMONA_SHARED", Path(__file__).parents[2] / "shared"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow files first, in the order above; the sort is stable."""
    order = {Path(__file__).parent / name: i for i, name in enumerate(SLOW_FILES)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photographs and golden vectors; tests that need it are skipped without."""
    if not SHARED.is_dir():
        pytest.skip(f"real photographs are not here: no folder {SHARED} (set POMONA_SHARED)")
    return SHARED


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """One local session: two cores as on the smallest machine, scratch folders, small heap."""
    from pomona.settings import SparkSettings
    from pomona.spark.session import start_spark

    scratch = tmp_path_factory.mktemp("spark")
    session = start_spark(
        SparkSettings(
            master="local[2]",
            conf=(
                ("spark.local.dir", str(scratch)),
                ("spark.sql.warehouse.dir", str(scratch / "warehouse")),
                ("spark.driver.memory", "1g"),
            ),
        )
    )
    yield session
    session.stop()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three folders of four pictures; their names hold a space, an accent, '%' and '#'."""
    root = tmp_path / "photos"
    for i, label in enumerate(["Pomme d'été", "50% #1 Kiwi", "plum"]):
        (root / label).mkdir(parents=True)
        for j in range(4):
            (root / label / f"{j} %41#.jpg").write_bytes(encode(make_pixels(10 * i + j)))
    return root
