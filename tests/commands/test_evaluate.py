"""All commands in the order of the demo, on a handful of tiny videos."""

import csv
import itertools
import json

import cv2
import numpy as np
import pytest

from tf_twostream.scores import score_files

STREAMS = ("spatial", "temporal")
SMALL = ["--width=0.05", "--crop_size=41", "--batch_size=4", "--num_iterations=2"]


@pytest.fixture(scope="module")
def done(here, run, tmp_path_factory):
    """The folder in which all has been done up to the scores."""
    folder = tmp_path_factory.mktemp("demo")
    size = ["--videos_per_class=3", "--num_frames=12", "--height=48", "--width=64"]
    here("make_sample_videos", f"--output_dir={folder}", *size)
    data = ["--dataset=csv", f"--annotations={folder / 'manifest.csv'}", "--split=1"]
    videos, store = f"--videos_dir={folder / 'videos'}", f"--store={folder / 'store'}"
    here("precompute_flow", *data, videos, store, "--shorter_side=48", "--method=dis")
    runs = {stream: f"--run_dir={folder / stream}" for stream in STREAMS}
    run(*([f"scripts/train_{s}.py", *data, store, runs[s], *SMALL] for s in STREAMS))
    for part, stream in itertools.product(("train", "test"), STREAMS):
        scores = f"--scores={folder / f'{stream}.{part}.npz'}"
        here("evaluate", runs[stream], store, f"--part={part}", scores)
    return folder


def test_the_store_is_found_complete(here, done, capsys):
    assert here("verify_store", f"--store={done / 'store'}") == 0
    assert "18 videos" in capsys.readouterr().out


@pytest.mark.parametrize("part", ["train", "test"])
def test_every_video_of_a_part_is_scored(done, part):
    with (done / "manifest.csv").open() as file:
        wanted = {row["path"]: row["label"] for row in csv.DictReader(file) if row["split"] == part}
    for stream in STREAMS:
        scores = score_files.load_scores(done / f"{stream}.{part}.npz")
        labels = [scores.class_names[label] for label in scores.labels]
        assert dict(zip(scores.video_ids, labels)) == wanted


def test_the_streams_are_fused(run, done):
    scores = ",".join(str(done / f"{s}.test.npz") for s in STREAMS)
    train_scores = ",".join(str(done / f"{s}.train.npz") for s in STREAMS)
    [out] = run(
        ["scripts/fuse_scores.py", f"--scores={scores}", "--svm", f"--output_dir={done / 'fused'}",
         f"--train_scores={train_scores}", "--names=spatial,temporal"]
    )  # fmt: skip
    for row in ("spatial", "temporal", "average", "svm"):
        assert row in out
        for name in ("confusion.png", "confusion.csv", "recall.png", "recall.csv"):
            assert (done / "fused" / f"{row}_{name}").exists()


def test_a_video_is_labelled_and_the_model_exported(run, done):
    pair = [f"--{stream}_run={done / stream}" for stream in STREAMS]
    clip = next((done / "videos").rglob("*.avi"))
    labelled = done / "labelled"
    out, _ = run(
        ["scripts/predict.py", *pair, "--json", f"--output_dir={labelled}", clip],
        ["scripts/export_model.py", *pair, f"--output_dir={done / 'model'}"],
    )
    [prediction] = json.loads(out)
    assert prediction["video"] == str(clip)
    assert len(prediction["scores"]) == 5
    for name, score in prediction["scores"].items():
        mean = np.mean([prediction[stream][name] for stream in STREAMS])
        assert score == pytest.approx(mean, abs=2e-6)
    assert cv2.VideoCapture(str(labelled / f"{clip.stem}.mp4")).read()[0]
    assert (done / "model" / "saved_model.pb").exists()


def test_a_bad_video_is_exit_code_1(run, done):
    bad = done / "bad.avi"
    bad.write_bytes(b"no video")
    [out] = run(["scripts/predict.py", f"--spatial_run={done / 'spatial'}", bad], code=1)
    assert out == ""


@pytest.mark.slow
def test_the_benchmarks_print_their_tables(run, done):
    flags = [f"--store={done / 'store'}", "--seconds=0.5", "--batch_size=4", "--crop_size=41",
             "--width=0.05"]  # fmt: skip
    printed = run(
        ["scripts/benchmark.py", "inputs", *flags], ["scripts/benchmark.py", "training", *flags],
        ["scripts/benchmark.py", "volumes", *flags],
    )  # fmt: skip
    assert "bare loop of OpenCV" in printed[0]
    assert "without GPU kernel: none" in printed[1]
    assert "trajectory, bi-directional" in printed[2]
