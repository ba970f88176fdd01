import numpy as np
import pytest
from PIL import Image

from pomona.pictures import resize as resampling


@pytest.fixture(params=["compiled", "pillow"])
def way(request, monkeypatch):
    if request.param == "compiled":
        pytest.importorskip("numba", reason="the extra 'fast' is not installed")
        assert resampling._compiled() is not None
    else:
        monkeypatch.setattr(resampling, "_compiled", lambda: None)
    return request.param


def test_resize_bicubic_is_pillow_to_the_last_bit(way):
    rng = np.random.default_rng(7)
    for _ in range(120):
        w, h, width, height = (int(n) for n in rng.integers(1, 400, 4))
        image = Image.fromarray(rng.integers(0, 256, (h, w, 3), dtype=np.uint8))
        out = resampling.resize_bicubic(image, height=height, width=width)
        assert out.shape == (height, width, 3)
        expected = image.resize((width, height), Image.Resampling.BICUBIC)
        assert (out == np.asarray(expected)).all(), (w, h, width, height)


def test_resize_bicubic_of_extremes_clips_like_pillow(way):
    checks = np.indices((100, 100)).sum(axis=0) % 2 * 255
    image = Image.fromarray(np.repeat(checks[..., None], 3, axis=2).astype(np.uint8))
    expected = np.asarray(image.resize((224, 224), Image.Resampling.BICUBIC))
    assert (resampling.resize_bicubic(image, height=224, width=224) == expected).all()


def test_resize_bicubic_does_not_share_memory_between_results(way):
    first = resampling.resize_bicubic(Image.new("RGB", (50, 50), (1, 2, 3)), height=20, width=20)
    resampling.resize_bicubic(Image.new("RGB", (50, 50), (9, 9, 9)), height=20, width=20)
    assert (first == (1, 2, 3)).all()
