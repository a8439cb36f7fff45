"""Draws a small labelled data set on which neither stream suffices and both together do.

Six classes: two appearances times three motions. `datasets/drawn_scenes.py` draws them and says
why a frame tells only the appearance and the flow only the motion. Clip c of group g shows the
same scene, pose and camera in all classes. The clips of a group share background, texture and
silhouette, and a group is either in training or in test. Motion JPEG codes each frame on its own,
so that not even the coding tells of the motion.

    python data_tools/make_sample_videos.py --output_dir=sample
"""

import csv
import dataclasses
import itertools
import math
import pathlib
from collections.abc import Iterator

import cv2
import numpy as np
import tqdm

from tf_twostream import cli
from tf_twostream.datasets import drawn_scenes

CLIPS_PER_GROUP = 2  # Of each class; the smallest sets have one, for two groups are needed.
FRAMES_PER_SECOND = 25.0
JPEG_QUALITY = 92


@dataclasses.dataclass(frozen=True)
class SampleSet:
    """What to draw."""

    output_dir: str = cli.knob(cli.REQUIRED, "Folder to write videos/ and manifest.csv to.")
    videos_per_class: int = cli.knob(
        24, "Videos of each class, training and test; about a third of the groups is for testing."
    )
    num_frames: int = cli.knob(24, "Frames per video, T; a stack of L flow fields needs L + 1.")
    height: int = cli.knob(96, "Height of the videos in pixels.")
    width: int = cli.knob(128, "Width of the videos in pixels.")
    seed: int = cli.knob(0, "Seed; the same seed and sizes give the same files.")

    def __post_init__(self) -> None:
        for name, least in (
            ("videos_per_class", 2),
            ("num_frames", 2),
            ("height", 32),
            ("width", 32),
            ("seed", 0),
        ):
            if getattr(self, name) < least:
                raise ValueError(
                    f"--{name} must be at least {least}. Received: {getattr(self, name)}."
                )


cli.define(SampleSet)


@dataclasses.dataclass(frozen=True)
class Entry:
    """A video of the set: its place in the manifest and the numbers (from 1) of its scene."""

    path: str
    appearance: str
    motion: str
    split: str
    group: int
    clip: int

    @property
    def label(self) -> str:
        """The class."""
        return f"{self.appearance}_{self.motion}"


def plan(sample_set: SampleSet) -> list[Entry]:
    """Lists the videos of the set, class by class, with their group and split."""
    count = sample_set.videos_per_class
    num_groups = max(min(count, 3), math.ceil(count / CLIPS_PER_GROUP))
    first_test_group = num_groups - max(1, num_groups // 3) + 1
    scenes = sorted((n % num_groups + 1, n // num_groups + 1) for n in range(count))
    entries = []
    for appearance, motion in itertools.product(drawn_scenes.APPEARANCES, drawn_scenes.MOTIONS):
        name = f"{appearance}_{motion}"
        for group, clip in scenes:
            path = f"{name}/{name}_g{group:02d}_c{clip:02d}.avi"
            split = "test" if group >= first_test_group else "train"
            entries.append(Entry(path, appearance, motion, split, group, clip))
    return entries


def draw_group(sample_set: SampleSet, group: int) -> drawn_scenes.Group:
    """Draws a group; its randomness is (seed, group)."""
    rng = np.random.default_rng([sample_set.seed, group])
    return drawn_scenes.draw_group(rng, height=sample_set.height, width=sample_set.width)


def draw_clip(sample_set: SampleSet, group: int, clip: int) -> drawn_scenes.Clip:
    """Draws a clip; its randomness is (seed, group, clip), whatever the class."""
    return drawn_scenes.draw_clip(np.random.default_rng([sample_set.seed, group, clip]))


def write_video(path: pathlib.Path, frames: Iterator[np.ndarray], *, size: tuple[int, int]) -> None:
    """Writes a Motion JPEG AVI file with OpenCV's own encoder, which every build has.

    Args:
        path: File to write.
        frames: `[H, W, 3]` uint8 RGB each.
        size: (width, height) in pixels.

    Raises:
        OSError: If the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    code = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, code, FRAMES_PER_SECOND, size)
    if not writer.isOpened():
        raise OSError(f"Cannot write the video {path}. Is the disk full or the folder read-only?")
    writer.set(cv2.VIDEOWRITER_PROP_QUALITY, JPEG_QUALITY)
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()


def write_manifest(path: pathlib.Path, entries: list[Entry]) -> None:
    """Writes the list of videos: columns path (relative to videos/), label, split, group."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", "label", "split", "group"])
        for entry in entries:
            writer.writerow([entry.path, entry.label, entry.split, f"g{entry.group:02d}"])


def check_no_strangers(videos_dir: pathlib.Path, entries: list[Entry]) -> None:
    """Refuses a folder that holds files of another set, which would get into this one.

    Raises:
        ValueError: If a file in `videos_dir` is not about to be written over.
    """
    own = {entry.path for entry in entries}
    found = {p.relative_to(videos_dir).as_posix() for p in videos_dir.rglob("*") if p.is_file()}
    if strangers := sorted(found - own):
        raise ValueError(
            f"--output_dir must be new, or hold an earlier run of the same size. Received: "
            f"{videos_dir.parent}, where videos/ has {len(strangers)} other files, such as "
            f"{strangers[0]}. Give another --output_dir or remove that folder."
        )


def write_set(sample_set: SampleSet) -> list[Entry]:
    """Draws and writes all videos, then the manifest (so where it is, the set is complete).

    Returns:
        The entries of the manifest.

    Raises:
        ValueError: If the output folder holds other videos.
        OSError: If a file cannot be written.
    """
    output_dir = pathlib.Path(sample_set.output_dir)
    entries = plan(sample_set)
    check_no_strangers(output_dir / "videos", entries)
    manifest = output_dir / "manifest.csv"
    manifest.unlink(missing_ok=True)
    groups: dict[int, drawn_scenes.Group] = {}
    for entry in tqdm.tqdm(entries, desc="drawing", unit="video"):
        if entry.group not in groups:
            groups[entry.group] = draw_group(sample_set, entry.group)
        frames = drawn_scenes.draw_frames(
            groups[entry.group],
            draw_clip(sample_set, entry.group, entry.clip),
            appearance=entry.appearance,
            motion=entry.motion,
            num_frames=sample_set.num_frames,
        )
        size = (sample_set.width, sample_set.height)
        write_video(output_dir / "videos" / entry.path, frames, size=size)
    write_manifest(manifest, entries)
    return entries


def main() -> None:
    """Draws the set that the flags ask for and says how to go on."""
    sample_set = cli.parse(SampleSet)
    entries = write_set(sample_set)
    num_classes = len({entry.label for entry in entries})
    num_test = sum(entry.split == "test" for entry in entries)
    output_dir = pathlib.Path(sample_set.output_dir)
    print(
        f"{len(entries)} videos of {num_classes} classes ({len(entries) - num_test} for training, "
        f"{num_test} for testing) are in {output_dir}. Next:\n"
        f"python data_tools/precompute_flow.py --dataset=csv --videos_dir={output_dir / 'videos'} "
        f"--annotations={output_dir / 'manifest.csv'} --store={output_dir / 'store'}"
    )


if __name__ == "__main__":
    cli.run(main)
