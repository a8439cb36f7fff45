"""What a row of a table is made of: a published number, and the networks that lead to ours."""

import dataclasses
from typing import Any, Literal

UCF, HMDB, CHARADES, VIVA = DATASETS = ("ucf101", "hmdb51", "charades", "viva")
OTHER = {UCF: HMDB, HMDB: UCF}  # Which data set helps which in Table 2.
IMAGENET = "imagenet"  # Stands for a run that the user names: nobody trains it for one row.

Measure = Literal["video accuracy", "mean average precision"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Network:
    """A network to train. What is not said here is the default of its command: the paper's recipe.

    Attributes:
        name: Name of its run folder. Rows that share a network share its run.
        command: The command that trains it.
        dataset: The data set that it classifies and, unless `all_videos`, is tested on.
        recipe: The flags in which it differs from the default.
        defaults: Flags in which the networks of its paper differ from the default of its command:
            unlike `recipe`, they are not what a row is about, and a scale may have its own.
        start: The network whose weights it starts from, or `IMAGENET`; empty for random weights.
        all_videos: Whether to train on all videos of the data set ("all splits combined", Sect. 6).
        other: What the other data set is for: nothing, more classes, or a task of its own.
        towers: The spatial and the temporal network that it joins (2016 paper).
    """

    name: str
    command: str = "train-temporal"
    dataset: str = UCF
    recipe: dict[str, Any] = dataclasses.field(default_factory=dict)
    defaults: dict[str, Any] = dataclasses.field(default_factory=dict)
    start: "Network | str" = ""
    all_videos: bool = False
    other: Literal["", "classes", "task"] = ""
    towers: "tuple[Network, Network] | None" = None


@dataclasses.dataclass(frozen=True)
class Fusion:
    """Two networks whose softmax scores are fused by averaging or by a linear SVM (Sect. 2)."""

    spatial: Network
    temporal: Network
    method: Literal["average", "svm"]


@dataclasses.dataclass(frozen=True)
class Size:
    """The size of what a row tests, at the paper's scale.

    Attributes:
        parameters: Weights and biases, with those of both networks where scores are fused.
        multiply_adds: Of one clip: T frames and as many volumes, or one of each.
        published: The published number of parameters in millions; None where there is none.
        why: Why ours is another one.
    """

    parameters: int
    multiply_adds: int
    published: float | None = None
    why: str = ""


@dataclasses.dataclass(frozen=True)
class Row:
    """A published number and how to get ours.

    Attributes:
        setting: The paper's words, or ours.
        published: The published number in percent.
        what: What to test; None for a number that we cannot have.
        splits: The number is the mean over these official splits.
        measure: What the number is.
        size: The size of what is tested, where the paper compares sizes.
        why_not: Why there is nothing to test, where `what` is None.
    """

    setting: str
    published: float
    what: Network | Fusion | None
    splits: tuple[int, ...] = (1,)
    measure: Measure = "video accuracy"
    size: Size | None = None
    why_not: str = "quoted by the paper from others"


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of rows.

    Attributes:
        title: The paper's words, or ours where the paper has no such table.
        rows: The rows from top to bottom.
        note: What a reader must know about the published numbers and about ours.
        group: The word that stands for it and others: "all", the tables of the paper (2014), or
            "all_2016", those of the second one; empty if there is none.
    """

    title: str
    rows: tuple[Row, ...]
    note: str = ""
    group: Literal["all", "all_2016", ""] = "all"


def list_networks(what: Network | Fusion | None) -> list[Network]:
    """Lists the networks that a row needs, in an order in which they can be trained.

    Args:
        what: What the row tests.

    Returns:
        The networks; one that others start from, or join, comes before them.
    """
    if what is None:
        return []
    if isinstance(what, Fusion):
        return list_networks(what.spatial) + list_networks(what.temporal)
    before = [*(what.towers or ()), what.start]
    return [n for one in before if isinstance(one, Network) for n in list_networks(one)] + [what]
