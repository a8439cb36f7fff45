"""What `pip install` brings, in an environment that holds nothing else."""

import shutil
import subprocess
import sys

import pytest


@pytest.mark.slow  # Installs TensorFlow.
def test_one_command_works_from_a_wheel_in_any_folder(root, tmp_path):
    def call(*arguments):
        done = subprocess.run(
            arguments, cwd=tmp_path, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    # A copy, because setuptools leaves a folder `build` behind, and takes what it finds there.
    unwanted = shutil.ignore_patterns(".*", "build", "demo", "results", "*.egg-info")
    source = shutil.copytree(root, tmp_path / "source", ignore=unwanted)
    wheels, environment = tmp_path / "wheels", tmp_path / "environment"
    pins = ("--constraint", root / "scripts" / "constraints.txt")
    pip = ("-m", "pip", "--disable-pip-version-check")
    build = ("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, source)
    call(sys.executable, *pip, *build)
    [wheel] = wheels.glob("*.whl")
    call(sys.executable, "-m", "venv", environment)
    call(environment / "bin" / "python", *pip, "install", *pins, wheel)

    twostream = environment / "bin" / "twostream"
    assert "train-temporal" in call(twostream, "--help")
    call(
        twostream, "make-sample-videos", "--output_dir=made", "--videos_per_class=2",
        "--num_frames=12", "--height=48", "--width=64",
    )  # fmt: skip
    data = ("--dataset=csv", "--annotations=made/manifest.csv")
    flow = ("--store=store", "--videos_dir=made/videos", "--method=dis", "--shorter_side=48")
    call(twostream, "precompute-flow", *data, *flow)
    size = ("--crop_size=41", "--width=0.05", "--batch_size=4", "--num_iterations=1")
    call(twostream, "train-temporal", *data, "--store=store", "--run_dir=run", *size)
    clip = next((tmp_path / "made" / "videos").rglob("*.avi"))
    assert "%" in call(twostream, "predict", "--temporal_run=run", clip)
    # The list of classes to add is read from the package.
    choice = "from tf_twostream.datasets import union as u; "
    choice += "print(len(u.read_choice(u.UCF101_NOT_IN_HMDB51)))"
    assert call(environment / "bin" / "python", "-c", choice) == "78\n"
