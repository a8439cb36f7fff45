r"""Makes a store of frames and flow that another tool has written as images.

    twostream import-frames --frames_dir=rawframes --flow_dir=rawframes --flow_bound=20 \
        --store=stores/tvl1 [--dataset=ucf101 --videos_dir=rawframes --annotations=ucfTrainTestlist]

The images of a video lie in a folder of their own: img_00001.jpg (or any name with a number),
flow_x_00001.jpg and flow_y_00001.jpg, or x_... and y_..., or flow below the folders u and v. A
video of the store is called as its folder; with a data set as in its lists, whose names have a
suffix (.avi). Videos that cannot be read are listed in STORE/failed.csv; the exit code is then 1.
"""

import dataclasses
import sys
from typing import ClassVar

from tf_twostream import cli, datasets
from tf_twostream.processes import printing


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImportFlags(cli.Knobs):
    """Where the images lie, and what their codes stand for."""

    group: ClassVar[str] = "data"

    frames_dir: str = cli.knob(cli.REQUIRED, "Folder that holds a folder of frames for each video.")
    flow_dir: str = cli.knob(
        "", "Folder that holds those of the flow, which may be the same; empty for no flow."
    )
    flow_bound: float | None = cli.knob(
        None,
        "Pixels that the code 255 stands for: 20 of TSN, dense_flow and denseflow. Needed with "
        "--flow_dir.",
        above=0,
    )
    flow_zero: float = cli.knob(
        127.5,
        "Code of no displacement: 127.5, the middle, of the formula of dense_flow; 127 or 128 of "
        "tools that round first.",
        at_least=127,
    )
    flow_method: str = cli.knob(
        "imported",
        "Name of the flow method for the store to keep: a network refuses flow of another name.",
    )
    fps: float = cli.knob(
        0.0, "Frames per second, for the store to keep; 0 if unknown.", at_least=0
    )
    store: str = cli.knob(
        cli.REQUIRED, "Folder of the store; made if it does not exist.", group="output", remote=True
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if bool(self.flow_dir) != bool(self.flow_bound):
            given = f"--flow_dir={self.flow_dir} --flow_bound={self.flow_bound}"
            raise ValueError(f"--flow_dir must have a --flow_bound. Received: {given}.")
        if self.flow_zero > 128:
            rule = "--flow_zero must be 127, 127.5 or 128"
            raise ValueError(f"{rule}. Received: {self.flow_zero}.")


def main(given: ImportFlags, source: datasets.Source | None) -> int:
    """Fills the store, says what was done and how to go on."""
    from tf_twostream.precompute import frame_folders

    videos = frame_folders.find(given.frames_dir, given.flow_dir)
    if source:
        videos = frame_folders.name_as_listed(videos, datasets.all_videos(datasets.load(source)))
    bounded = None
    if given.flow_bound:
        bounded = frame_folders.Bounded(given.flow_bound, given.flow_zero, given.flow_method)
        print(
            f"flow: code c stands for (c - {given.flow_zero:g}) * {2 * given.flow_bound / 255:.4g} "
            "pixels"
        )
    done, skipped, failed = frame_folders.fill(
        videos, path=given.store, bounded=bounded, fps=given.fps
    )
    print(
        f"{given.store}: {printing.count(len(done), 'video')} done, "
        f"{len(skipped)} complete before, {len(failed)} failed."
    )
    for video_id, reason in list(failed.items())[:10]:
        print(printing.escape(f"failed: {video_id}: {reason}"), file=sys.stderr)
    return 1 if failed else 0
