from reporting.test_page import read, sample

from pomona.reporting.growth import describe_changes, describe_drift, growth_figure
from pomona.storage.store_records import CommitRecord

COMMITS = [
    CommitRecord(at="2026-11-26T23:34:18+00:00", run="a", extracted=360, pictures=360),
    CommitRecord(at="2026-11-27T23:34:18+00:00", run="b", extracted=20, gone=5, pictures=375),
]


def test_the_page_shows_how_the_store_grew():
    assert not read(sample()).find("section", id="growth")
    data = sample(commits=COMMITS)
    changes = {"new": 20, "gone": 5, "unchanged": 355, "changed": 0}
    data = sample(commits=COMMITS, run={**data.run, "changes": changes})
    page = read(data)
    assert page.find("section", id="growth")
    assert page.find("div", id="plot-growth")


def test_growth_is_drawn_from_the_last_commits():
    many = [CommitRecord(at="2026-11-26T23:34:18", run="a", pictures=i) for i in range(1000)]
    source = growth_figure(many).select_one(
        {"type": growth_figure(COMMITS).renderers[0].data_source.__class__}
    )
    assert (source.data["n"][0], source.data["n"][-1]) == (601, 1000)


def test_drift_is_said_in_sentences():
    drift = {
        "explained_variance": 0.93,
        "explained_at_fit": 0.95,
        "fitted_on": 360,
        "strangeness": 2.5,
        "quarantine_rate": 0.1,
        "quarantine_rate_before": 0.01,
    }
    fit, strange, bad = describe_drift({"drift": drift})
    assert "fitted on 360 pictures" in fit
    assert "unlike those before: 2.50" in strange
    assert "10.0" in bad
    assert describe_drift({}) == []
    assert (
        describe_changes({"changes": {"new": 1200, "gone": 0}}) == "The last run found 1,200 new."
    )
