"""Finds the videos below a folder."""

import collections
import dataclasses
import functools
import os
import pathlib

from absl import logging

from tf_twostream.datasets import availability, splits
from tf_twostream.processes import printing

# What FFmpeg opens; of what may be sound or a picture as well (.ogg, .png), only .gif.
_KNOWN = (
    ".264 .265 .3g2 .3gp .amv .asf .avi .divx .dv .f4v .flv .gif .h261 .h263 .h264 .h265 .hevc "
    ".ivf .m1v .m2t .m2ts .m2v .m4v .mj2 .mjpeg .mjpg .mkv .mod .mov .mp4 .mpe .mpeg .mpg .mpv "
    ".mts .mxf .nut .ogm .ogv .qt .rm .rmvb .ts .vob .webm .wmv .y4m"
)
SUFFIXES = frozenset(_KNOWN.split())


class VideosDirError(availability.MissingVideosError):
    """The folder of the videos does not exist, or does not hold what it should."""


@dataclasses.dataclass(frozen=True)
class Found:
    """What lies below a folder.

    Attributes:
        ids: Videos: POSIX paths relative to the folder.
        unusable: Files of videos whose names cannot be ids, by the name with what cannot be
            printed escaped; so none of these is like an id.
        left_out: How many other files have each suffix.
        without: Folders right below it of which nothing is a video.
    """

    ids: set[str] = dataclasses.field(default_factory=set)
    unusable: dict[str, pathlib.Path] = dataclasses.field(default_factory=dict)
    left_out: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    without: set[str] = dataclasses.field(default_factory=set)

    def warn(self) -> None:
        """Logs in a line what is left out, and of which folders nothing is left."""
        if not self.left_out:
            return
        kinds = ", ".join(
            f"{count} {kind or 'without one'}" for kind, count in sorted(self.left_out.items())
        )
        words = f"Left out because of the suffix: {kinds}."
        if self.without:
            words += f" Nothing is left of: {', '.join(sorted(self.without))}."
        logging.warning("%s", printing.escape(words))


class Lookup:
    """Finds videos by names that lack the suffix, or folders before them, as lists have them."""

    def __init__(self, videos_dir: str):
        """Takes the folder of the videos, which is not looked at before a name needs it."""
        self._videos_dir = videos_dir

    @functools.cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for id in sorted(find_videos(self._videos_dir)):
            folders = pathlib.PurePosixPath(id).with_suffix("").parts
            for first in range(len(folders)):
                found.setdefault("/".join(folders[first:]), []).append(id)
        return found

    def find(self, place: str, name: str) -> str:
        """Returns the id of a video.

        Args:
            place: Where the name stands, for the error.
            name: Its path; without a suffix, folders before it may be left out, too.

        Returns:
            The name itself if it has the suffix of a video, or if there is no such video.

        Raises:
            VideosDirError: If there is no folder to look in.
            ValueError: If several videos have the name.
        """
        if is_video(name):
            return name
        first, *others = self._by_name.get(name, [name])
        if others:
            rule = f"{place} must name one video"
            raise ValueError(f"{rule}. Received: {name!r}, which is {first!r} and {others[0]!r}.")
        return first


def is_video(path: str) -> bool:
    """Tells by its suffix, in any case, whether a path is that of a video."""
    return pathlib.PurePosixPath(path).suffix.lower() in SUFFIXES


def find(videos_dir: str | os.PathLike[str]) -> Found:
    """Finds all videos below a folder, and what is like videos.

    Links are followed, unless they lead back to a folder that they lie in. What begins with a dot
    is left out.

    Args:
        videos_dir: The folder.

    Raises:
        VideosDirError: If there is no such folder.
        OSError: If a folder in it cannot be read.
    """
    top = pathlib.Path(videos_dir)
    # An empty string would be the current folder for pathlib; here it means that none was named.
    if not os.fspath(videos_dir) or not top.is_dir():
        rule = "`videos_dir` must be the folder of the videos"
        what = "a file" if top.is_file() else "which does not exist"
        raise VideosDirError(f"{rule}. Received: {os.fspath(videos_dir)!r}, {what}.")
    found = Found()
    above: dict[str, tuple[str, ...]] = {}  # Of each folder: where it and those above really are.
    for folder, subfolders, files in os.walk(top, followlinks=True, onerror=_raise):
        real = os.path.realpath(folder)
        chain = above.get(os.path.dirname(folder), ())
        if real in chain:  # Not where the folder has two names: only a loop never ends.
            subfolders.clear()
            continue
        above[folder] = (*chain, real)
        # Names with a dot are of macOS ("._x.avi" beside x.avi), or a trash folder.
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        relative = pathlib.Path(folder).relative_to(top)
        for file in files:
            if not file.startswith("."):
                _sort(found, relative / file, top)
    videos = [*found.ids, *(path.relative_to(top).as_posix() for path in found.unusable.values())]
    found.without.difference_update(name.partition("/")[0] for name in videos)
    return found


def _sort(found: Found, path: pathlib.Path, top: pathlib.Path) -> None:
    """Puts a file where it belongs; at first each folder counts as one that has no video."""
    found.without.update(path.parts[:-1][:1])
    if not is_video(path.as_posix()):
        found.left_out[path.suffix.lower()] += 1
        return
    try:
        splits.check_id(path.as_posix())
    except ValueError:
        # Backslashes doubled, so that two names never become one.
        name = path.as_posix().replace("\\", "\\\\")
        found.unusable[printing.escape(name)] = top / path
    else:
        found.ids.add(path.as_posix())


def _raise(error: OSError) -> None:
    raise error  # `os.walk` would pass over a folder that may not be read, and over its class.


def find_videos(videos_dir: str | os.PathLike[str]) -> set[str]:
    """Finds all videos below a folder, as `find`.

    Args:
        videos_dir: The folder.

    Returns:
        Ids: POSIX paths relative to the folder.

    Raises:
        VideosDirError: If there is no such folder.
        OSError: If a folder in it cannot be read.
    """
    return find(videos_dir).ids


def list_ids(videos_dir: str | os.PathLike[str]) -> list[str]:
    """Lists all videos below a folder that has some.

    Args:
        videos_dir: The folder.

    Returns:
        Ids as of `find_videos`, in alphabetical order.

    Raises:
        VideosDirError: If there is no such folder or no video in it.
    """
    found = find(videos_dir)
    if found.unusable:
        words = "Left out %s with a name that is not UTF-8 or holds control signs or backslashes"
        count = printing.count(len(found.unusable), "video")
        logging.warning(f"{words}: %s ...", count, min(found.unusable))
    ids = sorted(found.ids)
    if not ids:
        rule = f"`videos_dir` must hold videos ({' '.join(sorted(SUFFIXES))})"
        raise VideosDirError(f"{rule}. Received: {os.fspath(videos_dir)}, with no videos.")
    return ids
