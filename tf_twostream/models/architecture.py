"""What the rest of the project knows of the body of a network, whichever it is.

The file of each body (`cnn_m`, `vgg16`, `efficientnet_lite`) says it of its own.
"""

import contextlib
import contextvars
import dataclasses
from collections.abc import Callable, Iterator, Sequence

import keras

from tf_twostream import paper
from tf_twostream.paper import recipes

# The numbers of layers in `layer_seed`.
FULL, DROPOUT, LAST = 10, 20, 30


@dataclasses.dataclass(frozen=True)
class Chain:
    """The layers of a network whose layers follow one another (`chain`).

    Attributes:
        convolutions: The convolutional layers, in their order.
        pool_size: Of max-pooling, in pixels.
        pool_stride: Likewise.
        full: Names and widths of the fully connected layers.
    """

    convolutions: Sequence[paper.ConvLayer]
    pool_size: int
    pool_stride: int
    full: Sequence[tuple[str, int]]


@dataclasses.dataclass(frozen=True)
class Architecture:
    """The body of a network: from the input to the features that a classification layer takes.

    Attributes:
        name: For people.
        body: Adds the body to a functional graph: from `[B, H, W, C]`, any number of channels, and
            the recipe to `[B, F]` features, after their dropout.
        min_crop_size: The smallest side of the input in pixels.
        mean: What is subtracted from RGB in [0, 255] before the first layer.
        deviation: What is then divided by.
        first: The name of the first convolution, whose kernel is `[H, W, C, C_out]`.
        stages: The names of the layers whose outputs `[B, H, W, C]` other networks may join, from
            the input to the features. The grid becomes smaller from one to the next, or nearly so.
        explained: The stage whose activations show where a class was seen (`activation_maps`): the
            last one, or nearly so, whose grid is still fine.
        features: The name of the last layer before the dropout and the classes, `[B, F]`.
        flow_bound: Pixels per frame that count as half of the grey levels where the first layer
            for flow is made of that for colours (`cross_modality`).
        chain: The layer table, if its layers follow one another.
        normalises_batches: Whether there is batch normalisation.
    """

    name: str
    body: Callable[[keras.KerasTensor, recipes.TowerRecipe], keras.KerasTensor]
    min_crop_size: int
    mean: tuple[float, float, float]
    deviation: float
    first: str
    stages: tuple[str, ...]
    explained: str
    features: str
    flow_bound: float
    chain: Chain | None = None
    normalises_batches: bool = False


def layer_seed(seed: int, number: int) -> int:
    """Returns the seed of a layer, from the seed of the network and the layer's number.

    Without seeds of their own, two layers of one shape would start from the same weights.

    Args:
        seed: The seed of the network.
        number: The number of the layer, below 100.
    """
    return seed * 100 + number


_drawn: contextvars.ContextVar[bool] = contextvars.ContextVar("drawn", default=True)


@contextlib.contextmanager
def without_drawing() -> Iterator[None]:
    """Lets kernels start from zeros: for networks whose weights are known and follow at once.

    To draw the 90 million weights of CNN-M-2048 takes more than two seconds.
    """
    before = _drawn.set(False)
    try:
        yield
    finally:
        _drawn.reset(before)


def start_from(initializer: keras.Initializer) -> keras.Initializer:
    """Returns how the weights of a layer start: as given, or not drawn at all."""
    return initializer if _drawn.get() else keras.initializers.Zeros()


def scaled(channels: int, width: float) -> int:
    """Returns how many channels a layer has in a network of another width; at least one."""
    return max(1, round(channels * width))
