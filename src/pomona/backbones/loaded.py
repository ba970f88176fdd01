"""A backbone ready to run, loaded once per process."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pomona.backbones.cache import hash_file
from pomona.backbones.engines import (
    DEFAULT_ENGINE,
    Engine,
    Graph,
    Normalisation,
    check_engine,
    open_engine,
)
from pomona.backbones.registry import DEFAULT_BACKBONE, find_backbone, find_weights
from pomona.backbones.spec import BackboneSpec
from pomona.errors import SetupError

__all__ = ["Backbone", "backbone_graph", "load_backbone", "open_backbone"]


@dataclass(frozen=True)
class Backbone:
    """A record and the engine that runs it.

    Parameters
    ----------
    spec : BackboneSpec
    engine : Engine
    """

    spec: BackboneSpec
    engine: Engine


@lru_cache(maxsize=2)
def load_backbone(
    name: str = DEFAULT_BACKBONE,
    *,
    pooling: str | None = None,
    resize: str | None = None,
    engine: str = DEFAULT_ENGINE,
    n_threads: int = 1,
    cache: Path | None = None,
) -> Backbone:
    """Load a backbone; a second call in the same process returns the same object.

    Parameters
    ----------
    name : str
        Shipped, or pulled or added with ``pomona backbones``.
    pooling : str, optional
        Output to take: avg, max, flatten or a layer; None is the record's own.
    resize : {"squash", "crop"}, optional
        None is the record's own.
    engine : {"openvino", "onnxruntime", "onnxruntime-cuda"}
    n_threads : int
        Processor cores to use.
    cache : Path, optional
        Folder of pulled and added networks; ``$XDG_CACHE_HOME/pomona`` by default.

    Raises
    ------
    SettingsError
        If the name, a variant or the engine is unknown.
    SetupError
        If the weights are missing or damaged, or the engine is not installed.
    """
    spec = find_backbone(name, pooling=pooling, resize=resize, cache=cache)
    return open_backbone(
        spec, find_weights(spec, cache=cache), engine=engine, n_threads=n_threads, verified=True
    )


@lru_cache(maxsize=2)
def open_backbone(
    spec: BackboneSpec,
    weights: Path,
    *,
    engine: str = DEFAULT_ENGINE,
    n_threads: int = 1,
    device: int = 0,
    verified: bool = False,
) -> Backbone:
    """Load a backbone from its record and its file, wherever that is; once per process.

    Parameters
    ----------
    spec : BackboneSpec
    weights : Path
        ONNX file; checked against the record unless ``verified``.
    engine : str
    n_threads : int
        Processor cores to use.
    device : int
        Number of the GPU, where the engine uses one.
    verified : bool

    Raises
    ------
    SetupError
        If the file is missing or not the one of the record, or the engine is not installed.
    """
    check_engine(engine)
    if not verified and (not weights.is_file() or hash_file(weights) != spec.sha256):
        raise SetupError(
            f"The weights '{weights}' of backbone '{spec.name}' arrived damaged or not at all. "
            f"Their sha256 is not '{spec.sha256}'. Start the job again."
        )
    graph = backbone_graph(spec, weights, n_threads=n_threads, device=device)
    return Backbone(spec, open_engine(graph, engine=engine))


def backbone_graph(
    spec: BackboneSpec, weights: Path, *, n_threads: int = 1, device: int = 0
) -> Graph:
    """Return what an engine has to know to run a backbone."""
    return Graph(
        path=weights,
        name=spec.name,
        input_name=spec.input_name,
        input_size=spec.input_size,
        output_names=(spec.output_name,),
        normalisation=Normalisation(spec.mean, spec.scale, spec.channel_order, spec.layout),
        n_threads=n_threads,
        device=device,
    )
