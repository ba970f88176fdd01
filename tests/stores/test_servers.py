"""The servers and faults that other tests rely on do what these think they do."""

import os

import pytest
from stores.faults import Faults, start_faults
from stores.servers import find_azurite, start_azure, start_gs, start_s3

from pomona.errors import SetupError
from pomona.storage.buckets import forget_buckets
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
def place(server, monkeypatch):
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    forget_buckets()
    yield server
    forget_buckets()


def test_a_location_in_a_bucket_keeps_its_promises(place):
    bucket = open_location(f"{place.make_bucket('results')}/out")
    assert bucket.list() == []
    bucket.put("a/b c é#%.txt", b"hello")
    bucket.put("run.json", b"{}")
    assert bucket.list() == ["a", "run.json"]
    assert bucket.get("a/b c é#%.txt") == b"hello"
    assert bucket.has("a") and bucket.has("a/b c é#%.txt") and not bucket.has("c")
    assert bucket.put_if_absent("lock", b"mine") and not bucket.put_if_absent("lock", b"other")
    assert bucket.get("lock") == b"mine"
    with bucket.open("a/b c é#%.txt") as file:
        file.seek(-3, os.SEEK_END)
        assert file.read() == b"llo"
    with pytest.raises(KeyboardInterrupt), bucket.writer("half") as file:
        file.write(b"x")
        raise KeyboardInterrupt
    assert not bucket.has("half")
    with bucket.writer("big") as file:
        file.write(b"0123456789" * 1_200_000)
    assert len(bucket.get("big")) == 12_000_000
    bucket.at("new").take(bucket.at("a"))
    assert [file.name for file in bucket.at("new").files()] == ["b c é#%.txt"]
    assert not bucket.has("a")
    with pytest.raises(FileNotFoundError):
        bucket.get("a/b c é#%.txt")
    assert bucket.local_file("lock").read_bytes() == b"mine"
    bucket.delete_files(["lock", "never there"])
    bucket.delete_all()
    assert bucket.files() == []


def test_retries_get_over_bad_days(place, monkeypatch):
    address = place.make_bucket("faulty")
    faults = Faults(errors=0.1, cut=0.1, lost=0.5, lost_below="/lock")
    with start_faults(place.url, faults) as proxy:
        for name, value in place.at(proxy.url).environment.items():
            monkeypatch.setenv(name, value)
        forget_buckets()
        bucket = open_location(f"{address}/x")
        for i in range(60):
            bucket.put(f"{i}", str(i).encode() * 1000)
        assert all(bucket.get(f"{i}") == str(i).encode() * 1000 for i in range(60))
        # Though half of the answers are lost, each lock has one owner, who knows.
        assert all(bucket.put_if_absent(f"lock{i}", f"me{i}".encode()) for i in range(10))
        assert not any(bucket.put_if_absent(f"lock{i}", b"other") for i in range(10))
    assert min(faults.counts[kind] for kind in ("errors", "cut", "lost")) > 0


def test_what_is_wrong_is_said_with_who_asked(place, monkeypatch):
    with pytest.raises(SetupError, match=r"There is no bucket 'nowhere'.*asked as .*\. Check"):
        open_location(f"{place.kind}://nowhere/x").files()
    address = place.make_bucket("readonly")
    with start_faults(place.url, Faults(deny_writes=True)) as proxy:
        for name, value in place.at(proxy.url).environment.items():
            monkeypatch.setenv(name, value)
        forget_buckets()
        with pytest.raises(SetupError, match="refuses access") as raised:
            open_location(f"{address}/x").put("a", b"")
    secrets = [
        value for name, value in place.environment.items() if "SECRET" in name or "KEY" in name
    ]
    assert not any(secret in str(raised.value) for secret in secrets)
