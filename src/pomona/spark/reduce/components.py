"""From feature vectors to principal components, on the workers."""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import types as T

from pomona import schema
from pomona.reduction.fitted import Reduction
from pomona.spark.vectors import to_matrix, to_spark_schema

__all__ = ["reduce_batch", "reduce_features", "reduce_partition", "reduced_schema"]


def reduce_features(features_df: DataFrame, *, reduction: Reduction) -> DataFrame:
    """Turn features into principal components.

    Parameters
    ----------
    features_df : DataFrame
        Columns path, label and features.
    reduction : Reduction
        Fitted by :func:`pomona.spark.reduce.fitting.fit_reduction`, or loaded.

    Returns
    -------
    DataFrame
        path, label, pca (array of float).
    """
    return (
        features_df.select(schema.PATH, schema.LABEL, schema.FEATURES)
        .mapInArrow(partial(reduce_partition, reduction=reduction), reduced_schema(reduction))
        .withMetadata(schema.PCA, _reduced_metadata(reduction))
    )


def reduced_schema(reduction: Reduction) -> T.StructType:
    """Return the schema of reduced tables, the dimension in the metadata."""
    columns = to_spark_schema(schema.REDUCED)
    columns[schema.PCA].metadata = _reduced_metadata(reduction)
    return columns


def _reduced_metadata(reduction: Reduction) -> dict[str, object]:
    return {"dimension": len(reduction.components)}


def reduce_partition(
    batches: Iterable[pa.RecordBatch], *, reduction: Reduction
) -> Iterator[pa.RecordBatch]:
    """Turn one partition of features into rows of :data:`pomona.schema.REDUCED`."""
    for batch in batches:
        yield reduce_batch(batch, reduction=reduction)


def reduce_batch(batch: pa.RecordBatch, *, reduction: Reduction) -> pa.RecordBatch:
    """Turn rows with path, label and features into rows of :data:`pomona.schema.REDUCED`."""
    reduced = reduction.transform(to_matrix(batch[schema.FEATURES]))
    offsets = np.arange(len(reduced) + 1, dtype=np.int32) * reduced.shape[1]
    vector_type = schema.REDUCED.field(schema.PCA).type
    vectors = pa.ListArray.from_arrays(
        pa.array(offsets), pa.array(reduced.ravel()), type=vector_type
    )
    columns = [batch[schema.PATH], batch[schema.LABEL], vectors]
    return pa.RecordBatch.from_arrays(columns, schema=schema.REDUCED)
