"""Features and labels to classifiers on Spark."""
