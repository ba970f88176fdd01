"""The browser's pixels and answers against the server's, in headless Chromium."""

import io
import os
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from serving.page_fixtures import need_runtime
from serving.parity import compare, prepare_page
from serving.small_recogniser import FRUITS, draw_photo

from pomona.pictures.walk import EXTENSIONS
from pomona.recognition.recogniser import load_recogniser
from pomona.recognition.views import Preprocessing, View

# The goal: within one level of 255 on average, the same first answer for 99 of 100.
MEAN_LEVELS = 1.0
SAME_TOP = 0.99
N_OF_FOLDER = 200


def _encode(image: Image.Image, format: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def _photos() -> list[bytes]:
    """Sizes, formats and quirks that phones and shops give."""
    rng = np.random.default_rng(0)
    photos = []
    for i, fruit in enumerate(FRUITS):
        image = draw_photo(fruit, size=(100, 348, 641, 1000)[i % 4], frame=i)
        noise = rng.normal(0, 6, (image.height, image.width, 3))
        image = Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))
        wide = image.crop((0, image.height // 6, image.width, image.height * 5 // 6))
        photos += [
            _encode(image, "JPEG", quality=60 + 5 * i),
            _encode(wide, "JPEG", quality=85, subsampling=0, progressive=True),
            _encode(wide.rotate(90, expand=True), "PNG"),
        ]
    return [*photos, *_quirks()]


def _quirks() -> list[bytes]:
    image = draw_photo("banana", size=300)
    exif = Image.Exif()
    alpha = Image.linear_gradient("L").resize(image.size)
    clear = image.copy()
    clear.putalpha(alpha)
    quirks = [
        _encode(image.convert("L"), "JPEG"),
        _encode(clear, "PNG"),
        _encode(image, "WEBP", quality=80),
    ]
    quirks.append(_encode(image, "JPEG", quality=90, icc_profile=_wild_profile()))
    for orientation in range(1, 9):
        exif[0x0112] = orientation
        quirks.append(_encode(image.crop((0, 0, 300, 220)), "JPEG", exif=exif, quality=90))
    return quirks


def _wild_profile() -> bytes:
    """A colour profile with red and green exchanged: nobody who applies it goes unseen."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"....").replace(b"gXYZ", b"rXYZ").replace(b"....", b"gXYZ")


def _check(found, n: int) -> None:
    means = [each.mean_difference for each in found]
    assert len(found) == n
    assert max(means) <= MEAN_LEVELS, f"mean differences: {sorted(means)[-5:]}"
    same = sum(each.same_top for each in found) / n
    assert same >= SAME_TOP


def test_browser_gives_the_pixels_and_answers_of_python(browser, page_server, phone_model):
    recogniser = load_recogniser(phone_model)
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(page_server)
        loaded = prepare_page(page)
        assert loaded["state"] == "ready"
        assert loaded["threads"] == min(4, os.cpu_count() or 1)
        photos = _photos()
        found = list(compare(page, recogniser, photos))
    _check(found, len(photos))
    assert np.mean([each.mean_difference for each in found]) < 0.25
    assert max(each.probability_difference for each in found) < 0.02


def test_server_sized_views_are_made_by_the_crop_rule_too(browser, serve_page, tmp_path):
    pytest.importorskip("onnx", reason="the package onnx is not installed")
    need_runtime()
    from serving.small_recogniser import SIDE, write_small_recogniser

    rule = Preprocessing(
        (SIDE, SIDE),
        resize="crop",
        scale=(255.0,) * 3,
        views=(View(), View(size=0.7, x=1.0, flip=True)),
    )
    model = write_small_recogniser(tmp_path, preprocessing=rule)
    with serve_page(model=model) as url, browser.new_context() as context:
        page = context.new_page()
        page.goto(url)
        assert prepare_page(page)["state"] == "ready"
        photos = _photos()[:6]
        _check(list(compare(page, load_recogniser(model), photos)), len(photos))


def test_browser_agrees_on_a_folder_of_pictures(browser, serve_page, phone_model):
    folder = os.environ.get("POMONA_PICTURES")
    if not folder:
        pytest.skip("no folder of pictures is named: set POMONA_PICTURES (and POMONA_MODEL)")
    need_runtime()
    model = Path(os.environ.get("POMONA_MODEL", phone_model))
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in EXTENSIONS)
    chosen = random.Random(0).sample(paths, min(N_OF_FOLDER, len(paths)))
    with serve_page(model=model) as url, browser.new_context() as context:
        page = context.new_page()
        page.goto(url)
        assert prepare_page(page)["state"] == "ready"
        found = list(compare(page, load_recogniser(model), (path.read_bytes() for path in chosen)))
    _check(found, len(chosen))
