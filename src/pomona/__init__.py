"""Fruit photographs to features, a PCA and a recogniser, on Apache Spark."""
