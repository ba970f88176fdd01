"""What a picture's label is: its folder, a pattern in its path, or a table's word."""

import csv
import os
import re
from collections.abc import Callable
from pathlib import Path

from pomona.errors import SettingsError
from pomona.settings import SourceSettings
from pomona.storage.addresses import is_address

__all__ = ["LabelRule", "label_rule"]

LabelRule = Callable[[str], str | None]


def label_rule(settings: SourceSettings, root: str) -> LabelRule:
    """Return the function from a path below ``root`` to its label, or None.

    Raises
    ------
    SettingsError
        If the rule cannot be used.
    """
    rule_name, _, argument = settings.label.partition(":")
    if rule_name == "none":
        return lambda relative: None
    if rule_name == "regex":
        return _regex_rule(argument)
    if rule_name == "csv":
        return _csv_rule(Path(argument), root)
    top = os.path.basename(root)

    def parent(relative: str) -> str | None:
        folder = relative.rpartition("/")[0]
        return folder.rpartition("/")[2] or top

    return parent


def _regex_rule(pattern: str) -> LabelRule:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise SettingsError(
            f"The label pattern '{pattern}' is not a regular expression: {error}. It is searched "
            "in the path below the source. Correct --label regex:PATTERN."
        ) from error
    if compiled.groups < 1:
        raise SettingsError(
            f"The label pattern '{pattern}' has no group. The group's text becomes the label. "
            "Put parentheses around it, as in --label 'regex:([^/]+)_[0-9]+'."
        )
    group: int | str = "label" if "label" in compiled.groupindex else 1

    def find_label(relative: str) -> str | None:
        match = compiled.search(relative)
        return match[group] if match else None

    return find_label


def _csv_rule(file: Path, root: str) -> LabelRule:
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.DictReader(lines)
            if not {"path", "label"} <= set(rows.fieldnames or ()):
                raise SettingsError(
                    f"The label table '{file}' has the columns {rows.fieldnames}. It needs 'path' "
                    "and 'label'. Name them so in its first line."
                )
            labels = {_below(root, row["path"]): row["label"] for row in rows}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(
            f"The label table '{file}' cannot be read: {error}. It must be a UTF-8 CSV file. "
            "Correct --label csv:FILE."
        ) from error
    return lambda relative: labels.get(_below(root, relative))


def _below(root: str, path: str) -> str:
    return path if is_address(path) else os.path.join(root, path)
