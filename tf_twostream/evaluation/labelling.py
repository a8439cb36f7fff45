"""Labels video files, many at once, and draws what the networks say.

The frames and the flow of the videos go into a temporary store, as before training, and are scored
as in the evaluation. So the scores are those that `scoring.score` gives for the same videos. Of a
video only what the networks look at is kept, and only that flow is computed.
"""

import dataclasses
from collections.abc import Sequence

from tf_twostream import datasets, store
from tf_twostream.evaluation import explanation, labelled_video, temporary_store, two_stream
from tf_twostream.evaluation.prediction import Prediction
from tf_twostream.figures import pictures
from tf_twostream.precompute import extraction
from tf_twostream.processes import files


def label(
    videos: Sequence[str],
    model: two_stream.TwoStream,
    *,
    output_dir: str = "",
    explain: bool = False,
) -> tuple[list[Prediction], dict[str, str]]:
    """Labels videos.

    Args:
        videos: Video files.
        model: The networks.
        output_dir: The folder to draw each video into, with its flow and label; empty for none.
        explain: Whether to draw the activation maps of the label, too, into the labelled video and
            a picture beside it.

    Returns:
        Predictions in the order of the videos that could be read, and the reasons why others could
        not be read, or not be drawn.

    Raises:
        OneStreamError: If maps are asked for of two joined towers.
        ValueError: If a labelled video would overwrite a video.
        OSError: If no labelled video can be written.
    """
    ids = temporary_store.number(videos)
    # What can be checked is checked first: decoding and flow take most of the time.
    drawn = dict(zip(ids, labelled_video.paths(output_dir, videos))) if output_dir else {}
    pages = _pictures(drawn, model) if explain else {}
    # The labelled video shows every frame, the networks see few of them.
    with model.fill(ids, whole=bool(drawn)) as (reader, failed):
        named = {video_id: ids[video_id] for video_id in reader.video_ids}
        predictions = model.predict_stored(reader, named, show_progress=True)
        for n, video_id in enumerate(named if drawn else ()):
            item = predictions[n] = dataclasses.replace(
                predictions[n], drawn=drawn[video_id], explained=pages.get(video_id, "")
            )
            heats: dict[str, explanation.Heat] = {}
            if explain:
                known = datasets.Video(video_id, 0)
                heats = model.explain(reader, known, int(item.scores.argmax()))
            job = extraction.Job(video_id, item.video, reader.settings, reader.settings.kinds)
            try:
                _draw(item, job, reader, heats, model.resources.timeout)
            except OSError as error:  # It is no reason to lose the labels.
                failed[item.video] = f"no labelled video: {error}"
    return predictions, failed


def _pictures(drawn: dict[str, str], model: two_stream.TwoStream) -> dict[str, str]:
    """Names the pictures beside labelled videos, and checks that they can be drawn."""
    explanation.check(model.streams)
    pages = {name: f"{path.removesuffix('.mp4')}_explained.png" for name, path in drawn.items()}
    for path in pages.values():
        files.check_output(path, "output_dir")
    return pages


def _draw(
    item: Prediction,
    job: extraction.Job,
    reader: store.Reader,
    heats: dict[str, explanation.Heat],
    timeout: float,
) -> None:
    """Draws the labelled video and, if there are maps, their picture."""
    labelled_video.write(item.drawn, job, reader, item.title, timeout, heats.values())
    if heats:
        page = explanation.draw(reader, job.video_id, heats, item.title)
        pictures.write_png(item.explained, page)
