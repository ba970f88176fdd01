"""A recogniser that really knows a few frames of fruit: mean colours on a grid, ridge regression.

Random weights would do to compare numbers; a page has to be seen to give the right answer.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from picture_files import FRAMES
from PIL import Image

from pomona.recognition.classifiers import Linear
from pomona.recognition.decisions import DecisionRule
from pomona.recognition.head import Head
from pomona.recognition.labels import ModelLabel
from pomona.recognition.rejection import Rejection
from pomona.recognition.views import Preprocessing, View

SIDE, CELL = 64, 8
N_FRAMES = 12
N_COMPONENTS = 24
WEIGHTS = np.array([0.4, 0.0, 0.1, 0.0])
# Key of the facts -> folder of frames.
FRUITS = {
    "apple": "Apple Braeburn",
    "avocado": "Avocado",
    "banana": "Banana",
    "kiwi": "Kiwi",
    "lemon": "Lemon",
    "orange": "Orange",
    "pineapple": "Pineapple",
    "strawberry": "Strawberry",
}
VIEWS = (View(), View(size=0.9, square=True), View(size=0.9, square=True, flip=True))


def draw_photo(fruit_id: str, *, size: int = 480, frame: int = 0) -> Image.Image:
    """Return a picture of one of the fruits, as large as a phone's."""
    return _open_frame(FRUITS[fruit_id], frame).resize((size, size), Image.Resampling.BICUBIC)


def _open_frame(folder: str, frame: int) -> Image.Image:
    return Image.open(sorted((FRAMES / folder).iterdir())[frame % N_FRAMES]).convert("RGB")


def write_small_recogniser(folder: Path, *, preprocessing: Preprocessing | None = None) -> Path:
    """Learn from frames and write the model folder."""
    from pomona.recognition.model import write_model
    from pomona.storage.locations import LocalLocation
    from pomona.storage.records import MODEL_FORMAT, ModelRecord
    from pomona.training.onnx_export import build_recogniser

    folder.mkdir(parents=True, exist_ok=True)
    backbone = folder / "grid.onnx"
    _write_backbone(backbone)
    features, classes = _learn_from()
    preprocessing = preprocessing or Preprocessing((SIDE, SIDE), scale=(255.0,) * 3, views=VIEWS)
    network = build_recogniser(
        backbone,
        input_name="x",
        output_name="grid",
        preprocessing=preprocessing,
        head=_fit_head(features, classes),
    )
    write_model(
        LocalLocation(folder / "model"),
        network,
        labels=[
            ModelLabel(fruit_id.capitalize(), fruit_id, {"fruits360": [folder]})
            for fruit_id, folder in FRUITS.items()
        ],
        preprocessing=preprocessing,
        rule=DecisionRule(rejection_threshold=1.6, variety_min=0.5, fruit_min=0.5),
        about=ModelRecord(format_version=MODEL_FORMAT, metrics={}, licences=["Apache-2.0"]),
    )
    return folder / "model"


def _write_backbone(path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    grid = SIDE // CELL
    nodes = [
        helper.make_node(
            "AveragePool", ["x"], ["cells"], kernel_shape=[CELL] * 2, strides=[CELL] * 2
        ),
        helper.make_node("Reshape", ["cells", "shape"], ["grid"]),
    ]
    graph = helper.make_graph(
        nodes,
        "grid",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("grid", TensorProto.FLOAT, ["n", 3 * grid**2])],
        [numpy_helper.from_array(np.array([-1, 3 * grid**2], np.int64), "shape")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)


def _learn_from() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rows = [
        _mean_colours(_open_frame(folder, frame))
        for folder in FRUITS.values()
        for frame in range(N_FRAMES)
    ]
    return np.array(rows), np.repeat(np.arange(len(FRUITS)), N_FRAMES)


def _mean_colours(image: Image.Image) -> NDArray[np.float64]:
    pixels = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) / 255
    grid = SIDE // CELL
    return pixels.reshape(grid, CELL, grid, CELL, 3).mean(axis=(1, 3)).transpose(2, 0, 1).ravel()


def _fit_head(features: NDArray[np.float64], classes: NDArray[np.int64]) -> Head:
    mean, scale = features.mean(axis=0), features.std(axis=0) + 0.05
    rows = (features - mean) / scale
    targets = np.eye(len(FRUITS))[classes] - 1 / len(FRUITS)
    # Ridge on the pictures' products: there are fewer of them than features.
    weights = rows.T @ np.linalg.solve(rows @ rows.T + 5 * np.eye(len(rows)), targets)
    components = np.linalg.svd(rows, full_matrices=False)[2][:N_COMPONENTS]
    left = ((rows - rows @ components.T @ components) ** 2).sum(axis=1)
    # The network takes raw features: the standardiser goes into the weights.
    raw = weights / scale[:, None]
    return Head(
        on="features",
        mean=mean,
        scale=scale,
        components=components,
        classifier=Linear(8 * raw.T, -8 * (mean @ raw)),
        # Strange is what lies far outside the fruits' own subspace, and what is uncertain.
        rejection=Rejection(np.array([np.log(left).mean(), 0, 0, 0]), np.ones(4), WEIGHTS),
        temperature=1.0,
        deviations=None,
    )
