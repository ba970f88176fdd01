"""Everything that runs on Apache Spark; the only place that imports pyspark."""
