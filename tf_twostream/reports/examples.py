"""The section of a report on the clips that it is surest about, with what the networks see."""

from collections.abc import Iterator

import cv2
import numpy as np

from tf_twostream import datasets
from tf_twostream.evaluation import explanation
from tf_twostream.figures import pictures
from tf_twostream.paper import testing
from tf_twostream.reports import document, measures
from tf_twostream.reports.document import Block, Pictures, Section, Text
from tf_twostream.reports.material import Material
from tf_twostream.scores.score_files import Scores

MOST_RIGHT, MOST_WRONG = 3, 6
MOST_HEIGHT = 200  # Pixels of a picture.
_MIDDLE = testing.Testing(num_frames=1)  # One window of each clip: that in its middle.


def choose(videos: Scores, table: np.ndarray, right: bool, most: int) -> list[int]:
    """Chooses the clips that scores are surest about, at most one of a recording.

    Args:
        videos: Labels and recordings of N clips.
        table: `[N, K]` scores, or decision values, of which the highest of a clip counts.
        right: Whether to choose among those that are recognised, or among the others.
        most: How many to choose.

    Returns:
        Numbers of clips, the surest first.
    """
    hits = measures.hits(videos, table)
    chosen: dict[str, int] = {}
    for number in np.argsort(-table.max(axis=1), kind="stable").tolist():
        group = videos.groups[number] if videos.groups else ""
        if hits[number] == right:
            chosen.setdefault(group or videos.video_ids[number], number)
    return list(chosen.values())[:most]


def section(material: Material) -> Section:
    """Shows the clips that the scores are surest about, those recognised and those not."""
    videos, table = material.videos, list(material.tables.values())[-1]
    words = "Of each clip, its middle: the frame, its optical flow (hue: direction, strength: "
    words += "speed) and, for the class that it was taken for, an activation map of each stream: "
    words += "the brighter, the more speaks for that class there. A map says where a network "
    words += "found it, not that it was right to. At most one clip of a recording is shown."
    blocks: list[Block] = [Text(words)]
    for right, most in ((True, MOST_RIGHT), (False, MOST_WRONG)):
        numbers = choose(videos, table, right, most)
        if not numbers:
            blocks.append(Text(f"No clip was {'recognised' if right else 'mistaken'}."))
        blocks += _draw(material, table, numbers)
    return Section("What it is surest about, right and wrong", tuple(blocks))


def _draw(material: Material, table: np.ndarray, numbers: list[int]) -> Iterator[Pictures]:
    """Draws clips, each with its maps."""
    videos, reader = material.videos, material.reader
    numbers = [n for n in numbers if videos.video_ids[n] in reader.video_ids]
    if not numbers:
        return
    labels = table.argmax(axis=1)[numbers]
    clips = [datasets.Video(videos.video_ids[n], 0) for n in numbers]
    heats = {
        run.recipe.stream: explanation.Explainer(
            material.networks[run.recipe.stream][0], run, _MIDDLE
        ).explain(reader, clips, labels)
        for run in material.streams
    }
    for row, number in enumerate(numbers):
        own = {stream: maps[row] for stream, maps in heats.items()}
        drawn = tuple(_pictures(material, number, own))
        yield Pictures(_title(videos, table, number), videos.video_ids[number], drawn)


def _pictures(
    material: Material, number: int, heats: dict[str, explanation.Heat]
) -> Iterator[document.Picture]:
    reader, video_id = material.reader, material.videos.video_ids[number]
    middle = (reader.num_frames(video_id) - 1) // 2
    frame = next(reader.frames(video_id, middle, 1))
    shown = {f"frame {middle}": frame}
    if "forward" in reader.settings.kinds and reader.num_frames(video_id) > 1:
        [shown["flow"]] = pictures.flow_colours(list(reader.fields(video_id, middle, 1)))
    for stream, heat in heats.items():
        shown[f"{stream} map"] = pictures.heated(frame, heat.at(middle, frame.shape))
    for caption, picture in shown.items():
        factor = min(1.0, MOST_HEIGHT / picture.shape[0])
        small = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        yield document.from_pixels(small, caption)


def _title(videos: Scores, table: np.ndarray, number: int) -> str:
    """Says of a clip what it is, what it was taken for and by which score."""
    label = int(table[number].argmax())
    truth = np.flatnonzero(videos.labels[number]) if videos.multi_label else [videos.labels[number]]
    names = ", ".join(videos.class_names[k] for k in truth) or "nothing"
    hit = label in truth
    score = f"{videos.class_names[label]} {table[number, label]:.2f}"
    if hit:
        return f"Right: {score}"
    own = "" if videos.multi_label else f" {table[number, truth[0]]:.2f}"
    return f"Wrong: {score}; it is {names}{own}"
