"""Finds the network trained on ImageNet that a network of a row can start from."""

import dataclasses
import pathlib
from typing import Any

from tf_twostream.experiments import command_lines, rows
from tf_twostream.experiments.knobs import Setup
from tf_twostream.paper import recipes
from tf_twostream.processes import files

_SHAPES = ("architecture", "width", "crop_size")  # What decides the shapes of all weights.


@dataclasses.dataclass(frozen=True)
class Start:
    """Where a network starts.

    Attributes:
        run: The run to start from, or a word in its place for a dry run.
        reason: Why the network cannot start from it; empty if it can.
    """

    run: str
    reason: str = ""


def choose(network: rows.Network, setup: Setup) -> Start:
    """Chooses among the runs that the user names the first one that fits a network.

    Args:
        network: A network that starts from `rows.IMAGENET`.
        setup: The runs, and what decides the size of the network.

    Returns:
        The run; the first one, with a reason, if none fits.
    """
    named = [run.strip() for run in setup.imagenet_run.split(",") if run.strip()]
    if not named:
        return Start("IMAGENET_RUN", "needs imagenet_run")
    given = setup.size.training | network.recipe | command_lines.parse_flags(setup.train_flags)
    defaults = {name: getattr(recipes.SpatialRecipe, name) for name in _SHAPES}
    # A flag of the user's is a text, that of a scale a number.
    wanted = {name: type(own)(given.get(name) or own) for name, own in defaults.items()}
    if "architecture" in network.recipe and named == [recipes.IMAGENET]:
        return Start(named[0], f"needs an imagenet_run of architecture={wanted['architecture']}")
    reasons = {run: _why_not(run, wanted, defaults) for run in named}
    fitting = [run for run, reason in reasons.items() if not reason]
    if fitting:
        return Start(fitting[0])
    return Start(named[0], "; ".join(dict.fromkeys(reasons.values())))


def _why_not(run: str, wanted: dict[str, Any], defaults: dict[str, Any]) -> str:
    """Says whether a run is missing or has layers of other sizes; empty if not."""
    if run == recipes.IMAGENET:
        # Only these have published weights, and only in their full width.
        fits = wanted["architecture"].startswith("efficientnet") and wanted["width"] == 1
        return "" if fits else "needs train_flags of --architecture=efficientnet_lite0 --width=1"
    path = pathlib.Path(run, "run.json")
    if not path.exists():
        return f"needs {path}"
    # Layers of another shape would start from random weights: no row about pre-training any more.
    found = defaults | files.read_json(path)["recipe"]
    for name, value in wanted.items():
        if found[name] != value:
            words = [one if isinstance(one, str) else f"{one:g}" for one in (value, found[name])]
            return f"needs an imagenet_run of {name}={words[0]}, not {words[1]}"
    return ""
