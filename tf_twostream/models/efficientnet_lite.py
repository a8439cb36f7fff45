"""EfficientNet-Lite: M. Tan, Q. V. Le, "EfficientNet", ICML 2019, in its form for small devices.

"Lite" goes without squeeze-and-excitation, has ReLU6 for the swish, and does not scale stem and
head (github.com/tensorflow/tpu, models/official/efficientnet/lite). All convolutions see the whole
input. Its ImageNet weights come with Python packages (`foreign_weights.pretrained`).
"""

import dataclasses
import functools
import math
from typing import Any

import keras
from keras import initializers, layers

from tf_twostream.models import layers as own_layers
from tf_twostream.models.architecture import DROPOUT, Architecture, layer_seed, start_from
from tf_twostream.paper import recipes

_STEM, _HEAD = 32, 1280  # Channels.
_DIVISOR = 8  # Of all numbers of channels.
_EPSILON = 1e-3  # Of batch normalisation.
# Of the moving statistics. The original's 0.99 needs trainings of thousands of iterations.
_MOMENTUM = 0.9


@dataclasses.dataclass(frozen=True)
class Stage:
    """Blocks of one kind; the first one has the stride."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
# Factors on channels and on repeats.
VARIANTS = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}


def _channels(count: float) -> int:
    """Rounds to a multiple of 8, but never below nine tenths."""
    rounded = max(_DIVISOR, int(count + _DIVISOR / 2) // _DIVISOR * _DIVISOR)
    return rounded + _DIVISOR if rounded < 0.9 * count else rounded


class _Builder:
    """Adds convolutions, each with its batch normalisation; counts them for their seeds."""

    def __init__(self, recipe: recipes.TowerRecipe):
        self._recipe = recipe
        self._count = 0

    def convolve(
        self,
        x: keras.KerasTensor,
        name: str,
        channels: int = 0,
        *,
        kernel: int = 1,
        stride: int = 1,
        activate: bool = True,
    ) -> keras.KerasTensor:
        """Adds a convolution, one per channel if no number of channels is given."""
        # Far above the numbers of other layers: there are more than a hundred in the larger ones.
        seed = layer_seed(self._recipe.seed, 0) + 1_000_003 * (self._count + 1)
        settings: dict[str, Any] = {"padding": "same", "use_bias": False, "name": name}
        if channels:
            start = initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal", seed)
            settings |= {"kernel_initializer": start_from(start)}
            x = layers.Conv2D(channels, kernel, stride, **settings)(x)
        else:
            # Of one channel each: "fan_out" would count those of the others, too.
            start = initializers.RandomNormal(stddev=math.sqrt(2.0) / kernel, seed=seed)
            settings |= {"depthwise_initializer": start_from(start)}
            x = layers.DepthwiseConv2D(kernel, stride, **settings)(x)
        learns = self._recipe.learns_statistics(first=not self._count)
        kind = layers.BatchNormalization if learns else own_layers.FrozenStatistics
        name = name.replace("conv", "norm")
        norm = kind(momentum=_MOMENTUM, epsilon=_EPSILON, name=name)
        x = norm(x)
        self._count += 1
        return layers.ReLU(6.0, name=name.replace("norm", "relu"))(x) if activate else x


def body(
    x: keras.KerasTensor, recipe: recipes.TowerRecipe, *, variant: str = "lite0"
) -> keras.KerasTensor:
    """Adds the stem, all blocks and the head to a functional graph.

    Args:
        x: `[B, H, W, C]` input; 224 x 224 of "lite0" in the paper.
        recipe: The recipe of the network: width, dropout, seed, and which batch normalisations
            learn their statistics.
        variant: A name in `VARIANTS`.

    Returns:
        `[B, 1280 * width]` features, after global average pooling and dropout.
    """
    builder, width = _Builder(recipe), recipe.width
    factor = VARIANTS[variant][0] * width
    x = builder.convolve(x, "conv_stem", _channels(_STEM * width), kernel=3, stride=2)
    for stage, names in zip(STAGES, _stages(variant)):
        for name in names:
            x = _block(x, builder, stage, name, name == names[0], factor)
    x = builder.convolve(x, "conv_head", _channels(_HEAD * width))
    x = layers.GlobalAveragePooling2D(name="features")(x)
    return own_layers.Dropout(
        recipe.dropout, seed=layer_seed(recipe.seed, DROPOUT), name="dropout"
    )(x)


def block_names(variant: str) -> list[str]:
    """Returns the names of all blocks, in their order."""
    return [name for names in _stages(variant) for name in names]


def _stages(variant: str) -> list[list[str]]:
    """Names the blocks of each stage: stage1_1, stage2_1, stage2_2 ..."""
    deep, last = VARIANTS[variant][1], len(STAGES)
    stages = []
    for number, stage in enumerate(STAGES, 1):
        # The first stage and the last one are not repeated more often.
        repeats = stage.repeats if number in (1, last) else math.ceil(stage.repeats * deep)
        stages.append([f"stage{number}_{n}" for n in range(1, repeats + 1)])
    return stages


def _block(
    x: keras.KerasTensor, builder: _Builder, stage: Stage, name: str, is_first: bool, factor: float
) -> keras.KerasTensor:
    """Adds an inverted bottleneck: expand, convolve each channel, project."""
    before, stride = x, stage.stride if is_first else 1
    if stage.expansion > 1:
        x = builder.convolve(x, f"{name}_conv_expand", stage.expansion * x.shape[-1])
    x = builder.convolve(x, f"{name}_conv_depth", kernel=stage.kernel, stride=stride)
    channels = _channels(stage.channels * factor)
    x = builder.convolve(x, f"{name}_conv_project", channels, activate=False)
    if stride == 1 and before.shape[-1] == channels:
        x = layers.Add(name=f"{name}_add")([before, x])
    return x


def _architecture(variant: str) -> Architecture:
    # The last block of a stage ends in a sum where it was repeated, else in its projection.
    stages = [
        f"{names[-1]}_{'add' if len(names) > 1 else 'norm_project'}" for names in _stages(variant)
    ]
    return Architecture(
        name=f"EfficientNet-{variant.capitalize()}",
        body=functools.partial(body, variant=variant),
        min_crop_size=32,  # Five times halved.
        mean=(127.0, 127.0, 127.0),
        deviation=128.0,
        first="conv_stem",
        stages=("relu_stem", *stages, "relu_head"),
        explained=stages[4],  # The last one of a sixteenth of the input's side.
        features="features",
        # A pixel of motion then counts as 0.2, which brings real flow, of a deviation of one pixel,
        # to what the first batch normalisation knows of colours.
        flow_bound=5.0,
        normalises_batches=True,
    )


ARCHITECTURES = {f"efficientnet_{variant}": _architecture(variant) for variant in VARIANTS}
