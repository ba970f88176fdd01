"""Say in plain words what this machine lacks, before anything is installed."""

import os
import re
import shutil
import subprocess
import sys

PYTHON_MIN, PYTHON_END, JAVA_MIN = (3, 11), (3, 14), 17


def main() -> int:
    """Return 0 if Python and Java fit."""
    problems = [problem for problem in (python_problem(), java_problem()) if problem]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def python_problem() -> str | None:
    """Return what is wrong with this Python, or None."""
    if PYTHON_MIN <= sys.version_info[:2] < PYTHON_END:
        return None
    found = ".".join(str(part) for part in sys.version_info[:3])
    return (
        f"Python is '{found}'. Pomona needs 3.11, 3.12 or 3.13. "
        "Install one of them and run: make PYTHON=python3.12 demo."
    )


def java_problem() -> str | None:
    """Return what is wrong with Java, or None."""
    home = os.environ.get("JAVA_HOME")
    java = os.path.join(home, "bin", "java") if home else shutil.which("java")
    advice = (
        f"Spark needs Java {JAVA_MIN} or newer. Debian, Ubuntu: apt-get install "
        "openjdk-17-jre-headless. macOS: brew install openjdk@17. Or set JAVA_HOME."
    )
    if not java or not os.path.exists(java):
        return f"Java was not found. {advice}"
    result = subprocess.run([java, "-version"], capture_output=True, text=True)
    match = re.search(r'version "(\d+)', result.stderr + result.stdout)
    if not match or int(match[1]) < JAVA_MIN:
        return f"Java is '{match[1] if match else 'unknown'}'. {advice}"
    return None


if __name__ == "__main__":
    sys.exit(main())
