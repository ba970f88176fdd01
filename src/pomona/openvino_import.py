"""Import OpenVINO without its telemetry: it would tell its maker about every start."""

import sys
from typing import Any

__all__ = ["import_openvino"]


def import_openvino() -> Any:
    """Return the module ``openvino``.

    By itself it writes a number that identifies this machine to the home folder and sends it, with
    an event, to an address outside, each time it is imported. It does without the package that
    does so when that cannot be imported.
    """
    if "openvino" not in sys.modules:
        # None makes an import fail, so that OpenVINO takes its own stand-in.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino
