from dataclasses import replace

import pytest

from pomona.backbones import BACKBONES, find_backbone, find_weights
from pomona.errors import SettingsError, SetupError


def test_find_backbone_names_the_known_ones():
    with pytest.raises(SettingsError, match="Unknown backbone 'mobilenet9'. Known: 'efficientnet"):
        find_backbone("mobilenet9")


@pytest.mark.parametrize("name", BACKBONES)
def test_find_weights_checks_the_hash(name):
    spec = find_backbone(name)
    assert find_weights(spec).stat().st_size > 1_000_000
    with pytest.raises(SetupError, match="so the file is damaged or replaced"):
        find_weights(replace(spec, sha256="0" * 64))


def test_find_weights_says_what_is_missing():
    with pytest.raises(SetupError, match=r"The weights 'gone.onnx' of backbone"):
        find_weights(replace(find_backbone("efficientnet_lite0"), weights="gone.onnx"))
