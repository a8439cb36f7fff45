"""The run folder: one trained network with everything a later step needs to use it.

```
RUN_DIR/run.json        recipe, package versions and, of each task, its store's settings
RUN_DIR/split.json      class names, training and test videos; with several tasks TASK.split.json
RUN_DIR/checkpoints/    weights, momentum, iteration, state of the dropout masks
RUN_DIR/tensorboard/    curves and pictures; of tests in [TASK/]test and [TASK/]train
```
"""

import dataclasses
import json
import math
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from absl import logging

from tf_twostream import datasets, paper
from tf_twostream.models import cnn_m, multitask
from tf_twostream.models import cross_modality as modality


@dataclasses.dataclass(frozen=True)
class Task:
    """One of several data sets that a network learns at the same time (paper, Sect. 4).

    Attributes:
        name: What its classification layer is called.
        split: Class names, training and test videos.
        store_settings: The settings of the store that its videos come from.
        batch_size: Its samples per iteration, over all devices.
        divisor: What the sum of its samples' losses is divided by.
    """

    name: str
    split: datasets.Split
    store_settings: dict[str, Any]
    batch_size: int
    divisor: int


@dataclasses.dataclass(frozen=True)
class Run:
    """What the JSON files of a run folder say.

    Attributes:
        path: The run folder.
        recipe: The recipe of the network.
        split: Class names, training and test videos; with several tasks those of `task`.
        store_settings: The settings of the store that these videos come from.
        tasks: All tasks of a network that has several, else empty.
        task: The name of the one that this run stands for.
    """

    path: pathlib.Path
    recipe: paper.Recipe
    split: datasets.Split
    store_settings: dict[str, Any]
    tasks: tuple[Task, ...] = ()
    task: str = ""

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


def of_tasks(
    path: pathlib.Path, recipe: paper.Recipe, tasks: Sequence[Task], name: str = ""
) -> Run:
    """Makes the run of several tasks that stands for the one called `name`, or for the first.

    Raises:
        ValueError: If there is no such task.
    """
    names = [task.name for task in tasks]
    name = name or names[0]
    if name not in names:
        raise ValueError(f"--task is one of {', '.join(names)} in {path}. Received: {name!r}.")
    own = tasks[names.index(name)]
    return Run(path, recipe, own.split, own.store_settings, tuple(tasks), name)


def create(run: Run) -> Run:
    """Opens a run folder for training: a new one, or one that the same command has begun.

    A folder without a checkpoint holds nothing worth keeping and is begun anew.

    Args:
        run: The run, whose folder need not exist.

    Returns:
        The run.

    Raises:
        ValueError: If the folder holds a run with another recipe, split or store.
    """
    if tf.train.latest_checkpoint(run.checkpoints) is not None:
        begun = load(str(run.path))
        differing = (
            _differences(begun.recipe.to_json(), run.recipe.to_json())
            or _differing_tasks(begun, run)
            or _differences(begun.store_settings, run.store_settings)
            or ("" if _splits(begun) == _splits(run) else "another data set, split or classes")
        )
        if differing:
            raise ValueError(
                f"{run.path} holds a run with {differing}. Continue it with the flags it was begun "
                "with, or choose another --run_dir."
            )
        return run
    run.path.mkdir(parents=True, exist_ok=True)
    for file, split in _splits(run).items():
        datasets.save_split(split, run.path / file)
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__}
    content = {"dataset": run.split.name, "recipe": run.recipe.to_json(), "versions": versions}
    data = {"tasks": _tasks_json(run)} if run.tasks else {"store": run.store_settings}
    _write(run.path / "run.json", content | data)  # Last: marks it complete.
    return run


def _splits(run: Run) -> dict[str, datasets.Split]:
    """The split of each task, by its file."""
    if run.tasks:
        return {f"{task.name}.split.json": task.split for task in run.tasks}
    return {"split.json": run.split}


def _differing_tasks(begun: Run, run: Run) -> str:
    """Says how tasks differ; their order counts, for it decides what each of them draws."""
    names = [[task.name for task in other.tasks] for other in (begun, run)]
    if names[0] != names[1]:
        words = [", ".join(these) or "none" for these in names]
        return f"tasks {words[0]} (now {words[1]})"
    for old, new in zip(begun.tasks, run.tasks):
        own = [{**t.store_settings, "samples": t.batch_size, "divisor": t.divisor}
               for t in (old, new)]  # fmt: skip
        if differing := _differences(*own):
            return f"task {old.name}: {differing}"
    return ""


def _tasks_json(run: Run) -> dict[str, Any]:
    return {
        task.name: {
            "store": task.store_settings, "batch_size": task.batch_size, "divisor": task.divisor
        }
        for task in run.tasks
    }  # fmt: skip


def load(path: str, task: str = "") -> Run:
    """Reads a run folder.

    Args:
        path: The folder.
        task: The task that it shall stand for, if it has several; empty for the first.

    Raises:
        FileNotFoundError: If it is none.
        ValueError: If it has no such task.
    """
    folder = pathlib.Path(path)
    if not (folder / "run.json").exists():
        raise FileNotFoundError(
            "A run folder holds a run.json, written by a training script of this project. Received:"
            f" {path or 'an empty path'}, {'without one' if folder.is_dir() else 'no such folder'}."
        )
    content = json.loads((folder / "run.json").read_text())
    recipe = paper.recipe_from_json(content["recipe"])
    if "tasks" in content:
        tasks = [
            Task(name, datasets.load_split(folder / f"{name}.split.json"), saved["store"],
                 saved["batch_size"], saved["divisor"])
            for name, saved in content["tasks"].items()
        ]  # fmt: skip
        return of_tasks(folder, recipe, tasks, task)
    if task:
        raise ValueError(f"--task is for runs of train_multitask.py. Received: {task!r}, {path}.")
    return Run(folder, recipe, datasets.load_split(folder / "split.json"), content["store"])


def _relevant(recipe: paper.Recipe, settings: dict[str, Any]) -> dict[str, Any]:
    """What matters to a network of all that a store says of itself."""
    if not isinstance(recipe, paper.TemporalRecipe):
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
    if then.get("method") != now.get("method"):  # Else each parameter would be told, too.
        then, now = ({"method": kept["method"]} for kept in (then, now))
    if then.pop("opencv", None) != now.pop("opencv", None):
        logging.warning("The flow of %s and of %s is by two versions of OpenCV.", run.path, where)
    if differing := _differences(then, now):
        raise ValueError(
            f"{run.path} was trained on a store with {differing} in {where}. Name a store made "
            "with the same settings, or make one with data_tools/precompute_flow.py."
        )


def build_model(run: Run) -> keras.Model:
    """Builds the network of a run, with fresh weights; with several tasks that of all of them.

    Where a video may show several of K classes, each starts with a probability of 1/K, as under a
    softmax, instead of 1/2: else the first gradients only say that most classes are rare (ours).
    """
    if run.tasks:
        num_classes = {task.name: len(task.split.class_names) for task in run.tasks}
        model = multitask.build(run.recipe, num_classes)
    else:
        model = cnn_m.build(run.recipe, len(run.split.class_names))
    for name, split in _heads(run).items():
        if split.multi_label:
            bias = model.get_layer(name).bias
            bias.assign(tf.fill(bias.shape, -math.log(len(split.class_names) - 1)))
    return model


def load_model(run: Run) -> tuple[keras.Model, int]:
    """Builds a run's network, or that of its task, with the weights of its newest checkpoint.

    Returns:
        The network, to `[B, K]` logits, and the number of iterations it was trained for.

    Raises:
        FileNotFoundError: If the run has no checkpoint yet.
    """
    model, iteration = _load_whole(run)
    return multitask.of_task(model, run.task) if run.tasks else model, iteration


def _load_whole(run: Run) -> tuple[keras.Model, int]:
    """Builds a run's network with the heads of all its tasks, and restores it."""
    newest = tf.train.latest_checkpoint(run.checkpoints)
    if newest is None:
        raise FileNotFoundError(
            f"{run.path} has no checkpoint yet: the training wrote none before it stopped. "
            "Run the training command again."
        )
    model = build_model(run)
    iteration = tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(model=model, iteration=iteration)
    status = checkpoint.restore(newest)
    status.assert_existing_objects_matched().expect_partial()
    return model, int(iteration)


def initialise(
    model: keras.Model, source: Run, target: Run, *, cross_modality: bool = False
) -> list[str]:
    """Copies the layers of another run into a new network, where their shapes agree.

    A classification layer is copied only from one with the same classes, whatever its task.

    Args:
        model: The new network.
        source: The run to start from.
        target: The new run.
        cross_modality: Whether a spatial run gives a temporal network its first layer.

    Returns:
        Names of the layers with weights that start afresh.

    Raises:
        ValueError: If no layer fits, or `source` cannot give a first layer for flow.
    """
    if isinstance(target.recipe, paper.TemporalRecipe):
        target.recipe.check_start(source.recipe)
    known = {layer.name: layer.get_weights() for layer in _load_whole(source)[0].layers}
    if cross_modality:
        if source.recipe.stream != paper.SpatialRecipe.stream:
            raise ValueError(
                "--cross_modality starts from a spatial network. Received: "
                f"--init_from={source.path}, {source.recipe.stream}. Leave it out."
            )
        kernel, bias = known["conv1"]
        known["conv1"] = [modality.flow_kernel(kernel, model.input_shape[-1] // 2), bias]
    heads = {name: (split.class_names, split.multi_label) for name, split in _heads(source).items()}
    fresh, taken = [], 0
    for layer in model.layers:
        if not layer.trainable_weights:
            continue
        names = [layer.name]
        if split := _heads(target).get(layer.name):
            own = (split.class_names, split.multi_label)
            names = sorted((n for n in heads if heads[n] == own), key=layer.name.__ne__)
        weights = known.get(names[0], []) if names else []
        if [w.shape for w in weights] == [tuple(w.shape) for w in layer.weights]:
            layer.set_weights(weights)
            taken += 1
        else:
            fresh.append(layer.name)
    if not taken:
        raise ValueError(
            f"No layer of {source.path} ({source.recipe.stream}, width {source.recipe.width}) has "
            "the shape of this network's. Choose an --init_from of the same stream, --width and "
            "--crop_size."
        )
    return fresh


def _heads(run: Run) -> dict[str, datasets.Split]:
    """What each classification layer tells apart, by its name."""
    if run.tasks:
        return {multitask.head_name(task.name): task.split for task in run.tasks}
    return {cnn_m.LAST_LAYER: run.split}
