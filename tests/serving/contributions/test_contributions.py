import json
from datetime import UTC, datetime, timedelta

import pytest
from picture_files import encode, make_pixels
from PIL import Image
from serving.conftest import images
from typer.testing import CliRunner

from pomona.cli.app import app
from pomona.errors import OutputError, SettingsError
from pomona.pictures.listing import list_images
from pomona.serving.api.wording import CONSENT_VERSION
from pomona.serving.contributions.store import ContributionStore, FullError, check_label
from pomona.settings import Contributing, SourceSettings

FIELDS = {"label": "Apple Braeburn", "consent_version": CONSENT_VERSION}


def _photo_with_metadata(orientation: int = 6) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "SECRETCAMERA"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 30.0)
    return encode(
        make_pixels(2, 60, 90), exif=exif, comment=b"SECRETCOMMENT", xmp=b"<x>SECRETXMP</x>"
    )


def _give(client, photo: bytes, **fields: str):
    return client.post(
        "/v1/contributions", files=images(photo, name="image"), data={**FIELDS, **fields}
    )


def _pictures(folder):
    return sorted(folder.glob("*/*.jpg"))


@pytest.fixture
def store(tmp_path):
    return ContributionStore(tmp_path / "contrib", max_pictures=3)


@pytest.fixture
def image():
    return Image.fromarray(make_pixels(1))


def test_a_contribution_is_stored_without_metadata(start, tmp_path):
    folder = tmp_path / "contrib"
    client = start(contributing=Contributing(folder, 30)).client
    response = _give(client, _photo_with_metadata(), lang="fr")
    assert response.status_code == 201
    answer = response.json()
    assert set(answer) == {"code", "label", "retention_days"}
    assert (answer["label"], answer["retention_days"]) == ("Apple Braeburn", 30)
    (picture,) = _pictures(folder)
    assert picture.parent.name == "Apple Braeburn"
    content = picture.read_bytes()
    assert b"SECRET" not in content
    assert b"Exif" not in content
    with Image.open(picture) as found:
        # Turned upright before the orientation was dropped.
        assert found.size == (60, 90)
        assert not found.getexif()
    (record,) = (folder / ".contributions").glob("*.json")
    values = json.loads(record.read_text())
    assert values["consent_version"] == CONSENT_VERSION
    assert values["lang"] == "fr"
    assert values["date"] == datetime.now(UTC).date().isoformat()
    # Neither the code nor anything about the contributor is stored.
    everything = "".join(str(path) for path in folder.rglob("*")) + record.read_text()
    assert answer["code"] not in everything
    assert answer["code"].replace("-", "") not in everything
    assert "127.0.0.1" not in everything


def test_contributions_are_a_source_of_the_pipeline(start, tmp_path):
    folder = tmp_path / "contrib"
    client = start(contributing=Contributing(folder)).client
    for label in ("Apple Braeburn", "Gizmo", "Kiwi"):
        assert _give(client, _photo_with_metadata(), label=label).status_code == 201
    listing = list_images(SourceSettings(folder))
    assert sorted(listing.pictures["label"].to_pylist()) == ["Apple Braeburn", "Gizmo", "Kiwi"]


def test_a_code_deletes_for_good(start, tmp_path):
    folder = tmp_path / "contrib"
    client = start(contributing=Contributing(folder)).client
    kept, code = (_give(client, _photo_with_metadata()).json()["code"] for _ in range(2))
    assert len(_pictures(folder)) == 2
    assert client.delete(f"/v1/contributions/{code.lower().replace('-', '')}").status_code == 204
    assert len(_pictures(folder)) == 1
    assert client.delete(f"/v1/contributions/{code}").status_code == 404
    assert client.delete("/v1/contributions/AAAA").status_code == 404
    assert client.delete(f"/v1/contributions/{kept}").status_code == 204
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_contributions_are_off_unless_turned_on(client):
    response = _give(client, _photo_with_metadata())
    assert (response.status_code, response.json()["error"]["code"]) == (404, "contributions_off")
    assert client.delete("/v1/contributions/AAAA").status_code == 404


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"consent_version": "1999"}, "other_consent"),
        ({"consent_version": ""}, "other_consent"),
        ({"label": "../../etc"}, "unknown_label"),
        ({"label": ""}, "unknown_label"),
        ({"label": ".contributions"}, "unknown_label"),
        ({"label": "No such fruit"}, "unknown_label"),
    ],
)
def test_what_is_not_agreed_is_not_stored(start, tmp_path, fields, code):
    folder = tmp_path / "contrib"
    client = start(contributing=Contributing(folder)).client
    response = _give(client, _photo_with_metadata(), **fields)
    assert (response.status_code, response.json()["error"]["code"]) == (422, code)
    assert _give(client, b"no picture").status_code == 415
    assert not folder.exists()


def test_a_full_folder_takes_no_more(start, tmp_path):
    client = start(contributing=Contributing(tmp_path / "contrib", max_pictures=1)).client
    assert _give(client, _photo_with_metadata()).status_code == 201
    response = _give(client, _photo_with_metadata())
    assert response.status_code == 503
    assert response.headers["retry-after"]


def test_old_contributions_are_removed(store, image):
    store.add(image, label="Kiwi", consent_version="1", lang="en")
    today = datetime.now(UTC).date()
    assert store.purge(retention_days=30, today=today + timedelta(days=30)) == 0
    assert store.purge(retention_days=30, today=today + timedelta(days=31)) == 1
    assert [path for path in store.folder.rglob("*") if path.is_file()] == []


def test_the_server_removes_old_ones_at_its_start(start, tmp_path, image):
    folder = tmp_path / "contrib"
    ContributionStore(folder).add(image, label="Kiwi", consent_version="1", lang="en")
    (record,) = (folder / ".contributions").glob("*.json")
    record.write_text(json.dumps({**json.loads(record.read_text()), "date": "2020-01-01"}))
    client = start(contributing=Contributing(folder, 30)).client
    for _ in range(50):
        client.get("/health")
        if not _pictures(folder):
            return
    pytest.fail("the old contribution is still there")


def test_store_refuses_when_full_or_not_writable(store, image):
    for _ in range(3):
        store.add(image, label="Kiwi", consent_version="1", lang="en")
    with pytest.raises(FullError, match="holds 3 contributions"):
        store.add(image, label="Kiwi", consent_version="1", lang="en")
    (store.folder / "file").write_text("")
    broken = ContributionStore(store.folder / "file")
    with pytest.raises(OutputError, match="cannot take a contribution"):
        broken.add(image, label="Kiwi", consent_version="1", lang="en")


def test_a_failed_write_leaves_nothing(store, image, monkeypatch):
    monkeypatch.setattr(
        "pomona.serving.contributions.store._encode",
        lambda image: (_ for _ in ()).throw(OSError(28, "x")),
    )
    with pytest.raises(OutputError, match="cannot take"):
        store.add(image, label="Kiwi", consent_version="1", lang="en")
    assert [path for path in store.folder.rglob("*") if path.is_file()] == []


def test_large_pictures_are_made_smaller(store):
    store.add(Image.new("RGB", (3000, 1500)), label="Kiwi", consent_version="1", lang="en")
    with Image.open(next(store.folder.glob("Kiwi/*.jpg"))) as found:
        assert found.size == (2048, 1024)


@pytest.mark.parametrize("label", ["", ".", "..", ".x", "a/b", "a\\b", "a\0", "a\nb", "x" * 200])
def test_labels_that_are_no_folder_names_are_refused(label):
    with pytest.raises(SettingsError, match="none that this server takes"):
        check_label(label, frozenset([label]))


def test_commands_delete_and_purge(store, image):
    code = store.add(image, label="Kiwi", consent_version="1", lang="en")
    store.add(image, label="Kiwi", consent_version="1", lang="en")
    folder = ["--folder", str(store.folder)]
    done = CliRunner().invoke(app, ["contributions", "delete", code, *folder])
    assert (done.exit_code, done.output.strip()) == (0, "Deleted.")
    again = CliRunner().invoke(app, ["contributions", "delete", code, *folder])
    assert again.exit_code == 2
    done = CliRunner().invoke(app, ["contributions", "purge", *folder, "--retention-days", "5"])
    assert (done.exit_code, done.output.strip()) == (0, "Removed 0, kept 1.")
    missing = ["contributions", "purge", "--folder", "/nowhere/at/all", "--retention-days", "5"]
    assert CliRunner().invoke(app, missing).exit_code == 2


def test_encode_keeps_a_small_picture(store, image):
    store.add(image, label="Kiwi", consent_version="1", lang="en")
    with Image.open(next(store.folder.glob("Kiwi/*.jpg"))) as found:
        assert found.size == image.size
