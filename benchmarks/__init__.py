"""Benchmarks: each row has a time and, beside it, a figure that says the result was right."""
