"""The command that labels videos."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tf_twostream.commands import predict
from tf_twostream.evaluation import over_time, prediction, sources


def test_a_prediction_needs_a_network():
    with pytest.raises(ValueError, match="--spatial_run, --temporal_run or both"):
        predict.PredictionFlags()


@pytest.mark.parametrize("other", ["temporal_run", "conv_fusion_run", "score_fusion"])
def test_a_bundle_goes_with_no_runs(other):
    with pytest.raises(ValueError, match="or else a --bundle"):
        predict.NetworkFlags(bundle="pair.zip", **{other: "it"})


def test_maps_need_a_folder_to_be_drawn_into():
    with pytest.raises(ValueError, match="--explain draws into --output_dir"):
        predict.PredictionFlags(spatial_run="spatial", explain=True)


@pytest.mark.parametrize("top", [1, 2, 5])
def test_json_holds_the_best_classes_of_both_streams(top):
    scores = np.array([0.2, 0.5, 0.3])
    streams = {"spatial": np.array([0.1, 0.7, 0.2]), "temporal": np.array([0.3, 0.3, 0.4])}
    item = prediction.Prediction("v.avi", ("a", "b", "c"), scores, streams)
    content = json.loads(json.dumps(predict._as_json(item, top)))
    best = ["b", "c", "a"][:top]
    assert content["video"] == "v.avi" and list(content["scores"]) == best
    assert content["spatial"] == {name: streams["spatial"]["abc".index(name)] for name in best}


class FakeModel:
    """Two windows of class b, then the source breaks or is stopped."""

    class_names = ("a", "b")

    def labeller(self, window, step, scorer):
        return over_time.Labeller(
            None, None, None, window=window, step=step, num_threads=1, timeout=1
        )

    def fuse(self, scores):
        return scores["spatial"]


@pytest.mark.parametrize("end", [None, sources.SourceError("gone"), KeyboardInterrupt()])
def test_what_was_found_over_time_is_kept_however_it_ends(here, tmp_path, monkeypatch, capsys, end):
    def windows(self, source):
        for n in range(2):
            own = {"spatial": np.array([0.2, 0.8])}
            yield over_time.Window(2.0 * n, 2.0 * n + self.window, own, 50, dropped=n)
        if end:
            raise end

    monkeypatch.setattr(predict, "load", lambda *_: FakeModel())
    monkeypatch.setattr(over_time.Labeller, "windows", windows)
    flags = ("--spatial_run=s", "--window_seconds=2", f"--output_dir={tmp_path}", "0")
    if isinstance(end, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            here("predict", *flags)
    else:
        assert here("predict", *flags) == (1 if end else 0)
    out, err = capsys.readouterr()
    assert "2.00 -     4.00 s  b 0.80, a 0.20   (1 frame dropped)" in out
    assert ("error: 0: gone" in err) == isinstance(end, sources.SourceError)
    table = (tmp_path / "segments.csv").read_text()
    assert table == "video,start,end,label,score\n0,0.000,4.000,b,0.8000\n"
    assert (tmp_path / "0.json").exists() and (tmp_path / "0_timeline.png").exists()


def test_a_camera_needs_windows(here):
    with pytest.raises(ValueError, match="must be given for cameras, streams and images"):
        here("predict", "--spatial_run=s", "0")


def test_a_mean_of_an_even_number_of_windows_has_no_middle():
    with pytest.raises(ValueError, match="must be odd"):
        predict.WindowFlags(smooth_windows=2)


@pytest.mark.parametrize(
    ("flags", "rule"),
    [
        (("--draw",), "--draw draws into --output_dir"),
        (("--draw", "--output_dir=out"), "must be left out for cameras"),
        (("--explain", "--output_dir=out"), "must be left out for cameras"),
    ],
)
def test_what_cannot_be_drawn_over_time_is_said_before_anything_runs(here, tmp_path, flags, rule):
    given = [flag.replace("=out", f"={tmp_path}") for flag in flags]
    with pytest.raises(ValueError, match=rule):
        here("predict", "--spatial_run=absent", "--window_seconds=2", *given, "0")


def test_a_source_that_cannot_be_drawn_keeps_its_labels(here, tmp_path, monkeypatch, capsys):
    from tf_twostream.evaluation import segment_video

    def windows(self, source):
        yield over_time.Window(0.0, 2.0, {"spatial": np.array([0.2, 0.8])}, 50)

    def broken(*_):
        raise sources.SourceError("gone")

    monkeypatch.setattr(predict, "load", lambda *_: FakeModel())
    monkeypatch.setattr(over_time.Labeller, "windows", windows)
    monkeypatch.setattr(segment_video.Drawer, "write", broken)
    flags = ("--spatial_run=s", "--window_seconds=2", "--draw", f"--output_dir={tmp_path}")
    names = [str(tmp_path / name) for name in ("a.avi", "b.avi")]
    for name in names:
        pathlib.Path(name).touch()
    assert here("predict", *flags, *names) == 1
    assert capsys.readouterr().err.count("no labelled video: gone") == 2
    assert (tmp_path / "segments.csv").read_text().count("0.000,2.000,b") == 2


def test_files_that_are_not_there_are_said_once_and_before_tensorflow(tmp_path):
    code = (
        "import sys; from absl import flags; from tf_twostream import cli; "
        "from tf_twostream.commands import predict; "
        "call = cli.parse(predict.main, ['x', '--spatial_run=absent', 'no.avi', 'none.avi'], "
        "flags.FlagValues()); print(call(), 'tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout == "1 False\n"
    assert done.stderr.splitlines() == [
        "error: no.avi: There is no such file.", "error: none.avi: There is no such file.",
    ]  # fmt: skip


def test_the_others_are_labelled(here, tmp_path, monkeypatch, capsys):
    seen = []
    monkeypatch.setattr(predict, "load", lambda *_: None)
    monkeypatch.setattr(predict, "_label_whole", lambda model, found, given: seen.append(found))
    (tmp_path / "a.avi").touch()
    names = [str(tmp_path / name) for name in ("a.avi", "b.avi")]
    assert here("predict", "--spatial_run=s", *names) == 1
    assert [[source.name for source in found] for found in seen] == [names[:1]]
    assert capsys.readouterr().err == f"error: {names[1]}: There is no such file.\n"


def test_a_bundle_must_be_there(tmp_path):
    with pytest.raises(ValueError, match="--bundle must be a file of export-model --bundle"):
        predict.NetworkFlags(bundle=str(tmp_path / "nope.zip"))
