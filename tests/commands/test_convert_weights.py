"""The converting command, as a user calls it."""

import os
import shlex
import subprocess
import sys

import foreign_files as files

from tf_twostream import runs


def test_a_network_of_a_data_set_of_ours_knows_its_videos(root, tmp_path, tiny_store, tiny_source):
    net = files.weights(channels=6, num_classes=3, side=1)
    (tmp_path / "net.caffemodel").write_bytes(files.caffemodel(files.caffe_layers(net, k=1.0)))
    done = subprocess.run(
        [
            sys.executable, "data_tools/convert_weights.py", "--width=0.05", "--crop_size=41",
            f"--weights={tmp_path / 'net.caffemodel'}", f"--run_dir={tmp_path / 'run'}/",
            "--dataset=csv", f"--annotations={tiny_source.annotations}", "--shorter_side=48",
        ],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "temporal network, 3 classes: class 0 ... class 2\n" in done.stdout
    assert (
        "subtracted mean: 128.00, 128.00, 128.00 ..., folded into the first layer\n" in done.stdout
    )
    assert "note: norm1 has k = 1, alpha = 0.0001 where ours has 2, 0.0001" in done.stdout
    command = shlex.split(done.stdout.splitlines()[-1].split("ready for ")[1])
    assert command[:3] == ["twostream", "train-temporal", f"--init_from={tmp_path / 'run'}"]
    assert sorted(command[3:]) == [
        "--crop_size=41", "--mean_subtraction=False", "--second_normalisation=True",
        "--stack_length=3", "--width=0.05",
    ]  # fmt: skip
    run = runs.load(str(tmp_path / "run"))
    assert [video.id for video in run.split.test] == [video.id for video in tiny_store[1].test]
    assert run.task.settings.shorter_side == 48
