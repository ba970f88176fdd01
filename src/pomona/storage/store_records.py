"""What is said of a store that grows: changes, drift, commits, receipts."""

from pomona.storage.record import Record

__all__ = ["ChangesRecord", "CheckRecord", "CommitRecord", "DriftRecord", "ForgetRecord"]


class ChangesRecord(Record, frozen=True, omit_defaults=False):
    """What a run found and did, in pictures.

    Parameters
    ----------
    listed : int
        In the source.
    new, changed, moved, gone, unchanged : int
        Against what the store held; a picture whose name or folder alone is another has moved.
    touched, relabelled : int
        Written again with the same content; given another label by the rule. Neither costs a pass
        of the network.
    retried : int
        Quarantined before, and tried again.
    forgotten : int
        In the source, and left out because ``pomona forget`` was told to.
    extracted, quarantined : int
        By this run.
    commits : int
    """

    listed: int = 0
    new: int = 0
    changed: int = 0
    moved: int = 0
    gone: int = 0
    unchanged: int = 0
    touched: int = 0
    relabelled: int = 0
    retried: int = 0
    forgotten: int = 0
    extracted: int = 0
    quarantined: int = 0
    commits: int = 0


class DriftRecord(Record, frozen=True):
    """How the pictures that came compare with those that were there.

    Parameters
    ----------
    explained_variance : float, optional
        Share that the PCA holds of all pictures now.
    explained_at_fit : float, optional
        Share that it held of those it was fitted on.
    fitted_on : int, optional
        Pictures that it was fitted on.
    gone_since_fit : int
        Pictures that went or changed since then.
    trained_on : int, optional
        Pictures that were there when the recogniser was trained.
    quarantine_rate, quarantine_rate_before : float
        Share of the pictures of this run that could not be used, and of all.
    strangeness : float, optional
        Mean squared distance of this run's pictures from the mean of all, in standard deviations
        per feature; 1 for pictures like those that were there.
    """

    explained_variance: float | None = None
    explained_at_fit: float | None = None
    fitted_on: int | None = None
    gone_since_fit: int = 0
    trained_on: int | None = None
    quarantine_rate: float | None = None
    quarantine_rate_before: float | None = None
    strangeness: float | None = None


class CommitRecord(Record, frozen=True, omit_defaults=False):
    """One commit of a store.

    Parameters
    ----------
    at : str
        ISO time, UTC.
    run : str
        Which run made it.
    batch : int
        Which one of that run it is.
    extracted, kept, quarantined, gone : int
        Pictures that went through the network; that got other keys; that could not be used; rows
        that left.
    pictures : int
        Pictures with features after it.
    """

    at: str
    run: str
    batch: int = 0
    extracted: int = 0
    kept: int = 0
    quarantined: int = 0
    gone: int = 0
    pictures: int = 0


class ForgetRecord(Record, frozen=True, omit_defaults=False, kw_only=True):
    """The receipt of ``pomona forget``: counts and hashes, no names.

    Parameters
    ----------
    at : str
        ISO time, UTC.
    named : int
        Pictures that were asked for.
    forgotten, features, quarantined : int
        Rows that are gone, and of which table.
    content_sha256 : list of str
        Of the pictures: who still has one can show that it was this one.
    files_deleted : int
        Parquet files of both tables.
    versions_left : int or None
        Older versions that the bucket still keeps; None where that could not be found out.
    versions_note : str
        What that number means, and what to do.
    recogniser_trained_before : bool
        A recogniser in ``model/`` was trained while they were there.
    dry_run : bool
        Nothing was done.
    """

    at: str
    named: int
    forgotten: int
    features: int
    quarantined: int
    content_sha256: list[str]
    files_deleted: int = 0
    versions_left: int | None = 0
    versions_note: str = ""
    recogniser_trained_before: bool = False
    dry_run: bool = False


class CheckRecord(Record, frozen=True, omit_defaults=False, kw_only=True):
    """What ``pomona check`` looked at and found.

    Parameters
    ----------
    pictures, files : int
        Rows and files of both tables.
    orphans : int
        Files that count no more, or never did.
    problems : list of str
        A sentence each; none where every promise holds.
    repaired : list of str
        What was done about them.
    """

    pictures: int
    files: int
    orphans: int
    problems: list[str]
    repaired: list[str]
