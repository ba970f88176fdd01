import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from picture_files import encode, make_pixels
from serving.conftest import images

from pomona.recognition.model import read_model
from pomona.recognition.prediction import predict_photo
from pomona.recognition.recogniser import load_recogniser


def test_config_says_what_the_page_needs(client, model_folder):
    config = client.get("/v1/config").json()
    assert config["languages"] == ["en", "fr"]
    assert config["max_photos"] == 5
    assert config["max_bytes"] == 20971520
    assert config["contributions"]["enabled"] is False
    assert config["contributions"]["retention_days"] is None
    assert set(config["contributions"]["consent"]) == {"en", "fr"}
    sha256 = read_model(model_folder).network.sha256
    assert config["model"]["version"] == sha256[:12]
    assert config["model"]["url"] == f"/v1/model/{sha256}/recogniser.onnx"


def test_model_says_all_that_a_browser_needs_and_no_path(client, model_folder):
    response = client.get("/v1/model")
    model = response.json()
    assert [each["label"] for each in model["labels"]] == [
        *("Apple Braeburn", "Apple Pink Lady", "Gizmo"),
    ]
    assert model["labels"][0]["names"] == {"en": "Apple Braeburn", "fr": "Pomme Braeburn"}
    assert model["preprocessing"]["input_size"] == [16, 16]
    assert model["preprocessing"]["views"]
    assert set(model["decision"]) == {"rejection_threshold", "variety_min", "fruit_min"}
    assert model["licences"] == ["Apache-2.0"]
    assert str(model_folder) not in response.text
    assert "classes" not in response.text


def test_network_is_served_for_ever_and_whole(client, model_folder):
    url = client.get("/v1/config").json()["model"]["url"]
    response = client.get(url)
    assert response.status_code == 200
    assert hashlib.sha256(response.content).hexdigest() in url
    assert response.headers["content-type"] == "application/octet-stream"
    assert int(response.headers["content-length"]) == len(response.content)
    assert "immutable" in response.headers["cache-control"]
    again = client.get(url, headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/v1/model/" + "0" * 64 + "/recogniser.onnx").status_code == 404


def test_facts_in_both_languages(client):
    every = client.get("/v1/facts", params={"lang": "fr"}).json()
    assert every["lang"] == "fr"
    assert every["fruits"]["apple"]["name"] == "pomme"
    assert client.get("/v1/facts/kiwi?lang=fr").json()["family"] == "Actinidiaceae"
    assert client.get("/v1/facts/gizmo").status_code == 404
    assert client.get("/v1/facts?lang=de").status_code == 422


def test_identify_answers_as_agreed(client, photo):
    answer = client.post("/v1/identify?lang=fr&top=2", files=images(photo)).json()
    assert set(answer) == {
        *("decision", "label", "fruit_id", "name", "probability", "strangeness", "varieties"),
        *("fruits", "facts", "model_version", "timing_ms"),
    }
    assert answer["decision"] in ("variety", "fruit", "unknown")
    assert len(answer["varieties"]) == 2
    assert set(answer["varieties"][0]) == {"label", "name", "fruit_id", "probability"}
    assert set(answer["fruits"][0]) == {"fruit_id", "name", "probability"}
    assert set(answer["timing_ms"]) == {"decode", "network", "total"}
    assert sum(each["probability"] for each in answer["fruits"]) == pytest.approx(1, abs=1e-5)


def test_identify_names_a_fruit_with_its_facts(client):
    for seed in range(40):
        found = client.post("/v1/identify?lang=fr", files=images(encode(make_pixels(seed)))).json()
        if found["fruit_id"] == "apple":
            assert found["name"].startswith("Pomme")
            assert found["facts"]["name"] == "pomme"
            assert found["facts"]["lang"] == "fr"
            return
    pytest.fail("none of 40 pictures was an apple to the small recogniser")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_identify_says_what_predict_says(client, model_folder, format):
    recogniser = load_recogniser(model_folder)
    for seed in range(5):
        data = encode(make_pixels(seed, 90 + seed, 130), format)
        expected = predict_photo(recogniser, data, path="x", top=3)
        found = client.post("/v1/identify?top=3", files=images(data)).json()
        assert found["decision"] == expected["decision"]
        assert found["probability"] == pytest.approx(expected["probability"], abs=1e-6)
        for ours, theirs in zip(found["varieties"], expected["top"], strict=True):
            assert ours["label"] == theirs["label"]
            assert ours["probability"] == pytest.approx(theirs["probability"], abs=1e-6)


def test_several_photographs_are_one_answer(client, model_folder):
    photos = [encode(make_pixels(seed)) for seed in range(5)]
    expected = load_recogniser(model_folder).identify_together([(each, "") for each in photos])
    found = client.post("/v1/identify", files=images(*photos)).json()
    assert found["probability"] == pytest.approx(expected.probability, abs=1e-6)
    assert found["strangeness"] == pytest.approx(expected.strangeness, rel=1e-5)


def test_answers_do_not_depend_on_who_else_asks(start, model_folder):
    client = start(threads=4).client
    photos = [encode(make_pixels(seed)) for seed in range(8)]
    recogniser = load_recogniser(model_folder)
    expected = [recogniser.identify(each).probability for each in photos]

    def ask(i: int) -> float:
        return client.post("/v1/identify", files=images(photos[i % 8])).json()["probability"]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(64)))
    assert found == pytest.approx(expected * 8, abs=1e-6)


@pytest.mark.parametrize("format", ["GIF", "BMP", "TIFF"])
def test_formats_of_no_camera_are_refused(client, format):
    response = client.post("/v1/identify", files=images(encode(make_pixels(1), format)))
    assert response.status_code == 415
    assert response.json()["error"]["code"] == "not_an_image"


def test_openapi_describes_the_body(client):
    api = json.loads(client.get("/openapi.json").text)
    body = api["paths"]["/v1/identify"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert body["schema"]["properties"]["images"]["maxItems"] == 5
