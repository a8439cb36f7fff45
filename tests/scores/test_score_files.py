"""What is kept of scores, and how those of streams are joined."""

import dataclasses

import numpy as np
import pytest
from made_up_scores import NAMES, assert_equal, make_scores, make_several, reorder

from tf_twostream.scores import fusion, score_files

# Scores and their file.


def test_saved_scores_are_loaded_equal_and_without_pickle(tmp_path):
    scores = make_scores(0)
    path = tmp_path / "new folder" / "scores.npz"
    score_files.save_scores(path, scores)
    assert_equal(score_files.load_scores(path), scores)
    assert [file.name for file in path.parent.iterdir()] == ["scores.npz"]
    with np.load(path, allow_pickle=False) as file:
        kinds = {name: file[name].dtype.kind for name in file.files}
    texts = dict.fromkeys(("video_ids", "class_names", "groups", "stream", "part"), "U")
    assert kinds == texts | {"labels": "i", "scores": "f"}


def test_groups_and_stream_are_kept_and_may_be_missing(tmp_path):
    scores = dataclasses.replace(make_scores(0), groups=("a", "a", "b", ""), stream="spatial")
    score_files.save_scores(tmp_path / "scores.npz", scores)
    loaded = score_files.load_scores(tmp_path / "scores.npz")
    assert (loaded.groups, loaded.stream) == (scores.groups, "spatial")
    arrays = {
        name: value for name, value in vars(scores).items() if name not in ("groups", "stream")
    }
    score_files.save_arrays(tmp_path / "older.npz", arrays)
    older = score_files.load_scores(tmp_path / "older.npz")
    assert (older.groups, older.stream) == ((), "")


def test_a_damaged_compressed_file_is_named(tmp_path):
    path = tmp_path / "x.npz"
    np.savez_compressed(path, **vars(make_scores(0, labels=np.arange(300) % 3)))
    content = bytearray(path.read_bytes())
    content[400:420] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.npz, which is none"):
        score_files.load_scores(path)


def test_groups_follow_their_videos_when_streams_are_joined():
    first = make_scores(0)
    second = dataclasses.replace(first, groups=("a", "b", "c", "d"), stream="temporal")
    order = [2, 0, 3, 1]
    shuffled = dataclasses.replace(reorder(second, order), groups=[second.groups[n] for n in order])
    joined = score_files.join([first, shuffled])[1]
    assert (joined.groups, joined.stream) == (second.groups, "temporal")


def test_there_is_a_group_for_every_video_or_for_none():
    with pytest.raises(ValueError, match="4 videos must have a group each, or none. Received: 1"):
        dataclasses.replace(make_scores(0), groups=("a",))


def test_the_same_scores_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        score_files.save_scores(tmp_path / name, make_scores(0))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "rows",
    [
        [[2.0, -1.0, 0.0]],
        [[0.5, 0.2, 0.2]],
        [[0.5, 0.5, 0.5]],
        [[np.nan, 0.5, 0.5]],
        [[np.inf, 0.0, 0.0]],
    ],
)
def test_logits_are_not_scores(rows):
    with pytest.raises(ValueError, match=r"of sum 1 \(softmax scores .* for 'a\.avi'"):
        score_files.Scores(("a.avi",), np.array([0]), NAMES, np.array(rows))


@pytest.mark.parametrize("row", [[0.3333, 0.3333, 0.3333], [1.0005, 0.0, 0.0]])
def test_rounding_of_the_sum_is_no_fault(row):
    score_files.Scores(("a.avi",), np.array([0]), NAMES, np.array([row]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"video_ids": ("a", "b", "c")}, r"Received: 3 videos, 3 classes, scores \[4, 3\]"),
        ({"class_names": ("a", "b")}, "Received: 4 videos, 2 classes"),
        ({"labels": np.array([0, 1])}, r"labels \[2\]"),
        ({"video_ids": ("a", "b", "c", "b")}, "Videos must be distinct. Received twice: 'b'"),
        ({"class_names": ("a", "b", "b")}, "Classes must be distinct. Received twice: 'b'"),
        ({"labels": np.array([0, 1, 2, 3])}, r"in \[0, 3\). Received: int64 from 0 to 3"),
        ({"labels": np.array([0.0, 1, 2, 2])}, "integers.*Received: float64"),
    ],
)
def test_scores_fit_each_other(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(make_scores(0), **change)


@pytest.mark.parametrize("content", [b"", b"video,score\n", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_npz_is_an_error(tmp_path, content):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"must be npz with.*x\.npz, which is none"):
        score_files.load_scores(tmp_path / "x.npz")


def test_a_bare_array_is_an_error(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(3))
    with pytest.raises(ValueError, match=r"must be npz with.*x\.npy, which is none"):
        score_files.load_scores(tmp_path / "x.npy")


def test_an_npz_file_of_something_else_is_an_error(tmp_path):
    np.savez(tmp_path / "x.npz", logits=np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"must be npz with class_names.*x\.npz with logits"):
        score_files.load_scores(tmp_path / "x.npz")


def test_pickled_arrays_are_refused(tmp_path):
    arrays = vars(make_scores(0)) | {"video_ids": np.array(["a", "b", "c", "d"], object)}
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(ValueError, match="which is none, or damaged"):
        score_files.load_scores(tmp_path / "x.npz")


def test_an_error_in_a_file_names_the_file(tmp_path):
    arrays = vars(make_scores(0)) | {"scores": np.zeros((4, 3))}
    np.savez(tmp_path / "zero.npz", **arrays)
    with pytest.raises(ValueError, match=r"zero\.npz: Scores must be .*of sum 1"):
        score_files.load_scores(tmp_path / "zero.npz")


# Joining.


def test_joining_goes_by_video_not_by_row():
    first, second = make_scores(0), make_scores(1)
    joined = score_files.join([first, reorder(second, [2, 0, 3, 1])])
    assert_equal(joined[0], first)
    assert_equal(joined[1], second)


def test_missing_videos_are_named():
    first = make_scores(0)
    second = reorder(make_scores(1), [0, 1, 3])
    for streams in ([first, second], [second, first]):
        with pytest.raises(
            score_files.ScoresError, match=r"1 that are not in both.*stream 2: wave/v2\.avi"
        ):
            score_files.join(streams)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("bend", "jack", "walk"), "same classes.* not in both .*: walk, wave"),
        (NAMES[::-1], "one order of classes.* another order in stream 2"),
    ],
)
def test_classes_must_be_the_same_in_the_same_order(names, message):
    first = make_scores(0)
    with pytest.raises(score_files.ScoresError, match=message):
        score_files.join([first, dataclasses.replace(first, class_names=names)])


def test_labels_must_agree():
    first = make_scores(0)
    other = dataclasses.replace(first, labels=np.array([0, 1, 2, 1]))
    with pytest.raises(
        ValueError, match=r"'wave/v3\.avi' is wave in stream 1 and jack in stream 2"
    ):
        score_files.join([first, other])


def test_nothing_cannot_be_joined():
    with pytest.raises(score_files.ScoresError, match="at least one stream"):
        score_files.join([])


# Videos that may show several classes.


def test_scores_of_several_classes_are_kept_averaged_and_joined(tmp_path):
    first, second = make_several(0), reorder(make_several(1), [2, 0, 1])
    score_files.save_scores(tmp_path / "s.npz", first)
    loaded = score_files.load_scores(tmp_path / "s.npz")
    np.testing.assert_array_equal(loaded.labels, first.labels)
    assert (loaded.multi_label, loaded.labels.dtype) == (True, bool)
    fused = fusion.average([loaded, second])
    wanted = (first.scores + make_several(1).scores) / 2
    np.testing.assert_allclose(fused.scores, wanted, rtol=1e-6)


def test_streams_that_show_different_classes_are_refused():
    other = make_several(1, shows=((1, 1, 0), (1, 0, 1), (0, 1, 1)))
    with pytest.raises(ValueError, match=r"'1.mp4' is wave in stream 1 and bend, wave in stream 2"):
        score_files.join([make_several(0), other])
    ids = ("0.mp4", "1.mp4", "2.mp4")
    one_each = score_files.Scores(ids, np.array([0, 2, 1]), NAMES, np.full((3, 3), 1 / 3))
    with pytest.raises(ValueError, match="several classes per video in stream 1, one class"):
        score_files.join([make_several(0), one_each])


@pytest.mark.parametrize("wrong", [-0.1, 1.1, np.nan])
def test_scores_of_several_classes_are_probabilities(wrong):
    scores = make_several(0).scores.copy()
    scores[1, 2] = wrong
    with pytest.raises(ValueError, match="at least 0 and at most 1.*'1.mp4'"):
        dataclasses.replace(make_several(0), scores=scores)


def test_labels_of_several_classes_are_true_or_false():
    with pytest.raises(ValueError, match="must be True or False. Received: int64"):
        dataclasses.replace(make_several(0), labels=np.eye(3, dtype=np.int64))
