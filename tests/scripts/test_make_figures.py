"""The door of the figures, as a user calls it."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from tf_twostream import score_fusion


@pytest.fixture
def draw(root, tmp_path):
    """Runs the script; returns its exit code and what it printed."""

    def call(*flags):
        done = subprocess.run(
            [sys.executable, root / "scripts" / "make_figures.py",
             f"--output_dir={tmp_path / 'figures'}", *flags],
            env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    return call


def test_each_figure_has_its_source(draw, tiny_store, tmp_path):
    labels = np.array([0, 1, 1])
    path = tmp_path / "scores.npz"
    score_fusion.save_scores(
        path,
        score_fusion.Scores(tuple("abc"), labels, ("x", "y"), np.eye(2, dtype=np.float32)[labels]),
    )
    code, printed = draw(f"--store={tiny_store[0]}", "--stack_length=4", f"--scores={path}")
    assert code == 0, printed
    assert "100.00 % of 3 videos" in printed
    names = {file.name for file in (tmp_path / "figures").iterdir()}
    pictures = {f"fig{number}.png" for number in (2, 3, 5, 6)}
    assert names == pictures | {"fig5.csv", "fig6.csv"}
    for name in pictures:
        assert cv2.imread(str(tmp_path / "figures" / name)).std() > 5
