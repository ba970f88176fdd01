"""Bring a network to the workers: once per executor by Spark, opened once per Python worker."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark import SparkFiles
from pyspark.sql import SparkSession

from pomona.backbones import (
    Backbone,
    BackboneSpec,
    ResolvedBackbone,
    is_shipped,
    open_backbone,
    shipped_weights,
)
from pomona.backbones.engines import CUDA_ENGINE, DEFAULT_ENGINE
from pomona.settings import AUTO_ENGINE
from pomona.spark.session import GPU_AMOUNT, has_task_gpus, ship_file

__all__ = ["SharedBackbone", "choose_engine", "open_shared", "share_backbone"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SharedBackbone:
    """What a task must know to run the network; the weights are already where it runs.

    Parameters
    ----------
    spec : BackboneSpec
    engine : str
    """

    spec: BackboneSpec
    engine: str

    @property
    def on_gpu(self) -> bool:
        """Whether the processor is free while the network works."""
        return self.engine == CUDA_ENGINE


def share_backbone(
    spark: SparkSession, backbone: ResolvedBackbone, *, engine: str
) -> SharedBackbone:
    """Give the network's file to Spark, which takes it to each executor once.

    Parameters
    ----------
    spark : SparkSession
    backbone : ResolvedBackbone
    engine : str
        From :func:`choose_engine`.
    """
    # Those of the package are wherever Pomona is installed.
    if not is_shipped(backbone.spec):
        ship_file(spark, backbone.weights)
    return SharedBackbone(backbone.spec, engine)


def choose_engine(spark: SparkSession, engine: str) -> str:
    """Return the engine that ``auto`` stands for: the GPU's where Spark gives tasks a GPU."""
    if engine != AUTO_ENGINE:
        return engine
    on_gpu = has_task_gpus(spark)
    chosen = CUDA_ENGINE if on_gpu else DEFAULT_ENGINE
    why = "tasks have a GPU" if on_gpu else "Spark gives tasks no GPU"
    logger.info("engine %s: %s (%s)", chosen, why, GPU_AMOUNT)
    return chosen


def open_shared(shared: SharedBackbone, context: Any) -> Backbone:
    """Return the network, ready to run in this worker; the second task gets the same object.

    Parameters
    ----------
    shared : SharedBackbone
    context : pyspark.TaskContext, optional
        Of the running task.

    Raises
    ------
    SetupError
        If the file did not arrive as it left, or the engine cannot be used.
    """
    weights = (
        shipped_weights(shared.spec)
        if is_shipped(shared.spec)
        else Path(SparkFiles.get(shared.spec.weights))
    )
    gpus = context.resources().get("gpu") if context else None
    return open_backbone(
        shared.spec,
        weights,
        engine=shared.engine,
        n_threads=int(context.cpus()) if context else 1,
        device=int(gpus.addresses[0]) if gpus else 0,
    )
