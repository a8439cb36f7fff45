"""The SavedModel, where there is nothing but TensorFlow."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

from tf_twostream import evaluation, export, inputs, paper, runs, store, training

KNOBS = {"crop_size": 41, "width": 0.05, "batch_size": 6, "num_iterations": 4}
RECIPES = {
    "spatial": paper.SpatialRecipe(**KNOBS),
    "temporal": paper.TemporalRecipe(stack_length=3, **KNOBS),
}

ALONE = """
    import sys
    for name in ("tf_twostream", "keras.src", "cv2", "sklearn"):
        sys.modules[name] = None  # An import would fail.
    import numpy as np
    import tensorflow as tf

    model = tf.saved_model.load(sys.argv[1])
    inputs = {name: tf.constant(array) for name, array in np.load(sys.argv[2]).items()}
    outputs = model.signatures["serving_default"](**inputs)
    names = outputs.pop("class_names").numpy().astype(str)
    np.savez(sys.argv[3], class_names=names, **{n: t.numpy() for n, t in outputs.items()})
"""


@pytest.fixture(scope="module")
def pair(tiny_store, tiny_source, tmp_path_factory):
    """Both streams of the tiny data set, trained a little."""
    folder = tmp_path_factory.mktemp("runs")
    return [
        training.train(
            tiny_source, recipe, training.Loop(run_dir=str(folder / stream), store=tiny_store[0])
        )
        for stream, recipe in RECIPES.items()
    ]


def signature_inputs(reader, video):
    """What the signature takes, for one video, from the test streams."""
    [rgb] = inputs.evaluation(reader, [video], RECIPES["spatial"], batch_size=25)
    [flow] = inputs.evaluation(reader, [video], RECIPES["temporal"], batch_size=25)
    return {
        "frames": rgb["rgb"].numpy(),
        "flow": flow["codes"].numpy(),
        "flow_ranges": flow["ranges"].numpy(),
        "flow_means": flow["means"].numpy(),
    }


def test_tensorflow_alone_computes_the_same_scores(pair, tiny_store, tmp_path):
    path, split = tiny_store
    reader = store.Reader(path)
    (tmp_path / "model.partial").mkdir()  # Left by an export that was killed.
    export.export(*pair, str(tmp_path / "model"))
    assert not (tmp_path / "model.partial").exists()
    np.savez(tmp_path / "inputs.npz", **signature_inputs(reader, split.test[1]))
    (tmp_path / "alone.py").write_text(textwrap.dedent(ALONE))
    arguments = [tmp_path / name for name in ("model", "inputs.npz", "outputs.npz")]
    subprocess.run([sys.executable, tmp_path / "alone.py", *arguments], check=True, cwd=tmp_path)
    outputs = dict(np.load(tmp_path / "outputs.npz"))
    assert outputs["class_names"].tolist() == list(split.class_names)
    for run in pair:
        model = runs.load_model(run)[0]
        wanted = evaluation.score_videos(model, run.recipe, reader, split.test[1:2], progress=False)
        np.testing.assert_allclose(outputs[f"{run.recipe.stream}_scores"], wanted[0], atol=1e-5)
    mean = (outputs["spatial_scores"] + outputs["temporal_scores"]) / 2
    np.testing.assert_allclose(outputs["scores"], mean, atol=1e-6)


def test_the_streams_cannot_be_swapped(pair):
    with pytest.raises(ValueError, match="--spatial_run must name a run of train_spatial.py"):
        export.check_pair(pair[1], pair[0])


def test_an_existing_folder_is_not_overwritten(pair, tmp_path):
    with pytest.raises(FileExistsError, match="--output_dir"):
        export.export(*pair, str(tmp_path))
