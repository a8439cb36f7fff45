r"""Decodes videos, estimates their optical flow and keeps both in a store (paper, Sect. 5).

    twostream precompute-flow --dataset=ucf101 --videos_dir=UCF-101 \
        --annotations=ucfTrainTestlist --store=stores/ucf101

The split is read and described first: videos that no training would take cost no flow. The whole
data set is done, whatever --split says: all splits share one store. Run the same
command again to continue after any kind of interruption: complete videos are skipped. Videos that
cannot be decoded are listed in STORE/failed.csv, and the exit code is 1.
"""

import dataclasses
from typing import ClassVar

from tf_twostream import cli, datasets, flow, paper
from tf_twostream.precompute.resources import Resources
from tf_twostream.processes import printing
from tf_twostream.store import settings as store_settings


@dataclasses.dataclass(frozen=True)
class FlowFlags(cli.Knobs):
    """The knobs that decide what a store holds."""

    group: ClassVar[str] = "output"

    method: str = cli.knob(
        "brox",
        "Optical flow method (docs/flow.md): brox, the paper's [2], on the GPU if there is one; "
        "brox_opencv, the same with OpenCV's parameters (slower); dis (faster on a CPU), farneback "
        "and tvl1 (very slow) of OpenCV. none keeps frames alone, which is all that a spatial "
        "network needs; the same command with another method adds the flow later.",
        choices=(*flow.METHODS, store_settings.NO_FLOW),
    )
    directions: tuple[str, ...] = cli.knob(
        ("forward",),
        "forward, or forward,backward (needed by bi-directional volumes, paper, Sect. 3.1), which "
        "may be added to a store with forward flow.",
    )
    shorter_side: int = cli.knob(
        paper.SHORTER_SIDE,
        "Shorter side of frames and fields in pixels (paper, Sect. 5: 256).",
        at_least=16,  # What Brox's derivatives reach, with room for a pyramid.
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if self.directions not in (("forward",), flow.DIRECTIONS):
            given = ",".join(self.directions)
            raise ValueError(
                f"--directions must be forward or forward,backward. Received: {given}."
            )


@dataclasses.dataclass(frozen=True)
class OutputFlag(cli.Knobs):
    """Where the results go."""

    group: ClassVar[str] = "output"

    store: str = cli.knob(
        cli.REQUIRED, "Folder of the store; made if it does not exist, else continued.", remote=True
    )


def main(source: datasets.Source, output: OutputFlag, kept: FlowFlags, resources: Resources) -> int:
    """Fills the store and says what was done and how to go on."""
    from tf_twostream import store
    from tf_twostream.precompute import filling

    # The whole split, before hours of work: one that cannot be made would stop the training.
    split = datasets.load(source)
    print(datasets.describe(split), flush=True)
    outcome = filling.fill(
        datasets.list_videos(source, split),
        path=output.store,
        settings=store.Settings.of(
            kept.method, directions=kept.directions, shorter_side=kept.shorter_side
        ),
        resources=resources,
    )
    print(
        f"{output.store}: {printing.count(len(outcome.done), 'video')} done ("
        f"{printing.count(outcome.num_frames, 'frame')}, "
        f"{outcome.num_frames / max(outcome.seconds, 1e-3):.0f} frames/s), "
        f"{len(outcome.skipped)} complete before, {len(outcome.failed)} failed."
    )
    if outcome.failed:
        print(
            f"Why is in {output.store}/failed.csv. The same command tries these again; delete "
            "them, or train without them by --allow_missing."
        )
        return 1
    print(f"Next, to be sure: twostream verify-store --store={output.store}")
    return 0
