"""A whole run.json for tests that only need one to be there."""

from pathlib import Path

from pomona.settings import ExtractSettings, SourceSettings
from pomona.storage.records import RunRecord, SettingsRecord, SparkRecord

__all__ = ["make_run"]


def make_run(state: str) -> RunRecord:
    """Return a record of a run that differs from others in its ``source``."""
    return RunRecord(
        format_version=1,
        images_found=3,
        images_extracted=2,
        images_quarantined=1,
        seconds_total=1.0,
        seconds_spark_start=0.5,
        seconds_extract=0.5,
        extract_images_per_second=6.0,
        backbone="tiny",
        backbone_sha256="0" * 64,
        backbone_fingerprint="1" * 64,
        backbone_spec={"name": "tiny"},
        engine="openvino",
        n_features=4,
        n_components=None,
        explained_variance=None,
        label_counts={"plum": 2},
        quarantine_counts={"empty_file": 1},
        source=state,
        source_sha256="2" * 64,
        created="2026-01-01T00:00:00+00:00",
        settings=SettingsRecord(
            source=SourceSettings(Path("/photos")),
            extract=ExtractSettings(cache=Path("/cache")),
            spark=SparkRecord(master="local[2]"),
        ),
        versions={"pomona": "0.1.0"},
    )
