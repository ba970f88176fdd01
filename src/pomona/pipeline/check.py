"""``check``: every promise of a store is looked at; ``--repair`` mends what can be mended."""

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pomona import schema
from pomona.errors import ModelError, PomonaError
from pomona.pictures.changes import find_changes
from pomona.reduction.fitted import load_reduction
from pomona.reduction.sums import read_sums
from pomona.storage.claims import Claim, claim, find_living
from pomona.storage.commits import Batch, commit_batch
from pomona.storage.locations import Location, open_location
from pomona.storage.model_folder import MODEL_FILE, check_network, read_model_record
from pomona.storage.records import RunRecord
from pomona.storage.state import StoreState, read_state, sweep
from pomona.storage.store import FEATURES, MODEL, QUARANTINE, REDUCED, RUN_FILE, STATE, find_run
from pomona.storage.store_records import CheckRecord
from pomona.storage.table import Snapshot, commit, read_snapshot

__all__ = ["check"]

COLUMNS: Final = {FEATURES: schema.STORED_FEATURES, QUARANTINE: schema.STORED_QUARANTINE}
AGAIN: Final = "Run the same 'pomona run' again: what is missing is made anew."


def check(out: str, *, repair: bool = False) -> CheckRecord:
    """Look at every file of a store, and at what its parts say of each other.

    Parameters
    ----------
    out : str
        Folder or bucket.
    repair : bool
        Take damaged files and doubled rows out of the tables, delete leftovers and what does not
        fit; the next run makes the rest anew.

    Raises
    ------
    OutputError
        If there is no store.
    """
    place = open_location(out)
    found: list[str] = []
    mended: list[str] = []
    with claim(place) as mine:
        damaged = {part: _find_damaged(place, part, found) for part in COLUMNS}
        if repair:
            for part, names in damaged.items():
                _drop_files(place, part, names, mended)
        elif any(damaged.values()):
            # What the keys say cannot be read either.
            return _to_record(place, found, mended, _count_orphans(place, mine))
        state = read_state(place)
        _check_rows(place, state, mine, found, mended, repair=repair)
        run = find_run(place)
        _check_run(place, state, run, found, mended, repair=repair)
        _check_sums(place, state, run, found, mended, repair=repair)
        _check_model(place, run, found)
        _check_reduced(place, state, run, found, mended, repair=repair)
        n_orphans = _count_orphans(place, mine)
        if n_orphans and repair:
            mended.append(f"{sweep(place, mine)} leftover files deleted.")
    return _to_record(place, found, mended, n_orphans)


def _to_record(out: Location, found: list[str], mended: list[str], orphans: int) -> CheckRecord:
    tables = [snapshot for part in COLUMNS if (snapshot := read_snapshot(out.at(part)))]
    return CheckRecord(
        pictures=sum(table.n_rows for table in tables),
        files=sum(len(table.files) for table in tables),
        orphans=orphans,
        problems=found,
        repaired=mended,
    )


def _find_damaged(out: Location, part: str, found: list[str]) -> list[str]:
    """Return the files of a table that are gone, or not as they were written."""
    snapshot = read_snapshot(out.at(part))
    if snapshot is None:
        read_state(out)
        return []
    there = {file.name: file.size for file in out.at(part).files()}
    damaged = []
    for name, file in sorted(snapshot.files.items()):
        if name not in there:
            found.append(f"{part}/{name} is gone; the log counts {file.n_rows} rows in it.")
        elif there[name] != file.size:
            found.append(f"{part}/{name} has {there[name]} bytes instead of {file.size}.")
        elif (why := _read_whole(out.at(part), name, file.n_rows)) is not None:
            found.append(f"{part}/{name} is damaged: {why}.")
        else:
            continue
        damaged.append(name)
    return damaged


def _read_whole(folder: Location, name: str, n_rows: int) -> str | None:
    try:
        with (
            folder.open(name) as file,
            pq.ParquetFile(file, page_checksum_verification=True) as parquet,
        ):
            n = 0
            for rows in parquet.iter_batches(1024):
                n += rows.num_rows
                if schema.FEATURES in rows.schema.names:
                    numbers = rows[schema.FEATURES].flatten().to_numpy(zero_copy_only=False)
                    if not np.isfinite(numbers).all():
                        return "a vector holds a number that is none"
    except (OSError, pa.ArrowException) as error:
        return " ".join(str(error).split())[:120]
    return None if n == n_rows else f"it holds {n} rows instead of {n_rows}"


def _drop_files(out: Location, part: str, names: list[str], mended: list[str]) -> None:
    snapshot = read_snapshot(out.at(part))
    if not names or snapshot is None:
        return
    commit(out.at(part), snapshot, COLUMNS[part], remove=names)
    mended.append(f"{len(names)} damaged files of {part}/ count no more. {AGAIN}")


def _check_rows(
    out: Location,
    state: StoreState,
    mine: Claim,
    found: list[str],
    mended: list[str],
    *,
    repair: bool,
) -> None:
    keys = state.keys
    n_double = len(keys) - len(keys[schema.PATH].unique())
    if n_double:
        found.append(f"{n_double} pictures stand in the store twice.")
        if repair:
            fingerprint = state.features.properties.get("fingerprint", "")
            listed = keys.select(schema.LISTING.names)
            gone = find_changes(listed, keys, fingerprint=fingerprint, retry=()).gone
            batch = Batch(gone=frozenset(gone[schema.PICTURE_ID].to_pylist()))
            commit_batch(
                out, state, batch, fingerprint=fingerprint, claim=mine, note={"doubled": 1}
            )
            mended.append(f"{n_double} doubled rows taken out.")
    n_ids = len(keys) - len(keys[schema.PICTURE_ID].unique())
    if n_ids:
        found.append(f"{n_ids} rows share their picture_id with another.")
    wanted = state.features.properties.get("fingerprint")
    others = pc.sum(pc.not_equal(keys[schema.FINGERPRINT], wanted)).as_py() or 0
    if others:
        found.append(f"{others} rows were made with another network. {AGAIN}")


def _check_run(
    out: Location,
    state: StoreState,
    run: RunRecord | None,
    found: list[str],
    mended: list[str],
    *,
    repair: bool,
) -> None:
    if run is None:
        found.append(f"There is no {RUN_FILE}: the last run did not come to its end. {AGAIN}")
        return
    told = (run.images_extracted, run.images_quarantined)
    held = (state.features.n_rows, state.quarantine.n_rows)
    if told != held or run.images_found != sum(told):
        found.append(
            f"{RUN_FILE} says {told[0]} extracted and {told[1]} quarantined; the tables hold "
            f"{held[0]} and {held[1]}. {AGAIN}"
        )
        if repair:
            out.delete(RUN_FILE)
            mended.append(f"{RUN_FILE} deleted.")


def _check_sums(
    out: Location,
    state: StoreState,
    run: RunRecord | None,
    found: list[str],
    mended: list[str],
    *,
    repair: bool,
) -> None:
    if run is None or not out.has(f"{STATE}/sums"):
        return
    sums = read_sums(out.at(STATE), n_features=run.n_features)
    n_rows = sum(file.n_rows for name, file in state.features.files.items() if name in sums.files)
    whole = sums.files <= set(state.features.files)
    if not sums.files or (whole and sums.moments.count != n_rows):
        found.append("The sums for the PCA are damaged.")
        if repair:
            out.delete(f"{STATE}/sums")
            mended.append("The sums are deleted; the next run adds up anew.")


def _check_model(out: Location, run: RunRecord | None, found: list[str]) -> None:
    if not out.at(MODEL).has(MODEL_FILE):
        if run is not None and run.n_components:
            found.append(f"There is no model, and {RUN_FILE} tells of one. {AGAIN}")
        return
    try:
        record = read_model_record(out.at(MODEL))
        if record.arrays:
            load_reduction(out.at(MODEL))
        if record.recogniser:
            check_network(out.at(MODEL), record.recogniser)
    except (ModelError, PomonaError) as error:
        found.append(str(error))


def _check_reduced(
    out: Location,
    state: StoreState,
    run: RunRecord | None,
    found: list[str],
    mended: list[str],
    *,
    repair: bool,
) -> None:
    if run is None or not run.n_components or run.settings.reduce is None:
        return
    format = run.settings.reduce.format
    there = {file.name.rsplit(".", 1)[0] for file in out.at(REDUCED).files()}
    wanted = {name.removesuffix(".parquet") for name in state.features.files}
    extra, missing = sorted(there - wanted), sorted(wanted - there)
    if missing:
        found.append(f"{len(missing)} files of reduced/ are missing. {AGAIN}")
    if extra:
        found.append(f"{len(extra)} files of reduced/ stand for no features.")
        if repair:
            out.at(REDUCED).delete_files([f"{name}.{format}" for name in extra])
            mended.append(f"{len(extra)} files of reduced/ deleted.")


def _count_orphans(out: Location, mine: Claim) -> int:
    living = find_living(out, mine)
    is_living: Callable[[str], bool] = lambda name: any(one in name for one in living)  # noqa: E731
    n = 0
    for part in COLUMNS:
        snapshot: Snapshot | None = read_snapshot(out.at(part))
        counting = snapshot.files if snapshot else {}
        n += sum(
            "/" not in file.name and file.name not in counting and not is_living(file.name)
            for file in out.at(part).files()
        )
    return n
