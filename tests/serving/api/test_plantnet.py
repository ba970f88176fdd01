"""The shapes that clients of the public Pl@ntNet API read, as its documentation records them."""

import pytest
from picture_files import encode, make_pixels
from serving.conftest import images


def _shape(value):
    """Names and types, whatever the values."""
    if isinstance(value, dict):
        return {name: _shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shape(value[0])] if value else []
    return type(value).__name__


TAXON = {
    "scientificNameWithoutAuthor": "str",
    "scientificNameAuthorship": "str",
    "scientificName": "str",
}
RECORDED = {
    "query": {
        "project": "str",
        "images": ["str"],
        "organs": ["str"],
        "includeRelatedImages": "bool",
        "noReject": "bool",
        "type": "NoneType",
    },
    "language": "str",
    "preferedReferential": "str",
    "bestMatch": "str",
    "results": [
        {
            "score": "float",
            "species": {**TAXON, "genus": TAXON, "family": TAXON, "commonNames": ["str"]},
        }
    ],
    "version": "str",
    "remainingIdentificationRequests": "int",
}


def test_identify_has_the_recorded_shape(client, photo):
    response = client.post(
        "/v2/identify/all?lang=fr&nb-results=3&no-reject=true",
        files=images(photo, photo),
        data={"organs": ["fruit", "leaf"]},
    )
    answer = response.json()
    assert _shape(answer) == RECORDED
    assert answer["query"]["organs"] == ["fruit", "leaf"]
    assert len(answer["query"]["images"]) == 2
    assert answer["language"] == "fr"
    best = answer["results"][0]["species"]
    assert answer["bestMatch"] == best["scientificName"] == "Malus domestica"
    assert best["genus"]["scientificName"] == "Malus"
    assert best["family"]["scientificName"] == "Rosaceae"
    assert best["commonNames"] == ["pomme"]


@pytest.mark.parametrize("project", ["all", "best", "k-world-flora"])
def test_projects_that_clients_name_are_taken(client, photo, project):
    response = client.post(f"/v2/identify/{project}?no-reject=true", files=images(photo))
    assert response.status_code == 200


def test_errors_have_the_shape_of_the_original(client, photo):
    unknown = client.post("/v2/identify/moon", files=images(photo))
    assert unknown.status_code == 404
    assert _shape(unknown.json()) == {"statusCode": "int", "error": "str", "message": "str"}
    assert unknown.json()["error"] == "Not Found"
    assert client.post("/v2/identify/all", files=images(b"x")).json()["statusCode"] == 415
    assert client.post("/v2/identify/all?nb-results=0", files=images(photo)).status_code == 422


def test_an_unsure_answer_is_not_found_unless_asked_for(start, model_folder):
    import json

    path = model_folder / "model.json"
    record = json.loads(path.read_text())
    record["decision"]["rejection_threshold"] = -1e9
    path.write_text(json.dumps(record))
    client = start().client
    photo = images(encode(make_pixels(1)))
    refused = client.post("/v2/identify/all", files=photo)
    assert refused.status_code == 404
    assert refused.json()["message"].startswith("Species not found")
    assert client.post("/v2/identify/all?no-reject=true", files=photo).status_code == 200


def test_other_languages_get_english(client, photo):
    answer = client.post("/v2/identify/all?lang=de&no-reject=true", files=images(photo)).json()
    assert answer["language"] == "en"
    assert answer["results"][0]["species"]["commonNames"] == ["apple"]


def test_projects_and_languages(client):
    (project,) = client.get("/v2/projects").json()
    assert _shape(project) == {
        "id": "str",
        "title": "str",
        "description": "str",
        "speciesCount": "int",
    }
    assert project["speciesCount"] == 1
    assert client.get("/v2/languages").json() == ["en", "fr"]


def test_remaining_requests_count_down(start, photo):
    client = start(rate_limit=10).client
    found = [
        client.post("/v2/identify/all?no-reject=true", files=images(photo)).json() for _ in range(2)
    ]
    assert [each["remainingIdentificationRequests"] for each in found] == [9, 8]
