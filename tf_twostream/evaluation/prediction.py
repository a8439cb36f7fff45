"""What networks say about one video."""

import dataclasses

import numpy as np

from tf_twostream.figures import pictures
from tf_twostream.scores.segments import Segment


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Prediction:
    """What the network says about one video.

    Attributes:
        video: The file, as it was given.
        class_names: K names.
        scores: `[K]` fused softmax scores (sigmoids, if a video may show several).
        streams: By stream, its own `[K]` scores.
        are_decisions: Whether `scores` are decision values of an SVM instead, of any size.
        drawn: The labelled video; empty if none is asked for.
        explained: The picture of its activation maps; likewise.
        segments: The times of its labels, if it was labelled window by window.
    """

    video: str
    class_names: tuple[str, ...]
    scores: np.ndarray
    streams: dict[str, np.ndarray]
    are_decisions: bool = False
    drawn: str = ""
    explained: str = ""
    segments: tuple[Segment, ...] = ()

    def __repr__(self) -> str:
        """Says the three best classes, in one line."""
        best = ", ".join(f"{name} {self.describe(score).strip()}" for name, score in self.best(3))
        ends = f"; {len(self.segments)} segments" if self.segments else ""
        return f"<{self.video}: {best}{ends}>"

    @property
    def label(self) -> str:
        """The most likely class."""
        return self.best(1)[0][0]

    def describe(self, score: float) -> str:
        """Words a score: in percent, or as a decision value."""
        return f"{score:8.3f}" if self.are_decisions else f"{100 * score:6.2f} %"

    @property
    def title(self) -> str:
        """The most likely class and its share in percent, as far as fonts can draw the name."""
        label = int(self.scores.argmax())
        words = pictures.drawable_class(label, self.class_names[label])
        return words if self.are_decisions else f"{words} {100 * self.scores[label]:.0f} %"

    def best(self, count: int = 5) -> list[tuple[str, float]]:
        """Returns the `count` most likely classes with their scores, best first."""
        order = np.argsort(-self.scores, kind="stable")[:count]
        return [(self.class_names[k], float(self.scores[k])) for k in order]
