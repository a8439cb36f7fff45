"""The clips that a report shows."""

import dataclasses

import made_up_scores
import numpy as np

from tf_twostream.reports import document, examples

LABELS = np.array([0, 1, 2, 0, 1])
TABLE = np.array(
    [[0.9, 0.1, 0], [0.2, 0.6, 0.2], [0.1, 0.8, 0.1], [0.7, 0.2, 0.1], [0.5, 0.4, 0.1]]
)


def clips(groups=()):
    own = made_up_scores.make_scores(0, labels=LABELS)
    return dataclasses.replace(own, groups=groups, scores=TABLE)


def test_the_surest_come_first_right_and_wrong():
    assert examples.choose(clips(), TABLE, right=True, most=9) == [0, 3, 1]
    assert examples.choose(clips(), TABLE, right=False, most=9) == [2, 4]
    assert examples.choose(clips(), TABLE, right=False, most=1) == [2]


def test_of_a_recording_only_the_surest_is_shown():
    groups = ("r", "s", "t", "r", "u")
    assert examples.choose(clips(groups), TABLE, right=True, most=9) == [0, 1]


def test_each_clip_has_its_frame_its_flow_and_a_map_of_each_stream(loaded, report):
    [section] = [s for s in report.sections if s.title.startswith("What it is surest about")]
    shown = [block for block in section.blocks if isinstance(block, document.Pictures)]
    assert sorted(block.source for block in shown) == sorted(loaded.videos.video_ids)
    for block in shown:
        names = [picture.caption for picture in block.pictures]
        assert names[0].startswith("frame ")
        assert names[1:] == ["flow", "spatial map", "temporal map"]
        assert block.title.startswith(("Right: class", "Wrong: class"))


def test_clips_that_the_store_does_not_hold_are_passed_over(made_up, many):
    blocks = examples.section(made_up(many)).blocks
    assert not [block for block in blocks if isinstance(block, document.Pictures)]


def test_titles_name_what_it_is_and_what_it_was_taken_for():
    assert examples._title(clips(), TABLE, 0) == "Right: bend 0.90"
    assert examples._title(clips(), TABLE, 2) == "Wrong: jack 0.80; it is wave 0.10"
    several = made_up_scores.make_several(0)
    assert examples._title(several, np.eye(3), 1) == "Wrong: jack 1.00; it is wave"
