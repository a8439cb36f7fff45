"""The figures of a result, alike in files and in TensorBoard (paper, Fig. 5 and 6)."""

import dataclasses
import os

import numpy as np
from matplotlib import figure

from tf_twostream.figures import reports
from tf_twostream.scores import metrics, score_files


@dataclasses.dataclass(frozen=True, eq=False)
class Result:
    """What a table of scores amounts to, class by class.

    Attributes:
        title: Whose scores, how good, of how many videos.
        class_names: K names.
        matrix: `[K, K]` counts of videos by true and predicted class; None where a video may show
            several classes, because a confusion matrix is then not defined.
        measure: What `values` are: recall, or average precision.
        values: `[K]` in [0, 1]; NaN for a class without videos.
    """

    title: str
    class_names: tuple[str, ...]
    matrix: np.ndarray | None
    measure: str
    values: np.ndarray

    def draw_confusion(self) -> figure.Figure | None:
        """Draws the confusion matrix (paper, Fig. 5), if there is one."""
        if self.matrix is None:
            return None
        return reports.draw_confusion_matrix(self.matrix, self.class_names, self.title)

    def draw_per_class(self) -> figure.Figure:
        """Draws the measure of each class (paper, Fig. 6)."""
        return reports.draw_per_class(
            self.values, self.class_names, measure=self.measure, title=self.title
        )

    def write(
        self, confusion: str | os.PathLike[str], per_class: str | os.PathLike[str]
    ) -> list[str]:
        """Writes both as PNG and their numbers as CSV: counts of videos, and values.

        Args:
            confusion: The files of the confusion matrix, without their suffix.
            per_class: The files of the measure of each class, without their suffix.

        Returns:
            The PNG files.
        """
        written = []
        if self.matrix is not None:
            drawing = reports.draw_confusion_matrix(self.matrix, self.class_names, self.title)
            counts = [[name, *map(int, row)] for name, row in zip(self.class_names, self.matrix)]
            header = ["true \\ predicted", *self.class_names]
            written.append(reports.write(confusion, drawing, header, counts))
        cells = ["" if np.isnan(value) else f"{value:.6f}" for value in self.values]
        rows = zip(self.class_names, cells)
        header = ["class", self.measure]
        return [*written, reports.write(per_class, self.draw_per_class(), header, rows)]


def summarise(
    videos: score_files.Scores, table: np.ndarray | None = None, name: str = ""
) -> Result:
    """Measures a table of scores.

    Example:
        >>> import numpy as np
        >>> from tf_twostream import figures
        >>> from tf_twostream.scores import score_files
        >>> table = np.array([[0.9, 0.1], [0.6, 0.4]])
        >>> videos = score_files.Scores(("a", "b"), np.array([0, 1]), ("jump", "run"), table)
        >>> result = figures.summarise(videos)
        >>> result.title
        'video accuracy 50.0 %, 2 videos'
        >>> result.matrix.tolist()  # Both are taken for "jump".
        [[1, 0], [1, 0]]
        >>> drawing = result.draw_confusion()  # A notebook shows it.

    Args:
        videos: Labels and classes of N videos.
        table: `[N, K]` scores, rows in the order of `videos`, or decision values of a fusing SVM;
            by default the scores of `videos`.
        name: Whose scores they are; empty for no word.

    Returns:
        The measures, and what draws them.

    Raises:
        ValueError: If `table` does not fit the labels (see `metrics`).
    """
    table, labels = videos.scores if table is None else table, videos.labels
    measure, values = metrics.measure_per_class(table, labels)
    return Result(
        title=reports.title(name, metrics.measure(table, labels), len(labels)),
        class_names=videos.class_names,
        matrix=None if videos.multi_label else metrics.confusion_matrix(table, labels),
        measure=measure,
        values=values,
    )
