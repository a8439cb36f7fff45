"""The picture of what a video shows over time."""

import numpy as np

from tf_twostream.figures import timeline
from tf_twostream.scores import segments

NAMES = tuple(f"class ${n}" for n in range(12))


def test_likely_classes_have_a_line_and_segments_a_name_where_it_fits():
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(12), size=30)
    scores[:20, 3] += 2
    times = np.stack([np.arange(30.0), np.arange(30.0) + 2], axis=1)
    found = segments.find(times, scores, NAMES)
    picture = timeline.draw(times, scores, NAMES, found, "video $1")
    above, below = picture.axes
    assert len(above.lines) == timeline.MOST_CLASSES
    assert [text.get_text() for text in below.texts][0] == "class $3"
    assert len(below.texts) < len(found) == len(below.patches)
    picture.canvas.draw()  # A "$" begins no formula.
