"""Say in plain words if this Python does not fit, before anything is installed.

Java is looked for, and fetched where there is none, once Pomona is installed: pomona.spark.java.
"""

import sys
from importlib.util import find_spec

PYTHON_MIN, PYTHON_END = (3, 11), (3, 14)


def main() -> int:
    """Return 0 if Python fits."""
    problem = python_problem()
    if problem:
        print(problem, file=sys.stderr)
    return 1 if problem else 0


def python_problem() -> str | None:
    """Return what is wrong with this Python, or None."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if not PYTHON_MIN <= sys.version_info[:2] < PYTHON_END:
        return (
            f"Python is '{version}'. Pomona needs 3.11, 3.12 or 3.13. "
            "Install one of them and run: make PYTHON=python3.12 demo."
        )
    # Debian and Ubuntu leave it out of their Python, and say so only after half of the work.
    if find_spec("ensurepip") is None:
        return (
            f"Python {version} cannot make an environment: its module 'ensurepip' is missing. "
            "Pomona is installed into one. Debian, Ubuntu: apt-get install python3-venv."
        )
    return None


if __name__ == "__main__":
    sys.exit(main())
