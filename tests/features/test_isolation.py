import numpy as np
import pytest
from picture_files import encode, make_pixels

from pomona.backbones import find_backbone
from pomona.errors import ImageError
from pomona.features.batch import prepare_pixels
from pomona.features.isolation import IsolatedPrepare
from pomona.settings import DecodeLimits

SPEC = find_backbone("efficientnet_lite0")


def test_isolated_prepare_gives_the_same_pixels_and_errors():
    content = encode(make_pixels(1))
    expected = prepare_pixels(content, "", spec=SPEC, limits=DecodeLimits())
    with IsolatedPrepare(spec=SPEC, limits=DecodeLimits()) as prepare:
        assert (prepare(content, "").pixels == expected.pixels).all()
        with pytest.raises(ImageError, match="empty") as caught:
            prepare(b"", "")
    assert caught.value.reason_code == "empty_file"


def test_isolated_prepare_survives_a_slow_decoder():
    slow = encode(np.zeros((6000, 6000, 3), np.uint8), "PNG")
    with IsolatedPrepare(spec=SPEC, limits=DecodeLimits(), timeout_s=0.01) as prepare:
        with pytest.raises(ImageError, match="took more than") as caught:
            prepare(slow, "")
        assert caught.value.reason_code == "decoder_timeout"
