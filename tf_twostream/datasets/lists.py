"""Reads lists, text or CSV, line by line, with the place of each line for error messages."""

import csv
import os
import pathlib
from collections.abc import Collection, Iterator, Sequence

from tf_twostream.datasets import splits

# Notepad and Excel begin a file with a byte order mark; read as plain UTF-8, it would become a
# part of the first name. Without a mark this is the same as "utf-8".
_ENCODING = "utf-8-sig"


class MissingListError(FileNotFoundError):
    """A list of a data set is not where it was said to be."""


def existing(path: pathlib.Path, what: str) -> pathlib.Path:
    """Returns the path of a list if the file exists.

    Args:
        path: The file.
        what: What `annotations` must name, and where that can be found, in words.

    Raises:
        MissingListError: If there is no such file.
    """
    if not path.is_file():
        given = f"{path}, {'a folder' if path.is_dir() else 'which does not exist'}"
        raise MissingListError(f"`annotations` must name {what}. Received: {given}.")
    return path


def read_lines(path: pathlib.Path) -> Iterator[tuple[str, str]]:
    """Reads the lines of a text file that are not blank.

    Args:
        path: The file.

    Yields:
        The place of a line ("file, line 3"), and the line without spaces at its ends.
    """
    for number, line in enumerate(path.read_text(encoding=_ENCODING).splitlines(), 1):
        if line.strip():
            yield f"{path}, line {number}", line.strip()


def read_rows(
    path: str | os.PathLike[str],
    columns: Sequence[str],
    optional: Collection[str] | None = (),
) -> Iterator[tuple[str, dict[str, str]]]:
    """Reads the rows of a CSV file with a header; the order of its columns does not matter.

    Args:
        path: The file.
        columns: Columns that the header must name.
        optional: Further columns that it may name; None for any.

    Yields:
        The place of a row ("file, line 3"), and its cells by column without spaces at their ends.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If a column is missing or unknown, or a row has too many or too few cells.
    """
    with open(path, encoding=_ENCODING, newline="") as file:
        # With a space after the comma, quotes would otherwise be taken for part of the cell.
        reader = csv.DictReader(file, skipinitialspace=True)
        header = reader.fieldnames or ()
        known = {*columns, *(header if optional is None else optional)}
        if not set(columns) <= set(header) <= known or len(set(header)) != len(header):
            more = "".join(f"[,{name}]" for name in (("...",) if optional is None else optional))
            rule = f"The first line of {os.fspath(path)} must name the columns {','.join(columns)}"
            raise ValueError(f"{rule}{more}. Received: {','.join(header)}.")
        for row in reader:
            place = f"{os.fspath(path)}, line {reader.line_num}"
            # DictReader puts cells that are too many under None, and None where one is missing.
            if None in row or None in row.values():
                rule = f'{place} must have as many cells as the header (commas need "quotes")'
                raise ValueError(f"{rule}. Received: {list(row.values())}.")
            yield place, {name: cell.strip() for name, cell in row.items()}


def make_video(place: str, id: str, labels: Sequence[int], group: str = "") -> splits.Video:
    """Makes the video that a line describes.

    Args:
        place: Place of the line, for the error.
        id: See `splits.Video`.
        labels: All labels of the video, ascending.
        group: See `splits.Video`.

    Raises:
        ValueError: If it is no video; the error says in which line.
    """
    try:
        return splits.Video(id, labels[0], group, other_labels=tuple(labels[1:]))
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
