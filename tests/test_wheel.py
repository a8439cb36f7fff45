"""What is distributed: a wheel, in an environment that holds nothing else, and the sources."""

import shutil
import subprocess
import sys
import tarfile

import pytest

FOLDERS = (".ci", "data_tools", "docs", "scripts", "tests", "tf_twostream")


def copy(root, folder):
    """Copies the project alone: setuptools would take whatever lies in a checkout."""
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__", ".*_cache")
        shutil.copytree(root / name, folder / name, ignore=ignored)
    for path in root.iterdir():
        if path.is_file() and not path.name.startswith("."):
            shutil.copy(path, folder)
    return folder


def test_the_source_distribution_holds_all_that_a_clone_holds(root, tmp_path):
    source = copy(root, tmp_path / "source")
    held = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()}
    build = "import sys; from setuptools import build_meta as b; b.build_sdist(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", build, tmp_path], cwd=source, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    [archive] = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    assert held <= names
    assert not [name for name in names if name.endswith((".pyc", "~"))]


@pytest.mark.slow  # Installs TensorFlow.
def test_one_command_works_from_a_wheel_in_any_folder(root, tmp_path):
    def call(*arguments):
        done = subprocess.run(
            arguments, cwd=tmp_path, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    source = copy(root, tmp_path / "source")
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
