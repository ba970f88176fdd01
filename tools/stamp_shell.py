"""Write the list and the digest of the phone app's files into its service worker.

    python tools/stamp_shell.py

A browser fetches the app anew when ``sw.js`` has changed, and only then.
"""

import hashlib
import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
STATIC = ROOT / "src/pomona/serving/static"
SERVICE_WORKER = STATIC / "sw.js"
# What is kept elsewhere; icons, which only an installing system asks for; the privacy page's own.
LEFT_OUT = re.compile(r"^(vendor/|sw\.js$|privacy|.*/privacy)|-\d+\.png$|\.gitignore$")
ADDRESSES = {"index.html": "/", "manifest.webmanifest": "/manifest.webmanifest"}


def list_shell() -> dict[str, Path]:
    """Return the files of the app by their addresses, in order."""
    names = (path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file())
    kept = sorted(name for name in names if not LEFT_OUT.search(name))
    return {ADDRESSES.get(name, f"/static/{name}"): STATIC / name for name in kept}


def stamp(text: str) -> str:
    """Return the service worker's text with list and digest of the files as they are."""
    digest = hashlib.sha256()
    # The runtime is not in the repository; the lock names its version.
    for path in [*list_shell().values(), ROOT / "package-lock.json"]:
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    unstamped = re.sub(r"(?m)^const (SHELL|FILES) = .*?;$", r"const \1;", text, flags=re.S)
    digest.update(unstamped.encode())
    files = json.dumps(list(list_shell()), indent=2)
    text = re.sub(r'const SHELL = ".*?";', f'const SHELL = "{digest.hexdigest()[:16]}";', text)
    return re.sub(r"const FILES = \[.*?\];", f"const FILES = {files};", text, flags=re.S)


if __name__ == "__main__":
    SERVICE_WORKER.write_text(stamp(SERVICE_WORKER.read_text("utf-8")), "utf-8")
