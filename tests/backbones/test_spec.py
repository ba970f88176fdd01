from dataclasses import replace

import pytest

from pomona.backbones import BackboneSpec, find_backbone, read_spec
from pomona.backbones.spec import Output
from pomona.errors import SettingsError

SPEC = replace(
    find_backbone("efficientnet_lite0"),
    outputs=(Output("avg", "features", 1280), Output("fc", "logits", 1000)),
)


def test_vary_takes_another_output_or_rule():
    other = SPEC.vary(pooling="fc", resize="crop")
    assert (other.output_name, other.n_features, other.resize) == ("logits", 1000, "crop")
    assert SPEC.vary() == SPEC
    with pytest.raises(SettingsError, match="has no output 'max' here. It has 'avg', 'fc'"):
        SPEC.vary(pooling="max")
    with pytest.raises(SettingsError, match="Unknown resize rule 'bend'"):
        SPEC.vary(resize="bend")


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "0" * 64},
        {"resize": "crop"},
        {"interpolation": "nearest"},
        {"mean": (1.0, 2.0, 3.0)},
        {"channel_order": "bgr"},
        {"pooling": "fc"},
        {"input_size": (225, 224)},
    ],
)
def test_fingerprint_changes_with_every_number(change):
    assert replace(SPEC, **change).fingerprint() != SPEC.fingerprint()


def test_fingerprint_does_not_change_with_words():
    assert replace(SPEC, licence="other", source="", reference="").fingerprint() == (
        SPEC.fingerprint()
    )


def test_to_dict_and_back():
    table = SPEC.vary(pooling="fc").to_dict()
    again: BackboneSpec = read_spec(table, name=SPEC.name, origin="test")
    assert again == SPEC.vary(pooling="fc")
