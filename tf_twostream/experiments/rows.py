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
        start: The network whose weights it starts from, or `IMAGENET`; empty for random weights.
        all_videos: Whether to train on all videos of the data set ("all splits combined", Sect. 6).
        other: What the other data set is for: nothing, more classes, or a task of its own.
    """

    name: str
    command: str = "train-temporal"
    dataset: str = UCF
    recipe: dict[str, Any] = dataclasses.field(default_factory=dict)
    start: "Network | str" = ""
    all_videos: bool = False
    other: Literal["", "classes", "task"] = ""


@dataclasses.dataclass(frozen=True)
class Fusion:
    """Two networks whose softmax scores are fused by averaging or by a linear SVM (Sect. 2)."""

    spatial: Network
    temporal: Network
    method: Literal["average", "svm"]


@dataclasses.dataclass(frozen=True)
class Row:
    """A published number and how to get ours.

    Attributes:
        setting: The paper's words, or ours.
        published: The published number in percent.
        what: What to test; None for a number that the paper quotes from elsewhere.
        splits: The number is the mean over these official splits.
        measure: What the number is.
    """

    setting: str
    published: float
    what: Network | Fusion | None
    splits: tuple[int, ...] = (1,)
    measure: Measure = "video accuracy"


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of rows.

    Attributes:
        title: The paper's words, or ours where the paper has no such table.
        rows: The rows from top to bottom.
        note: What a reader must know about the published numbers and about ours.
        in_paper: Whether the table is one of the paper's.
    """

    title: str
    rows: tuple[Row, ...]
    note: str = ""
    in_paper: bool = True


def list_networks(what: Network | Fusion | None) -> list[Network]:
    """Lists the networks that a row needs, in an order in which they can be trained.

    Args:
        what: What the row tests.

    Returns:
        The networks; one that others start from comes before them.
    """
    if what is None:
        return []
    if isinstance(what, Fusion):
        return list_networks(what.spatial) + list_networks(what.temporal)
    return [*(list_networks(what.start) if isinstance(what.start, Network) else []), what]
