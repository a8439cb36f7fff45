r"""Writes the optical flow of videos as files of other tools, or as a coloured video.

    twostream export-flow --format=flo --output_dir=flow clip.avi ...
    twostream export-flow --format=jpeg --output_dir=rawframes --store=stores/ucf101 [ID ...]

Each video has a folder of its own in the output folder, named as the file, or as the video of the
store. Image or file n, counted from 1, is the field from frame n to frame n + 1. The same command
continues where it was interrupted.
"""

import dataclasses
import pathlib
import sys
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from tf_twostream import cli, flow
from tf_twostream.precompute.resources import Resources
from tf_twostream.processes import printing

ORIGIN = "export.json"  # In each folder: of which video, and how.


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportFlags(cli.Knobs):
    """Which flow, and in which form."""

    group: ClassVar[str] = "output"

    format: Literal["flo", "npy", "png", "jpeg", "video"] = cli.knob(
        "flo",
        "flo, Middlebury's; npy, [H, W, 2] float32; png, KITTI's, 16 bits in steps of 1/64 pixel; "
        "jpeg, img_, flow_x_ and flow_y_00001.jpg in 8 bits with a bound, as TSN and denseflow "
        "have them; video, an .mp4 in the Middlebury colours.",
    )
    output_dir: str = cli.knob(cli.REQUIRED, "Folder that gets a folder for each video.")
    flow_bound: float = cli.knob(
        20.0,
        "Pixels that 255 of the jpeg form stands for, and full colour of the video.",
        above=0,
    )
    store: str = cli.knob(
        "", "Take the flow of a store: of the ids that are named, or of all.", group="data"
    )
    method: str = cli.knob(
        "brox",
        "Optical flow method of videos (docs/flow.md).",
        group="data",
        choices=tuple(flow.METHODS),
    )
    direction: Literal["forward", "backward"] = cli.knob(
        "forward", "backward: from frame n + 1 to frame n.", group="data"
    )
    shorter_side: int = cli.knob(
        0, "Shorter side in pixels to which videos are rescaled; 0 for their own.", group="data",
        at_least=0,
    )  # fmt: skip


def _name_folders(videos: list[str]) -> dict[str, str]:
    """Returns the video of each folder name: the file's without folders, with a number if taken."""
    named: dict[str, str] = {}
    for video in videos:
        stem = pathlib.PurePath(video).stem
        names = (f"{stem}_{n}" if n > 1 else stem for n in range(1, len(videos) + 1))
        named[next(name for name in names if name not in named)] = video
    return named


def main(videos: list[str] | None, given: ExportFlags, resources: Resources) -> int:
    """Writes the files; 1 if a video could not be read."""
    from tf_twostream import store
    from tf_twostream.precompute import flow_files
    from tf_twostream.processes import files, progress

    files.check_folder(given.output_dir, "output_dir")
    if given.store:
        reader = store.Reader(given.store)
        named = {v: v for v in videos or reader.video_ids}
    elif videos:
        named = _name_folders(videos)
    else:
        raise ValueError("There must be a VIDEO, or a --store. Received: neither.")

    def open_(video: str, decoder: Any) -> tuple[float, Iterator[Any]]:
        if given.store:
            return flow_files.open_stored(reader, video, direction=given.direction)
        return flow_files.open_video(
            video,
            method=given.method,
            direction=given.direction,
            shorter_side=given.shorter_side,
            decoder=decoder,
            timeout=resources.timeout,
        )

    def write_all(video: str, folder: pathlib.Path, decoder: Any) -> None:
        fps, pairs = open_(video, decoder)
        with flow_files.whole_or_absent(folder) as partial:
            flow_files.FORMATS[given.format](partial, pairs, given.flow_bound, fps)
            files.write_json(partial / ORIGIN, origin(video))

    def origin(video: str) -> dict[str, Any]:
        kept = {**dataclasses.asdict(given), "video": video}
        return {name: value for name, value in kept.items() if name != "output_dir"}

    num_failed, num_there = 0, 0
    with progress.bar(len(named), "video") as bar:
        for name, video in named.items():
            folder = pathlib.Path(given.output_dir, name)
            try:
                if folder.exists():
                    flow_files.check_origin(folder / ORIGIN, origin(video))
                    num_there += 1
                    continue
                try:
                    write_all(video, folder, "opencv")
                except flow_files.CrashedError:
                    write_all(video, folder, "pyav")
            except (ValueError, FileExistsError) as error:
                print(printing.escape(f"error: {video}: {error}"), file=sys.stderr)
                num_failed += 1
            finally:
                bar.update()
    done = len(named) - num_failed - num_there
    print(
        f"{given.output_dir}: {printing.count(done, 'video')} done, "
        f"{num_there} there before, {num_failed} failed."
    )
    return 1 if num_failed else 0
