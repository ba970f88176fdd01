"""A server with the small recogniser of three labels, in this process or in one of its own."""

from recognition.conftest import backbone, model_folder, preprocessing, rule

__all__ = ["backbone", "model_folder", "preprocessing", "rule"]
