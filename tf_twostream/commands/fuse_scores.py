r"""Fuses the streams' scores of the test videos, and writes a table and figures.

    twostream fuse-scores --scores=spatial_test.npz,temporal_test.npz --output_dir=fused
    twostream fuse-scores --scores=spatial_test.npz,temporal_test.npz --svm \
        --train_scores=spatial_train.npz,temporal_train.npz --output_dir=fused
    twostream fuse-scores --scores=spatial_test.npz,temporal_test.npz --output_dir=fused \
        --validation_scores=spatial_validation.npz,temporal_validation.npz

Rows of the table: each stream; average; with --validation_scores weighted (weights learnt from
them), calibrated (the average of scores that are as sure as they are right there) and
svm_validation (the SVM learnt from them); with --svm svm, learnt from the training videos as in the
paper.

It writes table.md, results.json and, for each row of the table, the confusion matrix and the recall
of each class as PNG and CSV; where a video may show several classes, the average precision of each
class instead. It writes fusion.npz, by which predict and export-model fuse the streams in the same
way (--score_fusion), and the averaged scores, average.npz. One stream alone is only measured.
"""

import dataclasses
import pathlib
import re
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from absl import logging

from tf_twostream import cli
from tf_twostream.processes import files, printing
from tf_twostream.scores import fusion, intervals, learning, metrics, score_files

# When a stream's scores of training videos mislead an SVM: nearly all right, and worse on others.
BY_HEART, WORSE = 0.98, 0.1
FUSED = ("average", "weighted", "calibrated", "svm", "svm_validation")  # Rows of fused scores.


@dataclasses.dataclass(frozen=True, kw_only=True)
class FusionFlags(cli.Knobs):
    """Which scores to fuse, and how."""

    group: ClassVar[str] = "data"

    scores: tuple[str, ...] = cli.knob(
        cli.REQUIRED, "Scores files (npz) of the test videos, one per stream."
    )
    output_dir: str = cli.knob(
        cli.REQUIRED, "Folder for the table, the figures and the scores.", group="output"
    )
    weights: tuple[float, ...] = cli.knob(
        (), "Weights of the row average, one per stream; equal when empty, as in the paper."
    )
    svm: bool = cli.knob(
        False, "Fuse by a linear SVM on stacked L2-normalised scores as well (paper, Sect. 2)."
    )
    train_scores: tuple[str, ...] = cli.knob(
        (), "Scores files of the training videos for --svm, in the order of --scores."
    )
    validation_scores: tuple[str, ...] = cli.knob(
        (), "Scores files of validation videos to learn fusions from, in the order of --scores."
    )
    fusion: Literal["auto", "average", "weighted", "calibrated", "svm", "svm_validation"] = (
        cli.knob(
            "auto",
            "Row of the table whose fusion becomes fusion.npz. auto: average, as in the paper; "
            "calibrated with --validation_scores and without --weights.",
            group="output",
        )
    )
    names: tuple[str, ...] = cli.knob(
        (),
        "Names of the streams in the table; when empty those in the files, or of the files. Where "
        "files do not say of which stream they are, predict takes these for it: spatial,temporal.",
        group="output",
    )

    def __post_init__(self) -> None:
        """Checks that the flags can be meant together."""
        super().__post_init__()
        if not self.scores:
            raise ValueError("--scores must name one file per stream. Received: none.")
        if self.svm != bool(self.train_scores):
            given = "--svm" if self.svm else "--train_scores"
            raise ValueError(
                f"--svm must have --train_scores to learn from. Received: {given} alone."
            )
        for flag in ("weights", "train_scores", "validation_scores", "names"):
            count = len(getattr(self, flag))
            if count not in (0, len(self.scores)):
                rule = f"--{flag} must have one item for each of the {len(self.scores)} --scores"
                raise ValueError(f"{rule}. Received: {count}.")


def name_streams(given: FusionFlags, streams: Sequence[score_files.Scores]) -> list[str]:
    """Names the streams: as asked for, or as they say, or by their files, or by the folders.

    Files are often called alike and lie in a folder per stream, or the other way round.

    Raises:
        ValueError: If the names are not distinct.
    """
    paths = [pathlib.Path(path) for path in given.scores]
    by_themselves = [stream.stream for stream in streams]
    by_file, by_folder = [path.stem for path in paths], [path.parent.name for path in paths]
    for name, stream in zip(given.names, streams):
        if name in {other.stream for other in streams if other is not stream}:
            rule = "--names must be in the order of --scores"
            raise ValueError(f"{rule}. Received: {name} for the scores of {stream.stream}.")
    choices = [list(given.names)] if given.names else [by_themselves, by_file, by_folder]
    for names in choices:
        # Names become those of files, so that "a b" and "a_b" are not distinct.
        taken = {_file_name(name) for name in (*names, *FUSED)}
        if len(taken) == len(paths) + len(FUSED) and all(names):
            return names
    rule = f"The streams must have distinct --names, other than {', '.join(FUSED)}"
    raise ValueError(f"{rule}. Received: {', '.join(given.names or given.scores)}.")


def load_others(
    given: FusionFlags, flag: str, streams: Sequence[score_files.Scores]
) -> list[score_files.Scores]:
    """Loads scores to learn a fusion from.

    Raises:
        ValueError: If a test video is among them, or the files do not fit the streams.
    """
    paths = getattr(given, flag)
    learnt = [score_files.load_scores(path) for path in paths]
    # Networks know their training videos by heart: the result would look far too good. And what is
    # chosen on test videos measures nothing.
    both = set(learnt[0].video_ids) & set(streams[0].video_ids)
    if both:
        words = (
            f"{printing.count(len(both), 'video')} of --scores in --{flag}, such as {min(both)!r}"
        )
        raise ValueError(f"A fusion must not be learnt from test videos. Received: {words}.")
    for test, other, tested, own in zip(given.scores, paths, streams, learnt):
        # Files that do not say which stream they are of: --verbosity=0 shows their order.
        logging.info("A fusion is learnt on %s and applied to %s.", other, test)
        if tested.stream != own.stream and tested.stream and own.stream:
            rule = f"--{flag} must be in the order of --scores"
            raise ValueError(f"{rule}. Received: {own.stream} ({other}) for {tested.stream}.")
        if own.part and own.part != flag.removesuffix("_scores"):
            rule = f"--{flag} must be scores of videos of that part"
            raise ValueError(f"{rule}. Received: {other}, of {own.part} videos.")
    return learnt


def learn(
    given: FusionFlags, streams: Sequence[score_files.Scores], names: Sequence[str]
) -> dict[str, fusion.Fusion]:
    """Makes the fusions that the flags allow, by the rows of the table."""
    class_names = streams[0].class_names
    found = {"average": fusion.mean(names, class_names, weights=given.weights)}
    if given.validation_scores:
        held_out = load_others(given, "validation_scores", streams)
        found["weighted"] = learning.learn_weights(held_out)
        found["calibrated"] = learning.learn_temperatures(held_out)
    if given.svm:
        trained = load_others(given, "train_scores", streams)
        for name, tested, learnt in zip(names, streams, trained):
            if note := _overfitting(tested, learnt):
                print(f"note: {name} {note}")
        found["svm"] = learning.train_svm(trained)
    if given.validation_scores and not held_out[0].multi_label:
        if set(held_out[0].labels.tolist()) == set(range(len(class_names))):
            found["svm_validation"] = learning.train_svm(held_out)
        else:
            print("note: no SVM is learnt from validation videos, which lack some classes")
    known = tuple(stream.stream or name for stream, name in zip(streams, names))
    return {row: dataclasses.replace(kept, streams=known) for row, kept in found.items()}


def _overfitting(test: score_files.Scores, train: score_files.Scores) -> str:
    """Says that a stream knows its training videos by heart, if it does; else nothing."""
    if test.multi_label:
        return ""
    learnt, new = (metrics.accuracy(part.scores, part.labels) for part in (train, test))
    if learnt < BY_HEART or new > learnt - WORSE:
        return ""
    return (
        f"is right on {100 * learnt:.1f} % of the training videos and on {100 * new:.1f} % of the "
        "test videos. The SVM learns from the former to trust it more than it deserves; prefer the "
        "average, or learn from a validation part: --validation_scores."
    )


def fuse(given: FusionFlags) -> tuple[score_files.Scores, dict[str, np.ndarray]]:
    """Returns the first stream and, for each row of the table, `[N, K]` scores in its order."""
    streams = score_files.join([score_files.load_scores(path) for path in given.scores])
    names = name_streams(given, streams)
    rows = {name: stream.scores for name, stream in zip(names, streams)}
    alone = len(streams) == 1 and given.fusion == "auto"
    if alone and not (given.svm or given.validation_scores):
        return streams[0], rows
    folder = pathlib.Path(given.output_dir)
    found = learn(given, streams, names)
    chosen = given.fusion
    if chosen == "auto":
        learnt = "calibrated" in found and not given.weights
        chosen = "calibrated" if learnt else "average"
    if chosen not in found:
        rule = f"--fusion must be one of {', '.join(found)} here"
        raise ValueError(f"{rule}. Received: --fusion={chosen}.")
    fused = {row: kept.apply(streams) for row, kept in found.items()}
    average = dataclasses.replace(streams[0], scores=fused["average"], stream="")
    score_files.save_scores(folder / "average.npz", average)
    fusion.save(folder / "fusion.npz", found[chosen])
    print(f"fusion: {chosen} ({_describe(found[chosen])}), in {folder / 'fusion.npz'}")
    return streams[0], rows | fused


def _describe(kept: fusion.Fusion) -> str:
    """Words a fusion."""
    if kept.is_svm:
        return f"a linear SVM on {', '.join(kept.streams)}"
    return ", ".join(
        f"{name}: weight {weight:.2f}, temperature {temperature:.2f}"
        for name, weight, temperature in zip(kept.streams, kept.weights, kept.temperatures)
    )


def report(given: FusionFlags, videos: score_files.Scores, rows: dict[str, np.ndarray]) -> None:
    """Prints the table and writes it, the results and the figures into the output folder.

    Args:
        given: The flags, which results.json keeps.
        videos: Labels and classes of the videos.
        rows: `[N, K]` scores for each row of the table.
    """
    from tf_twostream.figures import reports, results  # Matplotlib takes half a second to import.

    # Accuracy or average precision, as the labels want it: the same for all rows.
    labels, folder = videos.labels, pathlib.Path(given.output_dir)
    found = {name: metrics.measure(scores, labels) for name, scores in rows.items()}
    measures = [measure.replace("_", " ") for measure in next(iter(found.values()))]
    cells = [
        [name, *(f"{100 * x:.2f} %" for x in result.values())] for name, result in found.items()
    ]
    spans = {} if videos.multi_label else _intervals(rows, videos)
    if spans:
        measures.insert(1, "95 % interval")
        for cell, (low, high) in zip(cells, spans.values()):
            cell.insert(2, f"{100 * low:.1f} to {100 * high:.1f} %")
    table = reports.markdown_table(["scores", *measures], cells)
    files.write_text(folder / "table.md", table)
    sizes = {"num_videos": len(labels), "num_classes": len(videos.class_names)}
    content = {"flags": dataclasses.asdict(given), **sizes, "results": found, "intervals": spans}
    files.write_json(folder / "results.json", content, indent=1)
    for name, scores in rows.items():
        result = results.summarise(videos, scores, name)
        stem = folder / _file_name(name)
        result.write(f"{stem}_confusion", f"{stem}_{_file_name(result.measure)}")
    print(table)
    recordings = len({*videos.groups} - {""})
    known = f" of {recordings} recordings, which the intervals resample" if recordings else ""
    print(
        f"{printing.count(len(labels), 'video')}{known}, "
        f"{printing.count(len(videos.class_names), 'class')}"
    )
    print(f"table and figures: {folder}")


def _intervals(
    rows: dict[str, np.ndarray], videos: score_files.Scores
) -> dict[str, tuple[float, float]]:
    """Computes the interval of each row's accuracy from resampling recordings."""
    return {
        name: intervals.resample(np.argmax(scores, axis=1) == videos.labels, videos.groups)
        for name, scores in rows.items()
    }


def main(given: FusionFlags) -> None:
    """Fuses the streams and reports what came out."""
    files.check_folder(given.output_dir, "output_dir")
    report(given, *fuse(given))


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)
