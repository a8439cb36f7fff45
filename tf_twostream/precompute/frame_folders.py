"""Reads folders of images, as other tools leave them, into a store.

A folder with frames is a video; its path is the id. The numbers in the names of the images give
their order. Codes of flow are `flow_x_00001.jpg` and `flow_y_00001.jpg` (dense_flow, TSN), `x_...`
and `y_...` (mmaction2), or lie below folders `u` and `v` (Feichtenhofer's), with the names of the
frames. Image n of flow, counted in order, leads from frame n to frame n + 1.
"""

import collections
import contextlib
import dataclasses
import functools
import os
import pathlib
import re
from collections.abc import Collection, Iterator, Mapping

import cv2
import numpy as np
from absl import logging

from tf_twostream import datasets, store
from tf_twostream.flow import codec, exchange
from tf_twostream.precompute import extraction
from tf_twostream.processes import locks, printing, progress
from tf_twostream.store import coding

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
_NAME = re.compile(r"(.*?)(\d+)")
_COMPONENTS = {"flow_x_": "u", "flow_y_": "v", "x_": "u", "y_": "v", "flow_u_": "u", "flow_v_": "v"}


class NoFoldersError(ValueError):
    """A folder holds no folders of images, or the flow is not beside the frames."""


@dataclasses.dataclass(frozen=True)
class Bounded:
    """How displacements were turned into codes.

    Attributes:
        bound: The displacement in pixels that the largest code stands for.
        zero: The code of no displacement.
        method: The name of the flow method, for the store to keep.
    """

    bound: float
    zero: float = exchange.MIDDLE
    method: str = "imported"


@dataclasses.dataclass(frozen=True)
class Images:
    """The images of one video in the order of their numbers; no flow if `u` and `v` are empty."""

    frames: tuple[pathlib.Path, ...]
    u: tuple[pathlib.Path, ...] = ()
    v: tuple[pathlib.Path, ...] = ()


def find(frames_dir: str, flow_dir: str = "") -> dict[str, Images]:
    """Finds the videos below a folder.

    Args:
        frames_dir: The folder that holds a folder of frames for each video, at any depth.
        flow_dir: The folder that holds those of the flow, which may be the same; empty for none.

    Returns:
        The images of each video, by the path of its folder relative to `frames_dir`, sorted.

    Raises:
        NoFoldersError: If there is no video, or one has no flow although `flow_dir` is given.
    """
    frames = {i: parts["frame"] for i, parts in _walk(frames_dir).items() if "frame" in parts}
    if not frames or "." in frames:  # The folder of a video itself has no name to take.
        rule = "A folder of frames must hold a folder of numbered images for each video"
        raise NoFoldersError(f"{rule}. Received: {frames_dir!r}.")
    if not flow_dir:
        return {i: Images(tuple(images)) for i, images in sorted(frames.items())}
    flow = _by_component(_walk(flow_dir))
    # Where all lie below one folder, u/clip is no video beside clip.
    frames = {i: images for i, images in frames.items() if i not in _below_uv(frames)}
    if without := sorted(i for i in frames if {"u", "v"} - flow.get(i, {}).keys()):
        rule = "Each video must have images of u and of v below the folder of the flow"
        raise NoFoldersError(f"{rule}. Received: none for {without[0]!r} in {flow_dir!r}.")
    return {
        i: Images(tuple(images), tuple(flow[i]["u"]), tuple(flow[i]["v"]))
        for i, images in sorted(frames.items())
    }


def _below_uv(ids: Collection[str]) -> set[str]:
    return {f"{component}/{i}" for component in "uv" for i in ids}


def _walk(top: str) -> dict[str, dict[str, list[pathlib.Path]]]:
    """Returns for each folder with images what they are: "frame", "u" or "v"."""
    found: dict[str, dict[str, list[tuple[int, pathlib.Path]]]] = {}
    for folder, subfolders, names in os.walk(top, followlinks=True):
        subfolders.sort()
        path = pathlib.Path(folder)
        for name in names:
            stem, suffix = os.path.splitext(name)
            if suffix.lower() not in SUFFIXES or not (match := _NAME.fullmatch(stem)):
                continue
            kind = _COMPONENTS.get(match[1].lower(), "frame")
            own = found.setdefault(path.relative_to(top).as_posix(), {})
            own.setdefault(kind, []).append((int(match[2]), path / name))
    return {
        folder: {kind: [path for _, path in sorted(images)] for kind, images in kinds.items()}
        for folder, kinds in found.items()
    }


def _by_component(
    found: Mapping[str, Mapping[str, list[pathlib.Path]]],
) -> dict[str, dict[str, list[pathlib.Path]]]:
    """Returns the images of u and v of each video, also where they lie below `u` and `v`."""
    flow: dict[str, dict[str, list[pathlib.Path]]] = collections.defaultdict(dict)
    for folder, kinds in found.items():
        top, _, rest = folder.partition("/")
        # A class may be called u: then its videos have flow of their own beside their frames.
        if top in ("u", "v") and rest and kinds.keys() == {"frame"}:
            flow[rest].setdefault(top, kinds["frame"])
        else:
            flow[folder].update({kind: kinds[kind] for kind in ("u", "v") if kind in kinds})
    return flow


def name_as_listed(
    videos: Mapping[str, Images], listed: Collection[datasets.Video]
) -> dict[str, Images]:
    """Gives videos the ids of a data set, of which their folders lack the suffix or all folders.

    Args:
        videos: By the paths of their folders.
        listed: The videos of the data set; those without a folder are left out.

    Returns:
        The images of each listed video, by its id.

    Raises:
        NoFoldersError: If no video is listed.
    """
    named: dict[str, Images] = {}
    taken: dict[str, str] = {}
    for video in listed:
        path = pathlib.PurePosixPath(video.id).with_suffix("")
        for name in (path.as_posix(), path.name):
            if name not in videos:
                continue
            if name in taken:
                rule = "A folder of frames must belong to one listed video"
                given = f"{name!r} of {taken[name]!r} and {video.id!r}"
                raise NoFoldersError(f"{rule}. Received: {given}.")
            named[video.id], taken[name] = videos[name], video.id
            break
    if not named:
        rule = "Folders of frames must be named as videos of the data set, without the suffix"
        raise NoFoldersError(f"{rule}. Received: {next(iter(videos))!r}, which is not listed.")
    logging.info("%d of %d listed videos have a folder.", len(named), len(listed))
    return named


def fill(
    videos: Mapping[str, Images],
    *,
    path: str,
    bounded: Bounded | None,
    fps: float = 0.0,
) -> tuple[list[str], list[str], dict[str, str]]:
    """Writes videos into a store; what is complete there is skipped.

    JPEG images of frames stay as they are. Codes of flow are kept, with the range that they stand
    for.

    Args:
        videos: The images of each video, by id.
        path: The store, made if it does not exist. The shorter side of its frames is that of the
            first video.
        bounded: How the flow was coded; None for frames alone.
        fps: Frames per second, for the store to keep; 0 if not known.

    Returns:
        The ids that were done now, those that were complete before, and why each other one failed.

    Raises:
        store.OtherSettingsError: If the store holds something else.
        OSError: If the store cannot be written.
    """
    settings = store.Settings(
        method=bounded.method if bounded else "none",
        parameters={"bound": bounded.bound, "zero": bounded.zero} if bounded else {},
        directions=("forward",) if bounded else (),
        shorter_side=_find_side(videos),
        flow_quality=codec.QUALITY if bounded else None,
    )
    done, skipped, failed = [], [], {}
    with locks.exclusive(path), progress.bar(len(videos), "video") as bar:
        writer = store.Writer(path, settings)
        for video_id, images in videos.items():
            try:
                if writer.is_complete(video_id):
                    skipped.append(video_id)
                else:
                    _add(writer, video_id, images, bounded, fps)
                    done.append(video_id)
            except ValueError as error:
                failed[video_id] = str(error)
            bar.update()
        writer.write_failed(failed)
        writer.write_index()
    return done, skipped, failed


def _find_side(videos: Mapping[str, Images]) -> int:
    """Returns the shorter side of the first frame that can be read."""
    for images in videos.values():
        with contextlib.suppress(ValueError):
            return min(_read(images.frames[0], cv2.IMREAD_COLOR).shape[:2])
    rule = "A first image of a video must be one that OpenCV reads"
    raise NoFoldersError(f"{rule}. Received: none of {printing.count(len(videos), 'video')}.")


def _add(
    writer: store.Writer, video_id: str, images: Images, bounded: Bounded | None, fps: float
) -> None:
    """Writes one video; as many frames as its flow leads to and from."""
    num_frames = len(images.frames)
    if bounded:
        num_frames = min(num_frames, len(images.u) + 1, len(images.v) + 1)
    if num_frames < (2 if bounded else 1):
        raise ValueError(f"A video must have two frames and a field. Received: {video_id!r}.")
    datasets.check_id(video_id)
    coded = functools.partial(_coded, images, num_frames, bounded, writer.settings.shorter_side)
    if writer.holds(video_id):  # Images that do not fit are no reason to lose good frames.
        collections.deque(coded(), maxlen=0)
    with writer.video(video_id) as video:
        for jpeg, field in coded():
            video.add_rgb(jpeg)
            if field:
                video.add_flow("forward", field.codes, field.range, field.mean)
        height, width = _read(images.frames[0], cv2.IMREAD_COLOR).shape[:2]
        video.finish(height=height, width=width, promised_frames=num_frames, fps=fps)


def _coded(
    images: Images, num_frames: int, bounded: Bounded | None, side: int
) -> Iterator[tuple[bytes, extraction.CodedField | None]]:
    """Yields frames as JPEG, each with the field to the next one; None behind the last."""
    size = _read(images.frames[0], cv2.IMREAD_COLOR).shape[:2]
    for t, image in enumerate(images.frames[:num_frames]):
        frame = _read(image, cv2.IMREAD_COLOR)
        _check_size(frame, size, side, image)
        is_jpeg = image.suffix.lower() in (".jpg", ".jpeg")
        jpeg = image.read_bytes() if is_jpeg else coding.encode(frame[..., ::-1])
        field = None
        if bounded and t < num_frames - 1:
            pair = {file: _read(file, cv2.IMREAD_GRAYSCALE) for file in (images.u[t], images.v[t])}
            for file, component in pair.items():
                _check_size(component, size, side, file)
            codes = np.stack([*pair.values()])
            ranges = exchange.bounded_ranges(bounded.bound, bounded.zero)
            mean = codec.restore(codes, ranges).mean(axis=(0, 1))
            field = extraction.CodedField(codec.encode(codes), ranges, mean)
        yield jpeg, field


def _read(path: pathlib.Path, flags: int) -> np.ndarray:
    data = path.read_bytes()
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    if image is None:
        raise ValueError(f"An image must be one that OpenCV reads. Received: {path.name}.")
    return image


def _check_size(image: np.ndarray, size: tuple[int, ...], side: int, path: pathlib.Path) -> None:
    """Checks that an image is as large as those before it, and of the shorter side of the store."""
    if image.shape[:2] != size or min(size) != side:
        rule = f"Images of a video must have one size, with a shorter side of {side} pixels"
        raise ValueError(f"{rule}. Received: {image.shape[:2]} in {path.name}.")
