"""Standardiser and PCA: their sums, their estimators, and what is fitted."""
