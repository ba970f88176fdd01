import dataclasses

from reporting.test_page import EMPTY, HOSTILE, JPEG, Page

from pomona.reporting import render_report
from pomona.reporting.plots import figure_json
from pomona.reporting.recognition_data import collect_recognition
from pomona.reporting.recognition_plots import confusion_figure, reliability_figure
from pomona.settings import TrainSettings
from pomona.storage.record import replace
from pomona.storage.records import ClassifierRecord, TrainingRecord
from pomona.storage.scores import ClassScores, Confusion, ReliabilityBin, Scores

PAIRS = [Confusion(label="fig", predicted=HOSTILE, n=3)]
PER_CLASS = [
    ClassScores(label="fig", n=10, precision=1.0, recall=0.7, f1=0.8),
    ClassScores(label="kiwi", n=5, precision=1.0, recall=1.0, f1=1.0),
]
BINS = [ReliabilityBin(low=0.9, high=1.0, n=12, confidence=0.95, accuracy=0.9)]
METRICS = Scores(
    n=15,
    accuracy=0.8,
    balanced_accuracy=0.85,
    macro_f1=0.9,
    top_3_accuracy=1.0,
    fruit_accuracy=0.9,
    ece=0.05,
    reliability=BINS,
    per_class=PER_CLASS,
    confusion_pairs=PAIRS,
)
CLASSIFIER = ClassifierRecord(
    name="logistic",
    seconds_fit=1.5,
    chosen_by=0.8,
    temperature=1.0,
    tuning=[{"regParam": 0.1, "accuracy": 0.8}],
    metrics=METRICS,
)
TRAINING = TrainingRecord(
    settings=TrainSettings(),
    classifier="logistic",
    n_labels=2,
    n_unlabelled=0,
    counts={},
    overlap={},
    warnings=["one half of the truth is <b>missing</b>"],
    classifiers=[CLASSIFIER],
    seconds=2.0,
)


def test_report_shows_scores_mistakes_and_worst_labels():
    data = collect_recognition(TRAINING, find_thumbnails=lambda label, n: [JPEG] * n)
    html = render_report(dataclasses.replace(EMPTY, recognition=data))
    page = Page(html)
    for text in ("80.0", "Labels missed most often", "fig 70.0", "logistic: regParam 0.1"):
        assert text in page.text.replace("\xa0", " ")
    assert {"data-confusion", "data-reliability"} <= set(page.scripts)
    assert "onerror" not in {name for _, attributes in page.elements for name in attributes}
    assert "<b>missing" not in html
    assert [label.label for label in data.worst] == ["fig"]


def test_report_without_mistakes_says_so():
    metrics = replace(METRICS, confusion_pairs=[], per_class=PER_CLASS[1:])
    training = replace(TRAINING, classifiers=[replace(CLASSIFIER, metrics=metrics)])
    data = collect_recognition(training, find_thumbnails=lambda label, n: [])
    assert "No mistake was made." in render_report(dataclasses.replace(EMPTY, recognition=data))


def test_figures_grow_with_the_labels_so_that_names_stay_readable():
    names = [f"label {i:03}" for i in range(131)]
    pairs = [
        Confusion(label=a, predicted=b, n=1)
        for a, b in zip(names, names[1:] + names[:1], strict=True)
    ]
    plot = confusion_figure(pairs, [replace(PER_CLASS[0], label=name, n=20) for name in names])
    assert plot.height >= 12 * 131
    assert figure_json(plot)["doc"]
    assert figure_json(reliability_figure(BINS))["doc"]
