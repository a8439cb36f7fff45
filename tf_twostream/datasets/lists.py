"""Reads lists, text or CSV, line by line, with the place of each line for error messages."""

import codecs
import csv
import io
import os
import pathlib
from collections.abc import Collection, Iterator, Sequence

from tf_twostream.datasets import splits
from tf_twostream.processes import printing


class MissingListError(FileNotFoundError):
    """A list of a data set is not where it was said to be."""


class ListTextError(ValueError):
    """A list is no text in UTF-8 or UTF-16, or is no CSV."""


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


def read_text(path: str | os.PathLike[str]) -> str:
    """Reads a text file.

    Args:
        path: The file: UTF-8, or UTF-16 with a byte order mark, as spreadsheets write it.

    Raises:
        OSError: If the file cannot be read.
        ListTextError: If it is another encoding, or holds control characters.
    """
    data = pathlib.Path(path).read_bytes()
    # A mark at the beginning, as of Notepad, would else become a part of the first name.
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    rule = f"{os.fspath(path)} must be a text in UTF-8 without control characters"
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        # Not guessed: in a wrong encoding, names would be those of other files.
        number, found = data.count(b"\n", 0, error.start) + 1, data[error.start : error.end]
        raise ListTextError(f"{rule}. Received: {found!r} in line {number}.") from None
    for number, line in enumerate(text.split("\n"), 1):
        if not printing.is_printable(line.replace("\t", "").replace("\r", "")):
            raise ListTextError(f"{rule}. Received: {line!r} in line {number}.")
    return text


def read_lines(path: str | os.PathLike[str]) -> Iterator[tuple[str, str]]:
    """Reads the lines of a text file that are not blank.

    Args:
        path: The file.

    Yields:
        The place of a line ("file, line 3"), and the line without spaces at its ends.
    """
    # Not `splitlines`, which breaks lines at signs that may be part of a name.
    for number, line in enumerate(io.StringIO(read_text(path), newline=None), 1):
        if line.strip():
            yield f"{os.fspath(path)}, line {number}", line.strip()


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
    rows = _split_rows(path)
    _, header = next(rows, ("", []))
    known = {*columns, *(header if optional is None else optional)}
    if not set(columns) <= set(header) <= known or len(set(header)) != len(header):
        more = "".join(f"[,{name}]" for name in (("...",) if optional is None else optional))
        rule = f"The first line of {os.fspath(path)} must name the columns {','.join(columns)}"
        raise ValueError(f"{rule}{more}. Received: {printing.escape(','.join(header))}.")
    for place, cells in rows:
        if len(cells) != len(header):
            rule = f'{place} must have as many cells as the header (commas need "quotes")'
            raise ValueError(f"{rule}. Received: {cells}.")
        row = dict(zip(header, cells))
        # Two quotation marks that lost their partners enclose the rows between them.
        if broken := [row[name] for name in columns if "\n" in row[name]]:
            rule = f"{place} must close its quotation marks"
            raise ListTextError(f"{rule}. Received: {broken[0][:100]!r}.")
        yield place, row


def _split_rows(path: str | os.PathLike[str]) -> Iterator[tuple[str, list[str]]]:
    """Yields where each row of a CSV file begins, and its cells; blank rows are passed over."""
    text = read_text(path)
    # Spreadsheets take the separator of the country, and tabs with UTF-16.
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    # With a space after the comma, quotes would otherwise be taken for part of the cell.
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True
    )
    begins = 1
    try:
        for cells in reader:
            if any(cells):
                yield f"{os.fspath(path)}, line {begins}", [cell.strip() for cell in cells]
            begins = reader.line_num + 1
    except csv.Error as error:
        rule = f"{os.fspath(path)}, line {begins} must be CSV, with pairs of quotation marks"
        raise ListTextError(f"{rule}. Received: {error}.") from None


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
