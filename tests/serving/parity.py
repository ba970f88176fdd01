"""Ask the page's own modules, in a browser, for pixels and answers; compare with Python's."""

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from pomona.pictures.decode import decode_image
from pomona.recognition.recogniser import Recogniser
from pomona.recognition.views import prepare_views
from pomona.settings import DecodeLimits

__all__ = ["Comparison", "compare", "prepare_page"]

_SETUP = """async () => {
  const load = (name) => import(`/static/js/${name}.js`);
  const names = ["pictures", "pixels", "prepare", "decide"];
  const [pictures, pixels, prepare, decide] = await Promise.all(names.map(load));
  const { Recogniser } = await load("recogniser");
  const { loadRecogniser } = await load("identify");
  const { Knowledge } = await load("knowledge");
  const letter = (byte) => String.fromCharCode(byte);
  const encode = (pixels) => btoa(Array.from(pixels, letter).join(""));
  const knowledge = new Knowledge();
  await knowledge.load();
  const recogniser = new Recogniser();
  const state = await loadRecogniser(recogniser, knowledge);
  window.ask = async (text) => {
    const blob = new Blob([Uint8Array.from(atob(text), (each) => each.charCodeAt(0))]);
    const start = performance.now();
    const score = await recogniser.score(await pictures.decodePicture(blob));
    const total = performance.now() - start;
    const { labels, decision: rule } = knowledge.model;
    const answer = decide.decide(score, { labels, rule });
    const image = pixels.readPixels(await pictures.decodePicture(blob));
    const views = prepare.prepareViews(image, knowledge.model.preprocessing);
    return {
      views: views.map(encode),
      top: answer.varieties[0].label, probability: answer.varieties[0].probability,
      decision: answer.decision, timing: { ...score.timing, total },
    };
  };
  return { state, threads: recogniser.threads };
}"""


@dataclass(frozen=True)
class Comparison:
    """One picture, both ways: mean and largest difference of pixels, first labels, times in ms."""

    mean_difference: float
    largest_difference: int
    probability_difference: float
    same_top: bool
    same_decision: bool
    decode_ms: float
    network_ms: float
    total_ms: float


def prepare_page(page) -> dict:
    """Load the recogniser into a page of the server; returns its state and threads."""
    return page.evaluate(_SETUP)


def compare(page, recogniser: Recogniser, photos: Iterable[bytes]) -> Iterator[Comparison]:
    """Yield how far apart the browser and Python are, picture by picture."""
    preprocessing = recogniser.model.preprocessing
    height, width = preprocessing.input_size
    for photo in photos:
        found = page.evaluate("(text) => window.ask(text)", base64.b64encode(photo).decode())
        image = decode_image(photo, limits=DecodeLimits(lenient=True))
        expected = prepare_views(image, preprocessing).astype(int)
        got = [np.frombuffer(base64.b64decode(each), np.uint8) for each in found["views"]]
        difference = np.abs(np.stack(got).reshape(-1, height, width, 3) - expected)
        answer = recogniser.identify(photo)
        [best] = answer.top[:1]
        timing = found["timing"]
        yield Comparison(
            float(difference.mean()),
            int(difference.max()),
            abs(best.probability - found["probability"]),
            best.label == found["top"],
            answer.decision == found["decision"],
            timing["decode"],
            timing["network"],
            timing["total"],
        )
