r"""Fuses the streams' scores of the test videos and reports accuracies and figures.

    python scripts/fuse_scores.py --scores=spatial_test.npz,temporal_test.npz --output_dir=fused
    python scripts/fuse_scores.py --scores=spatial_test.npz,temporal_test.npz --svm \
        --train_scores=spatial_train.npz,temporal_train.npz --output_dir=fused

Writes table.md, results.json and for each row of the table its confusion matrix and recall per
class, or, where a video may show several classes, the average precision of each (PNG and CSV); for
more than one stream the averaged scores, average.npz; for the SVM its weights, svm.npz. With one
stream it only reports.
"""

import dataclasses
import json
import pathlib
import re
from collections.abc import Sequence

import numpy as np
from absl import logging

from tf_twostream import cli
from tf_twostream.figures import reports
from tf_twostream.scores import fusion, metrics, score_files


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fusion:
    """Which scores to fuse, and how."""

    scores: tuple[str, ...] = cli.knob(
        cli.REQUIRED, "Scores files (npz) of the test videos, one per stream."
    )
    output_dir: str = cli.knob(cli.REQUIRED, "Folder for the table, the figures and the scores.")
    weights: tuple[float, ...] = cli.knob(
        (), "Weights of the average, one per stream; equal when empty, as in the paper."
    )
    svm: bool = cli.knob(
        False, "Fuse by a linear SVM on stacked L2-normalised scores as well (paper, section 2)."
    )
    train_scores: tuple[str, ...] = cli.knob(
        (), "Scores files of the training videos for --svm, in the order of --scores."
    )
    names: tuple[str, ...] = cli.knob(
        (), "Names of the streams in the table; those of the files when empty."
    )

    def __post_init__(self) -> None:
        """Checks that the flags fit each other."""
        if not self.scores:
            raise ValueError("--scores must name one file per stream. Received: none.")
        if self.svm and not self.train_scores:
            raise ValueError(
                "--svm is trained on scores of the training videos: --train_scores must name one "
                "file per stream. Received: none. Evaluate each network on the training videos."
            )
        if self.train_scores and not self.svm:
            raise ValueError(
                "--train_scores is for the SVM only. Received: --train_scores without --svm."
            )
        for flag in ("weights", "train_scores", "names"):
            number = len(getattr(self, flag))
            if number not in (0, len(self.scores)):
                raise ValueError(
                    f"--{flag} must list one item for each of the {len(self.scores)} files of "
                    f"--scores. Received: {number}."
                )


def name_streams(knobs: Fusion) -> list[str]:
    """Names the streams: as asked for, or by their files, or by the folders of their files.

    Raises:
        ValueError: If the names are not distinct.
    """
    paths = [pathlib.Path(path) for path in knobs.scores]
    by_file, by_folder = [path.stem for path in paths], [path.parent.name for path in paths]
    for names in [list(knobs.names)] if knobs.names else [by_file, by_folder]:
        files = {_file_name(name) for name in (*names, "average", "svm")}
        if len(files) == len(paths) + 2 and all(names):
            return names
    raise ValueError(
        "The streams must have distinct names other than average and svm. "
        f"Received: {', '.join(knobs.names or knobs.scores)}. Name them: --names=spatial,temporal."
    )


def fuse_by_svm(knobs: Fusion, streams: Sequence[score_files.Scores]) -> np.ndarray:
    """Trains the SVM on the training videos, writes it, and returns `[N, K]` decision values.

    Raises:
        ValueError: If a test video is among the training videos, or the files do not fit.
    """
    training = [score_files.load_scores(path) for path in knobs.train_scores]
    both = set(training[0].video_ids) & set(streams[0].video_ids)
    if both:
        raise ValueError(
            "The SVM must not be trained on test videos. Received: --train_scores with "
            f"{len(both)} videos of --scores, for example {min(both)!r}."
        )
    for test, train in zip(knobs.scores, knobs.train_scores):
        logging.info("The SVM learns from %s what it applies to %s.", train, test)
    svm = fusion.train_svm(training)
    decisions = svm.predict(streams)
    fusion.save_svm(pathlib.Path(knobs.output_dir) / "svm.npz", svm)
    return decisions


def fuse(knobs: Fusion) -> tuple[score_files.Scores, dict[str, np.ndarray]]:
    """Returns the first stream and, for each row of the table, `[N, K]` scores in its order."""
    names = name_streams(knobs)
    streams = score_files.join([score_files.load_scores(path) for path in knobs.scores])
    rows = {name: stream.scores for name, stream in zip(names, streams)}
    if len(streams) > 1:
        average = fusion.average(streams, weights=knobs.weights)
        score_files.save_scores(pathlib.Path(knobs.output_dir) / "average.npz", average)
        rows["average"] = average.scores
    if knobs.svm:
        rows["svm"] = fuse_by_svm(knobs, streams)
    return streams[0], rows


def report(knobs: Fusion, videos: score_files.Scores, rows: dict[str, np.ndarray]) -> None:
    """Prints the table and writes it, the results and the figures into the output folder.

    Args:
        knobs: The flags, which results.json keeps.
        videos: Labels and classes of the videos.
        rows: `[N, K]` scores for each row of the table.
    """
    labels = videos.labels
    folder = pathlib.Path(knobs.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    results = {name: metrics.measure(scores, labels) for name, scores in rows.items()}
    measures = [measure.replace("_", " ") for measure in next(iter(results.values()))]
    cells = [
        [name, *(f"{100 * x:.2f} %" for x in result.values())] for name, result in results.items()
    ]
    table = reports.markdown_table(["scores", *measures], cells)
    (folder / "table.md").write_text(table, encoding="utf-8")
    sizes = {"num_videos": len(labels), "num_classes": len(videos.class_names)}
    content = {"flags": dataclasses.asdict(knobs), **sizes, "results": results}
    (folder / "results.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for name, scores in rows.items():
        draw(name, scores, videos, folder)
    print(table)
    print(f"{len(labels)} videos, {len(videos.class_names)} classes; table and figures: {folder}")


def draw(name: str, scores: np.ndarray, videos: score_files.Scores, folder: pathlib.Path) -> None:
    """Draws a row of the table, class by class."""
    labels, class_names, stem = videos.labels, videos.class_names, folder / _file_name(name)
    title = reports.title(name, metrics.measure(scores, labels), len(labels))
    measure, values = metrics.measure_per_class(scores, labels)
    path = f"{stem}_{_file_name(measure)}"
    reports.write_per_class(values, class_names, path, measure=measure, title=title)
    if not videos.multi_label:  # Else no class is taken for another.
        matrix = metrics.confusion_matrix(scores, labels)
        reports.write_confusion_matrix(matrix, class_names, f"{stem}_confusion", title=title)


def main() -> None:
    """Fuses and reports with the parsed flags."""
    knobs = cli.parse(Fusion)
    videos, rows = fuse(knobs)
    report(knobs, videos, rows)


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)


cli.define(Fusion)

if __name__ == "__main__":
    cli.run(main)
