"""The files of visitors of a page: where they lie, and when they are deleted.

A visitor names nothing here: each clip gets a new folder with a random name and is called "clip" in
it. A server keeps equal uploads of two visitors as one file, so each gets a link of its own.
"""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import tempfile
import threading
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Visit:
    """A clip that a visitor wants to be answered.

    Attributes:
        visitor: Who wants it.
        folder: The folder for what is drawn of it.
        upload: The file as the server keeps it; empty if it was not uploaded.
        number: The system's number of that file.
    """

    visitor: str
    folder: str
    upload: str = ""
    number: int = 0

    @property
    def clip(self) -> str:
        """The uploaded file, to read."""
        return os.path.join(self.folder, "clip")


class Visits:
    """The folders of all visitors, below one folder."""

    def __init__(self, folder: str):
        """Prepares the folder.

        Args:
            folder: A folder that exists, on the disk of the uploads.
        """
        self._folder = folder
        self._kept: set[Visit] = set()  # Of clips that wait, or that were answered.
        self._at_work: set[Visit] = set()
        self._lock = threading.Lock()

    def take(self, visitor: str, upload: str = "") -> Visit:
        """Takes an uploaded clip over, and deletes what the visitor had before.

        Args:
            visitor: Who sent it.
            upload: The file, of any name; empty if the clip was not uploaded.

        Raises:
            FileNotFoundError: If the upload is not there any more.
        """
        self._delete(visitor)
        number = os.stat(upload).st_ino if upload else 0
        visit = Visit(visitor, tempfile.mkdtemp(dir=self._folder), upload, number)
        if upload:
            os.link(upload, visit.clip)
        with self._lock:
            self._kept.add(visit)
        return visit

    @contextlib.contextmanager
    def at_work(self, visit: Visit) -> Iterator[bool]:
        """Keeps the files of a clip while it is answered, and then deletes clip and upload.

        Yields:
            Whether anybody still waits for the answer.
        """
        with self._lock:
            waits = visit in self._kept
            if waits:
                self._kept.remove(visit)
                self._at_work.add(visit)
        try:
            yield waits
        finally:
            _delete_upload(visit)
            pathlib.Path(visit.clip).unlink(missing_ok=True)
            with self._lock:
                stays = visit in self._at_work
                if stays:
                    self._at_work.remove(visit)
                    self._kept.add(visit)
            if not stays:
                shutil.rmtree(visit.folder, ignore_errors=True)

    def leave(self, visitor: str) -> None:
        """Deletes all that a visitor has; a clip that is being answered right after that."""
        with self._lock:
            self._at_work = {visit for visit in self._at_work if visit.visitor != visitor}
        self._delete(visitor)

    def _delete(self, visitor: str) -> None:
        with self._lock:
            gone = {visit for visit in self._kept if visit.visitor == visitor}
            self._kept -= gone
        for visit in gone:
            _delete_upload(visit)
            shutil.rmtree(visit.folder, ignore_errors=True)


def _delete_upload(visit: Visit) -> None:
    # Perhaps another file of this name was uploaded meanwhile, by somebody who waits.
    path = pathlib.Path(visit.upload)
    if visit.upload and path.exists() and path.stat().st_ino == visit.number:
        path.unlink()
