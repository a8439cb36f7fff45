"""The commands by which several machines fill a store."""

import made_up_clips
import numpy as np
import pytest

from tf_twostream.precompute import shards


def test_parts_are_filled_joined_and_equal_to_a_whole_store(here, tmp_path, capsys):
    for name in ("a/1", "a/2", "b/1", "b/2"):
        frames = [np.full((16, 20, 3), 50, np.uint8)] * 3
        made_up_clips.write(tmp_path / f"clips/{name}.avi", frames)
    flags = [
        "--dataset=folders", f"--videos_dir={tmp_path / 'clips'}", "--method=none",
        "--shorter_side=16", "--num_workers=1",
    ]  # fmt: skip
    assert here("precompute_flow", *flags, f"--store={tmp_path / 'whole'}") == 0
    for n in range(2):
        own = ["--num_shards=2", f"--shard_index={n}", f"--store={tmp_path / f'part{n}'}"]
        assert here("precompute_flow", *flags, *own) == 0
    assert "twostream join-stores PART" in capsys.readouterr().out
    with pytest.raises(shards.OtherShardError):
        here("precompute_flow", *flags, f"--store={tmp_path / 'part0'}")
    parts = [tmp_path / f"part{n}" for n in range(2)]
    here("join_stores", *parts, f"--store={tmp_path / 'joined'}")
    assert "joined: 4 videos of 2 parts." in capsys.readouterr().out
    whole, joined = (
        {p.relative_to(top): p.read_bytes() for p in top.rglob("*") if p.is_file()}
        for top in (tmp_path / "whole", tmp_path / "joined")
    )
    assert whole == joined


def test_a_part_that_is_none_is_refused(here, tmp_path):
    with pytest.raises(ValueError, match="must be below --num_shards. Received: --shard_index=2"):
        here(
            "precompute_flow", "--dataset=folders", f"--videos_dir={tmp_path}", "--num_shards=2",
            f"--store={tmp_path / 'part'}", "--shard_index=2",
        )  # fmt: skip
