"""A data root without videos: lists and what a store says of itself."""

import json
import runpy

import pytest
from absl import flags

from tf_twostream import cli
from tf_twostream.experiments import plans

LIST = "path,label,split,group\na/1.avi,a,train,x\nb/1.avi,b,train,x\na/2.avi,a,test,y\n"


@pytest.fixture
def data_root(tmp_path):
    """The layout of --scale=small."""
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
    return plans.Setup(
        data_root=str(data_root),
        output_dir=str(tmp_path / "out"),
        scale="small",
        imagenet_run="imagenet",
    )


@pytest.fixture
def parse(monkeypatch, root):
    """Parses the flags of a command as its door does; returns the knobs."""

    def call(command):
        values, rooms = flags.FlagValues(), []
        with monkeypatch.context() as patch:
            patch.setattr(flags, "FLAGS", values)
            for define in ("bool", "integer", "float", "string", "list", "enum"):
                original = getattr(flags, f"DEFINE_{define}")
                patch.setattr(
                    flags,
                    f"DEFINE_{define}",
                    lambda *args, original=original: original(*args, flag_values=values),
                )
            required = flags.mark_flag_as_required
            patch.setattr(
                flags, "mark_flag_as_required", lambda name: required(name, flag_values=values)
            )
            define = cli.define
            patch.setattr(
                cli, "define", lambda room, **more: (rooms.append(room), define(room, **more))
            )
            runpy.run_path(str(root / command[0]), run_name="door")
            values(list(command))
            return {room.__name__: cli.parse(room) for room in rooms}

    return call
