import io

import pytest
from picture_files import encode, make_pixels
from PIL import Image

from pomona.errors import ImageError
from pomona.serving.heic import HeicDecoder
from pomona.serving.photos import decode_photo, give_memory_back
from pomona.settings import Limits


@pytest.mark.parametrize("format", ["WEBP", "PNG"])
def test_a_few_bytes_that_say_they_are_many_pixels_are_refused(format):
    out = io.BytesIO()
    Image.new("RGB", (7000, 7000), (1, 2, 3)).save(out, format, lossless=True)
    assert len(out.getvalue()) < 200_000
    with pytest.raises(ImageError, match="the limit is"):
        decode_photo(out.getvalue(), limits=Limits(), heic=HeicDecoder())


def test_small_pictures_may_be_of_one_colour():
    photo = encode(Image.new("RGB", (1900, 1900)), "PNG")
    assert decode_photo(photo, limits=Limits(), heic=HeicDecoder()).size == (1900, 1900)


def test_a_full_photograph_of_a_phone_is_taken():
    out = io.BytesIO()
    noise = Image.effect_noise((8064, 6048), 60).convert("RGB")
    noise.save(out, "JPEG", quality=40)
    assert decode_photo(out.getvalue(), limits=Limits(), heic=HeicDecoder()).size == (8064, 6048)


def test_names_have_no_say():
    assert (
        decode_photo(encode(make_pixels(1), "PNG"), limits=Limits(), heic=HeicDecoder()).mode
        == "RGB"
    )


def test_memory_is_given_back_where_the_system_can():
    give_memory_back()
