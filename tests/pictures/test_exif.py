import struct
import warnings

import numpy as np
import pytest
from PIL import Image

from pomona.pictures.exif import read_orientation


def _block(orientation=6, more=()):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "a description that does not fit into four bytes"
    exif[0x011A] = 72.0
    for tag, value in more:
        exif[tag] = value
    return exif.tobytes()


def _pillow(block):
    """Return what Pillow says, every one of its warnings an error."""
    exif = Image.Exif()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exif.load(block)
        value = exif.get(0x0112, 1)
    return value if isinstance(value, int) else 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_read_orientation_of_whole_blocks(orientation):
    assert read_orientation(_block(orientation)) == orientation
    assert read_orientation(_block(orientation).removeprefix(b"Exif\0\0")) == orientation


def test_read_orientation_is_upright_where_none_is_stated():
    assert read_orientation(b"") == read_orientation(b"Exif\0\0") == 1
    exif = Image.Exif()
    exif[0x010E] = "no orientation"
    assert read_orientation(exif.tobytes()) == 1


@pytest.mark.parametrize(
    ("block", "says"),
    [
        (b"NOT A TIFF HEADER", "does not start like"),
        (b"II*\0\xff\xff\0\0", "directory is missing"),
        (_block()[:30], "ends too early"),
        (_block()[:-40], "lies outside"),
    ],
)
def test_read_orientation_says_what_is_damaged(block, says):
    with pytest.raises(ValueError, match=says):
        read_orientation(block)


def test_read_orientation_refuses_several():
    block = bytearray(_block(6).removeprefix(b"Exif\0\0"))
    tags = (b"\x12\x01", b"\x01\x12")
    at = next(i for i in range(10, len(block), 12) if bytes(block[i : i + 2]) in tags)
    order = "<" if block[:2] == b"II" else ">"
    block[at + 4 : at + 8] = struct.pack(f"{order}L", 2)
    with pytest.raises(ValueError, match="2 orientations"):
        read_orientation(bytes(block))


def test_read_orientation_agrees_with_pillow_on_mutated_blocks():
    rng = np.random.default_rng(0)
    blocks = [_block(i) for i in (1, 3, 6, 8)] + [_block(5, [(0x013B, "x"), (0x8769, {1: 2})])]
    n_damaged = 0
    for i in range(4000):
        bad = bytearray(blocks[i % len(blocks)])
        for position in rng.integers(0, len(bad), rng.integers(1, 4)):
            bad[position] = rng.choice([0, 1, 2, 3, 4, 7, 12, 13, 16, 18, 255, rng.integers(256)])
        block = bytes(bad[: rng.integers(1, len(bad) + 1)] if i % 3 == 0 else bad)
        try:
            expected = _pillow(block)
        except Exception:
            expected = None
        try:
            found = read_orientation(block)
        except ValueError:
            found = None
        assert found == expected, block
        n_damaged += expected is None
    assert 500 < n_damaged < 3500
