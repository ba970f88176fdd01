"""The recogniser: classifiers as arrays, calibration, refusal, one ONNX file; knows no Spark."""

from pomona.recognition.recogniser import Recogniser, load_recogniser

__all__ = ["Recogniser", "load_recogniser"]
