"""Whole runs from and to buckets: the same rows as from a folder, to the bit."""

import json
import shutil

import pytest
from picture_files import copy_frames
from pipeline.stores import change_source, read_store, run, upload
from stores.faults import Faults, start_faults
from stores.servers import find_azurite, start_azure, start_gs, start_s3

import pomona
from pomona.errors import SetupError
from pomona.settings import ExtractSettings
from pomona.storage.buckets import forget_buckets
from pomona.storage.identity import open_aws
from pomona.storage.locations import open_location

STARTS = {"s3": start_s3, "az": start_azure, "gs": start_gs}


@pytest.fixture(scope="module", params=list(STARTS))
def server(request):
    """One of the three."""
    if request.param == "az" and find_azurite() is None:
        pytest.skip("Azurite is not here: npm ci in tests/stores")
    with STARTS[request.param]() as started:
        yield started


@pytest.fixture
def use(spark, monkeypatch):
    """Give a function that makes this process and Spark's workers users of a server."""
    before = dict(spark.sparkContext.environment)

    def enter(server):
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
            spark.sparkContext.environment[name] = value
        forget_buckets()

    yield enter
    spark.sparkContext.environment.clear()
    spark.sparkContext.environment.update(before)
    forget_buckets()


def test_a_bucket_gives_the_rows_of_a_folder_and_only_what_changed_is_read(server, use, tmp_path):
    use(server)
    source = copy_frames(tmp_path / "fruit", n_labels=3, n_each=8)
    (source / "odd").mkdir()
    (source / "odd" / "bad.jpg").write_bytes(b"no picture")
    address = f"{server.make_bucket('photos')}/fruit é"
    out = f"{server.make_bucket('results')}/of fruit"
    settings = {"extract_settings": ExtractSettings(max_bad=0.5)}
    upload(source, address)
    first = run(address, out, **settings)
    assert first.images_found == 25
    run(source, tmp_path / "local", **settings)
    assert read_store(out, address) == read_store(tmp_path / "local", source)
    expected = change_source(source)
    # An object that is written again as it was has the same ETag: nothing was touched.
    del expected["touched"]
    upload(source, address)
    second = run(address, out, **settings)
    assert {name: getattr(second.changes, name) for name in expected} == expected
    run(source, tmp_path / "local", **settings)
    assert read_store(out, address) == read_store(tmp_path / "local", source)
    third = run(address, out, **settings)
    assert (third.changes.unchanged, third.changes.commits) == (27, 0)
    assert pomona.check(out).problems == []
    label = "moved"
    receipt = pomona.forget(out, pomona.ForgetSettings(label=label))
    assert receipt.forgotten == 5
    assert pomona.check(out).problems == []
    _no_secret_anywhere(server, out, tmp_path)


def _no_secret_anywhere(server, out, tmp_path):
    secrets = [
        value.encode()
        for name, value in server.environment.items()
        if name in ("AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_ACCOUNT_KEY")
    ]
    place = open_location(out)
    for file in place.files():
        content = place.get(file.name)
        assert not any(secret in content for secret in secrets), file.name


def test_odd_keys_are_quarantined_and_end_nothing(use, tmp_path):

    with start_s3() as server:
        use(server)
        source = copy_frames(tmp_path / "fruit", n_labels=1, n_each=4)
        address = server.make_bucket("odd")
        upload(source, address)
        client = open_aws("s3")
        odd = ["a//double.jpg", "b/../up.jpg", "c/./here.jpg", "tab\there.jpg", "é ü/%41 #?.jpg"]
        for key in odd:
            client.put_object(Bucket="odd", Key=key, Body=next(source.rglob("*.jpg")).read_bytes())
        client.put_object(Bucket="odd", Key="folder/", Body=b"")
        record = run(address, tmp_path / "out", extract_settings=ExtractSettings(max_bad=0.9))
        assert record.images_extracted == 5
        assert record.quarantine_counts == {"bad_name": 4}
        again = run(address, tmp_path / "out", extract_settings=ExtractSettings(max_bad=0.9))
        assert again.changes.commits == 0


def test_bad_days_lose_and_double_nothing(use, tmp_path):
    faults = Faults(errors=0.1, cut=0.05, lost=0.5)
    source = copy_frames(tmp_path / "fruit", n_labels=3, n_each=8)
    with start_s3() as server, start_faults(server.url, faults) as proxy:
        use(server)
        address, out = server.make_bucket("photos"), server.make_bucket("results")
        upload(source, address)
        use(server.at(proxy.url))
        record = run(address, out, update_settings=pomona.UpdateSettings(commit_every="4"))
        assert record.images_extracted == 24
        faults.set(errors=0, cut=0, lost=0)
        run(source, tmp_path / "local")
        assert read_store(out, address) == read_store(tmp_path / "local", source)
        assert pomona.check(out).problems == []
    assert min(faults.counts[kind] for kind in ("errors", "cut", "lost")) > 0


def test_the_role_of_a_job_reads_the_source_and_writes_the_result_only(use, tmp_path):
    source = copy_frames(tmp_path / "fruit", n_labels=2, n_each=4)
    with start_s3(auth=True) as server:
        use(server)
        address = _make_signed("photos")
        out, closed = _make_signed("results"), _make_signed("photos-elsewhere")
        upload(source, address)
        iam = open_aws("iam")
        iam.create_user(UserName="job")
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["s3:ListBucket", "s3:GetObject"],
                    "Resource": ["arn:aws:s3:::photos", "arn:aws:s3:::photos/*"],
                },
                {
                    "Effect": "Allow",
                    "Action": ["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                    "Resource": ["arn:aws:s3:::results", "arn:aws:s3:::results/*"],
                },
            ],
        }
        iam.put_user_policy(UserName="job", PolicyName="job", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName="job")["AccessKey"]
        job = type(server)(
            server.kind,
            server.url,
            server.environment
            | {
                "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            },
        )
        use(job)
        record = run(address, out)
        assert record.images_extracted == 8
        with pytest.raises(SetupError, match="refuses access"):
            open_location(address).put("new.jpg", b"x")
        with pytest.raises(SetupError, match="refuses access"):
            run(address, closed)
        with pytest.raises(SetupError, match="There is no bucket"):
            run(address, "s3://photos-nowhere")
    shutil.rmtree(tmp_path / "fruit")


def _make_signed(name: str) -> str:

    open_aws("s3").create_bucket(Bucket=name)
    return f"s3://{name}"


def test_a_model_pictures_and_contributions_may_be_in_buckets(use, tmp_path):
    from PIL import Image

    from pomona.recognition.model import DEFAULT_MODEL
    from pomona.serving.contributions.store import ContributionStore

    with start_s3() as server:
        use(server)
        source = copy_frames(tmp_path / "fruit", n_labels=2, n_each=2)
        photos, models = server.make_bucket("photos"), server.make_bucket("models")
        upload(source, photos)
        place = open_location(f"{models}/shipped")
        for file in DEFAULT_MODEL.files():
            place.put(file.name, DEFAULT_MODEL.get(file.name))
        asked = pomona.evaluate(
            f"{models}/shipped", pomona.SourceSettings(photos), out=f"{models}/evaluation"
        )
        local = pomona.evaluate(None, pomona.SourceSettings(source))
        assert (asked.n_pictures, asked.known) == (4, local.known)
        assert open_location(f"{models}/evaluation").list() == ["evaluation.json", "index.html"]
        given = ContributionStore(f"{photos}/given")
        code = given.add(Image.new("RGB", (40, 30)), label="Kiwi", consent_version="1", lang="en")
        assert given.count() == 1
        assert given.find(code).startswith("Kiwi/")
        assert given.delete(code)
        assert open_location(f"{photos}/given").files() == []


@pytest.mark.parametrize("preset", ["s3-vgg16-csv", "emr-resnet50-2d"])
def test_presets_run_from_and_to_a_bucket(preset, use, tmp_path):
    from typer.testing import CliRunner

    from pomona.cli.app import app

    with start_s3() as server:
        use(server)
        source = copy_frames(tmp_path / "fruit", n_labels=2, n_each=6)
        photos, results = server.make_bucket("photos"), server.make_bucket("results")
        upload(source, photos)
        command = ["run", photos, "--out", results, "--preset", preset]
        done = CliRunner().invoke(app, [*command, "--backbone", "efficientnet_lite0"])
        assert done.exit_code == 0, done.output
        place = open_location(results)
        if preset == "s3-vgg16-csv":
            lines = place.at("export").get("features.csv").decode().splitlines()
            assert len(lines) == 13
            assert lines[0].startswith('"path","label","feat_0"')
        else:
            names = place.at("reduced").list()
            rows = [line for name in names for line in place.at("reduced").get(name).splitlines()]
            assert len(rows) == 12
            assert all(len(json.loads(row)["pca"]) == 2 for row in rows)
