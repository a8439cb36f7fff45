import fractions
import math

import pytest

from tf_twostream.datasets import clips, splits


@pytest.mark.parametrize("path", ["a/long film.mp4", "#20_clap.avi", "a.mp4#1-2.mkv"])
def test_the_id_of_a_clip_tells_its_file_and_its_seconds(path):
    id = clips.name(path, "1.250", "20")
    splits.check_id(id)
    assert id == f"{path}#1.25-20"
    assert clips.locate(id) == clips.Clip(path, fractions.Fraction(5, 4), fractions.Fraction(20))
    assert clips.locate(id).is_part


@pytest.mark.parametrize("id", ["a.mp4", "000001", "class#1-2", "a.mp4#1-2.mkv", "x#1-2.264"])
def test_other_ids_are_whole_files(id):
    assert clips.locate(id) == clips.Clip(id, 0, math.inf)
    assert not clips.locate(id).is_part
