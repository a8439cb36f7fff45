"""What rows need besides their commands: stores, lists, a network trained on ImageNet."""

import csv
import io
import json
import pathlib
import re
import shlex
from collections.abc import Iterable, Sequence
from typing import Any

from tf_twostream import datasets, experiments
from tf_twostream.experiments import plans


def missing(row: experiments.Row, setup: plans.Setup) -> str:
    """Says why a row cannot be run; empty if it can."""
    if row.what is None:
        return "quoted by the paper from others"
    needed = experiments.networks(row.what)
    if not all(setup.has(network.dataset) for network in needed):
        return "only at --scale=paper"
    if any(net.start == experiments.IMAGENET for net in needed):
        if not setup.imagenet_run:
            return "needs --imagenet_run"
        if reason := _of_another_size(setup):
            return reason
    for dataset in _datasets(needed):
        for path in (f"{setup.store(dataset)}/store.json", setup.lists(dataset)):
            if not pathlib.Path(path).exists():
                return f"needs {path}"
    for network in needed:
        store = setup.store(network.dataset)
        if network.recipe.get("bidirectional") and "backward" not in _directions(store):
            return f"needs backward flow in {store}"
    return ""


def _of_another_size(setup: plans.Setup) -> str:
    """Says whether the ImageNet network has other layers than this scale's; empty if not."""
    path = pathlib.Path(setup.imagenet_run, "run.json")
    if not path.exists():
        return f"needs {path}"
    recipe = json.loads(path.read_text(encoding="utf-8"))["recipe"]
    sizes = plans.SMALL if setup.scale == "small" else {"width": 1, "crop_size": 224}
    for name in ("width", "crop_size"):
        given = re.findall(rf"--{name}[= ](\S+)", setup.train_flags)
        wanted = float(given[-1]) if given else sizes[name]
        if recipe[name] != wanted:
            return f"needs an --imagenet_run of --{name}={wanted:g}, not {recipe[name]:g}"
    return ""


def stores_missing(rows: Iterable[experiments.Row], setup: plans.Setup) -> list[str]:
    """Lists the data sets of some rows that have no store yet."""
    needed = [network for row in rows for network in experiments.networks(row.what)]
    used = [dataset for dataset in _datasets(needed) if setup.has(dataset)]
    return [dataset for dataset in used if not pathlib.Path(setup.store(dataset)).exists()]


def lists_missing(rows: Iterable[experiments.Row], setup: plans.Setup) -> list[str]:
    """Lists the paths of the lists, or folders of videos, of some rows that do not exist yet."""
    needed = [network for row in rows for network in experiments.networks(row.what)]
    paths = [setup.lists(dataset) for dataset in _datasets(needed) if setup.has(dataset)]
    return [path for path in paths if not pathlib.Path(path).exists()]


def how_to_make(dataset: str, setup: plans.Setup) -> str:
    """Returns the command that makes the store of a data set."""
    flags = setup.source(dataset)
    flags.setdefault("videos_dir", "VIDEOS")
    flags["store"] = setup.store(dataset)
    if dataset == experiments.UCF:  # Table 1b and 3: bi-directional volumes.
        flags["directions"] = "forward,backward"
    if setup.scale == "small":
        flags["shorter_side"] = str(plans.SMALL_SHORTER_SIDE)
    return shlex.join(["python", "data_tools/precompute_flow.py", *plans.as_flags(flags)])


def lists_to_write(rows: Iterable[experiments.Row], setup: plans.Setup) -> dict[str, str]:
    """Makes the lists that rows need besides those of the data sets, as far as those exist.

    Returns:
        Their texts by their paths: lists in which all videos of a data set are for training and,
        at small scale, classes to add to another data set.

    Raises:
        ValueError: If the lists of a data set are faulty.
    """
    texts = {}
    for network in (network for row in rows for network in experiments.networks(row.what)):
        own = network.dataset
        if network.all_videos and pathlib.Path(setup.lists(own)).exists():
            split = _read_lists(own, setup)
            videos = datasets.all_videos(split)
            lines = [[video.id, split.class_names[video.label], "train"] for video in videos]
            texts[setup.list_of_all(own)] = _as_csv([["path", "label", "split"], *lines])
        if network.other == "classes" and setup.scale == "small":
            other = experiments.OTHER[own]
            if not all(pathlib.Path(setup.lists(dataset)).exists() for dataset in (own, other)):
                continue
            native = _read_lists(own, setup).class_names
            lines = [
                [name, *(("exclude", name, "the same") if name in native else ("add", "", "new"))]
                for name in _read_lists(other, setup).class_names
            ]
            header = ["class", "use", "counterpart", "reason"]
            texts[setup.classes_to_add(other)] = _as_csv([header, *lines])
    return texts


def _read_lists(dataset: str, setup: plans.Setup) -> datasets.Split:
    kind: Any = setup.kind(dataset)
    return datasets.load(datasets.Source(dataset=kind, annotations=setup.lists(dataset)))


def _as_csv(lines: Iterable[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def _datasets(needed: Sequence[experiments.Network]) -> list[str]:
    """Lists the data sets that networks learn from, in the order of `experiments.DATASETS`."""
    used = {network.dataset for network in needed}
    used |= {experiments.OTHER[network.dataset] for network in needed if network.other}
    return [dataset for dataset in experiments.DATASETS if dataset in used]


def _directions(store: str) -> list[str]:
    return json.loads(pathlib.Path(store, "store.json").read_text())["directions"]
