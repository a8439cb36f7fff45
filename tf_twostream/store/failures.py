"""The file `failed.csv`: which videos could not be done when last tried, and why."""

import csv
import io
from collections.abc import Mapping

import tensorflow as tf

from tf_twostream.store import layout

COLUMNS = ("video_id", "reason")


def write(store: str, reasons: Mapping[str, str]) -> None:
    """Writes the reasons, by id, sorted and atomically; a header only if none failed."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(sorted(reasons.items()))
    data = text.getvalue().encode(errors="backslashreplace")
    layout.write_atomically(layout.failed_path(store), data)


def read(store: str) -> dict[str, str]:
    """Returns the reasons by id; none if there is no such file.

    Raises:
        ValueError: If the file has other columns.
    """
    path = layout.failed_path(store)
    if not tf.io.gfile.exists(path):
        return {}
    with tf.io.gfile.GFile(path, "rb") as file:
        rows = list(csv.reader(io.StringIO(file.read().decode(), newline="")))
    if rows[:1] != [list(COLUMNS)] or any(len(row) != len(COLUMNS) for row in rows):
        raise ValueError(
            f"{path} must have the columns {','.join(COLUMNS)}. Remove it and run "
            "data_tools/precompute_flow.py again."
        )
    return dict(rows[1:])
