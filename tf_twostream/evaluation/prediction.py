"""Labels for new videos: the whole road from a file to fused scores, by the tested rooms.

The frames and the flow of the videos go to a temporary store, as before training, and are scored
as in the evaluation. So the scores are those that `evaluate` gives for the same videos.
"""

import dataclasses
import itertools
import os
import pathlib
import tempfile
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import tensorflow as tf

from tf_twostream import datasets, paper, runs, store
from tf_twostream.evaluation import export, scoring
from tf_twostream.figures import pictures
from tf_twostream.flow import codec
from tf_twostream.precompute import extraction, filling

VIDEO_CODES = {".mp4": "mp4v", ".avi": "MJPG"}
SCALE_FIELDS = 16  # About so many fields of a video decide the scale of its colours.


@dataclasses.dataclass(frozen=True, eq=False)
class Prediction:
    """What the network says about one video.

    Attributes:
        video: The file, as it was given.
        class_names: K names.
        scores: `[K]` mean of the streams' softmax scores (sigmoids, if a video may show several).
        streams: By stream, its own `[K]` scores.
    """

    video: str
    class_names: tuple[str, ...]
    scores: np.ndarray
    streams: dict[str, np.ndarray]

    def best(self, count: int = 5) -> list[tuple[str, float]]:
        """The most likely classes with their scores, best first."""
        order = np.argsort(-self.scores, kind="stable")[:count]
        return [(self.class_names[k], float(self.scores[k])) for k in order]


def _recipe(streams: Sequence[runs.Run]) -> extraction.Recipe:
    """How frames and flow were made in training."""
    settings, network = streams[-1].store_settings, streams[-1].recipe
    both = isinstance(network, paper.TemporalRecipe) and network.bidirectional
    recipe = extraction.Recipe(
        method=settings["method"],
        directions=("forward", "backward") if both else ("forward",),
        shorter_side=settings["shorter_side"],
    )
    for run in streams:
        runs.check_store(run, recipe.settings(), where="the flow made here")
    return recipe


def predict(
    videos: Sequence[str],
    streams: Sequence[runs.Run],
    effort: filling.Effort,
    *,
    frames_per_batch: int = 0,
    output_video: str = "",
) -> tuple[list[Prediction], dict[str, str]]:
    """Scores videos with one stream or with both.

    Args:
        videos: Video files.
        streams: A run of the spatial stream, one of the temporal stream, or both in this order.
        effort: How decoding and flow are carried out.
        frames_per_batch: Frames, or volumes, to forward at once, each with all its views; 0 for
            the default of `evaluation.score_videos`.
        output_video: File to draw the first video into, with its flow and label; empty for none.

    Returns:
        Predictions in the order of the videos that could be read, and the reasons why the
        others could not.

    Raises:
        ValueError: If the runs do not belong together, or `output_video` cannot be meant.
        OSError: If `output_video` cannot be written.
    """
    if output_video:
        check_output_video(output_video, videos)
    if len(streams) == 2:
        export.check_pair(*streams)
    recipe = _recipe(streams)
    ids = {f"{number:06d}": video for number, video in enumerate(videos)}
    with tempfile.TemporaryDirectory(prefix="twostream_") as path:
        report = filling.run(list(ids.items()), path=path, recipe=recipe, effort=effort)
        failed = {ids[video_id]: reason for video_id, reason in report.failed.items()}
        known = [datasets.Video(video_id, 0) for video_id in ids if video_id not in report.failed]
        if not known:
            return [], failed
        reader = store.Reader(path)
        scores = {
            run.recipe.stream: scoring.score_videos(
                runs.load_model(run)[0],
                run.recipe,
                reader,
                known,
                multi_label=run.split.multi_label,
                frames_per_batch=frames_per_batch,
            )
            for run in streams
        }
        fused = np.mean(list(scores.values()), axis=0)
        predictions = [
            Prediction(
                ids[video.id],
                streams[0].split.class_names,
                fused[n],
                {stream: rows[n] for stream, rows in scores.items()},
            )
            for n, video in enumerate(known)
        ]
        if output_video:
            label, score = predictions[0].best(1)[0]
            write_video(output_video, reader, known[0].id, f"{label} {100 * score:.0f} %")
    return predictions, failed


def check_output_video(path: str, videos: Sequence[str]) -> None:
    """Checks that a labelled video can be written, before all the work; makes its folder.

    Raises:
        ValueError: If the suffix is unknown, there are several videos, or it is one of them.
        OSError: If no file can be written there.
    """
    if pathlib.Path(path).suffix.lower() not in VIDEO_CODES:
        raise ValueError(f"--output_video ends in {' or '.join(VIDEO_CODES)}. Received: {path!r}.")
    if len(videos) > 1:
        raise ValueError(
            f"--output_video draws one video. Received: {len(videos)} videos. Call once for each."
        )
    if os.path.realpath(path) in map(os.path.realpath, videos):
        raise ValueError(f"--output_video must be another file than the video. Received: {path}.")
    folder = pathlib.Path(path).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        if os.path.exists(path):
            with open(path, "ab"):
                pass
    except OSError as error:
        raise OSError(
            f"--output_video must be a file that can be written. Received: {path} ({error})."
        ) from error


def _records(reader: store.Reader, video_id: str, kind: str) -> Iterator[bytes]:
    table = reader.table([video_id], kind)  # type: ignore[arg-type]
    yield from tf.data.TFRecordDataset(table["path"]).as_numpy_iterator()


def _fields(reader: store.Reader, video_id: str, *, every: int = 1) -> Iterator[np.ndarray]:
    """Yields fields 0, `every`, 2 `every` ... of a video, `[H, W, 2]` float32 in pixels."""
    records = _records(reader, video_id, "forward")
    for record in itertools.islice(records, 0, None, every):
        parsed = {name: value.numpy()[0] for name, value in store.parse_flow([record]).items()}
        yield codec.restore(codec.decode(parsed["jpeg"]), parsed["range"])


def _frames_and_fields(
    reader: store.Reader, video_id: str
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields RGB frame t `[H, W, 3]` and field t `[H, W, 2]`; the last field comes twice."""
    fields = _fields(reader, video_id)
    field = np.zeros(0)
    for record in _records(reader, video_id, "rgb"):
        jpeg = store.parse_rgb([record])["jpeg"].numpy()[0]
        frame = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        field = next(fields, field)
        yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), field


def write_video(path: str, reader: store.Reader, video_id: str, text: str) -> None:
    """Writes a clip of frame, colour-coded flow and label, one frame in memory at a time.

    Args:
        path: File to write, .mp4 or .avi.
        reader: The store that holds the video.
        video_id: The video.
        text: The label to draw in.

    Raises:
        OSError: If the file cannot be written.
    """
    every = max(1, reader.num_frames(video_id) // SCALE_FIELDS)
    scale = pictures.magnitude(np.stack(list(_fields(reader, video_id, every=every))))
    pages = (
        pictures.labelled(frame, field, text, scale)
        for frame, field in _frames_and_fields(reader, video_id)
    )
    first = next(pages)
    code = cv2.VideoWriter.fourcc(*VIDEO_CODES[pathlib.Path(path).suffix.lower()])
    fps = reader.fps(video_id) or 25.0
    writer = cv2.VideoWriter(os.fspath(path), code, fps, first.shape[1::-1])
    if not writer.isOpened():
        raise OSError(f"The video {path} cannot be written. Is the folder writable?")
    for page in (first, *pages):
        writer.write(cv2.cvtColor(page, cv2.COLOR_RGB2BGR))
    writer.release()
