"""Load a model folder once and ask it which fruit a photograph shows."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pomona.backbones.engines.openvino import import_openvino
from pomona.errors import ModelError, SetupError, ShapeError
from pomona.pictures.decode import decode_image
from pomona.recognition.decisions import TOP, Answer, combine_scores, decide
from pomona.recognition.head import Scores
from pomona.recognition.model import INPUT, OUTPUTS, Model, read_model
from pomona.recognition.views import prepare_views
from pomona.settings import DecodeLimits

__all__ = ["Recogniser", "load_recogniser"]

UInt8Array = NDArray[np.uint8]
Run = Callable[[UInt8Array], Sequence[NDArray[np.float32]]]


class Recogniser:
    """A loaded model; made by :func:`load_recogniser`.

    Parameters
    ----------
    model : Model
    run : callable
        From one picture's pixels (1, height, width, 3) to the network's outputs.
    """

    def __init__(self, model: Model, run: Run) -> None:
        self.model = model
        self._run = run

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
        rows = [self._run(pixels[i : i + 1]) for i in range(len(pixels))]
        probabilities, features, strangeness = (
            np.concatenate(part) for part in zip(*rows, strict=True)
        )
        return Scores(probabilities, strangeness, features)


def load_recogniser(
    model: Path | None = None,
    *,
    engine: str | None = None,
    n_threads: int = 1,
    n_streams: int = 1,
) -> Recogniser:
    """Load a model folder; threads may share what is returned.

    Parameters
    ----------
    model : Path, optional
        Model folder, or the output folder that holds it; the shipped default if not given.
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
    found = read_model(model)
    name = engine or ("onnxruntime" if found.network.needs_onnxruntime else "openvino")
    open_network = _open_onnxruntime if name == "onnxruntime" else _open_openvino
    return Recogniser(found, open_network(found.onnx, n_threads, n_streams))


def join_scores(scores: Sequence[Scores]) -> Scores:
    """Return the scores of several pictures below each other."""
    return Scores(
        np.concatenate([each.probabilities for each in scores]),
        np.concatenate([each.strangeness for each in scores]),
        np.concatenate([each.features for each in scores]),
    )


def _open_openvino(path: Path, n_threads: int, n_streams: int) -> Run:
    ov = import_openvino()

    core = ov.Core()
    settings: dict[str, Any] = {
        "INFERENCE_NUM_THREADS": n_threads,
        "NUM_STREAMS": n_streams,
        "ENABLE_CPU_PINNING": False,
        # Processors with bf16 would use it, and be off by 5 %.
        "INFERENCE_PRECISION_HINT": "f32",
    }
    try:
        model = core.read_model(path)
        shape = model.input(INPUT).partial_shape
        model.reshape([1, *(int(axis.get_length()) for axis in list(shape)[1:])])
        compiled = core.compile_model(model, "CPU", settings)
    except RuntimeError as error:
        raise ModelError(
            f"The network '{path}' cannot be loaded by OpenVINO. It may hold operators it does "
            "not know. Install ONNX Runtime: pip install 'pomona[onnxruntime]'."
        ) from error

    # A request holds the memory of one answer, so each thread has its own.
    mine = threading.local()

    def run(pixels: UInt8Array) -> Sequence[NDArray[np.float32]]:
        if not hasattr(mine, "request"):
            mine.request = compiled.create_infer_request()
        request = mine.request
        request.infer({INPUT: pixels})
        return [request.get_tensor(name).data.copy() for name in OUTPUTS]

    return run


def _open_onnxruntime(path: Path, n_threads: int, n_streams: int) -> Run:
    try:
        import onnxruntime as ort
    except ImportError as error:
        raise SetupError(
            "ONNX Runtime is not installed. A recogniser made of trees needs it. "
            "Run: pip install 'pomona[onnxruntime]'; 'pomona doctor' shows what is there."
        ) from error
    options = ort.SessionOptions()
    options.intra_op_num_threads = max(1, n_threads // n_streams)
    options.inter_op_num_threads = 1
    try:
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(
            f"The network '{path}' cannot be loaded by ONNX Runtime: {error}. "
            "Train again with 'pomona train OUT'."
        ) from error

    def run(pixels: UInt8Array) -> Sequence[NDArray[np.float32]]:
        return list(session.run(list(OUTPUTS), {INPUT: pixels}))

    return run
