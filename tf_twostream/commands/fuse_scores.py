r"""Fuses the streams' scores of the test videos, and writes a table and figures.

    twostream fuse-scores --scores=spatial_test.npz,temporal_test.npz --output_dir=fused
    twostream fuse-scores --scores=spatial_test.npz,temporal_test.npz --svm \
        --train_scores=spatial_train.npz,temporal_train.npz --output_dir=fused

It writes table.md, results.json and, for each row of the table, the confusion matrix and the recall
of each class as PNG and CSV; where a video may show several classes, the average precision of each
class instead. With more than one stream it writes their averaged scores, average.npz, and with
--svm the weights of the SVM, svm.npz. One stream is only measured.
"""

import dataclasses
import pathlib
import re
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from absl import logging

from tf_twostream import cli
from tf_twostream.processes import files
from tf_twostream.scores import fusion, metrics, score_files

# When a stream's scores of training videos mislead an SVM: nearly all right, and worse on others.
BY_HEART, WORSE = 0.98, 0.1


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
        (), "Weights of the average, one per stream; equal when empty, as in the paper."
    )
    svm: bool = cli.knob(
        False, "Fuse by a linear SVM on stacked L2-normalised scores as well (paper, Sect. 2)."
    )
    train_scores: tuple[str, ...] = cli.knob(
        (), "Scores files of the training videos for --svm, in the order of --scores."
    )
    names: tuple[str, ...] = cli.knob(
        (), "Names of the streams in the table; those of the files when empty.", group="output"
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
        for flag in ("weights", "train_scores", "names"):
            count = len(getattr(self, flag))
            if count not in (0, len(self.scores)):
                rule = f"--{flag} must have one item for each of the {len(self.scores)} --scores"
                raise ValueError(f"{rule}. Received: {count}.")


def name_streams(given: FusionFlags) -> list[str]:
    """Names the streams: as asked for, or by their files, or by the folders of their files.

    Files are often called alike and lie in a folder per stream, or the other way round.

    Raises:
        ValueError: If the names are not distinct.
    """
    paths = [pathlib.Path(path) for path in given.scores]
    by_file, by_folder = [path.stem for path in paths], [path.parent.name for path in paths]
    for names in [list(given.names)] if given.names else [by_file, by_folder]:
        # Names become those of files, so that "a b" and "a_b" are not distinct.
        taken = {_file_name(name) for name in (*names, "average", "svm")}
        if len(taken) == len(paths) + 2 and all(names):
            return names
    rule = "The streams must have distinct --names, other than average and svm"
    raise ValueError(f"{rule}. Received: {', '.join(given.names or given.scores)}.")


def fuse_by_svm(given: FusionFlags, streams: Sequence[score_files.Scores]) -> np.ndarray:
    """Trains the SVM on the training videos, writes it, and returns `[N, K]` decision values.

    Raises:
        ValueError: If a test video is among the training videos, or the files do not fit.
    """
    training = [score_files.load_scores(path) for path in given.train_scores]
    # Networks know their training videos by heart: the result would look far too good.
    both = set(training[0].video_ids) & set(streams[0].video_ids)
    if both:
        words = f"{len(both)} videos of --scores in --train_scores, such as {min(both)!r}"
        raise ValueError(f"The SVM must not be trained on test videos. Received: {words}.")
    # Files do not say which stream they are of; --verbosity=0 shows whether the order is right.
    for test, train in zip(given.scores, given.train_scores):
        logging.info("The SVM is trained on %s and applied to %s.", train, test)
    for name, tested, learnt in zip(name_streams(given), streams, training):
        if note := _overfitting(tested, learnt):
            print(f"note: {name} {note}")
    svm = fusion.train_svm(training)
    decisions = svm.predict(streams)
    fusion.save_svm(pathlib.Path(given.output_dir) / "svm.npz", svm)
    return decisions


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
        "average, or give the stream more videos or pre-trained weights."
    )


def fuse(given: FusionFlags) -> tuple[score_files.Scores, dict[str, np.ndarray]]:
    """Returns the first stream and, for each row of the table, `[N, K]` scores in its order."""
    names = name_streams(given)
    streams = score_files.join([score_files.load_scores(path) for path in given.scores])
    rows = {name: stream.scores for name, stream in zip(names, streams)}
    if len(streams) > 1:
        average = fusion.average(streams, weights=given.weights)
        score_files.save_scores(pathlib.Path(given.output_dir) / "average.npz", average)
        rows["average"] = average.scores
    if given.svm:
        rows["svm"] = fuse_by_svm(given, streams)
    return streams[0], rows


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
    table = reports.markdown_table(["scores", *measures], cells)
    files.write_text(folder / "table.md", table)
    sizes = {"num_videos": len(labels), "num_classes": len(videos.class_names)}
    content = {"flags": dataclasses.asdict(given), **sizes, "results": found}
    files.write_json(folder / "results.json", content, indent=1)
    for name, scores in rows.items():
        result = results.summarise(videos, scores, name)
        stem = folder / _file_name(name)
        result.write(f"{stem}_confusion", f"{stem}_{_file_name(result.measure)}")
    print(table)
    print(f"{len(labels)} videos, {len(videos.class_names)} classes; table and figures: {folder}")


def main(given: FusionFlags) -> None:
    """Fuses the streams and reports what came out."""
    report(given, *fuse(given))


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)
