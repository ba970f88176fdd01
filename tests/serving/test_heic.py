import base64
import os

import numpy as np
import pytest
from serving.conftest import images

from pomona.errors import ImageError
from pomona.pictures.decode import decode_image
from pomona.serving import heic
from pomona.serving.heic import HeicDecoder, is_heic
from pomona.settings import DecodeLimits

pytest.importorskip("pi_heif")

# 96 x 64 pixels, the left half red, the right half blue, and "turn right" in its metadata.
HEIC = (
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAaFtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAA"
    "AAAAAAAAAAAAADRpbG9jAAAAAERAAAIAAQAAAAABxQABAAAAAAAAAIkAAgAAAAACTgABAAAAAAAAACQAAAA4aWlu"
    "ZgAAAAAAAgAAABVpbmZlAgAAAAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAAA"
    "4GlwcnAAAADAaXBjbwAAAHhodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMA"
    "AAMAHroCQGEAAQArQgEBA3AAAAMAkAAAAwAAAwAeoDCBBZbqSSmubgIaDAgAAAMAyAAAAwAIQGIAAQAHRAHBcrAi"
    "QAAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABgAAAAQAAAABBwaXhpAAAAAAMICAgAAAAJaXJvdAMA"
    "AAAYaXBtYQAAAAAAAAABAAEFgQIDBIUAAAAaaXJlZgAAAAAAAAAOY2RzYwACAAEAAQAAALVtZGF0AAAAhSgBrwng"
    "4c85dV///ZIf//8N+8h+7MVSQSn/9Y2Q7+JMD/+46FdRR0ryLD6qR1A+B+F+wQn94oknf9hvYK9qbX8xIlCfv8mL"
    "NwqOa7RE9Sud/mdjWXiElf/ISGo/e7pnV7Pt2bvJAdJ2lS1/kky3xl4tFWtt94/0KXvy172N9aD+zWFd8nwAAAAG"
    "RXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAA="
)
PHOTO = base64.b64decode(HEIC)
# Changed bytes with which a released decoder died.
FATAL = {178: 250, 240: 170, 485: 81, 525: 62}


@pytest.fixture
def decoder():
    found = HeicDecoder()
    yield found
    found.close()


def test_decode_turns_it_upright(decoder):
    image = decoder.decode(PHOTO, limits=DecodeLimits())
    assert (image.mode, image.size) == ("RGB", (64, 96))
    top, bottom = image.getpixel((32, 10)), image.getpixel((32, 86))
    assert top[0] > 150 > top[2]
    assert bottom[2] > 150 > bottom[0]


def test_the_server_reads_it_and_the_pipeline_does_not(client):
    assert client.post("/v1/identify", files=images(PHOTO)).status_code == 200
    with pytest.raises(ImageError, match="not of a known picture format"):
        decode_image(PHOTO)


def test_a_file_that_crashes_the_decoder_costs_itself_only(start, photo):
    changed = bytearray(PHOTO)
    for at, value in FATAL.items():
        changed[at] = value
    running = start(threads=1)
    response = running.client.post("/v1/identify", files=images(bytes(changed)))
    # A later decoder may survive it.
    assert response.status_code in (200, 415, 422)
    for body in (PHOTO, photo):
        assert running.client.post("/v1/identify", files=images(body)).status_code == 200


def test_a_decoder_that_dies_is_replaced(decoder):
    with pytest.raises(ImageError, match="died on this picture") as found:
        decoder._child().call(os._exit, 1)
    assert found.value.reason_code == "decoder_crash"
    assert decoder.decode(PHOTO, limits=DecodeLimits()).size == (64, 96)


def test_noise_never_breaks_it(decoder):
    rng = np.random.default_rng(0)
    for _ in range(60):
        data = bytearray(PHOTO)
        for at in rng.integers(8, len(data), 6):
            data[at] = int(rng.integers(256))
        try:
            decoder.decode(bytes(data), limits=DecodeLimits())
        except ImageError as error:
            assert error.reason


def test_limits_hold_in_the_child(decoder):
    with pytest.raises(ImageError, match="the limit is 100 pixels"):
        decoder.decode(PHOTO, limits=DecodeLimits(max_pixels=100))


def test_without_its_package_it_is_no_format(decoder, monkeypatch):
    monkeypatch.setattr(heic, "find_spec", lambda name: None)
    with pytest.raises(ImageError, match="pi-heif is not installed"):
        decoder.decode(PHOTO, limits=DecodeLimits())


def test_is_heic():
    assert is_heic(PHOTO)
    assert not is_heic(b"\xff\xd8\xff\xe0" + bytes(20))
    assert not is_heic(b"")
