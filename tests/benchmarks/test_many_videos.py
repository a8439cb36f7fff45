"""Many made-up videos, from opening their store to the first batch."""

from read_table import cells

from tf_twostream import store
from tf_twostream.benchmarks import many_videos
from tf_twostream.paper import recipes

RECIPE = recipes.TemporalRecipe(batch_size=2, stack_length=2, crop_size=42)


def test_the_first_batch_of_made_up_videos_can_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(many_videos, "SIZE", (48, 64))
    job = many_videos.make(str(tmp_path / "store"), RECIPE, 1000)
    assert len(store.Reader(job.path).video_ids) == len(job.split.train) == 1000
    steps = many_videos.first_batch(job)
    try:
        next(steps)
    except StopIteration as end:
        found = end.value
    seconds = [value for name, value in found.items() if name.endswith(", s")]
    assert sum(seconds[:-1]) == seconds[-1] and found["GB at most"] >= found["GB before"] > 0


def test_many_are_compared_with_few(monkeypatch):
    found = {"open, s": 1.0, "together, s": 2.0, "GB before": 0.5, "GB at most": 1.0}
    monkeypatch.setattr(many_videos, "make", lambda path, recipe, count: count)
    monkeypatch.setattr(
        many_videos,
        "_in_a_process",
        lambda count: {name: value * count / 1000 for name, value in found.items()},
    )
    printed = many_videos.measure(RECIPE, 3000)
    assert printed.startswith("3,000 videos take 3.0 times as long as 1,000\n")
    assert [row[0] for row in cells(printed)[2:]] == ["1,000", "3,000"]
