"""Names and schema of the files in a store.

    STORE/store.json                     what all videos share: method, parameters, sizes
    STORE/videos/<id>/rgb.tfrecord       T records      {"jpeg": bytes}
    STORE/videos/<id>/forward.tfrecord   T - 1 records  {"jpeg" or "raw", "range": [4], "mean": [2]}
    STORE/videos/<id>/backward.tfrecord  T - 1 records  likewise; each where asked for
    STORE/videos/<id>/video.json         written last: the video is complete
    STORE/index.npz                      all video.json joined, sorted by id; all the reader needs
    STORE/failed.csv                     video_id,reason of each that failed when last tried

Record t of `forward` is the displacement of the pixels of frame t to frame t + 1. Record t - 1
of `backward` is the displacement of the pixels of frame t to frame t - 1. No file holds a time
or an absolute path, so that equal videos give equal bytes.

A store may begin with frames alone and be given flow later, or backward flow beside forward flow:
`store.json` then names the new kinds, and a video counts as soon as its `video.json` lists them.
What decides the bytes of all videos is a field of `store.json` (`Settings`), what is true of one
video a field of `video.json`; both have a default, which is what older stores hold.
"""

import dataclasses
from typing import Any

from tf_twostream.paper import recipes
from tf_twostream.processes import files, typed

# A field that is added to `store.json` needs no new number, since `Settings.from_json` passes over
# what it does not know; one of `video.json` or the index does. Version 2 added `source`.
SCHEMA_VERSION = 2
READABLE_VERSIONS = (1, 2)
RECORD_OVERHEAD = 16  # TFRecord: 8 bytes length, 4 crc of the length, data, 4 crc of the data.

SETTINGS = "store.json"
INDEX = "index.npz"
FAILED = "failed.csv"
VIDEOS = "videos"
VIDEO = "video.json"

Kind = recipes.Kind  # The recipes say which kinds a network reads.


class DamagedStoreError(ValueError):
    """A file of a store is damaged, or of another schema."""


class OtherSchemaError(DamagedStoreError):
    """A store was written by a version of this program with other files, or others in them."""


@dataclasses.dataclass(frozen=True)
class VideoInfo:
    """What `video.json` says about one complete video.

    Attributes:
        num_frames: T, the frames that decoded.
        height: Of the stored frames, in pixels.
        width: Of the stored frames, in pixels.
        promised_frames: What the container's header says, right or wrong.
        fps: Frames per second in the header.
        lengths: Bytes of each record's data, per file, in order.
        source: Size in bytes and hash of the video file, "17311:9f0c..."; empty if not known.
    """

    num_frames: int
    height: int
    width: int
    promised_frames: int
    fps: float
    lengths: dict[str, list[int]]
    source: str = ""


def num_records(num_frames: Any, kind: str) -> Any:
    """Returns how many records of a kind T frames have: T of "rgb", T - 1 of a direction.

    Args:
        num_frames: T, or an array of them.
        kind: "rgb", "forward" or "backward".
    """
    return num_frames - (kind != "rgb")


def video_folder(store: str, video_id: str) -> str:
    """Returns the folder of one video."""
    return files.join(store, VIDEOS, video_id)


def video_path(store: str, video_id: str) -> str:
    """Returns where `video.json` of one video lies."""
    return files.join(video_folder(store, video_id), VIDEO)


def records_path(store: str, video_id: str, kind: str) -> str:
    """Returns where the records of one kind of one video lie."""
    return files.join(video_folder(store, video_id), f"{kind}.tfrecord")


def write_video(store: str, video_id: str, info: VideoInfo) -> None:
    """Writes `video.json` of one video, which makes it count as complete."""
    files.write_json(video_path(store, video_id), vars(info), sort_keys=True)


def read_video(store: str, video_id: str) -> VideoInfo:
    """Reads `video.json` of one video.

    Args:
        store: Folder of the store.
        video_id: The video.

    Raises:
        DamagedStoreError: If the file does not hold exactly the fields of `VideoInfo`.
    """
    path = video_path(store, video_id)
    try:
        info = VideoInfo(**files.read_json(path))
        typed.check(info)
        for kind, lengths in info.lengths.items():
            if len(lengths) != num_records(info.num_frames, kind):
                raise ValueError(f"{len(lengths)} records of {kind}, {info.num_frames} frames")
            if not all(0 <= length < 1 << 31 for length in lengths):
                raise ValueError(f"lengths of {kind} that no record has")
        return info
    except (TypeError, ValueError) as error:
        raise DamagedStoreError(f"{path} does not describe a video ({error}).") from error


def remove_video(store: str, video_id: str) -> None:
    """Removes a video; whoever is killed meanwhile leaves no `video.json` without its records."""
    files.remove(video_path(store, video_id))
    files.remove_folder(video_folder(store, video_id))


def find_videos(store: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Walks a store.

    Args:
        store: Its folder.

    Returns:
        The ids of the complete videos and those of the half-done ones, both sorted.
    """
    top = files.join(store, VIDEOS)
    complete, half_done = [], []
    # An id may be a path, `class/clip.avi`: the files in a folder tell a video, not its depth.
    for folder, _, names in files.walk(top):
        video_id = folder[len(top) :].strip("/")
        if VIDEO in names:
            complete.append(video_id)
        elif names:
            half_done.append(video_id)
    return tuple(sorted(complete)), tuple(sorted(half_done))
