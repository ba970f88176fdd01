"""Columns of vectors: as a matrix, and in Spark's types."""

import numpy as np
import pyarrow as pa
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_schema

__all__ = ["to_matrix", "to_spark_schema"]


def to_matrix(vectors: pa.Array) -> np.ndarray:
    """Return a list column as a float array of shape (n_rows, dimension), without copying."""
    flat: np.ndarray = vectors.flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(len(vectors), -1)


def to_spark_schema(columns: pa.Schema) -> T.StructType:
    """Return an Arrow schema in Spark's types.

    PySpark's own conversion forgets that the numbers of a vector are never null.
    """
    fields = list(from_arrow_schema(columns))
    for field, column in zip(fields, columns, strict=True):
        if isinstance(field.dataType, T.ArrayType):
            field.dataType.containsNull = column.type.value_field.nullable
    return T.StructType(fields)
