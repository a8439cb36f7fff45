"""The project's commands on the clips: what fails is said, what works is measured."""

import time

import numpy as np

from tf_twostream.benchmarks.gpu import clips, jobs, setting, trainings
from tf_twostream.scores import score_files


def given_of(tmp_path):
    return setting.Setting("store", "", str(tmp_path), "", setting.TINY)


def test_without_clips_to_test_there_is_no_training(tmp_path):
    [(table, row)] = trainings.train(given_of(tmp_path), time.monotonic() + 60)
    assert table == jobs.LEFT_OUT and "no class has two clips" in row["why"]


def test_both_streams_are_trained_and_tested_in_the_time_that_is_left(tmp_path, monkeypatch):
    (tmp_path / clips.LIST).write_text("path,label,split\na/0.avi,a,train\na/1.avi,a,test\n")
    called = []

    def command(arguments, *, seconds, log):
        called.append((arguments[0], seconds))
        if arguments[0] == "train-spatial":
            return 1, 2.0
        if arguments[0] == "evaluate":
            kept = score_files.Scores(("a/1.avi",), np.array([0]), ("a", "b"), [[0.9, 0.1]])
            score_files.save_scores(tmp_path / "temporal.npz", kept)
            (tmp_path / "logs").mkdir(exist_ok=True)
            (tmp_path / "logs" / "evaluate-temporal.log").write_text("after 1,234 iterations")
            return 0, 3.0
        return 130, 80.0  # Stopped when its time was over.

    monkeypatch.setattr(jobs, "command", command)
    good, bad = trainings.train(given_of(tmp_path), time.monotonic() + 200)
    assert good[1]["iterations"] == "1,234" and good[1]["accuracy"] == "100 %"
    assert bad == (jobs.LEFT_OUT, {"what": "train-spatial", "why": "exit code 1, see logs/"})
    assert [name for name, _ in called] == ["train-temporal", "evaluate", "train-spatial"]
    assert 5 < called[0][1] < 22  # Half of the 44 seconds, less what the test takes.


def test_flow_of_the_clips_is_measured_from_videos_to_a_store(tmp_path, monkeypatch):
    found = [("Clips of the store", {"clips": 2, "frames as videos": 100})]
    monkeypatch.setattr(jobs, "alone", lambda *_, **__: iter(found))
    monkeypatch.setattr(jobs, "command", lambda *_, **__: (0, 4.0))
    [_, (_, row)] = trainings.compute_flow(given_of(tmp_path), time.monotonic() + 60)
    assert row["frames/s"] == 25
    monkeypatch.setattr(jobs, "command", lambda *_, **__: (1, 4.0))
    [_, (table, row)] = trainings.compute_flow(given_of(tmp_path), time.monotonic() + 60)
    assert table == jobs.LEFT_OUT and row["why"].startswith("exit code 1")
