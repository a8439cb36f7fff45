"""How a report says that it was made, and what to do next."""

import dataclasses
import json
import shlex

import numpy as np
from absl import flags

from tf_twostream import cli
from tf_twostream.commands import export_model, predict
from tf_twostream.paper import testing
from tf_twostream.reports import document, records, results


def tables(section):
    return [block for block in section.blocks if isinstance(block, document.Table)]


def commands(section):
    [block] = [block for block in section.blocks if isinstance(block, document.Commands)]
    return block.lines


def test_steps_stand_in_the_order_in_which_they_ended(loaded, tmp_path):
    for name, hour, seconds in (("runs/b", 2, 4000), ("a", 3, 61), ("store", 1, 2.5)):
        path = tmp_path / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        ended = f"2026-11-28T0{hour}:00:00.5+00:00"
        path.write_text(
            json.dumps({"command": f"twostream {name}", "ended": ended, "seconds": seconds})
        )
    section = records.making(dataclasses.replace(loaded, steps=str(tmp_path)))
    assert [(row[0], row[2]) for row in tables(section)[1].rows] == [
        ("store", "2.5 s"), ("runs/b", "1 h 06 min"), ("a", "1 min 01 s"), ("all", "1 h 07 min"),
    ]  # fmt: skip
    assert commands(section) == ("twostream store", "twostream runs/b", "twostream a")


def test_sizes_are_those_of_all_files_below_a_folder(loaded, tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "file").write_bytes(bytes(1_500_000))
    section = records.making(dataclasses.replace(loaded, exported=str(tmp_path)))
    assert tables(section)[0].rows[-1] == ("exported model", str(tmp_path), "1.5 MB")
    assert [row[0] for row in tables(section)[0].rows[:-1]] == [
        "store", "spatial run", "temporal run",
    ]  # fmt: skip


def test_the_next_commands_are_ones_that_can_be_typed(loaded):
    own = dataclasses.replace(
        loaded,
        score_fusion="it's a --fusion.npz",
        streams=tuple(dataclasses.replace(run, checkpoint="best") for run in loaded.streams),
    )
    lines = commands(records.next_steps(own))

    def predicting(sources: list[str], given: predict.PredictionFlags, by: testing.Testing):
        return given, by.checkpoint

    def exporting(given: export_model.ExportFlags):
        return given, given.checkpoint

    for line, main in zip(lines, (predicting, exporting), strict=True):
        program, _, *words = shlex.split(line.replace("\\\n", ""))
        given, checkpoint = cli.parse(main, ["x", *words], flags.FlagValues())()
        assert program == "twostream" and checkpoint == "best"
        assert given.spatial_run == str(loaded.streams[0].path)
        assert given.score_fusion == "it's a --fusion.npz"


def test_the_next_clip_is_looked_at_as_those_of_the_test_were(loaded, tmp_path):
    line = "twostream evaluate --run_dir=r --part=test --test=center --num_frames=5"
    (tmp_path / "a.json").write_text(json.dumps({"command": line, "ended": "2026", "seconds": 1}))
    [first, *_] = commands(records.next_steps(dataclasses.replace(loaded, steps=str(tmp_path))))
    assert {"--test=center", "--num_frames=5"} <= {*shlex.split(first.replace("\\\n", ""))}


def test_what_is_exported_is_not_exported_again(loaded, tmp_path):
    section = records.next_steps(dataclasses.replace(loaded, exported=str(tmp_path)))
    assert len(commands(section)) == 1
    alone = dataclasses.replace(loaded, streams=loaded.streams[:1])
    assert len(commands(records.next_steps(alone))) == 1


def test_classes_that_need_clips_are_named_with_the_rule(made_up, many):
    rule, items, unknown = records.more_clips(made_up(many))
    assert "(1 - recall) / recordings learnt from" in rule.words
    recall = results.recall(made_up(many))
    assert all(recall[int(item[5:8])] < np.nanmean(recall) for item in items.words)
    assert "no test clip" in unknown.words and "Class100." in unknown.words


def test_a_single_class_that_needs_clips_is_spoken_of_as_one(loaded, monkeypatch):
    monkeypatch.setattr(results, "recall", lambda material: np.array([1.0, 0.5, 1.0]))
    rule, items = records.more_clips(loaded)
    assert rule.words.startswith("More clips would help one class most") and len(items.words) == 1


def test_clips_are_counted_where_no_recordings_are_known(loaded):
    split = loaded.split
    bare = tuple(dataclasses.replace(video, group="") for video in split.train)
    task = dataclasses.replace(loaded.streams[0].task, split=dataclasses.replace(split, train=bare))
    run = dataclasses.replace(loaded.streams[0], tasks=(task,))
    own = dataclasses.replace(loaded, streams=(run, loaded.streams[1]))
    rule, items, *_ = records.more_clips(own)
    assert "recordings learnt from" not in rule.words
    assert all(item.endswith((" clip", " clips")) for item in items.words)


def test_long_commands_are_broken_where_a_shell_takes_them_as_one(loaded, tmp_path):
    words = ["twostream", "x", *(f"--flag_{n}='a --b {n}'" for n in range(12))]
    step = {"command": " ".join(words), "ended": "2026", "seconds": 1}
    (tmp_path / "x.json").write_text(json.dumps(step))
    section = records.making(dataclasses.replace(loaded, steps=str(tmp_path)))
    [command] = commands(section)
    assert all(len(line) < 100 for line in command.splitlines())
    assert shlex.split(command.replace("\\\n", "")) == shlex.split(" ".join(words))
