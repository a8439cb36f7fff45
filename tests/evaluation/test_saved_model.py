"""The SavedModel, where there is nothing but TensorFlow."""

import dataclasses
import functools
import subprocess
import sys
import textwrap

import cv2
import numpy as np
import pytest
import tensorflow as tf
import trained

from tf_twostream import datasets, inputs, runs, store
from tf_twostream.evaluation import export, labelling, saved_model, scoring, two_stream
from tf_twostream.flow import brox
from tf_twostream.paper import recipes, testing
from tf_twostream.precompute import filling
from tf_twostream.precompute.resources import Resources
from tf_twostream.scores import fusion
from tf_twostream.training import towers

KNOBS = {"crop_size": 41, "width": 0.05, "batch_size": 6, "num_iterations": 4}
RECIPES = {
    "spatial": recipes.SpatialRecipe(**KNOBS),
    "temporal": recipes.TemporalRecipe(stack_length=3, **KNOBS),
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
        trained.train(tiny_source, tiny_store[0], folder / stream, recipe)
        for stream, recipe in RECIPES.items()
    ]


def signature_inputs(reader, video):
    """What the signature takes, for one video, from the test streams."""
    [rgb] = inputs.evaluation(inputs.Windows(reader, [video], RECIPES["spatial"]), batch_size=25)
    [flow] = inputs.evaluation(inputs.Windows(reader, [video], RECIPES["temporal"]), batch_size=25)
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
    export.export(pair, str(tmp_path / "model"))
    assert not (tmp_path / "model.partial").exists()
    np.savez(tmp_path / "inputs.npz", **signature_inputs(reader, split.test[1]))
    (tmp_path / "alone.py").write_text(textwrap.dedent(ALONE))
    arguments = [tmp_path / name for name in ("model", "inputs.npz", "outputs.npz")]
    subprocess.run([sys.executable, tmp_path / "alone.py", *arguments], check=True, cwd=tmp_path)
    outputs = dict(np.load(tmp_path / "outputs.npz"))
    assert outputs["class_names"].tolist() == list(split.class_names)
    for run in pair:
        model = runs.load_model(run)[0]
        wanted = scoring.score_videos(model, run, reader, split.test[1:2])[run.recipe.stream]
        np.testing.assert_allclose(outputs[f"{run.recipe.stream}_scores"], wanted[0], atol=1e-5)
    mean = (outputs["spatial_scores"] + outputs["temporal_scores"]) / 2
    np.testing.assert_allclose(outputs["scores"], mean, atol=1e-6)


def made_up_fusions():
    rng = np.random.default_rng(0)
    names, streams = ("a", "b", "c"), ("temporal", "spatial")
    softened = fusion.mean(streams, names, weights=(3, 1), temperatures=(4.0, 0.5))
    svm = {"coefficients": rng.normal(size=(3, 6)), "intercepts": rng.normal(size=3)}
    return {"softened": softened, "svm": dataclasses.replace(softened, **svm)}


@pytest.mark.parametrize(
    ("kind", "multi_label"), [("softened", False), ("softened", True), ("svm", False)]
)
def test_the_graph_fuses_as_numpy_does(kind, multi_label):
    own = made_up_fusions()[kind]
    scores = np.random.default_rng(1).dirichlet(np.ones(3), 2).astype(np.float32)
    fused = saved_model._fuse(own, {"temporal": scores[0], "spatial": scores[1]}, multi_label)
    wanted = own.fuse(scores[:, None], multi_label=multi_label)[0]
    np.testing.assert_allclose(fused, wanted, rtol=1e-4)


def test_the_exported_model_fuses_as_it_is_told(pair, tiny_store, tmp_path):
    path, split = tiny_store
    own = dataclasses.replace(made_up_fusions()["softened"], class_names=split.class_names)
    export.export(pair, str(tmp_path / "model"), score_fusion=own)
    model = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    given = signature_inputs(store.Reader(path), split.test[1])
    outputs = model(**{name: tf.constant(array) for name, array in given.items()})
    streams = np.stack([outputs["temporal_scores"], outputs["spatial_scores"]])
    np.testing.assert_allclose(outputs["scores"], own.fuse(streams[:, None])[0], rtol=1e-4)


def test_an_existing_folder_is_not_overwritten(pair, tmp_path):
    with pytest.raises(FileExistsError, match="`output_dir` must not exist yet"):
        export.export(pair, str(tmp_path))


def test_frames_in_needs_flow_that_the_graph_can_solve(pair, tmp_path):
    with pytest.raises(
        saved_model.SolverError, match="brox or brox_opencv flow. Received: .*synthetic"
    ):
        export.export(pair, str(tmp_path / "model"), frames_in=True)
    assert not list(tmp_path.iterdir())


def test_stacks_of_frames_have_their_frames_side_by_side(tiny_store):
    recipe = recipes.SlowFusionRecipe(num_frames=11, width=0.05, crop_size=41)
    run = trained.run_of("slow", recipe, tiny_store[1], store.Settings.of("brox", shorter_side=48))
    [spec] = saved_model._windows_of(recipe)
    assert spec.shape.as_list() == [None, None, None, 33]
    with pytest.raises(saved_model.SolverError, match="Received: slow, of stacks of frames"):
        saved_model.check_frames_in([run])


@pytest.fixture
def brox_clips(tmp_path):
    """Four clips of 60x80 pixels in two classes; fewer fields than frames, more than L."""
    rng = np.random.default_rng(0)
    for number in range(4):
        path = tmp_path / "clips" / f"class{number % 2}" / f"clip{number}.avi"
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), 25, (80, 60))
        texture = cv2.GaussianBlur(rng.integers(0, 255, (70, 99, 3), np.uint8), (0, 0), 1.5)
        for t in range(7):
            writer.write(np.ascontiguousarray(texture[4 : 4 + 60, t * (number % 2) :][:, :80]))
        writer.release()
    return tmp_path / "clips"


def trained_on_brox(clips, folder):
    """Both streams, trained a little on frames of 48x64 pixels and their Brox flow."""
    source = datasets.Source(dataset="folders", videos_dir=str(clips))
    path, resources = str(folder / "store"), Resources(num_workers=2)
    settings = store.Settings.of("brox", shorter_side=48)
    filling.fill(datasets.list_videos(source), path=path, settings=settings, resources=resources)
    knobs = {"crop_size": 41, "width": 0.05, "batch_size": 4, "num_iterations": 4}
    pair = (recipes.SpatialRecipe(**knobs), recipes.TemporalRecipe(stack_length=3, **knobs))
    return [trained.train(source, path, folder / r.stream, r) for r in pair], resources


def decoded(path):
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (frame := capture.read()[1]) is not None:
        frames.append(frame[..., ::-1])
    return np.stack(frames)


@pytest.mark.slow  # 30 s on two busy cores.
@pytest.mark.parametrize("alone", [False, True])
def test_raw_frames_give_the_scores_of_predict(brox_clips, tmp_path, monkeypatch, alone):
    if not alone:  # By the same code, uncompiled: nothing to wait for.
        monkeypatch.setattr(brox, "flow", functools.partial(brox.flow, compiled=False))
        brox._estimator.cache_clear()
    pair, resources = trained_on_brox(brox_clips, tmp_path)
    video = brox_clips / pair[0].split.test[0].id
    [wanted], _ = labelling.label([str(video)], two_stream.TwoStream(pair, resources=resources))
    brox._estimator.cache_clear()
    export.export(pair, str(tmp_path / "model"), frames_in=True)
    frames = decoded(video)
    assert frames.shape == (7, 60, 80, 3)
    if alone:
        np.savez(tmp_path / "inputs.npz", frames=frames)
        (tmp_path / "alone.py").write_text(textwrap.dedent(ALONE))
        files = [tmp_path / name for name in ("model", "inputs.npz", "outputs.npz")]
        subprocess.run([sys.executable, tmp_path / "alone.py", *files], check=True, cwd=tmp_path)
        outputs = dict(np.load(files[-1]))
    else:
        model = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
        outputs = {name: t.numpy() for name, t in model(frames=tf.constant(frames)).items()}
    for stream, scores in wanted.streams.items():
        np.testing.assert_allclose(outputs[f"{stream}_scores"], scores, atol=1e-4)
    np.testing.assert_allclose(outputs["scores"], wanted.scores, atol=1e-4)


@pytest.mark.slow  # 40 s on two busy cores.
def test_raw_frames_of_two_joined_towers_give_the_scores_of_predict(
    brox_clips, tmp_path, monkeypatch
):
    monkeypatch.setattr(brox, "flow", functools.partial(brox.flow, compiled=False))
    brox._estimator.cache_clear()
    pair, resources = trained_on_brox(brox_clips, tmp_path)
    recipe = recipes.ConvFusionRecipe(
        spatial_run=str(pair[0].path),
        temporal_run=str(pair[1].path),
        temporal_fusion="3d_pool",
        num_snippets=2,
        keep_temporal_tower=True,
        batch_size=4,
        num_iterations=2,
    )
    recipe = towers.complete(recipe, "no run yet")
    source = datasets.Source(dataset="folders", videos_dir=str(brox_clips))
    run = trained.train(source, str(tmp_path / "store"), tmp_path / "fused", recipe)
    video = brox_clips / run.split.test[0].id
    protocol = testing.Testing(test="ten_views")
    [wanted], _ = labelling.label(
        [str(video)], two_stream.TwoStream([run], resources=resources, protocol=protocol)
    )
    brox._estimator.cache_clear()
    export.export([run], str(tmp_path / "model"), frames_in=True)
    model = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    outputs = model(frames=tf.constant(decoded(video)))
    np.testing.assert_allclose(outputs["scores"], wanted.scores, atol=1e-4)
    for tower in ("spatial", "temporal"):
        np.testing.assert_allclose(outputs[f"{tower}_scores"], wanted.streams[tower], atol=1e-4)
