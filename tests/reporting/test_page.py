"""The report page: what it says, that it holds everything, and that it runs nothing foreign."""

import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from pomona.errors import ShapeError
from pomona.reporting import QuarantinedPicture, ReportData, render_report

JPEG = b"\xff\xd8\xff\xe0" + bytes(1500)
HOSTILE = "</script><img src=x onerror=alert(1)>\"'{{ 7 * 7 }}@{path}{safe}"
EMPTY = ReportData(
    run={},
    label_counts={},
    quarantine_counts={},
    quarantined=[],
    explained_variance_ratio=None,
    n_components=None,
    points=None,
    point_labels=[],
    point_paths=[],
    point_thumbnails=[],
)


class Page(HTMLParser):
    """Elements, scripts and readable text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self.words: list[str] = []
        self._inside: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and tag == self._inside[-1]:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.words.append(data)
        elif self._inside[-1] == "script":
            name = self.elements[-1][1].get("id") or f"script-{len(self.scripts)}"
            self.scripts[name] = self.scripts.get(name, "") + data

    def find(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        return [
            found
            for name, found in self.elements
            if name == tag and attributes.items() <= found.items()
        ]

    def policy(self) -> str:
        (meta,) = self.find("meta", **{"http-equiv": "Content-Security-Policy"})
        return meta["content"] or ""


def sample(n: int = 6, *, n_labels: int = 2, n_features: int = 8, **changes: Any) -> ReportData:
    labels = [f"label {i % n_labels:03d}" for i in range(n)]
    ratio = np.arange(n_features, 0.0, -1.0)
    data = ReportData(
        run={
            "images_found": n + 3,
            "images_extracted": n,
            "images_quarantined": 3,
            "seconds_total": 143.0,
            "seconds_extract": 118.2,
            "extract_images_per_second": 94.72,
            "backbone": "mobilenet_v2",
            "n_features": n_features,
            "explained_variance": 0.95,
            "source": "s3://orchard/incoming",
            "created": "2026-11-21T05:28:11+01:00",
            "settings": {"reduce": {"variance": 0.95, "format": "csv"}},
            "versions": {"pyspark": "4.0.1"},
        },
        label_counts={label: labels.count(label) for label in labels},
        quarantine_counts={"truncated": 2, "empty_file": 1},
        quarantined=[
            QuarantinedPicture("a/1.jpg", 12345, "truncated", "Ends after row 9.", JPEG),
            QuarantinedPicture("a/2.jpg", 0, "empty_file", "No bytes.", None),
        ],
        explained_variance_ratio=ratio / ratio.sum(),
        n_components=5,
        points=np.random.default_rng(0).normal(size=(n, 2)),
        point_labels=labels,
        point_paths=[f"s3://orchard/incoming/{i}.jpg" for i in range(n)],
        point_thumbnails=[JPEG] * n,
    )
    return dataclasses.replace(data, **changes)


def read(data: ReportData) -> Page:
    return Page(render_report(data))


def test_render_report_says_the_headline_in_words_and_numbers() -> None:
    text = read(sample()).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "6 pictures of 9 turned into numbers a computer can compare" in text
    assert "3 could not be used and were set aside." in text
    assert "The whole run took 2 min 23 s, reading 94.7 pictures a second." in text
    assert "Instead of 8 numbers per picture, 5 keep 95.0 % of the differences" in text
    assert "Made 2026-11-21 04:28 UTC" in text


def test_render_report_shows_settings_and_versions() -> None:
    text = read(sample()).text
    for words in ("reduce.variance 0.95", "reduce.format csv", "pyspark 4.0.1"):
        assert words in text


def test_render_report_groups_the_quarantine_by_reason() -> None:
    page = read(sample())
    assert "2 The picture ends too early. truncated" in page.text
    assert "1 The file has no bytes. empty_file" in page.text
    assert "A sample: 1 of 2." in page.text
    assert "12.3\N{NO-BREAK SPACE}kB" in " ".join(page.words)
    (image,) = page.find("img")
    assert (image["src"] or "").startswith("data:image/jpeg;base64,/9j/4")
    assert image["alt"]


def test_render_report_sorts_labels_by_count_and_folds_the_rest() -> None:
    page = read(sample(label_counts={f"l{i:03d}": 200 - i for i in range(119)} | {"": 500}))
    assert "120 labels with 82 to 500 pictures" in page.text
    assert page.text.index("(no label)") < page.text.index("l000") < page.text.index("l001")
    assert "Show the other 96 labels" in page.text
    assert page.find("i", style="width:100.0%")


@pytest.mark.parametrize(("n_labels", "n_buttons"), [(20, 20), (21, 0)])
def test_render_report_has_a_legend_for_few_labels_only(n_labels: int, n_buttons: int) -> None:
    page = read(sample(42, n_labels=n_labels))
    assert len(page.find("button")) == n_buttons
    assert len(page.find("option")) == n_labels + 1


def test_render_report_fetches_nothing() -> None:
    page = read(sample())
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data"):
            address = attributes.get(name)
            assert address is None or address.startswith(("data:", "#")), (tag, address)
    assert page.policy().startswith("default-src 'none'; script-src 'sha256-")


def test_render_report_allows_exactly_its_own_scripts() -> None:
    page = read(sample())
    allowed = set(re.findall(r"'(sha256-[^']+)'", page.policy()))
    own = {
        "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for name, script in page.scripts.items()
        if not name.startswith("data-")
    }
    assert own == allowed
    assert len(own) == 2
    assert "unsafe" not in page.policy().split("style-src")[0]


def test_render_report_escapes_hostile_names() -> None:
    clean = read(sample())
    picture = QuarantinedPicture(HOSTILE, 1, HOSTILE, HOSTILE, None)
    page = read(
        sample(
            run={"source": HOSTILE, "backbone": HOSTILE, "settings": {HOSTILE: HOSTILE}},
            label_counts={HOSTILE: 6},
            quarantine_counts={HOSTILE: 1},
            quarantined=[picture],
            point_labels=[HOSTILE] * 6,
            point_paths=[HOSTILE] * 6,
        )
    )
    assert len(page.find("script")) == len(clean.find("script"))
    assert not page.find("img")
    assert not [a for _, attributes in page.elements for a in attributes if a.startswith("on")]
    assert page.text.count("onerror=alert(1)") > 10
    assert "49" not in page.text
    assert HOSTILE in json.dumps(json.loads(page.scripts["data-map"])).encode().decode(
        "unicode_escape"
    )


def test_render_report_writes_hidden_characters_out() -> None:
    name = "photo\u202egpj\x00\udc80\u2028.exe"
    page = read(
        sample(
            quarantined=[QuarantinedPicture(name, 1, "truncated", name, None)],
            point_paths=[name] * 6,
        )
    )
    shown = r"photo\u202egpj\u0000\udc80\u2028.exe"
    assert shown in page.text
    assert json.dumps(shown) in page.scripts["data-map"]
    "".join(page.words).encode("utf-8")


def test_render_report_keeps_unicode_names() -> None:
    assert "Größe 苹果" in read(sample(label_counts={"Größe 苹果": 6})).text


def test_render_report_stays_below_6_mb_with_1500_thumbnails() -> None:
    html = render_report(sample(1500, n_labels=119, n_features=1280))
    assert len(html.encode("utf-8")) < 6_000_000


def test_render_report_without_a_reduction_carries_no_plot_library() -> None:
    page = read(
        sample(
            explained_variance_ratio=None,
            n_components=None,
            points=None,
            point_labels=[],
            point_paths=[],
            point_thumbnails=[],
        )
    )
    assert "have not been reduced yet" in page.text
    assert "There is no map until" in page.text
    assert "script-src 'none'" in page.policy()
    assert not page.scripts


def test_render_report_of_nothing_at_all() -> None:
    text = read(EMPTY).text
    assert "No picture was found" in text
    assert "Nothing was set aside." in text
    assert "This run recorded no settings." in text


def test_render_report_when_all_was_set_aside() -> None:
    text = read(dataclasses.replace(EMPTY, quarantine_counts={"corrupt": 3})).text
    assert "None of 3 pictures could be used." in text
    assert "3 The picture cannot be decoded. corrupt" in text


def test_render_report_of_one_picture() -> None:
    page = read(
        sample(
            1,
            run={},
            label_counts={"": 1},
            quarantine_counts={},
            quarantined=[],
            explained_variance_ratio=np.array([1.0]),
            n_components=1,
            points=np.zeros((1, 2)),
            point_labels=[""],
        )
    )
    assert "1 picture of 1 turned into numbers" in page.text
    assert "There is one component only" in page.text
    assert set(page.scripts) >= {"data-variance", "data-share", "data-map"}


def test_render_report_warns_when_the_counts_do_not_add_up() -> None:
    assert not Page(render_report(sample())).find("p", role="alert")
    page = read(sample(run={"images_found": 12, "images_extracted": 6, "images_quarantined": 3}))
    assert page.find("p", role="alert")
    assert "leave 3 missing." in page.text


def test_render_report_bears_odd_values_in_run() -> None:
    run = {"seconds_total": float("nan"), "n_features": None, "created": 7, "images_found": True}
    text = read(sample(run=run)).text
    assert "nan" not in text.split("Settings and versions")[0].lower()


def test_render_report_is_made_for_phones_paper_and_screen_readers() -> None:
    html = render_report(sample())
    page = Page(html)
    assert page.find("html", lang="en")
    assert page.find("meta", name="viewport")
    assert "@media print" in html
    assert len(page.find("h1")) == 1
    ids = [attributes["id"] for _, attributes in page.elements if attributes.get("id")]
    assert len(ids) == len(set(ids))
    for link in page.find("a"):
        assert (link["href"] or "")[1:] in ids
    for plot in page.find("div", role="img"):
        assert plot["aria-label"]


@pytest.mark.parametrize("shape", [(6,), (6, 3)])
def test_render_report_refuses_points_of_another_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"The map needs \(n_images, 2\)"):
        render_report(sample(points=np.zeros(shape)))


def test_render_report_refuses_points_without_names() -> None:
    with pytest.raises(ShapeError, match="'point_paths' has 1 entries for 6 points"):
        render_report(sample(point_paths=["a.jpg"]))
