import cv2
import numpy as np
import pytest
from read_table import cells

from tf_twostream import flow
from tf_twostream.benchmarks import flow_comparison, trials
from tf_twostream.flow import flo

SIZE = (40, 56)


def pair(scene, truth=None):
    """A smooth random texture that moves two pixels to the right."""
    noise = np.random.default_rng(0).random((SIZE[0], SIZE[1] + 2)).astype(np.float32)
    smooth = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)
    wide = smooth.astype(np.uint8)
    return trials.Pair(scene, wide[:, 2:].copy(), wide[:, :-2].copy(), truth)


@pytest.fixture
def pairs():
    """A scene whose flow is known but for a pixel, and one whose is not."""
    truth = np.broadcast_to(np.float32([2, 0]), (*SIZE, 2)).copy()
    truth[0, 0] = np.nan
    return [pair("known", truth), pair("other")]


def test_methods_are_compared_on_the_cpu(pairs, tmp_path):
    table = flow_comparison.compare(
        pairs, ["dis", "farneback"], seconds=0, output_dir=str(tmp_path / "pictures")
    )
    header, _, *rows = cells(table)
    assert header[:5] == ["", "known", "mean", "warping error", "first pair, s"]
    assert [row[0] for row in rows] == ["no flow", "dis", "farneback"]
    assert rows[0][1] == rows[0][2] == "2.000 / 63.43"  # The angle's tangent is 2.
    for row in rows[1:]:
        pixels, degrees = map(float, row[1].split(" / "))
        assert 0 < pixels < 1 and 0 < degrees < 30
        assert 0 < float(row[3]) < 0.5 * float(rows[0][3])
        assert len(row) == 7 and all(float(cell) >= 0 for cell in row[4:])
    for scene, width in (("known", 2 * SIZE[1]), ("other", SIZE[1])):
        for method in ("dis", "farneback"):
            path = tmp_path / "pictures" / scene / method
            assert cv2.imread(f"{path}.png").shape == (SIZE[0], width, 3)
            [field] = flow.fields([pairs[0].first, pairs[0].second], method=method)
            np.testing.assert_array_equal(flo.read_flo(f"{path}.flo"), field)


def test_the_field_and_the_known_one_are_painted_on_one_scale(pairs, tmp_path):
    flow_comparison._draw(pairs[:1], [np.nan_to_num(pairs[0].truth)], "exact", tmp_path)
    picture = cv2.imread(str(tmp_path / "known" / "exact.png"))
    np.testing.assert_array_equal(picture[1:, : SIZE[1]], picture[1:, SIZE[1] :])
    np.testing.assert_array_equal(picture[5, 5], [0, 0, 255])  # To the right is red.
    np.testing.assert_array_equal(picture[0, SIZE[1]], [0, 0, 0])  # Unknown.


def test_without_any_known_flow_there_is_the_warping_error():
    header, _, row = cells(flow_comparison.compare([pair("other")], [], seconds=0))
    assert header[:3] == ["", "warping error", "first pair, s"]
    difference = np.abs(np.subtract(*[pair("other").first, pair("other").second], dtype=float))
    assert row[1] == f"{difference.mean():.3f}"


def test_unknown_methods_are_refused(pairs):
    with pytest.raises(ValueError, match="dis, .*brox_opencv. Received: 'brocks'"):
        flow_comparison.compare(pairs, ["dis", "brocks"], seconds=0)


def test_a_method_that_fails_is_named(pairs):
    tiny = trials.Pair("tiny", np.zeros((1, 1), np.uint8), np.zeros((1, 1), np.uint8))
    with pytest.raises(ChildProcessError, match="dis could not be tried: error: .*OpenCV"):
        flow_comparison.compare([tiny], ["dis"], seconds=0)


def test_fields_of_the_gpu_are_compared_with_those_of_the_cpu(pairs, monkeypatch):
    tried = []

    def run(function, trial):
        tried.append((function, trial.gpu, trial.frames[1][0].shape))
        if function is trials.run_batches:
            return [trials.Rate(3.0, 0), trials.Rate(40.0, 2**30), trials.Rate(50.0, 2**32), None]
        fields = [np.zeros((256, 341, 2), np.float32) for _ in trial.frames]
        if trial.gpu:
            fields[1][0, 0] = [3, 4]
        return [*fields, trials.Times(7.0, 0.1)]

    monkeypatch.setattr(flow_comparison, "_run", run)
    header, _, row = cells(flow_comparison.compare_with_gpu(pairs, ["brox"], seconds=1))
    assert tried == [
        (trials.run, False, (256, 341)),
        (trials.run, True, (256, 341)),
        (trials.run_batches, True, (256, 341)),
    ]
    assert header[2:5] == ["batch 1, pairs/s", "batch 16, pairs/s", "batch 64, pairs/s"]
    assert row[:5] == ["brox", "7.0", "3 (0.00 GiB)", "40 (1.00 GiB)", "50 (4.00 GiB)"]
    assert row[5:] == ["5.0000", f"{5 / (2 * 256 * 341):.5f}"]
