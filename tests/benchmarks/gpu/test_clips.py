"""The clips of a store become a data set again."""

from tf_twostream import datasets
from tf_twostream.benchmarks.gpu import clips, setting
from tf_twostream.precompute import frames


def test_one_clip_in_four_of_each_class_is_tested():
    ids = [f"{name}/{number}.avi" for name in "ab" for number in range(5)] + ["c/0.avi"]
    rows = clips.split(ids)
    tested = [path for path, _, part in rows if part == "test"]
    assert tested == ["a/0.avi", "a/4.avi", "b/0.avi", "b/4.avi"]
    assert {label for _, label, _ in rows} == {"a", "b", "c"}


def test_a_store_becomes_a_list_and_videos(tiny_store, tmp_path):
    given = setting.Setting(tiny_store[0], "", str(tmp_path), "", setting.FULL)
    [(_, row)] = clips.measure(given)
    split = datasets.load(datasets.Source(dataset="csv", annotations=str(tmp_path / clips.LIST)))
    assert len(split.train) + len(split.test) == row["clips"] == 10
    assert set(split.class_names) == {"class 0", "class 1", "class 2"}
    total = 0
    for video in (*split.train, *split.test):
        total += len(list(frames.read_frames(tmp_path / clips.VIDEOS / video.id, shorter_side=48)))
    assert total == row["frames as videos"]
