"""The phone app against Python on real pictures: pixels, first answers, time; headless Chromium.

python -m benchmarks.bench_phone [--model MODEL] [--pictures FOLDER ...] [--count N]
"""

import argparse
import random
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.rows import FRUITS, GROCERY, ROOT, Row, emit
from pomona.pictures.decode import EXTENSIONS
from pomona.recognition.recogniser import load_recogniser

# The tests know how to serve the page and to drive the browser.
sys.path.insert(0, str(ROOT / "tests"))


def main() -> None:
    """Print one row per folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path)
    parser.add_argument(
        "--pictures", type=Path, nargs="*", default=[FRUITS.parent / "Test", GROCERY]
    )
    parser.add_argument("--count", type=int, default=500)
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright
    from serving.page_fixtures import QUIET, find_chromium, serving

    with sync_playwright() as playwright, serving(model=options.model) as url:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(QUIET))
        page = browser.new_page()
        page.goto(url)
        emit([measure(page, folder, options) for folder in options.pictures])
        browser.close()


def measure(page, folder: Path, options: argparse.Namespace) -> Row:
    """Compare a sample of a folder."""
    from serving.parity import compare, prepare_page

    loaded = prepare_page(page)
    if loaded["state"] != "ready":
        raise SystemExit(f"The recogniser did not load in the browser: {loaded['state']}.")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS)
    chosen = random.Random(0).sample(paths, min(options.count, len(paths)))
    started = time.perf_counter()
    photos = (path.read_bytes() for path in chosen)
    found = list(compare(page, load_recogniser(options.model), photos))
    means = np.array([each.mean_difference for each in found])
    same = np.mean([each.same_top for each in found])
    total = np.median([each.total_ms for each in found])
    network = np.median([each.network_ms for each in found])
    return Row(
        f"phone app, {len(found)} pictures of {folder.name}",
        f"ONNX Runtime Web, WASM, {loaded['threads']} threads",
        time.perf_counter() - started,
        float(1000 / total),
        f"pixels {means.mean():.4f} levels off on average (worst picture {means.max():.3f}, worst "
        f"pixel {max(each.largest_difference for each in found)}); same first answer {same:.4f}; "
        f"probability off by at most {max(each.probability_difference for each in found):.4f}",
        f"{total:.0f} ms a photograph, of which network {network:.0f}",
    )


if __name__ == "__main__":
    main()
