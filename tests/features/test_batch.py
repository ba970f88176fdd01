import numpy as np
import pytest
from picture_files import encode, make_pixels
from PIL import Image

from pomona import schema
from pomona.backbones import Backbone, find_backbone, load_backbone
from pomona.errors import ImageError, ShapeError
from pomona.features.batch import Picture, extract_batch, extract_features, prepare_pixels
from pomona.pictures.decode import preprocess_image
from pomona.settings import DecodeLimits

SPEC = find_backbone("efficientnet_lite0")


class MeanEngine:
    """A fake network: the mean colour, repeated."""

    def __call__(self, images):
        return np.tile(images.mean(axis=(1, 2)), 1280)[:, :1280].astype(np.float32)


FAKE = Backbone(SPEC, MeanEngine())


def _prepare(content, path):
    return prepare_pixels(content, path, spec=SPEC, limits=DecodeLimits())


def test_extract_features_refuses_other_shapes():
    with pytest.raises(ShapeError, match=r"of shape '\(2, 100, 100, 3\)'"):
        extract_features(np.zeros((2, 100, 100, 3), np.uint8), backbone=FAKE)
    with pytest.raises(ShapeError, match="The images are float64"):
        extract_features(np.zeros((1, 224, 224, 3)), backbone=FAKE)


def test_extract_batch_gives_one_row_per_picture_in_order():
    good = [encode(make_pixels(seed)) for seed in range(3)]
    pictures = [
        Picture("a.jpg", "x", None, good[0]),
        Picture("b.jpg", None, 7, ImageError("missing", "The file is gone.")),
        Picture("c.jpg", "é", None, good[1]),
        Picture("d.jpg", "x", None, b"rubbish"),
        Picture("e.jpg", "x", None, good[2]),
    ]
    batch = extract_batch(pictures, backbone=FAKE, prepare=_prepare)
    assert batch.schema.equals(schema.EXTRACTED)
    rows = batch.to_pylist()
    assert [row["path"] for row in rows] == ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]
    codes = [None, "missing", None, "not_an_image", None]
    assert [row["reason_code"] for row in rows] == codes
    assert [row["features"] is None for row in rows] == [code is not None for code in codes]
    assert (rows[0]["width"], rows[0]["height"], rows[1]["width"]) == (80, 60, None)
    assert (rows[1]["size"], rows[3]["size"]) == (7, 7)
    pixels = preprocess_image(Image.fromarray(_decoded(good[1])), input_size=(224, 224))
    assert (np.float32(rows[2]["features"]) == MeanEngine()(pixels[None])[0]).all()


def _decoded(data):
    import io

    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_extract_batch_of_bad_pictures_only():
    batch = extract_batch([Picture("a.jpg", "x", 0, b"")], backbone=FAKE, prepare=_prepare)
    assert batch.to_pylist()[0]["reason_code"] == "empty_file"


def test_extract_batch_equals_the_array_way_to_the_last_bit():
    backbone = load_backbone()
    data = [encode(make_pixels(seed)) for seed in range(3)]
    pixels = np.stack([_prepare(content, "").pixels for content in data])
    expected = extract_features(pixels, backbone=backbone)
    pictures = [Picture(str(i), None, None, content) for i, content in enumerate(data)]
    rows = extract_batch(pictures, backbone=backbone, prepare=_prepare).to_pylist()
    assert (np.float32([row["features"] for row in rows]) == expected).all()
