"""Photographs that people give, and take back."""
