"""The flow part of the benchmark, as a user calls it; the other parts are in test_evaluate."""

import cv2
import numpy as np
import pytest
from read_table import cells

from tf_twostream.flow import flo


@pytest.fixture
def benchmark(start):
    """Runs the script with argument lists, at the same time; returns exit codes and outputs."""

    def run(*commands):
        processes = [start("scripts/benchmark.py", *arguments) for arguments in commands]
        outputs = [process.communicate() for process in processes]
        return [(p.returncode, out, err) for p, (out, err) in zip(processes, outputs)]

    return run


@pytest.fixture
def pairs(tmp_path):
    """A folder with one scene: a smooth random texture that moves a pixel to the right."""
    scene = tmp_path / "pairs" / "moving"
    scene.mkdir(parents=True)
    noise = np.random.default_rng(0).random((24, 33)).astype(np.float32)
    frame = cv2.normalize(
        cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U
    )
    cv2.imwrite(str(scene / "frame10.png"), frame[:, 1:])
    cv2.imwrite(str(scene / "frame11.png"), frame[:, :-1])
    flo.write_flo(scene / "flow10.flo", np.tile(np.float32([1, 0]), (24, 32, 1)))
    return scene.parent


def check_mistake(result, word):
    """A mistake of the user ends in one line that says what was received."""
    code, _, err = result
    assert code == 1
    [line] = [line for line in err.splitlines() if line.startswith("error:")]
    assert "Received" in line and word in line
    assert "Traceback" not in err


def rows_of(result):
    """The cells of the table's rows."""
    code, out, err = result
    assert code == 0, err
    return cells(out)[2:]


def test_flow_prints_its_table_and_draws_the_fields(benchmark, pairs, tmp_path):
    pictures = tmp_path / "pictures"
    flags = [f"--pairs={pairs}", "--seconds=0.1", f"--pictures={pictures}"]
    [result] = benchmark(["flow", *flags, "--methods=dis,farneback"])
    rows = rows_of(result)
    assert [row[0] for row in rows] == ["no flow", "dis", "farneback"]
    assert rows[0][1] == "1.000 / 45.00"
    assert (pictures / "moving" / "dis.png").is_file()


@pytest.mark.slow
def test_flow_measures_the_methods_in_tensorflow(benchmark, pairs, tmp_path):
    works, *mistaken = benchmark(
        ["flow", f"--pairs={pairs}", "--seconds=0.1", "--methods=brox,brox_opencv"],
        ["flow", f"--pairs={pairs}", "--methods=brocks"],
        ["flow", f"--pairs={tmp_path / 'nowhere'}"],
        ["flow"],
        ["inputs"],
        ["flows"],
    )
    for row in rows_of(works)[1:]:
        assert 0 < float(row[1].split(" / ")[0]) < 0.3  # Pixels.
    words = ["brocks", "nowhere", "--pairs", "--store", "flows"]
    for result, word in zip(mistaken, words, strict=True):
        check_mistake(result, word)
