"""Trained networks as one file, which strangers may have made."""

import dataclasses
import os
import tempfile
import zipfile

import mutations
import numpy as np
import pytest
import tensorflow as tf
import trained

from tf_twostream import runs
from tf_twostream.evaluation import bundles
from tf_twostream.paper import recipes
from tf_twostream.scores import fusion


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder below which bundles are unpacked."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture(scope="module")
def bundle(drawn_pair, tmp_path_factory):
    """A bundle of two streams with unequal weights."""
    path = tmp_path_factory.mktemp("bundle") / "pair.zip"
    names = drawn_pair[0].split.class_names
    own = fusion.mean(("temporal", "spatial"), names, weights=(3, 1))
    bundles.write(path, drawn_pair, score_fusion=own)
    return path


def test_it_holds_what_prediction_needs(bundle, drawn_pair, temporary):
    with bundles.unpacked(bundle) as held:
        assert sorted(held) == ["fusion.npz", "spatial_run", "temporal_run"]
        assert fusion.load(held["fusion.npz"]).weights.tolist() == [0.75, 0.25]
        for run in drawn_pair:
            own = runs.load(held[f"{run.recipe.stream}_run"])
            assert (own.recipe, own.split) == (run.recipe, run.split)
            assert own.task.settings == run.task.settings
            (model, iterations), (wanted, _) = runs.load_model(own), runs.load_model(run)
            assert iterations == 7
            for weight, other in zip(model.weights, wanted.weights, strict=True):
                np.testing.assert_array_equal(weight, other)
    assert not list(temporary.iterdir())


def test_it_holds_nothing_that_only_training_needs(tiny_store, tmp_path):
    recipe = recipes.SpatialRecipe(crop_size=41, width=0.05)
    run = trained.run_of(tmp_path / "run", recipe, tiny_store[1])
    runs.create(run)
    model = runs.build_model(run)
    momentum = [tf.Variable(variable) for variable in model.variables]
    number = tf.Variable(3, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(model=model, iteration=number, momentum=momentum)
    checkpoint.save(f"{run.checkpoints}/ckpt")
    bundles.write(tmp_path / "one.zip", [run])
    weights = sum(np.prod(variable.shape) for variable in model.variables) * 4
    whole = sum(p.stat().st_size for p in (tmp_path / "run" / "checkpoints").iterdir())
    size = (tmp_path / "one.zip").stat().st_size
    assert weights < size < weights + 50_000 < whole


def test_the_task_chosen_is_the_only_one_in_it(tiny_store, tmp_path):
    split = tiny_store[1]
    other = dataclasses.replace(split, class_names=("x", "y", "z"))
    tasks = (trained.task_of(other, name="b"), trained.task_of(split, name="a"))
    recipe = recipes.TemporalRecipe(stack_length=2, crop_size=41, width=0.05)
    trained.with_checkpoint(runs.Run(tmp_path / "run", recipe, tasks))
    run = runs.load(str(tmp_path / "run"), "a")
    bundles.write(tmp_path / "one.zip", [run])
    with bundles.unpacked(tmp_path / "one.zip") as held:
        own = runs.load(held["temporal_run"])
        assert [task.name for task in own.tasks] == [""] and own.split == split
        image = np.ones((1, 41, 41, 4), np.float32)
        scores = [runs.load_model(each)[0](image).numpy() for each in (own, run)]
    np.testing.assert_array_equal(*scores)


def test_a_bundle_that_is_there_is_kept_until_the_new_one_is_whole(drawn_pair, tmp_path):
    path = tmp_path / "pair.zip"
    path.write_text("old")
    broken = dataclasses.replace(drawn_pair[1], path=tmp_path / "nowhere")
    with pytest.raises(runs.NoCheckpointError):
        bundles.write(path, [drawn_pair[0], broken])
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "names",
    [
        ["../evil"],
        ["/evil"],
        ["spatial/../../evil"],
        ["spatial/run.json", "spatial/run.json/evil"],
        ["spatial/checkpoints/evil.py"],
        ["spatial/run.json\n"],
        ["C:\\evil"],
        ["spatial/"],
        [],
    ],
)
def test_names_that_no_bundle_has_are_refused_before_anything_is_written(
    names, temporary, tmp_path
):
    with zipfile.ZipFile(tmp_path / "it.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    refused = pytest.raises(bundles.BundleError, match="and nothing else")
    with refused, bundles.unpacked(tmp_path / "it.zip"):
        pass
    assert not list(temporary.iterdir()) and not os.path.exists("/evil")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_would_grow_is_refused(temporary, tmp_path):
    for name, method, count in (
        ("zeros.zip", zipfile.ZIP_DEFLATED, 1),
        ("twice.zip", zipfile.ZIP_STORED, 2),
    ):
        with zipfile.ZipFile(tmp_path / name, "w", method) as archive:
            for _ in range(count):
                archive.writestr("spatial/run.json", "0" * 10**6)
        with pytest.raises(bundles.BundleError), bundles.unpacked(tmp_path / name):
            pass


def test_a_damaged_bundle_gets_one_line(bundle, temporary, tmp_path):
    path = tmp_path / "pair.zip"
    path.write_bytes(bundle.read_bytes())

    def read():
        with bundles.unpacked(path) as held:
            for stream in ("spatial", "temporal"):
                runs.load(held[f"{stream}_run"])

    assert not mutations.surprises(path, mutations.damaged, read)
    assert not list(temporary.iterdir())
