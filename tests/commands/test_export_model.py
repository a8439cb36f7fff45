"""The command that exports."""

import dataclasses

import pytest
import tensorflow as tf
from trained import run_of, task_of, with_checkpoint

from tf_twostream import runs
from tf_twostream.commands import advice, export_model
from tf_twostream.evaluation import bundles, pairs, saved_model, two_stream
from tf_twostream.paper import recipes

KNOBS = {"crop_size": 41, "width": 0.05}


@pytest.fixture(scope="module")
def folders(tiny_store, tmp_path_factory):
    """A spatial run, and a temporal one of two tasks: b with other classes, a with the same."""
    top, split = tmp_path_factory.mktemp("runs"), tiny_store[1]
    spatial = run_of(top / "spatial", recipes.SpatialRecipe(**KNOBS), split)
    other = dataclasses.replace(split, class_names=("x", "y", "z"))
    tasks = (task_of(other, name="b"), task_of(split, name="a"))
    temporal = runs.Run(top / "temporal", recipes.TemporalRecipe(stack_length=2, **KNOBS), tasks)
    for run in (spatial, temporal):
        with_checkpoint(run)
    return {"spatial_run": str(spatial.path), "temporal_run": str(temporal.path)}


def call(folders, output_dir, **flags):
    export_model.main(export_model.ExportFlags(**folders, output_dir=str(output_dir), **flags))


def test_the_task_chosen_is_exported(folders, tmp_path, capsys):
    call(folders, tmp_path / "model", task="a")
    assert f"savedmodel: {tmp_path / 'model'}" in capsys.readouterr().out
    signature = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    inputs = signature.structured_input_signature[1]
    assert set(inputs) == {"frames", "flow", "flow_ranges", "flow_means"}
    assert inputs["flow"].shape.as_list() == [None, 2, 2, None, None]
    outputs = signature.structured_outputs
    assert set(outputs) == {"scores", "spatial_scores", "temporal_scores", "class_names"}
    assert outputs["temporal_scores"].shape == (3,)


@pytest.mark.parametrize(
    ("flags", "error", "help"),
    [
        ({}, pairs.PairError, "on the same data set"),
        ({"task": "c"}, runs.UnknownTaskError, "Change --task"),
        ({"task": "a", "frames_in": True}, saved_model.SolverError, "Leave --frames_in out"),
    ],
)
def test_what_cannot_be_exported_is_refused_with_advice(folders, tmp_path, flags, error, help):
    with pytest.raises(error) as caught:
        call(folders, tmp_path / "model", **flags)
    assert help in advice.advise(caught.value)
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_left_alone(folders, tmp_path):
    with pytest.raises(FileExistsError) as caught:
        call(folders, tmp_path, task="a")
    assert "Choose another folder" in advice.advise(caught.value)


def test_a_bundle_stands_in_the_place_of_run_folders(folders, tmp_path):
    path = str(tmp_path / "pair.zip")
    export_model.main(export_model.ExportFlags(**folders, task="a", bundle=path))
    with bundles.unpacked(path) as held:
        streams = two_stream.load_runs(**held)
    assert [run.recipe.stream for run in streams] == ["spatial", "temporal"]
    assert [run.task.name for run in streams] == ["", ""]


@pytest.mark.parametrize("flags", [{}, {"output_dir": "o"}, {"spatial_run": "s"}])
def test_an_export_needs_a_network_and_a_place(flags):
    with pytest.raises(ValueError, match="An export (needs a|goes into an)"):
        export_model.ExportFlags(**flags)


def test_a_form_that_there_is_not_is_refused(folders, tmp_path):
    with pytest.raises(ValueError, match="must be among savedmodel, litert, onnx"):
        call(folders, tmp_path / "model", task="a", format=("tensorrt",))
    assert not list(tmp_path.iterdir())
