"""The file `failed.csv`: which videos could not be done when last tried, and why."""

import csv
import io
from collections.abc import Mapping

from tf_twostream.processes import files
from tf_twostream.store import layout

COLUMNS = ("video_id", "reason")


class FailedListError(ValueError):
    """The list of failed videos is damaged; the store may be sound all the same."""


def write(store: str, reasons: Mapping[str, str]) -> None:
    """Writes `failed.csv` atomically, sorted by id.

    Args:
        store: Folder of the store.
        reasons: Why each video failed, by id; the file then has its header alone if empty.
    """
    files.write_csv(files.join(store, layout.FAILED), [COLUMNS, *sorted(reasons.items())])


def read(store: str) -> dict[str, str]:
    """Returns the reasons by id; none if there is no such file.

    Args:
        store: Folder of the store.

    Raises:
        FailedListError: If the file has other columns.
    """
    path = files.join(store, layout.FAILED)
    if not files.exists(path):
        return {}
    text = files.read(path).decode(errors="backslashreplace")
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error:
        rows = []
    if rows[:1] != [list(COLUMNS)] or any(len(row) != len(COLUMNS) for row in rows):
        rule = f"A {layout.FAILED} must have the columns {','.join(COLUMNS)}"
        raise FailedListError(f"{rule}. Received: {path}.")
    return dict(rows[1:])
