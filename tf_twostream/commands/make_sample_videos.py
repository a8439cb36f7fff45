"""Draws a small labelled data set on which neither stream suffices and both together do.

Six classes: two appearances times three motions. `datasets/drawn_scenes.py` draws them and says
why a frame tells only the appearance and the flow only the motion. Clip c of group g shows the
same scene, pose and camera in all classes. The clips of a group share background, texture and
silhouette, and a group is either in training or in test. Motion JPEG codes each frame on its own,
so that not even the coding tells of the motion.

    twostream make-sample-videos --output_dir=sample
"""

import dataclasses
import itertools
import math
import pathlib
from typing import ClassVar

import numpy as np

from tf_twostream import cli
from tf_twostream.datasets import drawn_scenes
from tf_twostream.precompute import frames
from tf_twostream.processes import files, printing, progress

CLIPS_PER_GROUP = 2  # Of each class; the smallest sets have one, for two groups are needed.
FRAMES_PER_SECOND = 25.0
JPEG_QUALITY = 92


@dataclasses.dataclass(frozen=True)
class SampleSet(cli.Knobs):
    """What to draw."""

    group: ClassVar[str] = "output"

    output_dir: str = cli.knob(cli.REQUIRED, "Folder to write videos/ and manifest.csv to.")
    videos_per_class: int = cli.knob(
        24,
        "Videos of each class, training and test; about a third of the groups is for testing.",
        at_least=2,  # One for training and one for testing.
    )
    num_frames: int = cli.knob(
        24, "Frames per video, T; a stack of L flow fields needs L + 1.", at_least=2
    )
    height: int = cli.knob(96, "Height of the videos in pixels.", at_least=32)
    width: int = cli.knob(128, "Width of the videos in pixels.", at_least=32)
    seed: int = cli.knob(0, "Seed; the same seed and sizes give the same files.", at_least=0)


@dataclasses.dataclass(frozen=True)
class Entry:
    """A video of the set: its place in the manifest and the numbers (from 1) of its scene."""

    appearance: str
    motion: str
    split: str
    group: int
    clip: int

    @property
    def label(self) -> str:
        """The class."""
        return f"{self.appearance}_{self.motion}"

    @property
    def path(self) -> str:
        """The file, relative to videos/."""
        return f"{self.label}/{self.label}_g{self.group:02d}_c{self.clip:02d}.avi"


def plan(sample_set: SampleSet) -> list[Entry]:
    """Lists the videos of the set, class by class.

    Args:
        sample_set: Says how many videos each class has.
    """
    count = sample_set.videos_per_class
    num_groups = max(min(count, 3), math.ceil(count / CLIPS_PER_GROUP))
    first_test_group = num_groups - max(1, num_groups // 3) + 1
    scenes = sorted((n % num_groups + 1, n // num_groups + 1) for n in range(count))
    classes = itertools.product(drawn_scenes.APPEARANCES, drawn_scenes.MOTIONS)
    return [
        Entry(appearance, motion, "test" if group >= first_test_group else "train", group, clip)
        for appearance, motion in classes
        for group, clip in scenes
    ]


def draw_group(sample_set: SampleSet, group: int) -> drawn_scenes.Group:
    """Draws a group; its randomness is (seed, group).

    Args:
        sample_set: Gives the seed and the size of the frames.
        group: Number of the group, from 1.
    """
    rng = np.random.default_rng([sample_set.seed, group])
    return drawn_scenes.draw_group(rng, height=sample_set.height, width=sample_set.width)


def draw_clip(sample_set: SampleSet, group: int, clip: int) -> drawn_scenes.Clip:
    """Draws a clip; its randomness is (seed, group, clip), whatever the class.

    Args:
        sample_set: Gives the seed.
        group: Number of the group, from 1.
        clip: Number of the clip in its group, from 1.
    """
    # Clips count from 1, because NumPy seeds [seed, group] and [seed, group, 0] alike.
    return drawn_scenes.draw_clip(np.random.default_rng([sample_set.seed, group, clip]))


def _write_manifest(path: pathlib.Path, entries: list[Entry]) -> None:
    rows = ([e.path, e.label, e.split, f"g{e.group:02d}"] for e in entries)
    files.write_csv(path, [["path", "label", "split", "group"], *rows])


def _check_no_other_files(videos_dir: pathlib.Path, entries: list[Entry]) -> None:
    """Refuses a folder with files of another set, which would seem to belong to this one."""
    own = {entry.path for entry in entries}
    found = {p.relative_to(videos_dir).as_posix() for p in videos_dir.rglob("*") if p.is_file()}
    if others := sorted(found - own):
        rule = "--output_dir must be new, or hold an earlier run of the same size"
        given = f"{videos_dir}, with {len(others)} other files, such as {others[0]}"
        raise ValueError(f"{rule}. Received: {given}.")


def write_set(sample_set: SampleSet) -> list[Entry]:
    """Draws and writes all videos, then the manifest.

    Args:
        sample_set: What to draw, and where to write it.

    Returns:
        The entries of the manifest.

    Raises:
        ValueError: If the output folder holds other videos.
        OSError: If a file cannot be written.
    """
    output_dir = pathlib.Path(sample_set.output_dir)
    entries = plan(sample_set)
    _check_no_other_files(output_dir / "videos", entries)
    # The manifest is removed first and written last: where there is one, the set is complete.
    manifest = output_dir / "manifest.csv"
    manifest.unlink(missing_ok=True)
    # Drawn once, not once per class: a background takes as long as a dozen frames.
    groups = {number: draw_group(sample_set, number) for number in {e.group for e in entries}}
    with progress.bar(len(entries), "video", "drawing") as bar:
        for entry in entries:
            drawn = drawn_scenes.draw_frames(
                groups[entry.group],
                draw_clip(sample_set, entry.group, entry.clip),
                appearance=entry.appearance,
                motion=entry.motion,
                num_frames=sample_set.num_frames,
            )
            path = output_dir / "videos" / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            # Motion JPEG codes each frame on its own, and every build of OpenCV has a coder.
            frames.write_mjpeg(path, drawn, fps=FRAMES_PER_SECOND, quality=JPEG_QUALITY)
            bar.update()
    _write_manifest(manifest, entries)
    return entries


def main(sample_set: SampleSet) -> None:
    """Draws the set that the flags ask for and says how to go on."""
    entries = write_set(sample_set)
    num_classes = len({entry.label for entry in entries})
    num_test = sum(entry.split == "test" for entry in entries)
    output_dir = pathlib.Path(sample_set.output_dir)
    print(
        f"{printing.count(len(entries), 'video')} of {printing.count(num_classes, 'class')} "
        f"({len(entries) - num_test} for training, {num_test} for testing) are in "
        f"{output_dir}. Next:\n"
        f"twostream precompute-flow --dataset=csv --videos_dir={output_dir / 'videos'} "
        f"--annotations={output_dir / 'manifest.csv'} --store={output_dir / 'store'}"
    )
