"""Small made pictures in the folders that the default recogniser is made from."""

import csv

import numpy as np
import pytest
from PIL import Image

from recipes.default_recogniser.lessons import read_pack
from recipes.default_recogniser.packing import pack

COLOURS = {"Banana": (220, 200, 40), "Plum": (90, 30, 90), "Lime": (120, 190, 60)}
COLUMNS = ("file", "fruit_id", "set", "group", "ripeness", "boxes")


def paint(folder, colour, n, *, seed, end=".png"):
    """Photographs that can be told from each other, in groups of two alike."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for i in range(n):
        if i % 2 == 0:
            blocks = rng.integers(0, 256, (6, 6, 3))
        pixels = 0.5 * np.kron(blocks, np.ones((16, 16, 1))) + 0.5 * np.array(colour)
        pixels = np.clip(pixels + rng.normal(0, 2, pixels.shape), 0, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"1-A-{i}{end}")


def write_manifest(folder, rows):
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "MANIFEST.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    for i, (name, colour) in enumerate(COLOURS.items()):
        paint(root / "grocery" / name, colour, 14, seed=i)
    for i, (name, colour) in enumerate(
        (("Banana", COLOURS["Banana"]), ("Tomato 1", (200, 40, 30)))
    ):
        paint(root / "fruits360/Training" / name, colour, 6, seed=10 + i)
        paint(root / "fruits360/Test" / name, colour, 8, seed=20 + i)
    paint(root / "fruteria/banana/bag", COLOURS["Banana"], 4, seed=30)
    rows = []
    for i, (place, fruit) in enumerate(
        (place, fruit) for place in ("hall", "yard") for fruit in ("banana", "plum", "lime")
    ):
        paint(root / "world" / place / fruit, COLOURS[fruit.capitalize()], 4, seed=40 + i)
        rows += [
            {"file": f"{place}/{fruit}/1-A-{k}.png", "fruit_id": fruit, "set": place}
            | {"group": f"{place}/{fruit}/{k // 2}", "ripeness": "", "boxes": ""}
            for k in range(4)
        ]
    write_manifest(root / "world", rows)
    paint(root / "baskets", (150, 110, 60), 1, seed=60)
    boxes = '[["banana", 0.1, 0.1, 0.4, 0.5], ["plum", 0.5, 0.4, 0.9, 0.8], ["kiwi", 0, 0, 1, 1]]'
    write_manifest(
        root / "baskets",
        [
            {"file": "1-A-0.png", "fruit_id": "mixed", "set": "hall", "group": "bowl"}
            | {"ripeness": "", "boxes": boxes}
        ],
    )
    write_manifest(root / "ripeness", [])
    for i, name in enumerate(("learn", "measure")):
        paint(root / "strangers" / name / "walls", (128, 128, 128), 6, seed=70 + i)
    return root


@pytest.fixture(scope="session")
def pack_file(pictures, tmp_path_factory):
    path = tmp_path_factory.mktemp("pack") / "pack.parquet"
    pack(pictures, pictures / "strangers", path, side=64)
    return path


@pytest.fixture
def packed(pack_file):
    return read_pack(pack_file)
