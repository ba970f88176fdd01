import numpy as np
import pytest
from picture_files import encode, make_pixels

from pomona.errors import ImageError, ModelError, ShapeError
from pomona.recognition.prediction import predict_photos, predict_together
from pomona.recognition.recogniser import load_recogniser
from pomona.recognition.views import Preprocessing, View, prepare_views

KEYS = ["path", "decision", "label", "fruit_id", "probability", "top", "error"]


def test_identify_gives_an_answer(model_folder):
    answer = load_recogniser(model_folder).identify(encode(make_pixels(1)), path="a.jpg", top=2)
    assert answer.decision in ("variety", "fruit", "unknown")
    assert len(answer.top) == 2
    assert 0 < answer.probability <= 1


def test_a_photograph_that_does_not_decode_is_an_image_error(model_folder):
    with pytest.raises(ImageError, match="not of a known picture format"):
        load_recogniser(model_folder).identify(b"no photograph")


def test_pixels_of_another_shape_are_refused(model_folder):
    with pytest.raises(ShapeError, match="The pixels are uint8"):
        load_recogniser(model_folder).score_pixels(np.zeros((1, 3, 3, 3), np.uint8))


def test_a_network_that_is_none_is_a_model_error(model_folder):
    import hashlib
    import json

    (model_folder / "recogniser.onnx").write_bytes(b"nonsense")
    path = model_folder / "model.json"
    record = json.loads(path.read_text())
    record["recogniser"]["sha256"] = hashlib.sha256(b"nonsense").hexdigest()
    path.write_text(json.dumps(record))
    for engine in ("openvino", "onnxruntime"):
        with pytest.raises(ModelError, match="cannot be loaded"):
            load_recogniser(model_folder, engine=engine)


def test_predict_photos_gives_a_record_each(model_folder, tmp_path):
    (tmp_path / "good.jpg").write_bytes(encode(make_pixels(1)))
    (tmp_path / "bad.jpg").write_bytes(b"no photograph")
    paths = [str(tmp_path / name) for name in ("good.jpg", "bad.jpg", "gone.jpg")]
    good, bad, gone = predict_photos(load_recogniser(model_folder), paths)
    assert list(good) == list(bad) == KEYS
    assert good["error"] is None
    assert bad["error"].startswith("not_an_image: ")
    assert gone["error"].startswith("missing: ")
    assert (bad["decision"], bad["top"]) == ("unknown", [])


def test_predict_together_averages_and_names_what_it_left_out(model_folder, tmp_path):
    recogniser = load_recogniser(model_folder)
    photos = [encode(make_pixels(seed)) for seed in (1, 2)]
    for i, photo in enumerate(photos):
        (tmp_path / f"{i}.jpg").write_bytes(photo)
    (tmp_path / "2.jpg").write_bytes(b"")
    paths = [str(tmp_path / f"{i}.jpg") for i in range(3)]
    record = predict_together(recogniser, paths, name="basket")
    each = [recogniser.score(photo).probabilities[0] for photo in photos]
    assert record["top"][0]["probability"] == pytest.approx(np.mean(each, axis=0).max(), abs=1e-6)
    assert record["path"] == "basket"
    assert "empty_file" in record["error"]
    nothing = predict_together(recogniser, paths[2:], name="basket")
    assert nothing["error"].startswith("corrupt: None of")


def test_views_are_parts_of_the_picture():
    from PIL import Image

    image = Image.fromarray(make_pixels(3, height=40, width=60))
    views = (View(), View(square=True), View(size=0.5, x=1, y=0), View(flip=True))
    pixels = prepare_views(image, Preprocessing((8, 8), views=views))
    assert pixels.shape == (4, 8, 8, 3)
    np.testing.assert_array_equal(pixels[3], pixels[0][:, ::-1])
    assert views[1].box(60, 40) == (10, 0, 50, 40)
    assert views[2].box(60, 40) == (30, 0, 60, 20)


def test_preprocessing_survives_json():
    import json

    spec = Preprocessing((8, 9), resize="crop", views=(View(size=0.5), View(flip=True)))
    assert Preprocessing.from_dict(json.loads(json.dumps(spec.as_dict()))) == spec
