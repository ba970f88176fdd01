"""From pictures to feature vectors; knows no Spark."""
