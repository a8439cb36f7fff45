"""Clips of longer videos: their ids name the file and the seconds, "long.mp4#12.5-20"."""

import dataclasses
import fractions
import math
import re

from tf_twostream.datasets import video_files

_ID = re.compile(r"(.+)#(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)", re.DOTALL)
_SECONDS = re.compile(r"\d+(\.\d+)?")


@dataclasses.dataclass(frozen=True)
class Clip:
    """What an id says.

    Attributes:
        path: The file, relative to the folder of the videos.
        start: Seconds from the beginning of the file.
        end: Seconds; infinity for all of the file.
    """

    path: str
    start: fractions.Fraction = fractions.Fraction(0)
    end: fractions.Fraction | float = math.inf

    @property
    def is_part(self) -> bool:
        """Whether it is a part of a file, and not all of it."""
        return self.end < math.inf


def locate(id: str) -> Clip:
    """Returns the file and the seconds of a video.

    Example:
        >>> from tf_twostream.datasets import clips
        >>> clips.locate("long.mp4#12.5-20").start
        Fraction(25, 2)

    Args:
        id: Its id: a path, with seconds behind it if it is a part of that file.
    """
    match = _ID.fullmatch(id)
    if not match or not video_files.is_video(match[1]):
        return Clip(id)
    return Clip(match[1], *map(fractions.Fraction, match.groups()[1:]))


def name(path: str, start: str, end: str) -> str:
    """Returns the id of a part of a file; equal seconds are written in one way.

    Args:
        path: The file.
        start: Seconds in decimal digits, as a list gives them; thousandths count.
        end: Likewise.

    Raises:
        ValueError: If these are no seconds, or the end is not after the start.
    """
    if not all(map(_SECONDS.fullmatch, (start, end))) or not (
        round(float(start), 3) < round(float(end), 3)
    ):
        rule = "A clip must have a start and an end in seconds, such as 12.5 and 20"
        raise ValueError(f"{rule}. Received: {start!r} and {end!r}.")
    first, last = (f"{float(seconds):.3f}".rstrip("0").rstrip(".") for seconds in (start, end))
    return f"{path}#{first}-{last}"
