"""The small recogniser of three labels, as the tests of recognition have it."""

from recognition.conftest import backbone, model_folder, preprocessing, rule

__all__ = ["backbone", "model_folder", "preprocessing", "rule"]
