"""``forget``: pictures are taken out of a store for good, with a receipt of what was done."""

from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from pomona import schema
from pomona.errors import OutputError, SettingsError
from pomona.pipeline.reduce import reduce_stage
from pomona.pipeline.report import write_report
from pomona.pipeline.session import Session
from pomona.settings import ForgetSettings, SparkSettings
from pomona.storage.claims import Claim, claim
from pomona.storage.commits import Batch, commit_batch
from pomona.storage.exports import export_features
from pomona.storage.forgotten import add_forgotten
from pomona.storage.history import shorten
from pomona.storage.locations import Location, open_location
from pomona.storage.model_folder import copy_recogniser
from pomona.storage.records import RunRecord, to_json
from pomona.storage.records import replace as replace_fields
from pomona.storage.state import StoreState, read_state, sweep
from pomona.storage.store import (
    EXPORT,
    FEATURES,
    MODEL,
    REDUCED,
    REPORT,
    STATE,
    find_run,
    publish,
    staging,
)
from pomona.storage.store_records import ForgetRecord
from pomona.storage.versions_left import count_versions

__all__ = ["forget"]

RECEIPTS: Final = f"{STATE}/receipts"


def forget(
    out: str, what: ForgetSettings, *, spark_settings: SparkSettings | None = None
) -> ForgetRecord:
    """Take pictures out of ``out`` for good: features, quarantine, reduced, report, log and sums.

    The PCA is fitted again without them. A recogniser that was trained on them stays until it is
    trained again; the receipt says so.

    Parameters
    ----------
    out : str
        Folder or bucket.
    what : ForgetSettings
        Which pictures.
    spark_settings : SparkSettings, optional

    Returns
    -------
    ForgetRecord
        The receipt; it is kept in ``out/.pomona/receipts`` too.

    Raises
    ------
    OutputError
        If ``out`` is no store.
    SettingsError
        If nothing is named, or a file of names cannot be read.
    """
    place = open_location(out)
    state = read_state(place)
    run = find_run(place)
    paths = _find_paths(place, state, what, run)
    rows = state.keys.filter(
        pc.is_in(state.keys[schema.PATH], value_set=pa.array(sorted(paths), pa.string()))
    )
    record = ForgetRecord(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        named=len(paths),
        forgotten=len(rows),
        features=_count(pc.is_null(rows[schema.REASON_CODE])),
        quarantined=_count(pc.is_valid(rows[schema.REASON_CODE])),
        content_sha256=sorted(rows[schema.CONTENT_SHA256].drop_null().to_pylist()),
        dry_run=what.dry_run,
    )
    if what.dry_run:
        return record
    with claim(place) as mine:
        # First: a run that lists the source meanwhile must not bring them back.
        add_forgotten(place, paths)
        if len(rows):
            state = _take_out(place, state, rows, mine)
            n_files = _make_again(place, state, mine, run, Session(spark_settings))
            record = replace_fields(record, files_deleted=n_files)
        if what.code is not None:
            _delete_contribution(run, what.code)
        record = replace_fields(
            record,
            recogniser_trained_before=run is not None and run.training is not None,
            **count_versions(place),
        )
        place.at(RECEIPTS).put(f"{mine.name}.json", to_json(record))
    return record


def _count(mask: pa.ChunkedArray) -> int:
    return pc.sum(mask).as_py() or 0


def _find_paths(
    out: Location, state: StoreState, what: ForgetSettings, run: RunRecord | None
) -> set[str]:
    """Return the full names of the pictures meant."""
    keys = state.keys
    paths: set[str] = set()
    if what.label is not None:
        paths |= set(keys.filter(pc.equal(keys[schema.LABEL], what.label))[schema.PATH].to_pylist())
    names = list(what.paths)
    if what.file is not None:
        names += _read_names(what.file)
    root = state.features.properties.get("source", "")
    held = set(keys[schema.PATH].to_pylist())
    for name in names:
        # As it is in the store, or below its source.
        paths.add(
            name if name in held else f"{root.rstrip('/')}/{name.removeprefix(root).lstrip('/')}"
        )
    if what.code is not None:
        paths.add(f"{root}/{_find_contribution(run, what.code)}")
    if not (paths or names or what.label is not None):
        raise SettingsError(
            "No picture is named. It is not said what to forget. Add --path, --label, --code or "
            "--from."
        )
    return paths


def _read_names(file: str) -> list[str]:
    try:
        with open(file, encoding="utf-8") as lines:
            return [line.rstrip("\n") for line in lines if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"The list '{file}' cannot be read: {error}. It has the name of one picture on each "
            "line, in UTF-8. Correct --from."
        ) from error


def _find_contribution(run: RunRecord | None, code: str) -> str:
    from pomona.serving.contributions.store import ContributionStore

    found = ContributionStore(run.source).find(code) if run else None
    if found is None:
        raise SettingsError(
            "No contribution of the source has this code. It may be deleted already, or OUT was "
            "made from another source. Check the code."
        )
    return found


def _delete_contribution(run: RunRecord | None, code: str) -> None:
    from pomona.serving.contributions.store import ContributionStore

    if run is not None:
        ContributionStore(run.source).delete(code)


def _take_out(out: Location, state: StoreState, rows: pa.Table, mine: Claim) -> StoreState:
    gone = frozenset(rows[schema.PICTURE_ID].to_pylist())
    fingerprint = state.features.properties.get("fingerprint", "")
    for _ in range(10):
        commit_batch(
            out, state, Batch(gone=gone), fingerprint=fingerprint, claim=mine, note={"forgotten": 1}
        )
        state = read_state(out)
        # A run beside this one may have written a row of theirs again.
        left = state.keys.filter(pc.is_in(state.keys[schema.PATH], value_set=rows[schema.PATH]))
        if not len(left):
            return state
        gone = frozenset(left[schema.PICTURE_ID].to_pylist())
    raise OutputError(
        f"A run beside this one brings the pictures back to '{out}' all the time. It listed them "
        "before they were forgotten. Wait until it has ended, and forget them again."
    )


def _make_again(
    out: Location, state: StoreState, mine: Claim, run: RunRecord | None, session: Session
) -> int:
    """Make anew what was made of the features; return how many files were deleted."""
    n_files = sweep(out, mine)
    shorten(out)
    if run is None:
        return n_files
    record = replace_fields(
        run,
        images_found=state.features.n_rows + state.quarantine.n_rows,
        images_extracted=state.features.n_rows,
        images_quarantined=state.quarantine.n_rows,
        label_counts=state.count(schema.LABEL),
        quarantine_counts=state.count(schema.REASON_CODE),
    )
    with staging(out) as staged:
        parts = [REPORT]
        if record.n_components and record.settings.reduce:
            done = reduce_stage(
                session,
                out,
                staged,
                record,
                record.settings.reduce,
                features=state.features,
                refit="always",
            )
            record = done.record
            parts.append(REDUCED)
            _keep_recogniser(out, staged)
            parts.append(MODEL)
        views = record.settings.run.export if record.settings.run else ()
        if views:
            export_features(
                out.at(FEATURES), staged.at(EXPORT), names=list(state.features.files), views=views
            )
            parts.append(EXPORT)
        publish(staged, out, parts=parts, run=record)
    write_report(out, record)
    return n_files


def _keep_recogniser(out: Location, staged: Location) -> None:
    """Carry the recogniser over to the new model folder."""
    copy_recogniser(out.at(MODEL), staged.at(MODEL))
