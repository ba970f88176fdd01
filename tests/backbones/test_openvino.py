import os
import subprocess
import sys


def test_openvino_tells_nobody_that_it_was_imported(tmp_path):
    code = (
        "import sys\n"
        "sys.addaudithook(lambda event, _: event.startswith('socket.') and sys.exit(9))\n"
        "from pomona.backbones.engines.openvino import import_openvino\n"
        "print(import_openvino().Core().available_devices)\n"
        "assert not any(name.startswith('openvino_telemetry.') for name in sys.modules)\n"
    )
    environment = {**os.environ, "HOME": str(tmp_path), "CI": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_nothing_imports_openvino_by_itself():
    from pathlib import Path

    import pomona

    home = Path(pomona.__file__).parent
    found = [
        path.name
        for path in home.rglob("*.py")
        if "import openvino\n" in path.read_text() or "import openvino as" in path.read_text()
    ]
    assert found == ["openvino.py"]
