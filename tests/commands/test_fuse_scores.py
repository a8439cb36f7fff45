import dataclasses
import json

import numpy as np
import pytest

from tf_twostream.commands import fuse_scores
from tf_twostream.scores import fusion, learning, metrics, score_files

NAMES = ("bend", "jack", "wave")


def write(folder, stream, part, *, seed, num_videos=30):
    """Writes the scores of a stream, the videos in an order of its own."""
    rng = np.random.default_rng(seed)
    labels = np.arange(num_videos) % 3
    scores = rng.dirichlet(np.ones(3), num_videos) + 0.3 * np.eye(3)[labels]
    scores /= scores.sum(axis=1, keepdims=True)
    order = rng.permutation(num_videos)
    ids = tuple(f"{NAMES[labels[row]]}/{part}{row}.avi" for row in order)
    path = folder / f"{stream}_{part}.npz"
    score_files.save_scores(path, score_files.Scores(ids, labels[order], NAMES, scores[order]))
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Scores files by stream and part."""
    folder = tmp_path_factory.mktemp("scores")
    keys = [(stream, part) for stream in ("spatial", "temporal") for part in ("test", "train")]
    return {key: write(folder, *key, seed=seed) for seed, key in enumerate(keys)}


@pytest.fixture
def fuse(start):
    """Runs the script, with warnings as errors; returns its exit code and what it printed."""

    def run(**flags):
        arguments = [f"--{name}={value}" for name, value in flags.items()]
        process = start("scripts/fuse_scores.py", *arguments, PYTHONWARNINGS="error")
        out, err = process.communicate(timeout=120)
        return process.returncode, out + err

    return run


def test_averaging_and_the_svm_are_tabled_drawn_and_saved(fuse, files, tmp_path):
    out = tmp_path / "out"
    code, printed = fuse(
        scores=f"{files['spatial', 'test']},{files['temporal', 'test']}",
        train_scores=f"{files['spatial', 'train']},{files['temporal', 'train']}",
        svm=True,
        names="spatial,temporal",
        output_dir=out,
    )
    assert code == 0, printed
    results = json.loads((out / "results.json").read_text())
    assert (results["num_videos"], results["num_classes"]) == (30, 3)
    rows = ["spatial", "temporal", "average", "svm"]
    assert list(results["results"]) == rows
    assert (out / "table.md").read_text() in printed
    figures = {f"{row}_{kind}" for row in rows for kind in ("confusion", "recall")}
    assert {path.name for path in out.iterdir()} == {"table.md", "results.json", "average.npz"} | {
        "fusion.npz"
    } | {f"{figure}.{suffix}" for figure in figures for suffix in ("png", "csv")}

    streams = [score_files.load_scores(files[stream, "test"]) for stream in ("spatial", "temporal")]
    average = fusion.average(streams)
    expected = metrics.accuracy(average.scores, average.labels)
    assert results["results"]["average"]["video_accuracy"] == expected
    np.testing.assert_array_equal(
        score_files.load_scores(out / "average.npz").scores, average.scores
    )
    written = fusion.load(out / "fusion.npz")
    assert (written.streams, written.is_svm) == (("spatial", "temporal"), False)
    np.testing.assert_allclose(written.apply(streams), average.scores, rtol=1e-6)
    low, high = results["intervals"]["average"]
    assert low < expected < high


def fuse_here(output_dir, **flags):
    """Fuses in this process and draws nothing; returns the rows of the table."""
    given = {
        name: tuple(value.split(",")) if name.endswith("s") else value
        for name, value in flags.items()
    }
    return fuse_scores.fuse(fuse_scores.FusionFlags(output_dir=str(output_dir), **given))[1]


def learnt_on_validation(files, **flags):
    return {
        "scores": f"{files['spatial', 'test']},{files['temporal', 'test']}",
        "validation_scores": f"{files['spatial', 'train']},{files['temporal', 'train']}",
        "names": "spatial,temporal",
        **flags,
    }


def test_fusions_learnt_from_validation_scores_stand_beside_the_average(fuse, files, tmp_path):
    out = tmp_path / "out"
    code, printed = fuse(**learnt_on_validation(files), output_dir=out)
    assert code == 0, printed
    rows = json.loads((out / "results.json").read_text())["results"]
    learnt = ["average", "weighted", "calibrated", "svm_validation"]
    assert list(rows) == ["spatial", "temporal", *learnt]
    assert "fusion: calibrated (spatial: weight 0.50, temperature" in printed
    streams, held_out = (
        [score_files.load_scores(files[stream, part]) for stream in ("spatial", "temporal")]
        for part in ("test", "train")
    )
    wanted = learning.learn_temperatures(held_out).apply(streams)
    np.testing.assert_allclose(fusion.load(out / "fusion.npz").apply(streams), wanted)
    labels = streams[0].labels
    assert rows["calibrated"]["video_accuracy"] == metrics.accuracy(wanted, labels)


def test_scores_of_training_videos_are_no_validation_scores(files, tmp_path):
    flags = learnt_on_validation(files)
    for stream in ("spatial", "temporal"):
        scores = score_files.load_scores(files[stream, "train"])
        path = tmp_path / f"{stream}.npz"
        score_files.save_scores(path, dataclasses.replace(scores, part="train"))
    flags["validation_scores"] = f"{tmp_path}/spatial.npz,{tmp_path}/temporal.npz"
    with pytest.raises(ValueError, match="of that part. Received: .*spatial.npz, of train videos"):
        fuse_here(tmp_path / "out", **flags)


@pytest.mark.parametrize("row", ["average", "weighted", "svm_validation"])
def test_the_user_chooses_which_fusion_is_written(files, tmp_path, capsys, row):
    fuse_here(tmp_path / "out", **learnt_on_validation(files, fusion=row))
    assert fusion.load(tmp_path / "out" / "fusion.npz").is_svm == (row == "svm_validation")
    assert f"fusion: {row} (" in capsys.readouterr().out


def test_streams_are_named_and_ordered_by_what_their_files_say(fuse, files, tmp_path):
    for stream, part in files:
        scores = score_files.load_scores(files[stream, part])
        part_of = "validation" if part == "train" else part
        named = dataclasses.replace(scores, stream=stream, groups=scores.video_ids, part=part_of)
        score_files.save_scores(tmp_path / f"{stream}{part}.npz", named)
    flags = {
        "scores": f"{tmp_path}/spatialtest.npz,{tmp_path}/temporaltest.npz",
        "validation_scores": f"{tmp_path}/spatialtrain.npz,{tmp_path}/temporaltrain.npz",
    }
    code, printed = fuse(**flags, output_dir=tmp_path / "out")
    assert code == 0, printed
    assert "| temporal " in printed and "30 videos of 30 recordings" in printed
    assert fusion.load(tmp_path / "out" / "fusion.npz").streams == ("spatial", "temporal")
    rows = fuse_here(tmp_path / "named", **flags, names="RGB,flow")
    assert "flow" in rows  # Names of the table are not those of the fusion.
    assert fusion.load(tmp_path / "named" / "fusion.npz").streams == ("spatial", "temporal")
    with pytest.raises(ValueError, match="Received: temporal for the scores of spatial"):
        fuse_here(tmp_path / "out", **flags, names="temporal,spatial")
    flags["validation_scores"] = ",".join(flags["validation_scores"].split(",")[::-1])
    with pytest.raises(ValueError, match="in the order of --scores. Received: temporal"):
        fuse_here(tmp_path / "out", **flags)


@pytest.mark.parametrize(
    ("learnt", "new", "warned"),
    [(1.0, 0.6, True), (1.0, 0.95, False), (0.9, 0.5, False), (0.985, 0.7, True)],
)
def test_a_stream_that_knows_its_training_videos_by_heart_is_named(learnt, new, warned):
    def scores(share):
        right = np.arange(200) < round(200 * share)
        table = np.where(right[:, None], [0.9, 0.1], [0.1, 0.9])
        ids = tuple(map(str, range(200)))
        return score_files.Scores(ids, np.zeros(200, int), ("a", "b"), table)

    note = fuse_scores._overfitting(scores(new), scores(learnt))
    assert bool(note) == warned
    if warned:
        assert f"{100 * learnt:.1f} % of the training videos" in note


def test_weights_weigh_the_streams(fuse, files, tmp_path):
    spatial, temporal = files["spatial", "test"], files["temporal", "test"]
    code, printed = fuse(scores=f"{spatial},{temporal}", weights="0,2", output_dir=tmp_path / "out")
    assert code == 0, printed
    results = json.loads((tmp_path / "out" / "results.json").read_text())["results"]
    assert results["average"] == results["temporal_test"]
    assert results["average"] != results["spatial_test"]


def test_one_stream_is_only_reported(fuse, files, tmp_path):
    code, printed = fuse(scores=files["spatial", "test"], output_dir=tmp_path / "out")
    assert code == 0, printed
    results = json.loads((tmp_path / "out" / "results.json").read_text())["results"]
    assert list(results) == ["spatial_test"]
    assert not (tmp_path / "out" / "average.npz").exists()


def test_streams_in_files_of_the_same_name_are_named_by_their_folders(fuse, tmp_path):
    for seed, stream in enumerate(("spatial", "temporal")):
        write(tmp_path / stream, "scores", "test", seed=seed)
    scores = f"{tmp_path}/spatial/scores_test.npz,{tmp_path}/temporal/scores_test.npz"
    code, printed = fuse(scores=scores, output_dir=tmp_path / "out")
    assert code == 0, printed
    assert "| temporal |" in printed


def test_mistakes_end_in_one_clear_line(fuse, files, tmp_path):
    test, train = files["spatial", "test"], files["spatial", "train"]
    other = write(tmp_path, "temporal", "test", seed=9, num_videos=27)
    mistakes = [
        (
            {"scores": test, "svm": True},
            "--svm must have --train_scores to learn from. Received: --svm alone",
        ),
        ({"scores": test, "train_scores": train}, "Received: --train_scores alone"),
        (
            {"scores": test, "svm": True, "train_scores": test},
            "must not be learnt from test videos",
        ),
        ({"scores": f"{test},{other}"}, "3 that are not in both stream 1 and stream 2"),
        ({"scores": f"{test},{other}"}, "Evaluate all streams with"),
        ({"scores": f"{test},{test}"}, "distinct --names, other than average, weighted"),
        (
            {"scores": f"{test},{train}", "weights": "1"},
            "--weights must have one item for each of the 2",
        ),
        ({"scores": test, "weights": "x"}, "--weights must be a comma-separated list of float"),
        ({"scores": tmp_path / "none.npz"}, "does not exist"),
        ({"scores": f"{test},{test}", "names": "a,b", "fusion": "svm"}, "--fusion must be one of"),
    ]
    for flags, message in mistakes:
        code, printed = fuse(**flags, output_dir=tmp_path / "out")
        assert code == 1, printed
        assert printed.startswith("error: ") and message in printed
        assert printed.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_where_videos_show_several_classes_the_measure_is_average_precision(fuse, tmp_path):
    rng = np.random.default_rng(0)
    shows = rng.random((20, 3)) < 0.4
    ids = tuple(f"{row}.mp4" for row in range(20))
    for stream in ("spatial", "temporal"):
        values = (rng.random((20, 3)) + shows) / 2
        score_files.save_scores(
            tmp_path / f"{stream}.npz", score_files.Scores(ids, shows, NAMES, values)
        )
    streams = f"{tmp_path}/spatial.npz,{tmp_path}/temporal.npz"
    code, printed = fuse(scores=streams, output_dir=tmp_path / "out")
    assert code == 0, printed
    average = score_files.load_scores(tmp_path / "out" / "average.npz")
    wanted = metrics.mean_average_precision(average.scores, shows)
    results = json.loads((tmp_path / "out" / "results.json").read_text())["results"]
    assert results["average"] == {"mean_average_precision": pytest.approx(wanted)}
    assert "| scores   | mean average precision |" in printed
    assert {path.name for path in (tmp_path / "out").glob("average_*")} == {
        "average_average_precision.csv", "average_average_precision.png"
    }  # fmt: skip
