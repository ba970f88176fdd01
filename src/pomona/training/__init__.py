"""Make a recogniser from vectors and labels; knows no Spark."""
