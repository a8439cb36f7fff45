"""A data root without videos: lists and what a store says of itself."""

import functools
import importlib
import json

import pytest
from absl import flags

from tf_twostream import cli
from tf_twostream.experiments.knobs import Setup

LIST = "path,label,split,group\na/1.avi,a,train,x\nb/1.avi,b,train,x\na/2.avi,a,test,y\n"


@pytest.fixture
def data_root(tmp_path):
    """The folders of the small scale."""
    root = tmp_path / "data"
    for name, directions in (("first", ["forward", "backward"]), ("second", ["forward"])):
        store = root / "stores" / name
        store.mkdir(parents=True)
        (store / "store.json").write_text(json.dumps({"directions": directions}))
        (root / "lists").mkdir(exist_ok=True)
        (root / "lists" / f"{name}.csv").write_text(LIST)
    return root


@pytest.fixture
def setup(data_root, tmp_path):
    """Small scale, with a network from ImageNet."""
    return Setup(
        data_root=str(data_root),
        output_dir=str(tmp_path / "out"),
        scale="small",
        imagenet_run="imagenet",
    )


@pytest.fixture
def parse():
    """Parses the arguments of a command as the command does; returns its knobs by parameter."""

    def call(arguments):
        name = arguments[0].replace("-", "_")
        module = importlib.import_module(f"tf_twostream.commands.{name}")
        main = functools.wraps(module.main)(lambda **knobs: knobs)  # The same parameters.
        return cli.parse(main, arguments, flags.FlagValues())()

    return call
