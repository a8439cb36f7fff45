"""Draws what a video shows over time."""

from collections.abc import Sequence

import numpy as np
from matplotlib import figure

from tf_twostream.scores import segments

MOST_CLASSES = 8  # In the picture.
CHARACTERS = 75  # As many fit into the width of the picture.


def draw(
    times: np.ndarray,
    scores: np.ndarray,
    class_names: Sequence[str],
    found: Sequence[segments.Segment],
    title: str,
) -> figure.Figure:
    """Draws the scores of the likeliest classes over time, above the segments.

    Args:
        times: `[N, 2]`, start and end of each window in seconds.
        scores: `[N, K]`.
        class_names: K names.
        found: The segments.
        title: What is shown.
    """
    chosen = np.argsort(-scores.max(axis=0), kind="stable")[:MOST_CLASSES]
    colors = {class_names[k]: f"C{n}" for n, k in enumerate(chosen)}
    picture = figure.Figure(figsize=(10, 4.5), layout="constrained")
    above, below = picture.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    middles = times.mean(axis=1)
    for k in chosen:
        name = class_names[k]
        above.plot(middles, scores[:, k], color=colors[name], label=name, marker=".")
    above.set_ylabel("score")
    above.set_title(title, parse_math=False)
    legend = above.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    for text in legend.get_texts():  # Class names are not ours: "$" would else begin a formula.
        text.set_parse_math(False)
    for segment in found:
        color = colors.get(segment.label, "0.85")
        below.axvspan(segment.start, segment.end, color=color, ec="white")
        # A name in a segment that is too narrow for it would hide its neighbours.
        share = (segment.end - segment.start) / (times[-1, 1] - times[0, 0])
        if share > len(segment.label) / CHARACTERS:
            middle = (segment.start + segment.end) / 2
            below.text(middle, 0.5, segment.label, ha="center", va="center", parse_math=False)
    below.set_yticks([])
    below.set_ylim(0, 1)
    below.set_xlim(times[0, 0], times[-1, 1])
    below.set_xlabel("seconds")
    return picture
