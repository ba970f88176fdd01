import json
import logging

from pomona.cli import console


def test_show_progress_writes_lines_where_there_is_no_terminal(capsys, monkeypatch):
    monkeypatch.setattr(console, "LINE_INTERVAL_S", 0)
    console.set_up_logging(quiet=False, as_json=False)
    with console.show_progress("Extracting", quiet=False, as_json=False) as on_progress:
        on_progress(0, 10)
        on_progress(5, 10)
        on_progress(10, 10)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "Extracting 0/10, 0 images/s, ETA ? s" in lines[0]
    assert "Extracting 10/10" in lines[2]


def test_log_json_carries_the_numbers(capsys):
    console.set_up_logging(quiet=False, as_json=True)
    with console.show_progress("Extracting", quiet=False, as_json=True) as on_progress:
        on_progress(10, 10)
    event = json.loads(capsys.readouterr().err)
    assert (event["done"], event["total"], event["level"]) == (10, 10, "info")


def test_quiet_shows_warnings_only(capsys):
    console.set_up_logging(quiet=True, as_json=False)
    with console.show_progress("Extracting", quiet=True, as_json=False) as on_progress:
        on_progress(10, 10)
    logging.getLogger("pomona").info("not this")
    logging.getLogger("pomona").warning("but this")
    assert capsys.readouterr().err.split(maxsplit=1)[1].strip() == "but this"


def test_show_progress_draws_a_bar_in_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with console.show_progress("Extracting", quiet=False, as_json=False) as on_progress:
        on_progress(3, 10)
        on_progress(10, 10)
    assert "10/10" in capsys.readouterr().err


def test_while_nobody_knows_how_many_there_are_it_counts(capsys, monkeypatch):
    monkeypatch.setattr(console, "LINE_INTERVAL_S", 0.0)
    console.set_up_logging(quiet=False, as_json=False)
    with console.show_progress("Extracting", quiet=False, as_json=False) as on_progress:
        on_progress(2000, None)
        on_progress(1, 4)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("Listing: 2000 files so far")
    assert "Extracting 1/4" in lines[1]
