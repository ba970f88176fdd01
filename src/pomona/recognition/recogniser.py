"""Load a model folder once and ask it which fruit a photograph shows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pomona.backbones.engines import (
    DEFAULT_ENGINE,
    ONNXRUNTIME_ENGINE,
    Engine,
    Graph,
    check_engine,
    open_engine,
)
from pomona.errors import ModelError, SetupError, ShapeError
from pomona.pictures.decode import decode_image
from pomona.recognition.decisions import TOP, Answer, combine_scores, decide
from pomona.recognition.head import Scores
from pomona.recognition.model import INPUT, OUTPUTS, Model, read_model
from pomona.recognition.views import prepare_views
from pomona.settings import DecodeLimits
from pomona.storage.model_folder import NETWORK_FILE

__all__ = ["Recogniser", "load_recogniser"]

UInt8Array = NDArray[np.uint8]


class Recogniser:
    """A loaded model; made by :func:`load_recogniser`.

    Parameters
    ----------
    model : Model
    engine : Engine
        With the outputs of :data:`pomona.recognition.model.OUTPUTS`.
    """

    def __init__(self, model: Model, engine: Engine) -> None:
        self.model = model
        self._engine = engine

    def identify(self, photo: bytes, *, path: str = "", top: int = TOP) -> Answer:
        """Return which fruit one photograph shows.

        Parameters
        ----------
        photo : bytes
            The whole file.
        path : str
            Its name; only the extension is looked at.
        top : int
            How many candidates to name.

        Raises
        ------
        ImageError
            If the photograph does not decode.
        """
        return self.identify_together([(photo, path)], top=top)

    def identify_together(self, photos: Sequence[tuple[bytes, str]], *, top: int = TOP) -> Answer:
        """Return one answer to several photographs (bytes and name) of the same fruit."""
        scores = [self.score(photo, path=path) for photo, path in photos]
        return self.decide(join_scores(scores), top=top)

    def decide(self, scores: Scores, *, top: int = TOP) -> Answer:
        """Return one answer to all that was scored."""
        one = combine_scores(scores)
        return decide(
            one.probabilities[0],
            float(one.strangeness[0]),
            labels=self.model.labels,
            rule=self.model.rule,
            top=top,
        )

    def score(self, photo: bytes, *, path: str = "") -> Scores:
        """Return probabilities, strangeness and features of one photograph, all views averaged."""
        image = decode_image(photo, path=path, limits=DecodeLimits(lenient=True))
        views = prepare_views(image, self.model.preprocessing)
        return combine_scores(self.score_pixels(views))

    def score_pixels(self, pixels: UInt8Array) -> Scores:
        """Return the scores of prepared pixels, uint8 (n, height, width, 3), RGB.

        Raises
        ------
        ShapeError
            If they are of another type or size.
        """
        expected = (*self.model.preprocessing.input_size, 3)
        if pixels.dtype != np.uint8 or pixels.shape[1:] != expected:
            raise ShapeError(
                f"The pixels are {pixels.dtype} of shape '{pixels.shape}'. The model takes uint8 "
                f"of shape (n, *{expected}). Prepare them with prepare_views."
            )
        probabilities, features, strangeness = self._engine.outputs(pixels)
        return Scores(probabilities, strangeness, features)


def load_recogniser(
    model: Path | str | None = None,
    *,
    engine: str | None = None,
    n_threads: int = 1,
    n_streams: int = 1,
) -> Recogniser:
    """Load a model folder; threads may share what is returned.

    Parameters
    ----------
    model : Path or str, optional
        Model folder, or the output folder or bucket that holds it; the shipped default if not
        given.
    engine : {"openvino", "onnxruntime"}, optional
        Trees and forests need ONNX Runtime, everything else defaults to OpenVINO.
    n_threads : int
        Processor cores to use.
    n_streams : int
        Pictures that are looked at at the same time, each by ``n_threads / n_streams`` cores.

    Raises
    ------
    ModelError
        If a file is missing, changed or of a newer format version.
    SetupError
        If the engine is not installed.
    """
    loaded = read_model(model)
    default = ONNXRUNTIME_ENGINE if loaded.network.needs_onnxruntime else DEFAULT_ENGINE
    name = engine or default
    check_engine(name)
    graph = Graph(
        path=loaded.onnx,
        name=NETWORK_FILE,
        input_name=INPUT,
        input_size=loaded.preprocessing.input_size,
        output_names=OUTPUTS,
        n_threads=n_threads,
        n_streams=n_streams,
    )
    try:
        return Recogniser(loaded, open_engine(graph, engine=name))
    except SetupError as error:
        raise ModelError(
            f"The network '{loaded.onnx}' cannot be loaded by the engine '{name}'. It may hold "
            "operators that only ONNX Runtime knows (pip install 'pomona[onnxruntime]'), or be "
            "damaged. Train again with 'pomona train OUT'."
        ) from error


def join_scores(scores: Sequence[Scores]) -> Scores:
    """Return the scores of several pictures below each other."""
    return Scores(
        np.concatenate([one.probabilities for one in scores]),
        np.concatenate([one.strangeness for one in scores]),
        np.concatenate([one.features for one in scores]),
    )
