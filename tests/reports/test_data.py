"""What a report says of the data."""

import dataclasses

from tf_twostream import datasets, store
from tf_twostream.reports import data, document


def tables(section):
    return [block for block in section.blocks if isinstance(block, document.Table)]


def texts(section):
    return " ".join(b.words for b in section.blocks if isinstance(b, document.Text))


def test_each_part_has_its_clips_recordings_and_seconds(loaded):
    parts, networks = tables(data.section(loaded))
    rows = {row[0]: row[1:] for row in parts.rows}
    frames = [5 if n == 4 else 14 + n for n in range(10)]
    assert rows["training"][:2] == ("5", "5") and rows["validation"][:2] == ("2", "2")
    assert rows["training"][2:4] == (f"{sum(frames[:5]) / 25:.0f}", str(sum(frames[:5])))
    assert rows["test"][1] == "not known"
    assert rows["test"][-1] == "1"  # Of each class.
    assert [row[0] for row in networks.rows] == ["spatial", "temporal"]
    assert "4 fields of flow, 41 x 41" in networks.rows[1]
    assert "40" in networks.rows[0]  # The iterations done.
    words = texts(data.section(loaded))
    assert (
        "10 clips of 3 classes (class 0, class 1, class 2)" in words
        and "synthetic, forward" in words
    )


def test_clips_of_no_known_recording_are_warned_of(loaded):
    bare = datasets.Split("bare", loaded.split.class_names, loaded.split.test, ())
    run = loaded.streams[0]
    run = dataclasses.replace(run, tasks=(dataclasses.replace(run.task, split=bare),))
    own = dataclasses.replace(loaded, streams=(run,))
    section = data.section(own)
    assert "No recordings are known" in texts(section)
    assert "recordings" not in tables(section)[0].header


def test_clips_of_another_store_are_counted_apart(loaded):
    split = loaded.split
    other = datasets.Video(store.added_id("x.avi"), 0, "elsewhere")
    run = loaded.streams[0]
    task = dataclasses.replace(run.task, split=dataclasses.replace(split, unused=(), train=(
        *split.train, other)))  # fmt: skip
    own = dataclasses.replace(loaded, streams=(dataclasses.replace(run, tasks=(task,)),))
    section = data.section(own)
    assert "1 further training clip of another store" in texts(section)
    assert tables(section)[0].rows[0][1] == "5"


def test_videos_that_could_not_be_read_are_named_with_reasons_ten_at_most(loaded, monkeypatch):
    for count, said in ((0, ()), (1, ("1 video could",)), (12, ("12 videos", "the first 10"))):
        failed = {f"class/{n:02}.avi": f"reason {n}" for n in range(count)}
        monkeypatch.setattr(store, "read_failed", lambda path, failed=failed: failed)
        section = data.section(loaded)
        assert all(words in texts(section) for words in said)
        shown = [b.words for b in section.blocks if isinstance(b, document.Items)]
        assert shown == ([tuple(f"{k}: {v}" for k, v in failed.items())[:10]] if count else [])
