"""Which NVIDIA GPUs this machine has, by its driver's own program."""

import subprocess
from typing import Final

__all__ = ["list_gpus"]

QUERY: Final = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")


def list_gpus() -> list[str]:
    """Return name and memory of each GPU; none where there is no driver."""
    try:
        answer = subprocess.run(QUERY, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in answer.stdout.splitlines() if line.strip()]
