"""The clips of a store as a data set: a list with classes, and video files again."""

import pathlib
from collections.abc import Iterator, Sequence

from tf_twostream import store
from tf_twostream.benchmarks.gpu.jobs import Finding
from tf_twostream.benchmarks.gpu.setting import Setting
from tf_twostream.precompute import frames
from tf_twostream.processes import files

LIST, VIDEOS = "clips.csv", "videos"  # In the output folder.
_JPEG_QUALITY = 95
_EVERY = 4  # Of the clips of a class one in so many is tested.


def measure(setting: Setting) -> Iterator[Finding]:
    """Writes the list and the first videos; yields how many there are.

    A clip's class is the folder in which it lies. Of each class one clip in four is tested, the
    last one first; a class of a single clip has no test.
    """
    reader = store.Reader(setting.store)
    folder = pathlib.Path(setting.output_dir)
    rows = split(reader.video_ids)
    files.write_csv(folder / LIST, [("path", "label", "split"), *rows])
    count = 0
    for video_id in reader.video_ids:
        if count >= setting.size.num_frames:
            break
        path = folder / VIDEOS / _path(video_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        count += reader.num_frames(video_id)
        decoded, fps = reader.frames(video_id), reader.fps(video_id) or 25.0
        frames.write_mjpeg(path, decoded, fps=fps, quality=_JPEG_QUALITY)
    yield "Clips of the store", {"clips": len(rows), "frames as videos": count}


def split(video_ids: Sequence[str]) -> list[tuple[str, str, str]]:
    """Divides clips into training and test clips.

    Args:
        video_ids: Their ids, which are paths.

    Returns:
        A row (path, label, split) for each, sorted by path.
    """
    classes: dict[str, list[str]] = {}
    for video_id in sorted(video_ids):
        classes.setdefault(str(pathlib.PurePosixPath(video_id).parent), []).append(video_id)
    rows = []
    for label, members in classes.items():
        for number, video_id in enumerate(reversed(members)):
            tested = number % _EVERY == 0 and len(members) > 1
            rows.append((video_id, label, "test" if tested else "train"))
    return sorted(rows)


def _path(video_id: str) -> str:
    """Names the file of a video: Motion JPEG, which OpenCV alone can write, is kept as .avi."""
    return str(pathlib.PurePosixPath(video_id).with_suffix(".avi"))
