"""Frames and flow of video files as networks look at them, in a store that is used once."""

import contextlib
import functools
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tf_twostream import inputs, runs, store
from tf_twostream.paper import testing
from tf_twostream.precompute import filling
from tf_twostream.precompute.resources import Resources
from tf_twostream.store.settings import NO_FLOW


class OtherFlowError(ValueError):
    """This version computes other flow than a network was trained on."""


def number(videos: Sequence[str]) -> dict[str, str]:
    """Gives each video file an id.

    Numbers instead of paths: two files may have one name, and a store holds no absolute path.
    """
    return {f"{n:06d}": video for n, video in enumerate(videos)}


@contextlib.contextmanager
def fill(
    videos: Mapping[str, str],
    streams: Sequence[runs.Run],
    resources: Resources,
    *,
    protocol: testing.Testing | None,
    most_frames: float = math.inf,
) -> Iterator[tuple[store.Reader, dict[str, str]]]:
    """Makes a store of videos as networks were trained on, and removes it at the end.

    Args:
        videos: Files by id, as `number` returns them.
        streams: A run of the spatial stream, one of the temporal stream, or both in this order.
        resources: What the machine may spend on decoding and flow.
        protocol: How many frames and views are looked at: the other records are left empty. None
            for all frames and fields.
        most_frames: Videos with more frames fail.

    Yields:
        The store of those that could be read, and by file the reasons why others could not.

    Raises:
        OtherFlowError: If flow as in the training cannot be computed here.
    """
    settings = settings_of(streams)
    needed = functools.partial(needed_by, streams, protocol) if protocol else None
    with tempfile.TemporaryDirectory(prefix="twostream_") as path:
        outcome = filling.fill(
            list(videos.items()),
            path=path,
            settings=settings,
            resources=resources,
            needed=needed,
            most_frames=most_frames,
        )
        yield store.Reader(path), {videos[v]: reason for v, reason in outcome.failed.items()}


def needed_by(
    streams: Sequence[runs.Run], protocol: testing.Testing, num_frames: int
) -> dict[str, np.ndarray]:
    """Says which records of a video of T frames the networks read, `[T]` or `[T - 1]` bool each."""
    needed = {
        kind: np.zeros(max(0, store.num_records(num_frames, kind)), bool)
        for kind in ("rgb", "forward", "backward")
    }
    if num_frames < 2:  # Not known yet, or no video for flow.
        needed["rgb"][:] = True
        return needed
    for run in streams:
        read = inputs.records_to_test(
            run.recipe,
            protocol.of(run.recipe).num_windows,
            num_frames,
            shorter_side=run.task.settings.shorter_side,
        )
        for kind, records in read.items():
            needed[kind] |= records
    return needed


def settings_of(streams: Sequence[runs.Run]) -> store.Settings:
    """Returns how to make frames and flow: as in training, if that is possible here."""
    # The temporal stream, if there is one: it alone depends on the flow and on the rate.
    last = streams[-1]
    settings = store.Settings.of(
        last.task.settings.method if last.recipe.sees_flow else NO_FLOW,
        directions=tuple(kind for kind in last.recipe.kinds if kind != "rgb"),
        shorter_side=last.task.settings.shorter_side,
        fps=last.task.settings.fps,
        frame_step=last.task.settings.frame_step,
        flow_coding=last.task.settings.flow_coding,
    )
    for run in streams:
        try:
            runs.check_store(run, settings, where="the flow that is computed now")
        except runs.OtherStoreError as error:  # No other store can be named here.
            raise OtherFlowError(str(error)) from error
    return settings
