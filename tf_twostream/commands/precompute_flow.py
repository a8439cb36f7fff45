r"""Decodes videos, estimates their optical flow and keeps both in a store (paper, Sect. 5).

    twostream precompute-flow --dataset=ucf101 --videos_dir=UCF-101 \
        --annotations=ucfTrainTestlist --store=stores/ucf101

The split is read and described first: videos that no training would take cost no flow. The whole
data set is done, whatever --split says: all splits share one store. Run the same
command again to continue after any kind of interruption: complete videos are skipped. Videos that
cannot be decoded are listed in STORE/failed.csv, and the exit code is 1.
"""

import dataclasses
import tempfile
from typing import ClassVar

from tf_twostream import cli, datasets, flow, paper
from tf_twostream.flow import codec
from tf_twostream.precompute import backends, estimating
from tf_twostream.precompute.resources import Resources
from tf_twostream.processes import files, printing
from tf_twostream.store import layout
from tf_twostream.store import settings as store_settings

MANY_FRAMES = 20_000  # With fewer, an estimate would take longer than it is worth.


@dataclasses.dataclass(frozen=True)
class FlowFlags(cli.Knobs):
    """The knobs that decide what a store holds."""

    group: ClassVar[str] = "output"

    method: str = cli.knob(
        "brox",
        "Optical flow method (docs/flow.md): brox, the paper's [2], on the GPU if there is one; "
        "brox_opencv, the same with OpenCV's parameters (slower); on a CPU alone, by OpenCV, "
        "variational (smaller errors), dis (faster), farneback and tvl1 (very slow). none keeps "
        "frames alone, which is all that a spatial network needs; the same command with another "
        "method adds the flow later.",
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
    fps: float | None = cli.knob(
        None,
        "Frames per second to take of each video, those nearest in time: for clips of mixed rates, "
        "whose flow would differ. Default: all frames.",
        above=0,
    )
    frame_step: int | None = cli.knob(
        None, "Take one of this many frames of each video; default: all.", at_least=2
    )
    flow_coding: codec.CodingName = cli.knob(
        "jpeg",
        "How the 8-bit codes of fields are kept (docs/flow.md): jpeg, as in the paper; raw, for "
        "fast disks: 14 times the bytes, hardly any time to decode.",
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if self.fps and self.frame_step:
            given = f"--fps={self.fps:g} --frame_step={self.frame_step}"
            raise ValueError(f"--fps must not go with --frame_step. Received: {given}.")
        if self.directions not in (("forward",), flow.DIRECTIONS):
            given = ",".join(self.directions)
            raise ValueError(
                f"--directions must be forward or forward,backward. Received: {given}."
            )

    @property
    def settings(self) -> store_settings.Settings:
        """What a store of these is."""
        return store_settings.Settings.of(
            self.method,
            directions=self.directions,
            shorter_side=self.shorter_side,
            fps=self.fps,
            frame_step=self.frame_step,
            flow_coding=self.flow_coding,
        )


@dataclasses.dataclass(frozen=True)
class OutputFlag(cli.Knobs):
    """Where the results go."""

    group: ClassVar[str] = "output"

    store: str = cli.knob(
        cli.REQUIRED, "Folder of the store; made if it does not exist, else continued.", remote=True
    )


@dataclasses.dataclass(frozen=True)
class BackendFlag(cli.Knobs):
    """Where the work is done."""

    group: ClassVar[str] = "machine"

    backend: str = cli.knob(
        "local",
        "What decodes the videos and solves their flow: local, the workers of this machine; ray, "
        "all cores and GPUs of the Ray cluster that RAY_ADDRESS names or this machine belongs to "
        "(docs/cluster.md), whatever --num_workers says. The bytes are the same.",
        choices=tuple(backends.BACKENDS),
    )


@dataclasses.dataclass(frozen=True)
class ShardFlags(cli.Knobs):
    """Which part of the videos this machine does."""

    group: ClassVar[str] = "output"

    num_shards: int = cli.knob(
        1,
        "Machines (or jobs) that share the videos: each fills a part of its own, a folder of its "
        "own --store, and twostream join-stores joins them.",
        at_least=1,
    )
    shard_index: int = cli.knob(
        0, "The number of this part, counted from 0: every num_shards-th video from it.", at_least=0
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if self.shard_index >= self.num_shards:
            given = f"--shard_index={self.shard_index} --num_shards={self.num_shards}"
            raise ValueError(f"--shard_index must be below --num_shards. Received: {given}.")


def say_what_it_takes(
    videos: estimating.Videos, settings: store_settings.Settings, resources: Resources
) -> None:
    """Prints how long a store will take and how large it will be, if that is long.

    Args:
        videos: Pairs of id and file.
        settings: What the store is to hold.
        resources: What the machine may spend on it.
    """
    found = estimating.survey(videos, settings, resources)
    if found.num_frames < MANY_FRAMES:
        return
    print("A few videos first, to say how long all of them take:", flush=True)
    with tempfile.TemporaryDirectory(prefix="twostream_") as folder:
        path = f"{folder}/store"
        rate = estimating.measure(videos, found, path=path, settings=settings, resources=resources)
    seconds = printing.duration(found.num_frames / rate.frames_per_second)
    size = printing.size(found.num_frames * rate.bytes_per_frame)
    words = f"about {seconds} on this machine and {size} for {found.num_videos:,} videos"
    print(f"{words}, {found.num_frames:,} frames", flush=True)


def main(
    source: datasets.Source,
    output: OutputFlag,
    kept: FlowFlags,
    resources: Resources,
    where: BackendFlag,
    part: ShardFlags,
) -> int:
    """Fills the store and says what was done and how to go on."""
    from tf_twostream.precompute import filling, shards

    # The whole split, before hours of work: one that cannot be made would stop the training.
    split = datasets.load(source)
    print(datasets.describe(split), flush=True)
    videos, shard = datasets.list_videos(source, split), None
    if part.num_shards > 1:
        shard, videos = shards.deal(videos, part.shard_index, part.num_shards)
    shards.begin(output.store, shard)
    # Of a store that is continued the progress bar says it, and a cluster is another machine.
    is_new = not files.exists(f"{output.store}/{layout.SETTINGS}")
    if where.backend == "local" and is_new:
        say_what_it_takes(videos, kept.settings, resources)
    outcome = filling.fill(
        videos,
        path=output.store,
        settings=kept.settings,
        resources=resources,
        backend=where.backend,
    )
    print(
        f"{output.store}: {printing.count(len(outcome.done), 'video')} done ("
        f"{printing.count(outcome.num_frames, 'frame')}, "
        f"{outcome.num_frames / max(outcome.seconds, 1e-3):.0f} frames/s), "
        f"{len(outcome.skipped)} complete before, {len(outcome.failed)} failed."
    )
    if outcome.failed:
        print(
            f"The reasons are in {output.store}/failed.csv. The same command tries these again; "
            "delete them, or train without them by --allow_missing."
        )
        return 1
    if shard:
        print("Next, when all parts are there: twostream join-stores PART ... --store=STORE")
        return 0
    print(f"Next, to be sure: twostream verify-store --store={output.store}")
    return 0
