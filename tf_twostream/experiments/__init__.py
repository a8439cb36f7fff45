"""The tables of the paper: each row the change of a recipe and the number that was published.

One more, `other`, has the data sets that the paper's page on Papers With Code names besides.

Nothing in this file runs. `commands` turns a row into commands of the doors, `running` carries
them out, `results` writes the tables.
"""

import dataclasses
from typing import Any, Literal

from tf_twostream.datasets import viva

UCF, HMDB, CHARADES, VIVA = DATASETS = ("ucf101", "hmdb51", "charades", "viva")
OTHER = {UCF: HMDB, HMDB: UCF}  # The data set that helps in Table 2.
IMAGENET = "imagenet"  # The network that `--imagenet_run` names.

Measure = Literal["video accuracy", "mean average precision"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Network:
    """A network to train; what is not said is the default of its door, the paper's recipe.

    Attributes:
        name: Its run folder. Rows that share a network share its run.
        door: The training script.
        dataset: The data set that it classifies and, unless `all_videos`, is tested on.
        recipe: The flags in which it differs.
        start: The network whose weights it starts from, or `IMAGENET`.
        all_videos: Train on all videos of the data set, "all splits combined" (Sect. 6).
        other: What the other data set is for: nothing, adding its classes, or a task of its own.
    """

    name: str
    door: str = "train_temporal"
    dataset: str = UCF
    recipe: dict[str, Any] = dataclasses.field(default_factory=dict)
    start: "Network | str" = ""
    all_videos: bool = False
    other: Literal["", "classes", "task"] = ""


@dataclasses.dataclass(frozen=True)
class Fusion:
    """Two networks whose softmax scores are fused, by averaging or by a linear SVM."""

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
    """One table.

    Attributes:
        title: The paper's words, or ours where it has no such table.
        rows: Its lines.
        note: What to know of the published numbers, and of ours.
        in_paper: Whether the paper has it.
    """

    title: str
    rows: tuple[Row, ...]
    note: str = ""
    in_paper: bool = True


def _spatial(
    name: str, dropout_rate: float, *, dataset: str = UCF, start: str = "", **recipe: Any
) -> Network:
    return Network(
        name=f"spatial_{name}_dropout{dropout_rate}",
        door="train_spatial",
        dataset=dataset,
        start=start,
        recipe={"dropout_rate": dropout_rate, **recipe},
    )


def _last_layer(dropout_rate: float, dataset: str = UCF, **recipe: Any) -> Network:
    recipe |= {"train_last_layer_only": True}
    return _spatial("last_layer", dropout_rate, dataset=dataset, start=IMAGENET, **recipe)


def _multitask(dataset: str) -> Network:
    return Network(name="temporal_multitask", door="train_multitask", dataset=dataset, other="task")


# Table 1a.
_SCRATCH = {rate: _spatial("scratch", rate) for rate in (0.5, 0.9)}
_TUNED = {rate: _spatial("fine_tuned", rate, start=IMAGENET) for rate in (0.5, 0.9)}
# Table 1b. All have dropout 0.9, the default; so has L = 10 with mean subtraction.
_TEMPORAL = Network(name="temporal")
_BIDIRECTIONAL = Network(name="temporal_bidirectional", recipe={"bidirectional": True})
_SLOW_FUSION = Network(name="slow_fusion", door="train_slow_fusion")
# Table 2. Sect. 6: "it is beneficial to utilise full (all splits combined) UCF-101 data".
_ALL_OF_UCF = Network(name="temporal_all_videos", all_videos=True)
# Tables 3 and 4.
_SPATIAL = {dataset: _last_layer(0.5, dataset) for dataset in (UCF, HMDB)}
_MULTITASK = {dataset: _multitask(dataset) for dataset in (UCF, HMDB)}

_TABLE_1A = Table(
    "Individual ConvNets accuracy on UCF-101 (split 1): spatial ConvNet",
    (
        Row("From scratch, dropout 0.5", 42.5, _SCRATCH[0.5]),
        Row("From scratch, dropout 0.9", 52.3, _SCRATCH[0.9]),
        Row("Pre-trained + fine-tuning, dropout 0.5", 70.8, _TUNED[0.5]),
        Row("Pre-trained + fine-tuning, dropout 0.9", 72.8, _TUNED[0.9]),
        Row("Pre-trained + last layer, dropout 0.5", 72.7, _last_layer(0.5)),
        Row("Pre-trained + last layer, dropout 0.9", 59.9, _last_layer(0.9)),
    ),
)

_TABLE_1B = Table(
    "Individual ConvNets accuracy on UCF-101 (split 1): temporal ConvNet",
    (
        Row(
            "Single-frame optical flow (L = 1), mean subtraction on",
            73.9,
            Network(name="temporal_L1", recipe={"stack_length": 1}),
        ),
        Row(
            "Optical flow stacking (L = 5), mean subtraction on",
            80.4,
            Network(name="temporal_L5", recipe={"stack_length": 5}),
        ),
        Row(
            "Optical flow stacking (L = 10), mean subtraction off",
            79.9,
            Network(name="temporal_mean_kept", recipe={"mean_subtraction": False}),
        ),
        Row("Optical flow stacking (L = 10), mean subtraction on", 81.0, _TEMPORAL),
        Row(
            "Trajectory stacking (L = 10), mean subtraction off",
            79.6,
            Network(
                name="temporal_trajectory_mean_kept",
                recipe={"stacking": "trajectory", "mean_subtraction": False},
            ),
        ),
        Row(
            "Trajectory stacking (L = 10), mean subtraction on",
            80.2,
            Network(name="temporal_trajectory", recipe={"stacking": "trajectory"}),
        ),
        Row(
            "Optical flow stacking (L = 10), bi-dir., mean subtraction on", 81.2, _BIDIRECTIONAL
        ),
        Row("Slow fusion of 11 RGB frames (in the text)", 56.4, _SLOW_FUSION),
    ),
)  # fmt: skip

_TABLE_2 = Table(
    "Temporal ConvNet accuracy on HMDB-51 (split 1 with additional training data)",
    (
        Row(
            "Training on HMDB-51 without additional data",
            46.6,
            Network(name="temporal", dataset=HMDB),
        ),
        Row(
            "Fine-tuning a ConvNet, pre-trained on UCF-101",
            49.0,
            Network(name="temporal_fine_tuned", dataset=HMDB, start=_ALL_OF_UCF),
        ),
        Row(
            "Training on HMDB-51 with classes added from UCF-101",
            52.8,
            Network(name="temporal_added_classes", dataset=HMDB, other="classes"),
        ),
        Row("Multi-task learning on HMDB-51 and UCF-101", 55.4, _MULTITASK[HMDB]),
        Row("Multi-task learning, tested on UCF-101 (in the text)", 81.5, _MULTITASK[UCF]),
    ),
)

_TABLE_3 = Table(
    "Two-stream ConvNet accuracy on UCF-101 (split 1); spatial ConvNet: pre-trained + last layer",
    (
        Row("bi-directional, averaging", 85.6, Fusion(_SPATIAL[UCF], _BIDIRECTIONAL, "average")),
        Row("uni-directional, averaging", 85.9, Fusion(_SPATIAL[UCF], _TEMPORAL, "average")),
        Row(
            "uni-directional, multi-task, averaging",
            86.2,
            Fusion(_SPATIAL[UCF], _MULTITASK[UCF], "average"),
        ),
        Row(
            "uni-directional, multi-task, SVM",
            87.0,
            Fusion(_SPATIAL[UCF], _MULTITASK[UCF], "svm"),
        ),
    ),
)  # fmt: skip


def _both(
    setting: str, ucf: float | None, hmdb: float | None, what: dict[str, Any] | None = None
) -> list[Row]:
    """A line of Table 4, a row per data set; without `what` it quotes others."""
    published = {UCF: ("UCF-101", ucf), HMDB: ("HMDB-51", hmdb)}
    return [
        Row(f"{setting}, {name}", number, what[dataset] if what else None, splits=(1, 2, 3))
        for dataset, (name, number) in published.items()
        if number is not None
    ]


def _fused(method: Literal["average", "svm"]) -> dict[str, Fusion]:
    return {d: Fusion(_SPATIAL[d], _MULTITASK[d], method) for d in (UCF, HMDB)}


_TABLE_4 = Table(
    "Mean accuracy (over three splits) on UCF-101 and HMDB-51",
    (
        *_both("Improved dense trajectories (IDT) [26, 27]", 85.9, 57.2),
        *_both("IDT with higher-dimensional encodings [20]", 87.9, 61.1),
        *_both("IDT with stacked Fisher encoding [21]", None, 66.8),
        *_both("Spatio-temporal HMAX network [11, 16]", None, 22.8),
        *_both('"Slow fusion" spatio-temporal ConvNet [14]', 65.4, None),
        *_both("Spatial stream ConvNet", 73.0, 40.5, _SPATIAL),
        *_both("Temporal stream ConvNet", 83.7, 54.6, _MULTITASK),
        *_both("Two-stream model (fusion by averaging)", 86.9, 58.0, _fused("average")),
        *_both("Two-stream model (fusion by SVM)", 88.0, 59.4, _fused("svm")),
    ),
)


def _alone(dataset: str, **recipe: Any) -> Fusion:
    """The two streams of a data set that no other one helps, fused by averaging."""
    temporal = Network(name="temporal", dataset=dataset, recipe=recipe)
    return Fusion(_last_layer(0.5, dataset, **recipe), temporal, "average")


_OTHER = Table(
    "Other data sets of the paper's results page (Papers With Code)",
    (
        Row("Charades", 18.6, _alone(CHARADES), measure="mean average precision"),
        Row(
            "VIVA hand gestures, mean over eight subjects, each left out",
            68.0,
            _alone(VIVA, mirroring=False),  # A swipe to the left is not one to the right.
            splits=tuple(range(1, viva.NUM_SUBJECTS + 1)),
        ),
    ),
    note="The published numbers are not the paper's but of other people's two-stream networks: the "
    'page calls them "2-Strm" and "Two Stream CNNs" and says no more. Ours are the networks of '
    'Table 3, "uni-directional, averaging": the spatial ConvNet pre-trained on ImageNet, its last '
    "layer trained anew (dropout 0.5), the temporal one trained from scratch (L = 10, mean "
    "subtraction on, dropout 0.9); on VIVA without mirroring, which turns left into right.",
    in_paper=False,
)  # fmt: skip

TABLES = {
    "1a": _TABLE_1A,
    "1b": _TABLE_1B,
    "2": _TABLE_2,
    "3": _TABLE_3,
    "4": _TABLE_4,
    "other": _OTHER,
}


def networks(what: Network | Fusion | None) -> list[Network]:
    """Lists the networks that a row needs, those that others start from first."""
    if what is None:
        return []
    if isinstance(what, Fusion):
        return networks(what.spatial) + networks(what.temporal)
    return [*(networks(what.start) if isinstance(what.start, Network) else []), what]
