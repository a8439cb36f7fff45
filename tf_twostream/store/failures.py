"""The file `failed.csv`: which videos could not be done when last tried, and why."""

import csv
import io
from collections.abc import Mapping

from tf_twostream.processes import files
from tf_twostream.store import layout

COLUMNS = ("video_id", "reason")


def write(store: str, reasons: Mapping[str, str]) -> None:
    """Writes `failed.csv` atomically, sorted by id.

    Args:
        store: Folder of the store.
        reasons: Why each video failed, by id; the file then has its header alone if empty.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")  # By itself it would end lines as DOS does.
    table.writerow(COLUMNS)
    table.writerows(sorted(reasons.items()))
    # A path may hold bytes that are no text.
    data = text.getvalue().encode(errors="backslashreplace")
    files.write(files.join(store, layout.FAILED), data)


def read(store: str) -> dict[str, str]:
    """Returns the reasons by id; none if there is no such file.

    Args:
        store: Folder of the store.

    Raises:
        DamagedStoreError: If the file has other columns.
    """
    path = files.join(store, layout.FAILED)
    if not files.exists(path):
        return {}
    rows = list(csv.reader(io.StringIO(files.read(path).decode(), newline="")))
    if rows[:1] != [list(COLUMNS)] or any(len(row) != len(COLUMNS) for row in rows):
        rule = f"A {layout.FAILED} must have the columns {','.join(COLUMNS)}"
        raise layout.DamagedStoreError(f"{rule}. Received: {path}.")
    return dict(rows[1:])
