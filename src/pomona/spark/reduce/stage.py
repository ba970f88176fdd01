"""Reduction as a stage of a run, from folder to folder."""

from pyspark.sql import DataFrame, SparkSession

from pomona import schema
from pomona.backbones import BackboneSpec
from pomona.reduction.fitted import Reduction, save_reduction
from pomona.settings import ReduceSettings, TableFormat
from pomona.spark.progress import follow
from pomona.spark.reduce.components import reduce_features
from pomona.spark.reduce.fitting import fit_reduction
from pomona.spark.reduce.writing import write_reduced
from pomona.spark.tables import read_features, write_table
from pomona.storage.locations import Location
from pomona.storage.store import MODEL, REDUCED

__all__ = ["reduce_to_folder"]


def reduce_to_folder(
    spark: SparkSession,
    features: Location,
    folder: Location,
    *,
    settings: ReduceSettings,
    features_format: TableFormat,
    spec: BackboneSpec,
) -> Reduction:
    """Fit standardiser and PCA on ``features``; write ``folder/reduced`` and ``folder/model``.

    Raises
    ------
    ReductionError
        If the features do not allow what is asked.
    """
    table = read_features(spark, features, format=features_format, n_features=spec.n_features)
    with follow(spark, group="reduce"):
        reduction = fit_reduction(table, n_features=spec.n_features, settings=settings)
        _write_reduced(table, folder.at(REDUCED), reduction, settings.format)
    save_reduction(folder.at(MODEL), reduction, backbone=spec.to_dict())
    return reduction


def _write_reduced(
    table: DataFrame, folder: Location, reduction: Reduction, format: TableFormat
) -> None:
    if format == "parquet":
        write_reduced(table, folder, reduction=reduction)
    else:
        reduced = reduce_features(table, reduction=reduction)
        width = len(reduction.components)
        write_table(reduced, folder, format=format, vector=schema.PCA, prefix="pca_", width=width)
