"""All pictures a recogniser is made from, decoded, in memory."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pomona import schema
from pomona.errors import TrainingError
from pomona.pictures.decode import decode_image
from pomona.pictures.fetch import fetch_bytes
from pomona.pictures.listing import list_images
from pomona.recognition.views import Preprocessing, prepare_views
from pomona.settings import SourceSettings

__all__ = [
    "PHONE",
    "STUDIO",
    "STUDIO_TEST",
    "Data",
    "Pictures",
    "load_data",
    "load_pictures",
    "prepare_all",
]

UInt8Array = NDArray[np.uint8]

PHONE: Final = "grocery"
STUDIO: Final = "fruits360/Training"
STUDIO_TEST: Final = "fruits360/Test"
# No larger than a training picture is cut from; wallpapers would fill the memory.
LONGEST: Final = 400


@dataclass(frozen=True)
class Pictures:
    """Decoded pictures and the folders they lie in.

    Parameters
    ----------
    pixels : list of uint8 arrays of shape (height, width, 3)
    folders : list of str
    """

    pixels: list[UInt8Array]
    folders: list[str]

    def __len__(self) -> int:
        return len(self.pixels)

    def choose(self, which: Sequence[int] | NDArray[np.integer]) -> "Pictures":
        """Return some of them, by index."""
        return Pictures([self.pixels[i] for i in which], [self.folders[i] for i in which])

    def only(self, folders: Container[str]) -> "Pictures":
        """Return what lies in these folders."""
        return self.choose([i for i, name in enumerate(self.folders) if name in folders])

    def without(self, folders: Container[str]) -> "Pictures":
        """Return what lies in other folders."""
        return self.choose([i for i, name in enumerate(self.folders) if name not in folders])


@dataclass(frozen=True)
class Data:
    """What a recogniser learns from and is measured with.

    Parameters
    ----------
    phone, studio, studio_test : Pictures
        Without what is left out.
    strangers, strangers_test : Pictures
        Of no fruit.
    unseen : Pictures
        What is left out, and studio varieties that only the Test folder has.
    """

    phone: Pictures
    studio: Pictures
    studio_test: Pictures
    strangers: Pictures
    strangers_test: Pictures
    unseen: Pictures


def load_data(
    folder: Path,
    *,
    strangers: Path | None = None,
    strangers_test: Path | None = None,
    leave_out: Sequence[str] = (),
) -> Data:
    """Decode everything.

    Parameters
    ----------
    folder : Path
        Holds ``grocery``, ``fruits360/Training`` and ``fruits360/Test``.
    strangers, strangers_test : Path, optional
        Pictures of no fruit.
    leave_out : sequence of str
        Folders nothing is learnt from.

    Raises
    ------
    TrainingError
        If a data set is missing.
    ImageError
        If a picture does not decode.
    """
    _check_folders(folder)
    phone, studio, test = (load_pictures(folder / name) for name in (PHONE, STUDIO, STUDIO_TEST))
    known = (set(phone.folders) | set(studio.folders)) - set(leave_out)
    nothing = Pictures([], [])
    unseen = [each.without(known) for each in (phone, test)]
    return Data(
        phone.only(known),
        studio.only(known),
        test.only(known),
        load_pictures(strangers) if strangers else nothing,
        load_pictures(strangers_test) if strangers_test else nothing,
        Pictures(
            [pixels for each in unseen for pixels in each.pixels],
            [name for each in unseen for name in each.folders],
        ),
    )


def _check_folders(folder: Path) -> None:
    for name in (PHONE, STUDIO, STUDIO_TEST):
        if not (folder / name).is_dir():
            raise TrainingError(
                f"The folder '{folder / name}' does not exist. The default recogniser is made "
                "from the Grocery Store Dataset and Fruits-360. Give the folder that holds both."
            )


def load_pictures(folder: Path) -> Pictures:
    """Decode all pictures below a folder, sorted by path; larger ones are made smaller.

    Raises
    ------
    ImageError
        If one does not decode: what a shipped recogniser learns from should be whole.
    """
    listed = list_images(SourceSettings(folder, label="folder")).pictures
    paths = listed[schema.PATH].to_pylist()
    order = np.argsort(paths, kind="stable").tolist()
    labels = listed[schema.LABEL].to_pylist()
    return Pictures([_load(paths[i]) for i in order], [labels[i] or "" for i in order])


def prepare_all(pictures: Pictures, preprocessing: Preprocessing) -> UInt8Array:
    """Return all views as prediction sees them, (n, n_views, height, width, 3)."""
    return np.stack(
        [prepare_views(Image.fromarray(each), preprocessing) for each in pictures.pixels]
    )


def _load(path: str) -> UInt8Array:
    image = decode_image(fetch_bytes(path), path=path)
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.BICUBIC)
    return np.asarray(image)
