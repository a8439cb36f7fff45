"""Which network trained on ImageNet a row starts from."""

import dataclasses
import json

import pytest

from tf_twostream import experiments
from tf_twostream.experiments import imagenet

SHALLOW = experiments.Network(name="shallow", start="imagenet")
DEEP = dataclasses.replace(SHALLOW, name="deep", recipe={"architecture": "vgg16"})


@pytest.fixture
def make_run(tmp_path):
    """Makes a run folder of a network of the small scale."""

    def call(name, **recipe):
        (tmp_path / name).mkdir()
        values = {"width": 0.25, "crop_size": 112, **recipe}
        (tmp_path / name / "run.json").write_text(json.dumps({"recipe": values}))
        return str(tmp_path / name)

    return call


def test_of_several_runs_the_one_of_the_architecture_of_the_network_counts(setup, make_run):
    # The first run is older than the choice of an architecture.
    runs = [make_run("m"), make_run("deep", architecture="vgg16")]
    for both in (",".join(runs), ", ".join(reversed(runs))):
        own = dataclasses.replace(setup, imagenet_run=both)
        chosen = [imagenet.choose(network, own) for network in (SHALLOW, DEEP)]
        assert chosen == [imagenet.Start(run) for run in runs]


def test_a_run_of_another_architecture_does_not_fit(setup, make_run):
    own = dataclasses.replace(setup, imagenet_run=make_run("m"))
    words = "needs an imagenet_run of architecture=vgg16, not cnn_m"
    assert imagenet.choose(DEEP, own).reason == words
    wide = dataclasses.replace(
        own, imagenet_run=f"{own.imagenet_run},{make_run('w', architecture='vgg16', width=1.0)}"
    )
    reason = imagenet.choose(DEEP, wide).reason
    assert reason == f"{words}; needs an imagenet_run of width=0.25, not 1"


def test_without_a_run_a_dry_run_has_a_word_in_its_place(setup):
    own = dataclasses.replace(setup, imagenet_run="")
    assert imagenet.choose(DEEP, own) == imagenet.Start("IMAGENET_RUN", "needs imagenet_run")


def test_published_weights_are_not_those_of_vgg16(setup):
    words = "needs an imagenet_run of architecture=vgg16"
    assert imagenet.choose(DEEP, setup).reason == words
    assert "efficientnet" in imagenet.choose(SHALLOW, setup).reason
