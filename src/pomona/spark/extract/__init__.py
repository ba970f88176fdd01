"""Pictures to features on Spark."""
