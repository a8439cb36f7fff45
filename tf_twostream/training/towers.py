"""The trained networks that become the towers of a joined one: are they what they should be?"""

import dataclasses
import pathlib
from typing import Any

from tf_twostream import runs
from tf_twostream.models import conv_fusion
from tf_twostream.paper import recipes


class TowerError(ValueError):
    """A run that cannot be a tower of this network."""


def load(recipe: recipes.ConvFusionRecipe) -> tuple[runs.Run, runs.Run]:
    """Reads the runs that a recipe names.

    Returns:
        The run of the spatial tower and that of the temporal one.

    Raises:
        NoRunError: If one is no run folder.
        TowerError: If one is of another stream.
    """
    towers = runs.load(recipe.spatial_run), runs.load(recipe.temporal_run)
    for name, tower in zip(conv_fusion.TOWERS, towers):
        if tower.recipe.stream != name:
            rule = f"The {name} tower must be a run of the {name} stream"
            raise TowerError(f"{rule}. Received: {tower.path}, {tower.recipe.stream}.")
    return towers


def complete(recipe: recipes.ConvFusionRecipe, run_dir: str) -> recipes.ConvFusionRecipe:
    """Adds the recipes of the towers to that of the network.

    Args:
        recipe: The recipe, which names the runs of the towers.
        run_dir: The run folder to train in. If it has a checkpoint, the runs of the towers are no
            longer needed: it knows their recipes.
    """
    if (pathlib.Path(run_dir) / "run.json").exists():
        begun = runs.load(run_dir)
        if isinstance(begun.recipe, recipes.ConvFusionRecipe) and runs.newest(begun) is not None:
            spatial, temporal = begun.recipe.towers
            return dataclasses.replace(recipe, spatial=spatial, temporal=temporal)
    own: dict[str, Any] = {tower.recipe.stream: tower.recipe for tower in load(recipe)}
    return dataclasses.replace(recipe, **own)


def check(run: runs.Run, where: str) -> None:
    """Checks that both towers know the classes and the data of a run, and not what it is tested on.

    Args:
        run: The run to train; of one with a checkpoint, or without towers, nothing is checked.
        where: What to call the store of the run.

    Raises:
        TowerError: If a tower knows other classes, or has learnt from videos on which this run is
            tested, or validated.
        OtherStoreError: If a tower was trained on frames or flow of another kind.
    """
    if not isinstance(run.recipe, recipes.ConvFusionRecipe) or runs.newest(run) is not None:
        return
    held_out = {video.id for video in (*run.split.test, *run.split.validation)}
    for tower in load(run.recipe):
        runs.check_store(tower, run.task.settings, where=where)
        classes = (run.split.class_names, run.split.multi_label)
        same = [
            task
            for task in tower.tasks
            if (task.split.class_names, task.split.multi_label) == classes
        ]
        if not same:
            known = ", ".join(tower.split.class_names)
            rule = "A tower must know the classes of this run in their order"
            raise TowerError(f"{rule}. Received: {tower.path} with {known}.")
        seen = sorted(held_out & {video.id for task in same for video in task.split.train})
        if seen:
            rule = "A tower must not have learnt from test or validation videos of this run"
            given = f"{tower.path}, trained on {len(seen)} of them, for example {seen[0]}"
            raise TowerError(f"{rule}. Received: {given}.")
