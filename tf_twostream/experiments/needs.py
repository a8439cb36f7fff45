"""What rows need besides their commands: stores, lists, a network trained on ImageNet."""

import pathlib
from collections.abc import Iterable
from typing import Any

from tf_twostream import datasets
from tf_twostream.experiments import command_lines, imagenet, rows
from tf_twostream.experiments.knobs import Setup
from tf_twostream.processes import files


def missing(row: rows.Row, setup: Setup) -> str:
    """Says why a row cannot be run.

    Args:
        row: The row.
        setup: Where data and results lie, and at which scale.

    Returns:
        A few words; none if the row can be run.
    """
    if row.what is None:
        return row.why_not
    needed = rows.list_networks(row.what)
    if not all(setup.has(network.dataset) for network in needed):
        return "only with scale=paper"
    reasons = [_why_not_towers(network, setup) for network in needed]
    starting = [network for network in needed if network.start == rows.IMAGENET]
    reasons += [imagenet.choose(network, setup).reason for network in starting]
    if reason := next(filter(None, reasons), ""):
        return reason
    for dataset in _used([row], setup):
        own = setup.data_set(dataset)
        for path in (f"{own.store}/store.json", own.lists):
            if not pathlib.Path(path).exists():
                return f"needs {path}"
    for network in needed:
        if network.recipe.get("bidirectional"):
            store = setup.data_set(network.dataset).store
            if "backward" not in files.read_json(f"{store}/store.json")["directions"]:
                return f"needs backward flow in {store}"
    return ""


def _why_not_towers(network: rows.Network, setup: Setup) -> str:
    """Says whether the user asks for another architecture than a row is about; empty if not."""
    given = command_lines.parse_flags(setup.train_flags).get("architecture")
    # The layers at which towers are joined are those of their architectures.
    own = [tower.recipe.get("architecture", "cnn_m") for tower in network.towers or ()]
    own += [network.recipe["architecture"]] if "architecture" in network.recipe else []
    return "needs train_flags without --architecture" if given and {given} < {given, *own} else ""


def stores_missing(needed: Iterable[rows.Row], setup: Setup) -> list[str]:
    """Lists the data sets of some rows that have no store yet."""
    used = _used(needed, setup)
    return [name for name in used if not pathlib.Path(setup.data_set(name).store).exists()]


def lists_missing(needed: Iterable[rows.Row], setup: Setup) -> list[str]:
    """Lists the paths of the lists, or folders of videos, of some rows that do not exist yet."""
    paths = [setup.data_set(name).lists for name in _used(needed, setup)]
    return [path for path in paths if not pathlib.Path(path).exists()]


def how_to_make(dataset: str, setup: Setup) -> str:
    """Returns the command that makes the store of a data set, as one types it."""
    flags = setup.data_set(dataset).source
    flags.setdefault("videos_dir", "VIDEOS")  # Nobody but the user knows where they lie.
    flags["store"] = setup.data_set(dataset).store
    if dataset == rows.UCF:  # Only networks of UCF-101 are bi-directional (Tables 1b and 3).
        flags["directions"] = "forward,backward"
    return command_lines.as_line("precompute-flow", flags | setup.size.precomputing)


def lists_to_write(needed: Iterable[rows.Row], setup: Setup) -> dict[str, str]:
    """Makes the lists that rows need besides those of the data sets, as far as those exist.

    Args:
        needed: The rows.
        setup: Where data and results lie, and at which scale.

    Returns:
        Their texts by their paths: lists in which all videos of a data set are for training and,
        where the choice in `datasets` does not fit, classes to add to another data set.

    Raises:
        ValueError: If the lists of a data set are faulty.
    """
    texts = {}
    for network in (network for row in needed for network in rows.list_networks(row.what)):
        own, other = network.dataset, rows.OTHER.get(network.dataset, "")
        if network.all_videos and (split := _load(own, setup)):
            videos = datasets.all_videos(split)
            lines = [[video.id, split.class_names[video.label], "train"] for video in videos]
            texts[setup.own_list(own, "all")] = files.csv_text([["path", "label", "split"], *lines])
        # The paper's authors compared the classes by hand; here equal names have to do.
        if network.other == "classes" and not setup.size.has_choice:
            split, added = _load(own, setup), _load(other, setup)
            if split and added:
                texts[setup.own_list(other, "classes")] = _choose(split, added)
    return texts


def _choose(native: datasets.Split, added: datasets.Split) -> str:
    """Adds the classes whose names are not native, in the format of `datasets.union`."""
    lines = [
        [name, "exclude", name, "the same"]
        if name in native.class_names
        else [name, "add", "", "new"]
        for name in added.class_names
    ]
    return files.csv_text([["class", "use", "counterpart", "reason"], *lines])


def _load(dataset: str, setup: Setup) -> datasets.Split | None:
    """Reads the lists of a data set; None if they do not exist."""
    own = setup.data_set(dataset)
    if not pathlib.Path(own.lists).exists():
        return None
    kind: Any = own.kind
    return datasets.load(datasets.Source(dataset=kind, annotations=own.lists))


def _used(needed: Iterable[rows.Row], setup: Setup) -> list[str]:
    """Lists the data sets of this scale that rows learn from, in the order of `rows.DATASETS`."""
    networks = [network for row in needed for network in rows.list_networks(row.what)]
    used = {network.dataset for network in networks}
    used |= {rows.OTHER[network.dataset] for network in networks if network.other}
    return [dataset for dataset in rows.DATASETS if dataset in used and setup.has(dataset)]
