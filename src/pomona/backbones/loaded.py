"""A backbone ready to run, loaded once per process."""

from dataclasses import dataclass
from functools import lru_cache

from pomona.backbones.engines import DEFAULT_ENGINE, Engine, find_engine
from pomona.backbones.registry import DEFAULT_BACKBONE, find_backbone, find_weights
from pomona.backbones.spec import BackboneSpec

__all__ = ["Backbone", "load_backbone"]


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
    name: str = DEFAULT_BACKBONE, *, engine: str = DEFAULT_ENGINE, n_threads: int = 1
) -> Backbone:
    """Load a backbone; a second call in the same process returns the same object.

    Parameters
    ----------
    name : str
        One of :data:`pomona.backbones.BACKBONES`.
    engine : {"openvino", "onnxruntime"}
    n_threads : int
        Processor cores to use.

    Raises
    ------
    SettingsError
        If the name or the engine is unknown.
    SetupError
        If the weights are missing or damaged, or the engine is not installed.
    """
    spec = find_backbone(name)
    build = find_engine(engine)
    return Backbone(spec, build(spec, find_weights(spec), n_threads=n_threads))
