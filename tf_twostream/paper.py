"""The numbers of the paper, each with its section, and the recipes made of them.

Simonyan & Zisserman, "Two-Stream Convolutional Networks for Action Recognition in Videos",
NIPS 2014. [n] is the paper's own reference. A line that says "ours" is our choice where the
paper is silent, with the reason.
"""

import dataclasses
from typing import Any, ClassVar, Literal

from tf_twostream import cli

# Sect. 5, "Training" and "Testing".
SHORTER_SIDE = 256  # pixels; every video is rescaled so before anything else
CROP_SIZE = 224  # pixels; the input of both networks
STACK_LENGTH = 10  # L, fields in a volume (Sect. 6, Table 1b)
BATCH_SIZE = 256
MOMENTUM = 0.9
LEARNING_RATE = 1e-2  # initial; a drop multiplies it by 0.1
TEST_FRAMES = 25  # frames per video, with equal temporal spacing
TEST_VIEWS = 10  # four corners and the centre, each also mirrored
SCRATCH_DROPS = (50_000, 70_000)  # iterations at which the learning rate drops
SCRATCH_ITERATIONS = 80_000
FINE_TUNING_DROPS = (14_000,)
FINE_TUNING_ITERATIONS = 20_000

# Table 1: dropout ratios. From scratch 0.9 is the better one in both streams, and in the spatial
# one also for fine-tuning; where only the last layer is trained it is 0.5.
DROPOUT_RATE = 0.9
LAST_LAYER_DROPOUT_RATE = 0.5

# Sect. 6: "slow fusion" of [14], "a ConvNet to a stack of RGB frames (11 frames in our case)". In
# [14] conv1 has a temporal extent of 4 over 10 frames with a stride of 2, which gives 4 responses,
# and conv2 and conv3 each join two.
NUM_FRAMES = 11
SLOW_FUSION_STRIDE = 2  # frames
SLOW_FUSION_RESPONSES = 4

# [15], Krizhevsky et al. 2012, which the paper's training adapts.
WEIGHT_DECAY = 5e-4  # ours: the paper names none, [15] and Caffe use this
LRN = {"depth_radius": 2, "bias": 2.0, "alpha": 1e-4, "beta": 0.75}  # n = 5, k = 2
# Colour jitter of [15]: principal components of RGB in [0, 1] over ImageNet as published with
# public re-implementations of [15] (which gives the method and the 0.1, not the components).
JITTER_STDDEV = 0.1
RGB_EIGENVALUES = (0.2175, 0.0188, 0.0045)
RGB_EIGENVECTORS = (  # rows R, G, B; a column is a component
    (-0.5675, 0.7192, 0.4009),
    (-0.5808, -0.0045, -0.8140),
    (-0.5836, -0.6948, 0.4203),
)
# Ours: the mean colour of ImageNet in [0, 255] in place of the mean image of [15]; and a division
# that brings grey levels to unit variance, which a linear first layer absorbs exactly.
RGB_MEAN = (123.68, 116.779, 103.939)
RGB_STDDEV = 58.0


@dataclasses.dataclass(frozen=True)
class ConvLayer:
    """A row of the layer table: convolution, ReLU, then normalisation and pooling if asked for."""

    name: str
    filters: int
    kernel: int
    stride: int
    padding: int
    normalise: bool = False
    pool: bool = False


# Fig. 1 and CNN-M-2048 of [3]. Pools are 3x3 with stride 2 (Sect. 5).
CONV_LAYERS = (
    ConvLayer("conv1", 96, kernel=7, stride=2, padding=0, normalise=True, pool=True),
    ConvLayer("conv2", 256, kernel=5, stride=2, padding=1, normalise=True, pool=True),
    ConvLayer("conv3", 512, kernel=3, stride=1, padding=1),
    ConvLayer("conv4", 512, kernel=3, stride=1, padding=1),
    ConvLayer("conv5", 512, kernel=3, stride=1, padding=1, pool=True),
)
FULL_LAYERS = (("full6", 4096), ("full7", 2048))
# Sect. 5: the temporal net goes without the second normalisation, to reduce memory consumption.
TEMPORAL_WITHOUT_NORMALISATION = "conv2"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a network is and how it is trained: all that decides its weights but the data."""

    stream: ClassVar[str]

    num_iterations: int | None = cli.knob(
        None,
        "Length of the training; the learning rate drops tenfold at the paper's fractions of it. "
        "Default: 80,000 with drops at 50,000 and 70,000; with --init_from 20,000 with a drop at "
        "14,000 (Sect. 5).",
    )
    batch_size: int = cli.knob(BATCH_SIZE, "Samples per iteration, over all devices (Sect. 5).")
    learning_rate: float = cli.knob(LEARNING_RATE, "Initial learning rate (Sect. 5).")
    momentum: float = cli.knob(MOMENTUM, "Momentum of the stochastic gradient descent (Sect. 5).")
    weight_decay: float = cli.knob(
        WEIGHT_DECAY, "Weight of the L2 penalty on kernels ([15]; the paper names none)."
    )
    dropout_rate: float | None = cli.knob(
        None,
        "Share of the outputs of full6 and full7 set to zero. Default: 0.9, and 0.5 with "
        "--train_last_layer_only (Table 1).",
    )
    init_from: str = cli.knob(
        "", "Run folder whose weights to start from; layers of another shape start afresh."
    )
    train_last_layer_only: bool = cli.knob(
        False, "Keep all layers but the last as --init_from has them (Table 1a, third row)."
    )
    width: float = cli.knob(
        1.0, "Factor on the number of channels of every hidden layer, for small machines."
    )
    crop_size: int = cli.knob(CROP_SIZE, "Side of the network's input in pixels (Sect. 5).")
    mirroring: bool = cli.knob(
        True,
        "Mirror half of the samples, and half of the ten views in testing (Sect. 5). "
        "--nomirroring where left and right are different classes.",
    )
    precision: Literal["float32", "bfloat16"] = cli.knob(
        "float32", "Arithmetic of the network; bfloat16 is mixed precision (variables float32)."
    )
    seed: int = cli.knob(0, "Seed of weights, samples, views and dropout.")

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        if self.train_last_layer_only and not self.init_from:
            raise ValueError(
                "--train_last_layer_only keeps the layers of another run. Name it: --init_from."
            )
        for name in ("num_iterations", "batch_size", "width", "learning_rate"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"`{name}` must be positive. Received: {name}={value}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(
                f"`dropout_rate` must lie in [0, 1). Received: dropout_rate={self.dropout_rate}."
            )

    @property
    def iterations(self) -> int:
        """Length of the training in iterations."""
        if self.num_iterations is not None:
            return self.num_iterations
        return FINE_TUNING_ITERATIONS if self.init_from else SCRATCH_ITERATIONS

    @property
    def drops(self) -> tuple[int, ...]:
        """Iterations at which the learning rate is divided by ten: the paper's fractions."""
        drops, of = (
            (FINE_TUNING_DROPS, FINE_TUNING_ITERATIONS)
            if self.init_from
            else (SCRATCH_DROPS, SCRATCH_ITERATIONS)
        )
        return tuple(round(self.iterations * drop / of) for drop in drops)

    def learning_rate_at(self, iteration: int) -> float:
        """Learning rate of an iteration, counted from 0."""
        return self.learning_rate * 0.1 ** sum(iteration >= drop for drop in self.drops)

    @property
    def dropout(self) -> float:
        """The dropout ratio in force (Table 1)."""
        if self.dropout_rate is not None:
            return self.dropout_rate
        return LAST_LAYER_DROPOUT_RATE if self.train_last_layer_only else DROPOUT_RATE

    def to_json(self) -> dict[str, Any]:
        """The recipe as a dictionary for `recipe_from_json`."""
        return {"stream": self.stream, **dataclasses.asdict(self)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpatialRecipe(Recipe):
    """A network on single RGB frames (Sect. 2)."""

    stream: ClassVar[str] = "spatial"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TemporalRecipe(Recipe):
    """A network on volumes of stacked optical flow (Sect. 3)."""

    stream: ClassVar[str] = "temporal"

    stack_length: int = cli.knob(STACK_LENGTH, "L, flow fields per volume (Sect. 3.1, eq. 1).")
    stacking: Literal["flow", "trajectory"] = cli.knob(
        "flow",
        "Where each field of a volume is read: flow, at the pixel itself (Sect. 3.1, eq. 1); "
        "trajectory, where the pixel has got to by then (eq. 2).",
    )
    bidirectional: bool = cli.knob(
        False,
        "Stack L/2 forward fields from frame tau and L/2 backward fields before it (Sect. 3.1); "
        "needs a store with --directions=forward,backward.",
    )
    cross_modality: bool = cli.knob(
        False,
        "Start conv1 from that of --init_from, a spatial network: the mean over its colours, for "
        "each flow channel (ours: Wang et al., 2015).",
    )
    mean_subtraction: bool = cli.knob(
        True, "Subtract each field's mean vector (Sect. 3.1, Table 1b)."
    )
    second_normalisation: bool = cli.knob(
        False,
        "Keep the normalisation after conv2, which the paper's temporal network leaves out to save "
        "memory (Sect. 5); spatial networks have it, and converted ones of others may.",
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if self.stack_length < 1:
            raise ValueError(
                f"`stack_length` must be at least 1. Received: stack_length={self.stack_length}."
            )
        if self.stacking not in ("flow", "trajectory"):
            raise ValueError(
                "`stacking` must be flow (eq. 1) or trajectory (eq. 2). "
                f"Received: stacking={self.stacking!r}."
            )
        if self.cross_modality and not self.init_from:
            raise ValueError(
                "--cross_modality starts from a spatial network. Name its run: --init_from."
            )
        if self.bidirectional and self.stack_length % 2:
            raise ValueError(
                "`stack_length` must be even for a bi-directional volume, half of it for each "
                f"direction. Received: stack_length={self.stack_length}. Choose an even "
                "--stack_length, or leave out --bidirectional."
            )

    def check_start(self, source: Recipe) -> None:
        """Checks that the weights of another temporal network compute the same in this one.

        The shapes of the weights do not tell whether there is a second normalisation.

        Args:
            source: The recipe of the network to start from; one of another stream has to adapt.

        Raises:
            ValueError: If only one of the two networks has the normalisation after conv2.
        """
        if not isinstance(source, TemporalRecipe):
            return
        if source.second_normalisation != self.second_normalisation:
            way_out = "Say" if source.second_normalisation else "Leave out"
            raise ValueError(
                "A network normalises after conv2 if the one it starts from does. Received: "
                f"second_normalisation={self.second_normalisation}, and an --init_from with "
                f"{source.second_normalisation}. {way_out} --second_normalisation."
            )


def temporal_extent(num_frames: int) -> int:
    """Frames that conv1 sees at a time so that there are 4 responses with a stride of 2."""
    return num_frames - SLOW_FUSION_STRIDE * (SLOW_FUSION_RESPONSES - 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SlowFusionRecipe(Recipe):
    """A network on stacks of successive RGB frames ([14]; the paper's control in Sect. 6)."""

    stream: ClassVar[str] = "slow_fusion"

    num_frames: int = cli.knob(
        NUM_FRAMES,
        "Successive RGB frames per stack (Sect. 6); conv1 sees all but 6 of them at a time. With "
        "10 it is the network of [14].",
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if self.temporal_extent < SLOW_FUSION_STRIDE:
            least = self.num_frames - self.temporal_extent + SLOW_FUSION_STRIDE
            raise ValueError(
                f"`num_frames` must be at least {least}: conv1 looks at {SLOW_FUSION_RESPONSES} "
                f"windows {SLOW_FUSION_STRIDE} frames apart, none of which may be skipped. "
                f"Received: num_frames={self.num_frames}. The paper has --num_frames={NUM_FRAMES}."
            )

    @property
    def temporal_extent(self) -> int:
        """Frames in each of the windows that conv1 looks at; 5 of 11."""
        return temporal_extent(self.num_frames)


def recipe_from_json(values: dict[str, Any]) -> Recipe:
    """The inverse of `Recipe.to_json`."""
    values = dict(values)
    stream = values.pop("stream")
    kinds = (SpatialRecipe, TemporalRecipe, SlowFusionRecipe)
    recipes = {recipe.stream: recipe for recipe in kinds}
    if stream not in recipes:
        raise ValueError(f"A stream is one of {sorted(recipes)}. Received: {stream!r}.")
    return recipes[stream](**values)
