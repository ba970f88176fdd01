from dataclasses import replace
from pathlib import Path

import pytest

from pomona.backbones import NETWORKS, find_backbone, find_weights, is_shipped
from pomona.errors import SettingsError, SetupError

SHIPPED = [name for name, network in NETWORKS.items() if is_shipped(network.spec)]


def test_find_backbone_names_the_known_ones():
    with pytest.raises(SettingsError, match="Unknown backbone 'mobilenet9'. Known: 'efficientnet"):
        find_backbone("mobilenet9")


@pytest.mark.parametrize("name", SHIPPED)
def test_find_weights_checks_the_hash(name):
    spec = find_backbone(name)
    assert find_weights(spec).stat().st_size > 1_000_000
    with pytest.raises(SetupError, match="so the file is damaged or replaced"):
        find_weights(replace(spec, sha256="0" * 64))


def test_find_weights_says_what_is_missing(tmp_path):
    with pytest.raises(SetupError, match=r"The weights 'gone.onnx' of backbone"):
        find_weights(replace(find_backbone("efficientnet_lite0"), weights="gone.onnx"))
    with pytest.raises(SetupError, match="are not in"):
        find_weights(replace(NETWORKS["vgg16"].spec, sha256="0" * 64), cache=tmp_path)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in SHIPPED])
def test_known_networks_say_how_to_get_them(name, tmp_path):
    with pytest.raises(SetupError, match=f"Run 'pomona backbones pull {name}'"):
        find_backbone(name, cache=tmp_path)
    network = NETWORKS[name]
    assert network.keras and network.spec.licence and network.spec.source and network.spec.reference
    assert [output.pooling for output in network.spec.outputs] == ["avg", "max", "flatten"]


def test_layers_are_asked_for_by_name(tmp_path):
    with pytest.raises(SetupError, match="pull vgg16 --pooling fc2'"):
        find_backbone("vgg16", pooling="fc2", cache=tmp_path)


def test_every_network_is_in_the_reference():
    page = Path(__file__).parents[2] / "docs" / "reference" / "backbones.md"
    rows = [line.split(" | ") for line in page.read_text(encoding="utf-8").splitlines()]
    documented = {row[0].strip("| `"): row for row in rows if len(row) == 9}
    for name, network in NETWORKS.items():
        row = documented[name]
        assert [row[1], row[2], row[4]] == [
            str(network.spec.input_size[0]),
            network.spec.channel_order,
            str(network.spec.n_features),
        ]
