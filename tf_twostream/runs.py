"""The run folder: one trained network with everything a later step needs to use it.

```
RUN_DIR/run.json        recipe, store settings, name of the data set, package versions
RUN_DIR/split.json      class names, training and test videos
RUN_DIR/checkpoints/    weights, momentum, iteration, state of the dropout masks
RUN_DIR/tensorboard/    curves and pictures
```
"""

import dataclasses
import json
import pathlib
from typing import Any

import keras
import tensorflow as tf
from absl import logging

from tf_twostream import datasets, paper
from tf_twostream.models import cnn_m


@dataclasses.dataclass(frozen=True)
class Run:
    """What the JSON files of a run folder say."""

    path: pathlib.Path
    recipe: paper.Recipe
    split: datasets.Split
    store_settings: dict[str, Any]

    @property
    def checkpoints(self) -> str:
        """Folder of the checkpoints."""
        return str(self.path / "checkpoints")


def _differences(old: dict[str, Any], new: dict[str, Any]) -> str:
    return ", ".join(
        f"{key}={old.get(key)!r} (now {new.get(key)!r})"
        for key in sorted(old | new)
        if old.get(key) != new.get(key)
    )


def _write(path: pathlib.Path, content: dict[str, Any]) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(content, indent=2) + "\n")
    temporary.replace(path)


def create(
    path: str, recipe: paper.Recipe, split: datasets.Split, store_settings: dict[str, Any]
) -> Run:
    """Opens a run folder for training: a new one, or one that the same command has begun.

    A folder without a checkpoint holds nothing worth keeping and is begun anew.

    Args:
        path: The run folder.
        recipe: The recipe of the network.
        split: Class names, training and test videos.
        store_settings: The settings of the store that the network is trained from.

    Returns:
        The run.

    Raises:
        ValueError: If the folder holds a run with another recipe, split or store.
    """
    run = Run(pathlib.Path(path), recipe, split, store_settings)
    if tf.train.latest_checkpoint(run.checkpoints) is not None:
        begun = load(path)
        differing = (
            _differences(begun.recipe.to_json(), recipe.to_json())
            or _differences(begun.store_settings, store_settings)
            or ("" if begun.split == split else "another data set, split or selection of classes")
        )
        if differing:
            raise ValueError(
                f"{path} holds a run with {differing}. Continue it with the flags it was begun "
                "with, or choose another --run_dir."
            )
        return run
    run.path.mkdir(parents=True, exist_ok=True)
    datasets.save_split(split, run.path / "split.json")
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__}
    content = {"recipe": recipe.to_json(), "store": store_settings, "versions": versions}
    _write(run.path / "run.json", {"dataset": split.name, **content})  # Last: marks it complete.
    return run


def load(path: str) -> Run:
    """Reads a run folder.

    Raises:
        FileNotFoundError: If it is none.
    """
    folder = pathlib.Path(path)
    if not (folder / "run.json").exists():
        raise FileNotFoundError(
            f"A run folder holds a run.json, written by train_spatial.py or train_temporal.py. "
            f"Received: {path or 'an empty path'}."
        )
    content = json.loads((folder / "run.json").read_text())
    recipe = paper.recipe_from_json(content["recipe"])
    return Run(folder, recipe, datasets.load_split(folder / "split.json"), content["store"])


def _relevant(recipe: paper.Recipe, settings: dict[str, Any]) -> dict[str, Any]:
    """What matters to a network of all that a store says of itself."""
    if isinstance(recipe, paper.SpatialRecipe):
        return {key: settings.get(key) for key in ("shorter_side", "rgb_quality")}
    keys = ("shorter_side", "method", "flow_quality")
    return {**{key: settings.get(key) for key in keys}, **settings.get("parameters", {})}


def check_store(run: Run, settings: dict[str, Any], *, where: str) -> None:
    """Checks that frames and flow are of the kind that a run was trained on.

    Networks trained on one flow method lose most of their accuracy on another's flow. Another
    version of OpenCV is only worth a warning.

    Args:
        run: The run.
        settings: The settings of a store.
        where: What to call that store in the error.

    Raises:
        ValueError: If the settings of the store are not those of the run.
    """
    then, now = (_relevant(run.recipe, kept) for kept in (run.store_settings, settings))
    if then.pop("opencv", None) != now.pop("opencv", None):
        logging.warning("The flow of %s and of %s is by two versions of OpenCV.", run.path, where)
    if differing := _differences(then, now):
        raise ValueError(
            f"{run.path} was trained on a store with {differing} in {where}. Name a store made "
            "with the same settings, or make one with data_tools/precompute_flow.py."
        )


def load_model(run: Run) -> tuple[keras.Model, int]:
    """Builds a run's network with the weights of its newest checkpoint.

    Returns:
        The network and the number of iterations it was trained for.

    Raises:
        FileNotFoundError: If the run has no checkpoint yet.
    """
    newest = tf.train.latest_checkpoint(run.checkpoints)
    if newest is None:
        raise FileNotFoundError(
            f"{run.path} has no checkpoint yet: the training wrote none before it stopped. "
            "Run the training command again."
        )
    model = cnn_m.build(run.recipe, len(run.split.class_names))
    iteration = tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(model=model, iteration=iteration)
    status = checkpoint.restore(newest)
    status.assert_existing_objects_matched().expect_partial()
    return model, int(iteration)


def initialise(model: keras.Model, run: Run, class_names: tuple[str, ...]) -> list[str]:
    """Copies the layers of another run into a new network, where their shapes agree.

    The last layer is copied only if the classes are the same.

    Args:
        model: The new network.
        run: The run to start from.
        class_names: Classes of the new network.

    Returns:
        Names of the layers with weights that start afresh.

    Raises:
        ValueError: If no layer fits.
    """
    source, _ = load_model(run)
    fresh = []
    taken = 0
    for layer in model.layers:
        if not layer.trainable_weights:
            continue
        same_classes = layer.name != cnn_m.LAST_LAYER or run.split.class_names == class_names
        weights = source.get_layer(layer.name).get_weights()
        if same_classes and [w.shape for w in weights] == [tuple(w.shape) for w in layer.weights]:
            layer.set_weights(weights)
            taken += 1
        else:
            fresh.append(layer.name)
    if not taken:
        raise ValueError(
            f"No layer of {run.path} ({run.recipe.stream}, width {run.recipe.width}) has the shape "
            "of this network's. Choose an --init_from of the same stream, --width and --crop_size."
        )
    return fresh
