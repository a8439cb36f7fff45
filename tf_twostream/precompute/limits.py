"""How large a clip of a stranger may be."""

import dataclasses
import math
import os
from typing import ClassVar

from tf_twostream import cli
from tf_twostream.precompute import extraction, frames
from tf_twostream.processes import printing, workers

MOST_FPS = 60  # Frames for each second that is allowed; slow motion may have no more.


class ClipError(ValueError):
    """A clip cannot be labelled; the message is made for who sent it."""


@dataclasses.dataclass(frozen=True)
class Limits(cli.Knobs):
    """The knobs that limit a clip."""

    group: ClassVar[str] = "machine"

    max_seconds: float = cli.knob(
        60.0, f"Longest clip, in seconds; {MOST_FPS} frames for each of them at most.", above=0
    )
    max_megabytes: float = cli.knob(100.0, "Largest file of a clip.", above=0)


def check(clip: str, limits: Limits, timeout: float) -> int:
    """Checks the size of a clip, and what its header says, before anything is decoded.

    Args:
        clip: The file.
        limits: How large it may be.
        timeout: Seconds after which opening it is given up.

    Returns:
        How many frames it may have: its header may be wrong.

    Raises:
        ClipError: If it is too large, too long or no video.
    """
    megabytes = os.path.getsize(clip) / 1e6
    if megabytes > limits.max_megabytes:
        rule = f"A clip must have {limits.max_megabytes:g} MB at most"
        raise ClipError(f"{rule}. This one has {megabytes:.3g}.")
    header = frames.Header(0, 0)
    jobs = [("clip", clip)]
    for _, event in workers.run(extraction.header, jobs, num_workers=1, timeout=timeout):
        if isinstance(event, workers.Done):
            header = event.value
        # One that ends its worker may still be read by the other decoder.
        elif isinstance(event, workers.Failed) and not isinstance(event, workers.Crashed):
            raise ClipError(sentence(event.reason, clip))
    seconds = header.num_frames / header.fps if header.fps else 0.0
    if seconds > limits.max_seconds:
        rule = f"A clip must last {printing.count(limits.max_seconds, 'second')} at most"
        raise ClipError(f"{rule}. This one lasts {seconds:.3g}.")
    fps = header.fps if 1 <= header.fps <= MOST_FPS else MOST_FPS
    return math.ceil(limits.max_seconds * fps)


def sentence(reason: str, clip: str) -> str:
    """Words why a worker could not read a clip, without the path that it has here."""
    said = reason if reason.endswith(".") else f"{reason}."
    said = said.replace(f" Received: {clip}.", "").replace(f" in {clip}", "")
    return f"This file cannot be labelled. {said.replace(clip, 'it')}"
