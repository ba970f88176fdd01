import contextlib
import io
import struct
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from picture_files import encode, make_pixels
from PIL import Image

from pomona.errors import ImageError, SettingsError
from pomona.pictures.decode import decode_image, make_thumbnail, preprocess_image
from pomona.schema import REASON_CODES
from pomona.settings import DecodeLimits

PIXELS = make_pixels(1)


def test_decode_image_keeps_rgb_pixels_of_lossless_formats():
    for format in ("PNG", "BMP", "TIFF"):
        assert (np.asarray(decode_image(encode(PIXELS, format))) == PIXELS).all()


def test_decode_image_takes_every_listed_format():
    for format in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"):
        image = decode_image(encode(PIXELS, format))
        assert (image.mode, image.size) == ("RGB", (80, 60))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_decode_image_applies_every_exif_orientation(orientation, format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(PIXELS, format, exif=exif)
    turns = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, 1),
    }
    plain = np.asarray(Image.open(io.BytesIO(encode(PIXELS, format))).convert("RGB"))
    assert (np.asarray(decode_image(data)) == turns[orientation](plain)).all()


def test_decode_image_lays_transparency_over_white():
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[..., 0], rgba[:2, :, 3] = 200, 255
    out = np.asarray(decode_image(encode(rgba, "PNG")))
    assert (out[0, 0] == (200, 0, 0)).all()
    assert (out[3, 3] == 255).all()


def test_decode_image_lays_palette_transparency_over_white():
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 250, 0, 0])
    out = np.asarray(decode_image(encode(image, "PNG", transparency=1)))
    assert (out == 255).all()


def test_decode_image_scales_sixteen_bit_grey():
    grey = np.array([[0, 257, 65535], [32896, 128, 129]], np.uint16)
    out = np.asarray(decode_image(encode(Image.fromarray(grey), "PNG")))[..., 0]
    assert out.tolist() == [[0, 1, 255], [128, 0, 1]]


@pytest.mark.parametrize("mode", ["L", "1", "LA", "CMYK"])
def test_decode_image_converts_modes_as_pillow(mode):
    image = Image.fromarray(PIXELS).convert(mode)
    format = "TIFF" if mode == "CMYK" else "PNG"
    assert (
        np.asarray(decode_image(encode(image, format))) == np.asarray(image.convert("RGB"))
    ).all()


def test_decode_image_takes_first_frame_of_animation():
    first, second = Image.new("RGB", (9, 9), (255, 0, 0)), Image.new("RGB", (9, 9), (0, 255, 0))
    out = io.BytesIO()
    first.save(out, "GIF", save_all=True, append_images=[second])
    assert np.asarray(decode_image(out.getvalue(), path="a.gif"))[4, 4].tolist() == [255, 0, 0]


def _png_header(width, height):
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + body + struct.pack(">I", 0) + b"IDAT" + b"\0" * 8


def _jpeg_with_exif(block):
    exif = b"Exif\0\0" + block
    marker = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    return encode(PIXELS)[:2] + marker + encode(PIXELS)[2:]


BAD = {
    "empty_file": ("a.jpg", b""),
    "truncated": ("a.jpg", encode(make_pixels(3, 300, 300))[:2000]),
    "not_an_image": ("a.jpg", b"I am text, not a picture.\n" * 20),
    "wrong_extension": ("a.jpg", encode(PIXELS, "PNG")),
    "too_many_pixels": ("a.png", _png_header(40_000, 40_000)),
    "broken_exif": ("a.jpg", _jpeg_with_exif(b"NOT A TIFF HEADER AT ALL")),
    "too_small": ("a.png", encode(PIXELS[:1, :1], "PNG")),
    "unsupported_mode": ("a.tif", encode(Image.new("F", (9, 9)), "TIFF")),
}


@pytest.mark.parametrize("reason_code", BAD)
def test_decode_image_names_what_is_wrong(reason_code):
    path, data = BAD[reason_code]
    with pytest.raises(ImageError, match=r"\.$") as caught:
        decode_image(data, path=path)
    assert caught.value.reason_code == reason_code


@pytest.mark.parametrize("reason_code", ["wrong_extension", "broken_exif"])
def test_decode_image_lenient_takes_doubtful_pictures(reason_code):
    path, data = BAD[reason_code]
    assert decode_image(data, path=path, limits=DecodeLimits(lenient=True)).size == (80, 60)


def test_decode_image_respects_max_pixels_exactly():
    data = encode(PIXELS)
    assert decode_image(data, limits=DecodeLimits(max_pixels=4800)).size == (80, 60)
    with pytest.raises(ImageError, match="the limit is 4,799 pixels"):
        decode_image(data, limits=DecodeLimits(max_pixels=4799))


def test_decode_image_survives_random_damage():
    rng = np.random.default_rng(0)
    for format in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"):
        good = bytearray(encode(PIXELS, format))
        for _ in range(60):
            bad = bytearray(good)
            for position in rng.integers(0, len(bad), 8):
                bad[position] = rng.integers(0, 256)
            try:
                image = decode_image(bytes(bad[: rng.integers(1, len(bad) + 1)]))
            except ImageError as error:
                assert error.reason_code in REASON_CODES
            else:
                assert image.mode == "RGB"


def test_decode_image_in_threads_leaves_the_warning_filters_alone():
    before = list(warnings.filters)
    data = encode(PIXELS, exif=Image.Exif())
    photos = [data, *(content for _, content in BAD.values())] * 40

    def decode(content):
        with contextlib.suppress(ImageError):
            decode_image(content)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(decode, photos))
    assert warnings.filters == before
    code = (
        "import warnings, numpy, PIL.Image; old = list(warnings.filters); "
        "import pomona.pictures.decode; "
        "assert warnings.filters == old"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_decode_image_says_damaged_palettes_are_unusable_or_rgb():
    image = Image.new("P", (4, 4), 200)
    image.putpalette([1, 2, 3])
    assert decode_image(encode(image, "PNG")).mode == "RGB"


def test_decode_limits_refuse_what_the_decoder_refuses():
    with pytest.raises(SettingsError, match="max_pixels is '0'"):
        DecodeLimits(max_pixels=0)


def test_preprocess_image_is_pillows_resize():
    image = Image.fromarray(PIXELS)
    for name in ("bicubic", "bilinear", "nearest", "lanczos"):
        expected = image.resize((32, 24), getattr(Image.Resampling, name.upper()))
        out = preprocess_image(image, input_size=(24, 32), interpolation=name)
        assert (out == np.asarray(expected)).all()


def test_make_thumbnail_strips_metadata_and_gives_none_for_rubbish():
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    small = make_thumbnail(encode(PIXELS, exif=exif, comment=b"a secret place"))
    assert small is not None
    assert b"secret" not in small
    assert max(Image.open(io.BytesIO(small)).size) == 64
    assert make_thumbnail(b"rubbish") is None


@pytest.mark.parametrize("size", [(60, 80), (80, 60), (31, 500)])
def test_preprocess_image_crop_keeps_the_aspect(size):
    image = Image.fromarray(make_pixels(3, *size))
    found = preprocess_image(image, input_size=(32, 32), resize="crop")
    side = min(size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    expected = image.resize((32, 32), Image.Resampling.BICUBIC, box=box)
    np.testing.assert_array_equal(found, np.asarray(expected))


def test_decode_image_flattens_tall_pictures_as_if_at_once():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (600, 7, 4), dtype=np.uint8)
    image = Image.fromarray(pixels)
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    expected = np.asarray(Image.alpha_composite(white, image).convert("RGB"))
    assert np.array_equal(np.asarray(decode_image(encode(image, "PNG"))), expected)
