"""Exports of every form beside each other, and the client of docs/deploy.md."""

import configparser
import contextlib
import importlib.util
import json
import pathlib
import re
import shlex

import made_up_clips
import numpy as np
import pytest
import tensorflow as tf
from absl import flags

from tf_twostream import cli, commands, runs
from tf_twostream.evaluation import export, labelling, two_stream
from tf_twostream.paper import testing
from tf_twostream.precompute.resources import Resources
from tf_twostream.scores import fusion

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text()


@pytest.fixture(scope="module")
def folder(drawn_pair, tmp_path_factory):
    """What a reader of docs/deploy.md has: `exported`, in all forms that can be, and `clip.avi`."""
    path = tmp_path_factory.mktemp("client")
    formats = ["savedmodel", *(["onnx"] if importlib.util.find_spec("onnx") else [])]
    export.export(drawn_pair, str(path / "exported"), formats=formats)
    rng = np.random.default_rng(0)
    texture = np.kron(rng.integers(0, 255, (14, 24, 3), np.uint8), np.ones((5, 5, 1), np.uint8))
    frames = [texture[:60, 2 * t : 2 * t + 80] for t in range(9)]
    made_up_clips.write(path / "clip.avi", frames, "FFV1")
    return path


@pytest.fixture(scope="module")
def client(folder):
    """The names that the blocks of the page leave, as far as what they need is here."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    names: dict = {}
    with contextlib.chdir(folder):
        for block in blocks if (folder / "exported" / "spatial.onnx").exists() else blocks[:2]:
            exec(block, names)
    return names


def predicted(pair, clip, **protocol):
    model = two_stream.TwoStream(
        pair, resources=Resources(num_workers=1), protocol=testing.Testing(**protocol)
    )
    [found], _ = labelling.label([str(clip)], model)
    assert np.ptp(found.streams["spatial"]) > 0.05 and np.ptp(found.streams["temporal"]) > 0.05
    return found


def test_the_client_of_the_page_gets_the_scores_of_predict(client, folder, drawn_pair):
    wanted = predicted(drawn_pair, folder / "clip.avi")
    outputs = client["outputs"]
    # But for JPEG, which the client leaves out.
    np.testing.assert_allclose(outputs["scores"], wanted.scores, atol=0.02)
    for stream, scores in wanted.streams.items():
        np.testing.assert_allclose(outputs[f"{stream}_scores"], scores, atol=0.02)


def test_its_crops_get_the_scores_of_the_centre(client, folder, drawn_pair):
    pytest.importorskip("onnx")
    wanted = predicted(drawn_pair, folder / "clip.avi", test="center")
    for stream, scores in wanted.streams.items():
        np.testing.assert_allclose(client["scores"][stream], scores, atol=0.02)
    np.testing.assert_allclose(client["fused"], wanted.scores, atol=0.02)


def test_every_weight_is_stored_once(folder, drawn_pair):
    weights = sum(runs.load_model(run)[0].count_params() for run in drawn_pair) * 4
    files = [path.stat().st_size for path in (folder / "exported" / "variables").iterdir()]
    assert weights < sum(files) < 1.05 * weights


def test_the_description_says_how_scores_are_fused(drawn_pair, tmp_path):
    names = drawn_pair[0].split.class_names
    svm = fusion.Fusion(("temporal", "spatial"), names, np.ones(2), np.full(2, 0.5),
                        np.ones((3, 6)), np.arange(3.0))  # fmt: skip
    own = fusion.mean(("temporal", "spatial"), names, weights=(3, 1), temperatures=(2, 1))
    said = [export._describe(drawn_pair, kind)["fusion"] for kind in (own, svm)]
    assert said[0] == {"streams": own.streams, "temperatures": [2, 1], "weights": [0.75, 0.25]}
    assert said[1]["intercepts"] == [0, 1, 2] and np.shape(said[1]["coefficients"]) == (3, 6)


@pytest.mark.parametrize("number", [0, 1])
def test_one_stream_alone_takes_its_own_inputs(drawn_pair, folder, client, tmp_path, number):
    run = drawn_pair[number]
    export.export([run], str(tmp_path / "model"))
    model = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    names = ({"frames"}, {"flow", "flow_ranges", "flow_means"})[number]
    assert set(model.structured_input_signature[1]) == names
    stream = run.recipe.stream
    assert set(model.structured_outputs) == {"scores", f"{stream}_scores", "class_names"}
    if not number:
        scores = model(frames=tf.constant(client["frames"]))["scores"]
        np.testing.assert_allclose(scores, client["outputs"]["spatial_scores"], atol=1e-6)
    about = json.loads((tmp_path / "model" / "model.json").read_text())
    assert list(about["streams"]) == [stream] and about["fusion"]["weights"] == [1.0]


@pytest.mark.parametrize(
    "given", [{"formats": ["onnx", "caffe"]}, {"formats": ["onnx"], "frames_in": True}]
)
def test_forms_that_there_are_not_are_refused(drawn_pair, tmp_path, given):
    with pytest.raises(ValueError, match="must be among savedmodel, litert, onnx"):
        export.export(drawn_pair, str(tmp_path / "model"), **given)
    assert not list(tmp_path.iterdir())


def commands_of(text):
    """The command lines of this project in a text: names and arguments."""
    for line in re.findall(r"(?:scripts/|twostream(?::cuda)? )([a-z].*)$", text, re.M):
        name, *arguments = shlex.split(line, comments=True)
        name = name.removesuffix(".py").replace("-", "_")
        if name in commands.NAMES:
            yield name, arguments


def test_commands_of_the_page_have_the_flags_that_it_shows():
    found = list(commands_of(PAGE))
    assert {name for name, _ in found} == {"export_model", "predict", "serve"}
    for name, arguments in found:
        main = importlib.import_module(f"tf_twostream.commands.{name}").main
        cli.parse(main, [name, *arguments], flags.FlagValues())


def test_the_image_is_made_of_files_and_extras_that_there_are():
    text = (ROOT / "docs" / "deploy" / "Dockerfile").read_text()
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    for line in re.findall(r"^COPY (.*)$", text, re.M):
        *sources, target = line.split()
        assert all((ROOT / source).exists() for source in sources)
    extras = set(re.findall(r"EXTRAS='\[(\w+)\]'", text))
    assert extras <= {*setup["options.extras_require"]}
    assert 'ENTRYPOINT ["twostream"]' in text
    # What a build needs is among what is copied.
    copied = " ".join(re.findall(r"^COPY (.*)$", text, re.M))
    for name in re.findall(r"file: (\S+)|license_files = (\S+)", (ROOT / "setup.cfg").read_text()):
        assert "".join(name) in copied
