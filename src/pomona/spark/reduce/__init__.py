"""Features to components on Spark."""
