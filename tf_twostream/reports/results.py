"""The sections of a report on how well networks recognise, in all and class by class."""

from typing import get_args

import numpy as np

from tf_twostream import datasets, figures
from tf_twostream.processes import printing
from tf_twostream.reports import curves, document, measures
from tf_twostream.reports.document import Block, Section, Table, Text, filled
from tf_twostream.reports.material import Material
from tf_twostream.runs import history
from tf_twostream.scores import intervals

_FEW = 10  # Recordings.
_POINTS = 100  # Percentage points of a whole.


def lead(material: Material) -> str:
    """Says the result in a sentence."""
    name, own = list(material.measured.items())[-1]
    who = "Both streams together" if name == "fused" else f"The {name} stream"
    videos = material.videos
    chance = next(iter(measures.chance(videos).values()))
    number = printing.count(len(videos.labels), "test clip")
    if videos.multi_label:
        words = f"{who} reach a mean average precision of {_percent(own.value)} on {number}"
        return words.replace("stream reach", "stream reaches") + f" (chance: {_percent(chance)})."
    said = "recognise" if name == "fused" else "recognises"
    # An interval of no width would look like certainty; `doubts` says what it is.
    low, high = own.interval or (0.0, 0.0)
    known = f"95 % interval: {_span((low, high))}; " if low < high else ""
    alone = ", ".join(f"{n} {_percent(m.value)}" for n, m in material.measured.items() if n != name)
    words = f"{who} {said} {_percent(own.value)} of {number} ({known}chance: {_percent(chance)})."
    return f"{words} Each alone: {alone}." if alone else words


def accuracies(material: Material) -> Section:
    """Tells the measures with their intervals beside chance, and what they leave open."""
    videos, several = material.videos, material.videos.multi_label
    measure = "mean average precision" if several else "video accuracy"
    header = ["scores", measure]
    header += [] if several else ["95 % interval", "mean class recall"]
    header += ["on the validation part"] if material.validation else []
    rows = [
        [name, _percent(value), *[""] * (len(header) - 2)]
        for name, value in measures.chance(videos).items()
    ]
    for name, own in material.measured.items():
        cells = [name, _percent(own.value)]
        if not several and own.recall is not None:
            cells += [_span(own.interval) if own.interval else "none", _percent(own.recall)]
        if material.validation:
            cells.append(_percent(material.measured_on_validation[name].value))
        rows.append(cells)
    blocks: list[Block] = [Table(tuple(header), tuple(map(tuple, rows)))]
    if "fused" in material.measured:
        blocks.append(Text(_fusion(material)))
        blocks.append(Text(_compare(material)))
    blocks.append(Text(doubts(material)))
    return Section("How well it recognises", tuple(blocks))


def _fusion(material: Material) -> str:
    own = material.fusion
    if own.is_svm:
        return "The streams are fused by a linear SVM on their scores."
    how = (
        f"{stream}: weight {weight:.2f}, temperature {temperature:.2f}"
        for stream, weight, temperature in zip(own.streams, own.weights, own.temperatures)
    )
    words = f"The streams are fused by a weighted mean of their scores ({'; '.join(how)})."
    if np.equal(own.temperatures, 1).all():
        return words
    return (
        f"{words} A temperature below 1 sharpens a stream's scores before the mean, one above 1 "
        "softens them."
    )


def _compare(material: Material) -> str:
    """Says what the fusion adds to the better stream."""
    singles = {name: own.value for name, own in material.measured.items() if name != "fused"}
    best = max(singles, key=lambda name: singles[name])
    gain, interval = measures.compare(material.videos, material.fused, material.tables[best])
    words = f"Fused minus the better stream ({best}): {_POINTS * gain:+.1f} points"
    if interval is None:
        return f"{words}, without an interval."
    low, high = interval
    words += f", 95 % interval {_POINTS * low:+.1f} to {_POINTS * high:+.1f}: "
    if low > 0:
        return words + "the fusion helps on videos like these."
    if high < 0:
        words += "the fusion harms on videos like these. One that is learnt from scores of a "
        return words + "validation part (fuse-scores) weighs each stream by how right it is."
    return words + "these clips cannot tell whether the fusion helps."


def doubts(material: Material) -> str:
    """Says in a sentence or two what the numbers cannot resolve."""
    videos = material.videos
    number = measures.count_recordings(videos.groups, len(videos.labels))
    known = any(videos.groups)
    counted = measures.counted(videos.groups)
    what = printing.count(number, counted if known else "test clip")
    if videos.multi_label:
        return (
            "No interval is given for an average precision, which is no mean over clips. With "
            f"{what}, small differences mean little."
        )
    own = list(material.measured.values())[-1]
    if own.interval is None:
        return (
            f"All test clips are of {what}, so that there is no interval: how the networks do on "
            "another recording, these numbers cannot tell."
        )
    if own.value in (0.0, 1.0):
        # The rule of three: with n recordings and no miss, a share of 3 / n has a chance of 5 %.
        share, miss = min(1.0, 3 / number), "missed" if own.value else "recognised"
        return (
            f"An interval of no width says only that of {what} none was {miss}; on new ones a "
            f"share of up to {_percent(share)} may well be (3 divided by the number of {counted}s)."
        )
    low, high = own.interval
    few = " An interval from so few is itself rough." if number < _FEW else ""
    return (
        f"What these numbers cannot resolve: with {what}, the accuracy on others may well be "
        f"anything from {_percent(low)} to {_percent(high)}. Of two networks one is better only if "
        "the interval of their difference, on the same clips, leaves out 0. The intervals are from "
        f"drawing {counted}s again, {intervals.DRAWS:,} times; another "
        f"training would differ as well.{few}"
    )


def learning(material: Material) -> Section:
    """Shows the curves of the trainings."""
    known: dict[str, curves.Curves] = {
        run.recipe.stream: {part: history.read(run, part=part) for part in get_args(history.Part)}
        for run in material.streams
    }
    if not any(points for own in known.values() for points in own.values()):
        return Section("While it learnt", (Text("The run folders hold no curves."),))
    words = "Accuracies here are of single frames or volumes, without fusion: those of whole clips "
    words += "are mostly higher. In training, dropout and random views make it harder."
    drawn = (
        document.from_figure(
            curves.draw(known, measure),
            f"{measure.capitalize()}: training dashed, validation part solid.",
        )
        for measure in ("loss", "accuracy")
    )
    rows = tuple((name, *_learnt(own)) for name, own in known.items())
    header = ("stream", "training, last", "validation, best", "validation, last")
    return Section("While it learnt", (*drawn, Text(words), filled(header, rows)))


def _learnt(own: curves.Curves) -> tuple[str, str, str]:
    """Words the accuracies of a stream in training and on the validation part."""
    last = (_percent(points[-1].accuracy) if points else "" for points in own.values())
    trained, validated = last
    if not own["validation"]:
        return trained, "no validation part", ""
    best = max(own["validation"])
    return trained, f"{_percent(best.accuracy)} at {best.iteration:,}", validated


def classes(material: Material) -> Section:
    """Shows the confusion matrix and the recall of each class."""
    table, videos = list(material.tables.values())[-1], material.videos
    name = list(material.tables)[-1]
    result = figures.summarise(videos, table, name)
    blocks: list[Block] = []
    confusion = result.draw_confusion()
    if confusion is not None:
        caption = f"Confusion matrix ({name}): rows are true classes, columns predicted ones."
        blocks.append(document.from_figure(confusion, caption))
    caption = f"{result.measure.capitalize()} of each class ({name})."
    blocks.append(document.from_figure(result.draw_per_class(), caption))
    blocks.append(_per_class(material, result))
    return Section("Class by class", tuple(blocks))


def recall(material: Material) -> np.ndarray:
    """Returns `[K]` recall, or average precision, of the fused scores; NaN without test videos."""
    return figures.summarise(material.videos, list(material.tables.values())[-1]).values


def learnt_recordings(split: datasets.Split) -> list[int]:
    """Counts the recordings that each class is learnt from, K numbers."""
    found = []
    for label in range(len(split.class_names)):
        own = [video.group for video in split.train if label in video.labels]
        found.append(measures.count_recordings(tuple(own), len(own)))
    return found


def _per_class(material: Material, result: figures.Result) -> Table:
    videos, matrix = material.videos, result.matrix
    singles = {
        name: figures.summarise(videos, table).values
        for name, table in material.tables.items()
        if name != "fused"
    }
    shows = videos.labels if videos.multi_label else None
    recordings = learnt_recordings(material.split)
    rows = []
    for k in np.argsort(-result.values, kind="stable").tolist():
        shown = shows[:, k].sum() if shows is not None else (videos.labels == k).sum()
        cells = [videos.class_names[k], f"{recordings[k]}", f"{shown}", _percent(result.values[k])]
        if len(singles) > 1:
            cells += [_percent(values[k]) for values in singles.values()]
        rows.append((*cells, *([] if matrix is None else [_mistaken(matrix, k, videos)])))
    counted = measures.counted([video.group for video in material.split.train])
    header = ["class", f"{counted}s learnt from", "test clips", result.measure]
    header += list(singles) if len(singles) > 1 else []
    header += [] if matrix is None else ["most taken for"]
    return filled(header, rows)


def _mistaken(matrix: np.ndarray, k: int, videos: measures.score_files.Scores) -> str:
    others = matrix[k].copy()
    others[k] = 0
    if not others.any():
        return ""
    return f"{videos.class_names[others.argmax()]} ({others.max()} of {matrix[k].sum()})"


def _percent(value: float) -> str:
    return "-" if np.isnan(value) else f"{_POINTS * value:.1f} %"


def _span(interval: measures.Interval) -> str:
    low, high = interval
    return f"{_POINTS * low:.1f} to {_POINTS * high:.1f} %"
