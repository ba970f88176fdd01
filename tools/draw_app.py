"""Draw the pictures of the phone app in docs/images: the real page, real photographs.

    python tools/draw_app.py
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs/images"
PHOTOGRAPHS = ROOT / "examples/fruit/photographs"
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
ANSWER = ".look-text.variety, .look-text.fruit, .look-text.unknown"
# The tests know how to serve the page and to drive the browser.
sys.path.insert(0, str(ROOT / "tests"))


def main() -> None:
    """Write app-*.png."""
    from playwright.sync_api import sync_playwright
    from serving.page_fixtures import QUIET, find_chromium, serving

    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mjpeg"
        open_photo("Royal-Gala_021").resize((720, 720)).save(film, "JPEG", quality=92)
        camera = (
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={film}",
        )
        with sync_playwright() as playwright, serving() as url:
            browser = playwright.chromium.launch(
                executable_path=find_chromium(), args=[*QUIET, *camera]
            )
            draw_phone(browser, url)
            draw_phone_in_french(browser, url)
            draw_desktop(browser, url)
            browser.close()


def draw_phone(browser, url: str) -> None:
    """Start, camera, answer, and no answer; English, light."""
    page = open_page(browser, url, PHONE, locale="en-GB", color_scheme="light")
    save(page, "start")
    page.goto(f"{url}/#/camera")
    page.locator(".finder.live").wait_for()
    page.wait_for_timeout(500)
    save(page, "camera")
    page.locator(".shutter").click()
    page.locator(ANSWER).wait_for()
    save(page, "answer")
    page.goto(f"{url}/#/")
    look(page, Image.radial_gradient("L").convert("RGB"))
    save(page, "unknown")


def draw_phone_in_french(browser, url: str) -> None:
    """Fact sheet and history; French, dark."""
    page = open_page(browser, url, PHONE, locale="fr-FR", color_scheme="dark")
    for name in ("Royal-Gala_021", "Banana_012", "Pomegranate_007"):
        page.goto(f"{url}/#/")
        look(page, open_photo(name))
    page.goto(f"{url}/#/history")
    page.locator(".look-card").first.wait_for()
    save(page, "history-fr")
    page.goto(f"{url}/#/fruit/apple")
    page.locator(".wheel").wait_for()
    save(page, "facts-fr")


def draw_desktop(browser, url: str) -> None:
    """An answer and a fact sheet."""
    page = open_page(browser, url, DESKTOP, locale="en-GB", color_scheme="light")
    look(page, open_photo("Banana_012"))
    save(page, "desktop")
    page.goto(f"{url}/#/fruit/banana")
    page.locator(".wheel").wait_for()
    save(page, "desktop-facts")


def open_page(browser, url: str, viewport: dict[str, int], **options: str):
    """Return a page whose recogniser is ready."""
    page = browser.new_context(viewport=viewport, reduced_motion="reduce", **options).new_page()
    page.goto(url)
    page.locator(".engine-line path[d^='M5 12.5']").wait_for(timeout=120_000)
    page.locator(".chip").first.wait_for()
    return page


def open_photo(name: str) -> Image.Image:
    """Return one of the phone photographs that come with the repository."""
    return Image.open(PHOTOGRAPHS / name.rpartition("_")[0] / f"{name}.jpg").convert("RGB")


def look(page, photo: Image.Image) -> None:
    """Have a picture looked at."""
    data = io.BytesIO()
    photo.save(data, "JPEG", quality=92)
    file = {"name": "1.jpg", "mimeType": "image/jpeg", "buffer": data.getvalue()}
    page.locator(".choose input").set_input_files(file)
    page.locator(ANSWER).wait_for(timeout=60_000)


def save(page, name: str) -> None:
    """Write a screenshot in 256 colours: a third of the bytes, and nobody sees it."""
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    shot.quantize(256, dither=Image.Dither.NONE).save(IMAGES / f"app-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
