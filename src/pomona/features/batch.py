"""From pictures to feature vectors: a batch in, a batch out; knows no Spark."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pomona import schema
from pomona.backbones import Backbone, BackboneSpec
from pomona.errors import ImageError, ShapeError
from pomona.pictures.decode import decode_image, preprocess_image
from pomona.settings import DecodeLimits

__all__ = [
    "KnownContent",
    "Outcome",
    "Picture",
    "PreparedPixels",
    "extract_batch",
    "extract_features",
    "prepare_picture",
    "prepare_pixels",
]

UInt8Array = NDArray[np.uint8]
FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Picture:
    """One picture of a batch: its bytes, or the reason why there are none.

    Parameters
    ----------
    path : str
    label : str or None
    size : int or None
        As listed, in bytes.
    content : bytes or ImageError
    etag, mtime : str and datetime, optional
        As listed.
    known : sequence of str
        Hashes of contents whose features are there already.
    """

    path: str
    label: str | None
    size: int | None
    content: bytes | ImageError
    etag: str | None = None
    mtime: datetime | None = None
    known: Sequence[str] = ()


@dataclass(frozen=True)
class KnownContent:
    """The content is one whose features are there already."""

    sha256: str


@dataclass(frozen=True)
class PreparedPixels:
    """Pixels as the network wants them, and the size the upright picture had."""

    pixels: UInt8Array
    width: int
    height: int


Prepare = Callable[[bytes, str], PreparedPixels]
Outcome = PreparedPixels | KnownContent | ImageError


def extract_features(images: UInt8Array, *, backbone: Backbone) -> FloatArray:
    """Return one feature vector per image, taken before the classifier head.

    Parameters
    ----------
    images : uint8 array of shape (n_images, height, width, 3)
        RGB, channels last, already resized to ``backbone.spec.input_size`` (pixels).
    backbone : Backbone
        From :func:`pomona.load_backbone`.

    Returns
    -------
    float32 array of shape (n_images, n_features)
        Row i belongs to ``images[i]`` and depends on nothing else; not normalised.

    Raises
    ------
    ShapeError
        If the images are not uint8, or height or width is not the backbone's.

    References
    ----------
    The record's ``reference`` says where the pooling layer is defined.
    """
    expected = (*backbone.spec.input_size, 3)
    if images.dtype != np.uint8 or images.shape[1:] != expected:
        raise ShapeError(
            f"The images are {images.dtype} of shape '{images.shape}'. "
            f"The backbone '{backbone.spec.name}' takes uint8 of shape (n, *{expected}). "
            "Prepare them with pomona.pictures.decode.preprocess_image."
        )
    return backbone.engine(images)


def prepare_pixels(
    content: bytes, path: str, *, spec: BackboneSpec, limits: DecodeLimits
) -> PreparedPixels:
    """Decode one picture and resize it as the backbone's record says.

    Raises
    ------
    ImageError
        If the picture cannot be used.
    """
    image = decode_image(content, path=path, limits=limits)
    pixels = preprocess_image(
        image, input_size=spec.input_size, interpolation=spec.interpolation, resize=spec.resize
    )
    return PreparedPixels(pixels, image.width, image.height)


def prepare_picture(picture: Picture, *, prepare: Prepare) -> Outcome:
    """Return the pixels of one picture, or the reason why there are none."""
    try:
        if isinstance(picture.content, ImageError):
            raise picture.content
        if picture.known:
            sha256 = hashlib.sha256(picture.content).hexdigest()
            if sha256 in picture.known:
                return KnownContent(sha256)
        return prepare(picture.content, picture.path)
    except ImageError as error:
        return error


def extract_batch(
    pictures: Sequence[Picture],
    *,
    backbone: Backbone,
    prepare: Prepare,
    outcomes: Sequence[Outcome] | None = None,
) -> pa.RecordBatch:
    """Turn pictures into rows of :data:`pomona.schema.EXTRACTED`, one each, in the same order.

    Parameters
    ----------
    pictures : sequence of Picture
    backbone : Backbone
    prepare : callable
        From bytes and path to :class:`PreparedPixels`; raises :class:`ImageError` for a
        picture that cannot be used.
    outcomes : sequence of Outcome, optional
        What :func:`prepare_picture` gave, where that was done ahead.

    Returns
    -------
    pyarrow.RecordBatch
        A row has either ``features`` or ``reason_code`` and ``reason``, never both; none of them
        where the content is known.
    """
    if outcomes is None:
        outcomes = [prepare_picture(picture, prepare=prepare) for picture in pictures]
    ready = [outcome.pixels for outcome in outcomes if isinstance(outcome, PreparedPixels)]
    features = np.empty((0, backbone.spec.n_features), np.float32)
    if ready:
        features = extract_features(np.stack(ready), backbone=backbone)
    return _to_record_batch(pictures, outcomes, features)


def _to_record_batch(
    pictures: Sequence[Picture],
    outcomes: Sequence[Outcome],
    features: FloatArray,
) -> pa.RecordBatch:
    good = np.array([isinstance(outcome, PreparedPixels) for outcome in outcomes], bool)
    field = schema.EXTRACTED.field(schema.FEATURES)
    offsets = np.concatenate([[0], np.cumsum(good * features.shape[1])]).astype(np.int32)
    vectors = pa.ListArray.from_arrays(
        pa.array(offsets), pa.array(features.ravel()), type=field.type, mask=pa.array(~good)
    )
    columns: dict[str, object] = {name: [] for name in schema.EXTRACTED.names}
    columns |= {
        schema.PATH: [picture.path for picture in pictures],
        schema.LABEL: [picture.label for picture in pictures],
        schema.SIZE: [_size_of(picture) for picture in pictures],
        schema.ETAG: [picture.etag for picture in pictures],
        schema.MTIME: [picture.mtime for picture in pictures],
        schema.WIDTH: [getattr(outcome, "width", None) for outcome in outcomes],
        schema.HEIGHT: [getattr(outcome, "height", None) for outcome in outcomes],
        schema.CONTENT_SHA256: [
            _hash(picture, outcome) for picture, outcome in zip(pictures, outcomes, strict=True)
        ],
        schema.FEATURES: vectors,
        schema.REASON_CODE: [getattr(outcome, "reason_code", None) for outcome in outcomes],
        schema.REASON: [getattr(outcome, "reason", None) for outcome in outcomes],
    }
    arrays = [
        value if isinstance(value, pa.Array) else pa.array(value, schema.EXTRACTED.field(name).type)
        for name, value in columns.items()
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema.EXTRACTED)


def _hash(picture: Picture, outcome: Outcome) -> str | None:
    if isinstance(outcome, KnownContent):
        return outcome.sha256
    if isinstance(outcome, PreparedPixels) and isinstance(picture.content, bytes):
        return hashlib.sha256(picture.content).hexdigest()
    return None


def _size_of(picture: Picture) -> int | None:
    return len(picture.content) if isinstance(picture.content, bytes) else picture.size
