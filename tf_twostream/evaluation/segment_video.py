"""Draws a source with what it shows now: its label, and the likeliest classes as bars."""

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np

from tf_twostream.evaluation import over_time, sources
from tf_twostream.figures import pictures
from tf_twostream.precompute import frames
from tf_twostream.scores import segments

BARS = 3


def write(
    path: str,
    source: sources.Source,
    windows: Sequence[over_time.Window],
    fused: Sequence[np.ndarray],
    found: Sequence[segments.Segment],
    class_names: Sequence[str],
    *,
    timeout: float,
) -> None:
    """Writes a video of a source that can be read again, one frame in memory at a time.

    Args:
        path: The .mp4 file to write.
        source: The source, which is not live.
        windows: Its windows.
        fused: `[K]` scores of each window.
        found: Its segments.
        class_names: K names.
        timeout: Seconds without a frame after which the source is given up.

    Raises:
        OSError: If the file cannot be written.
        SourceError: If the source cannot be read any more.
    """
    with contextlib.closing(over_time.read(source, 0, timeout)) as read:
        first, second = next(read), next(read)
        fps = 1 / max(second.seconds - first.seconds, 1e-3)
        pages = _pages([first, second], read, windows, fused, found, class_names)
        frames.write_h264(path, pages, fps=fps)


def _pages(
    begin: Sequence[sources.Frame],
    rest: Iterator[sources.Frame],
    windows: Sequence[over_time.Window],
    fused: Sequence[np.ndarray],
    found: Sequence[segments.Segment],
    class_names: Sequence[str],
) -> Iterator[np.ndarray]:
    middles = np.array([(window.start + window.end) / 2 for window in windows])
    for frame in (*begin, *rest):
        scores = fused[int(np.abs(middles - frame.seconds).argmin())]
        # What lies behind the last window has no label.
        label = next((s.label for s in found if s.start <= frame.seconds < s.end), "")
        best = np.argsort(-scores, kind="stable")[:BARS]
        bars = [(class_names[k], float(scores[k])) for k in best]
        yield pictures.barred(frame.rgb, f"{frame.seconds:.1f} s  {label}", bars)
