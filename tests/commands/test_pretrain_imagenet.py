"""The command that trains on still images and measures."""

import dataclasses
import os
import signal

import numpy as np
import pytest
from made_up_images import RECIPE, SIDE, SMALL, source, write_folders, write_shards
from trained import run_of

from tf_twostream import runs
from tf_twostream.evaluation import images
from tf_twostream.paper import recipes
from tf_twostream.training import steps, train
from tf_twostream.training.execution import Execution
from tf_twostream.training.imagenet import data, labelled_images


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folders(tmp_path_factory.mktemp("images") / "train")


def small_source(folder):
    return dataclasses.replace(source(train_images=folder), shorter_side=SIDE)


def pretrain(folder, run_dir, **changes):
    """Trains a tiny network on images."""
    recipe = dataclasses.replace(RECIPE, **changes)
    execution = Execution(run_dir=str(run_dir))
    return train.train(data.Images(small_source(folder)), recipe, execution)


def test_a_crop_larger_than_the_images_is_refused(tmp_path, folder):
    with pytest.raises(recipes.CropError, match="crop_size=49"):
        pretrain(folder, tmp_path / "run", crop_size=49)


def pretrain_for_one_iteration(folder, run_dir):
    """Trains until a SIGTERM comes in the first iteration."""
    original = steps.on_all_replicas

    def on_all_replicas(*args):
        step = original(*args)

        def interrupted(batches):
            os.kill(os.getpid(), signal.SIGTERM)
            return step(batches)

        return interrupted

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(steps, "on_all_replicas", on_all_replicas)
        pretrain(folder, run_dir)


@pytest.fixture
def call(start):
    """Runs a training command on tiny images; returns its exit code and what it prints."""

    def call(script, *flags):
        size = [f"--{name}={value}" for name, value in SMALL.items()]
        process = start(f"scripts/{script}.py", *flags, *size)
        out, err = process.communicate(timeout=100)
        return process.returncode, out, err

    return call


@pytest.fixture
def pretrain_by_command(call):
    def pretrain(run_dir, *flags):
        return call("pretrain_imagenet", f"--run_dir={run_dir}", f"--shorter_side={SIDE}", *flags)

    return pretrain


@pytest.mark.slow
def test_the_command_continues_a_stopped_training_as_if_it_had_not_been(
    pretrain_by_command, tmp_path, folder
):
    whole = pretrain(folder, tmp_path / "whole")
    pretrain_for_one_iteration(folder, tmp_path / "parts")
    done_code, done, done_err = pretrain_by_command(tmp_path / "parts", f"--train_images={folder}")
    assert done_code == 0, done_err
    assert "continues:  after iteration 1\n" in done
    parts = runs.load(str(tmp_path / "parts"))
    for a, b in zip(*(runs.load_model(run)[0].get_weights() for run in (whole, parts))):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)


def test_the_command_trains_and_measures_and_videos_can_start_from_it(
    pretrain_by_command, tmp_path, folder, tiny_store
):
    places = [f"--train_images={folder}", f"--val_images={folder}"]
    done_code, done, done_err = pretrain_by_command(tmp_path / "run", *places)
    assert done_code == 0, done_err
    assert "images:     12 files of 3 classes to train on, 12 files of 3 classes" in done
    assert "data:       images in shuffled epochs, 3 classes\n" in done
    assert "learning rate 0.01; 0.001 from 1; 0.0001 from 2" in done
    run = runs.load(str(tmp_path / "run"))
    found = labelled_images.find_folders(str(folder))
    top_1, top_5 = images.measure(run, found, small_source(folder))
    assert f"top-1 error  {100 * top_1:6.2f} %\ntop-5 error  {100 * top_5:6.2f} %" in done
    assert top_5 == 0  # There are three classes.
    recipe = recipes.SpatialRecipe(**SMALL, init_from=str(run.path), train_last_layer_only=True)
    tuned = run_of(tmp_path / "videos", recipe, tiny_store[1])
    model = runs.build_model(tuned)
    train._start_from_another_run(model, tuned)
    for name in ("conv1", "full7"):
        old, new = (m.get_layer(name).kernel for m in (runs.load_model(run)[0], model))
        np.testing.assert_array_equal(old, new)


@pytest.mark.slow
def test_shards_go_through_the_commands_and_damage_is_one_line(
    call, pretrain_by_command, tmp_path, tiny_store, tiny_source
):
    shards = write_shards(tmp_path / "shards")
    flags = [f"--train_images={shards}", f"--val_images={shards}", "--num_classes=3"]
    done_code, done, done_err = pretrain_by_command(tmp_path / "run", *flags)
    assert done_code == 0, done_err
    assert "3 TFRecord shards of 3 classes" in done
    _, again, _ = pretrain_by_command(tmp_path / "run", *flags)
    assert "nothing to do" in again
    assert done.splitlines()[-2:] == again.splitlines()[-2:]
    refused_code, _, refused_err = pretrain_by_command(
        tmp_path / "other", *flags, "--first_label=0"
    )
    assert refused_code == 1
    assert "error: image/class/label must be in [0, 2]" in refused_err
    assert "Traceback" not in refused_err
    data = ["--dataset=csv", f"--annotations={tiny_source.annotations}", f"--store={tiny_store[0]}"]
    start = [f"--init_from={tmp_path / 'run'}", "--train_last_layer_only"]
    tuned_code, tuned, tuned_err = call(
        "train_spatial", *data, f"--run_dir={tmp_path / 'videos'}", *start
    )
    assert tuned_code == 0, tuned_err
    assert "afresh: classes" in tuned
