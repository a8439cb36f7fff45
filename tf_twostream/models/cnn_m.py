"""CNN-M-2048 of [3], the network of both streams (paper, Fig. 1 and Sect. 5)."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import initializers, layers

from tf_twostream import paper
from tf_twostream.models import layers as own_layers
from tf_twostream.models import slow_fusion

LAST_LAYER = "classes"
MIN_CROP_SIZE = 41  # pixels; of a smaller input nothing is left to pool after conv5


def _scaled(channels: int, width: float) -> int:
    return max(1, round(channels * width))


def _pool(x: keras.KerasTensor, layer: paper.ConvLayer) -> keras.KerasTensor:
    """3x3 max-pooling with stride 2; as in Caffe the output size is rounded up.

    At 224 pixels that shows at pool2 only: 26 -> 13.
    """
    name = layer.name.replace("conv", "pool")
    short = [(size - 3) % 2 for size in x.shape[1:3]]
    if any(short):  # One more row or column of zeros, which no maximum over ReLU outputs notices.
        x = layers.ZeroPadding2D(((0, short[0]), (0, short[1])), name=f"{name}_padding")(x)
    return layers.MaxPooling2D(3, 2, name=name)(x)


def _conv(
    x: keras.KerasTensor, layer: paper.ConvLayer, *, width: float, normalise: bool, seed: int
) -> keras.KerasTensor:
    if layer.padding:  # Explicit: "same" would give 27 instead of 26 pixels after conv2.
        x = layers.ZeroPadding2D(layer.padding, name=f"{layer.name}_padding")(x)
    x = layers.Conv2D(
        _scaled(layer.filters, width),
        layer.kernel,
        layer.stride,
        activation="relu",
        kernel_initializer=initializers.HeNormal(seed),
        name=layer.name,
    )(x)
    if normalise:
        x = own_layers.LocalResponseNormalization(name=layer.name.replace("conv", "norm"))(x)
    return _pool(x, layer) if layer.pool else x


def body(
    x: keras.KerasTensor,
    *,
    without_normalisation: str = "",
    dropout_rate: float = paper.DROPOUT_RATE,
    width: float = 1.0,
    seed: int = 0,
    joints: Mapping[str, Callable[[keras.KerasTensor], keras.KerasTensor]] | None = None,
) -> keras.KerasTensor:
    """Adds conv1 to full7 to a functional graph.

    Weights start from He's normal distribution (ours: the paper is silent, and the fixed deviation
    of 0.01 in [3] fades out where `width` makes layers narrow), with what dropout does to the
    second moment counted in: else losses jump in the first hundred iterations.

    Args:
        x: `[B, H, W, C]` input; 224 x 224 in the paper.
        without_normalisation: Name of the convolution that goes without local response
            normalisation though the table gives it one.
        dropout_rate: Share of the outputs of full6 and full7 set to zero in training.
        width: Factor on the number of channels of every layer.
        seed: Seed of weights and dropout.
        joints: By the name of a convolution, what is done to its input first.

    Returns:
        `[B, 2048 * width]` features, after full7's ReLU and dropout.

    Raises:
        ValueError: If the input is too small to be pooled three times.
    """
    side = min(x.shape[1:3])
    if side < MIN_CROP_SIZE:
        raise ValueError(
            f"CNN-M needs an input of at least {MIN_CROP_SIZE} pixels a side. Received: {side}."
        )
    for number, layer in enumerate(paper.CONV_LAYERS):
        normalise = layer.normalise and layer.name != without_normalisation
        if joints and layer.name in joints:
            x = joints[layer.name](x)
        x = _conv(x, layer, width=width, normalise=normalise, seed=seed * 100 + number)
    x = layers.Flatten(name="flatten")(x)
    for number, (name, units) in enumerate(paper.FULL_LAYERS):
        # Dropout before full7 multiplies the second moment of its input by 1 / (1 - rate).
        scale = 2.0 * (1 - dropout_rate) if number else 2.0
        x = layers.Dense(
            _scaled(units, width),
            activation="relu",
            kernel_initializer=initializers.VarianceScaling(scale, seed=seed * 100 + 10 + number),
            name=name,
        )(x)
        x = own_layers.Dropout(
            dropout_rate, seed=seed * 100 + 20 + number, name=name.replace("full", "dropout")
        )(x)
    return x


def head(
    x: keras.KerasTensor, num_classes: int, *, name: str = LAST_LAYER, seed: int = 0
) -> keras.KerasTensor:
    """Adds the classification layer: `[B, C]` features to `[B, K]` float32 logits."""
    if num_classes < 2:
        raise ValueError(f"A classifier needs two classes. Received: num_classes={num_classes}.")
    return layers.Dense(
        num_classes,
        kernel_initializer=initializers.RandomNormal(stddev=0.01, seed=seed * 100 + 30),
        dtype="float32",
        name=name,
    )(x)


def spatial(
    *,
    num_classes: int,
    crop_size: int = paper.CROP_SIZE,
    dropout_rate: float = paper.DROPOUT_RATE,
    width: float = 1.0,
    seed: int = 0,
) -> keras.Model:
    """Builds the spatial network (paper, Sect. 2 and 5).

    Args:
        num_classes: K.
        crop_size: Side of the input in pixels.
        dropout_rate: Dropout ratio of full6 and full7 (Table 1a).
        width: Factor on the number of channels; 1 is the paper's network.
        seed: Seed of weights and dropout.

    Returns:
        A model from `[B, crop_size, crop_size, 3]` RGB in [0, 255] to `[B, K]` logits. The mean
        colour is subtracted inside.

    Raises:
        ValueError: If there are fewer than two classes or the crop is too small.
    """
    inputs = keras.Input((crop_size, crop_size, 3), name="rgb")
    x = body(_subtract_mean(inputs), dropout_rate=dropout_rate, width=width, seed=seed)
    return keras.Model(inputs, head(x, num_classes, seed=seed), name="spatial")


def _subtract_mean(frames: keras.KerasTensor) -> keras.KerasTensor:
    """Maps `[B, H, W, 3T]` RGB in [0, 255] to zero mean colour and unit variance."""
    offset = [-mean / paper.RGB_STDDEV for mean in paper.RGB_MEAN] * (frames.shape[-1] // 3)
    scale = 1 / paper.RGB_STDDEV
    return layers.Rescaling(scale, offset, name="subtract_mean", dtype="float32")(frames)


def frame_stack(
    *,
    num_classes: int,
    num_frames: int = paper.NUM_FRAMES,
    crop_size: int = paper.CROP_SIZE,
    dropout_rate: float = paper.DROPOUT_RATE,
    width: float = 1.0,
    seed: int = 0,
) -> keras.Model:
    """Builds the network on stacks of RGB frames (paper, Sect. 6; see `slow_fusion`).

    Args:
        num_classes: K.
        num_frames: T, successive frames per stack.
        crop_size: Side of the input in pixels.
        dropout_rate: Dropout ratio of full6 and full7.
        width: Factor on the number of channels; 1 is the width of the other streams.
        seed: Seed of weights and dropout.

    Returns:
        A model from `[B, crop_size, crop_size, 3T]` RGB in [0, 255], first frame first, to `[B, K]`
        logits. The mean colour is subtracted inside.

    Raises:
        ValueError: If there are fewer than two classes or the crop is too small.
    """
    inputs = keras.Input((crop_size, crop_size, 3 * num_frames), name="rgb")
    x = body(
        _subtract_mean(inputs),
        dropout_rate=dropout_rate,
        width=width,
        seed=seed,
        joints=slow_fusion.joints(num_frames),
    )
    return keras.Model(inputs, head(x, num_classes, seed=seed), name="slow_fusion")


def temporal(
    *,
    num_classes: int,
    stack_length: int = paper.STACK_LENGTH,
    second_normalisation: bool = False,
    crop_size: int = paper.CROP_SIZE,
    dropout_rate: float = paper.DROPOUT_RATE,
    width: float = 1.0,
    seed: int = 0,
) -> keras.Model:
    """Builds the temporal network (paper, Sect. 3 and 5): no normalisation after conv2.

    Args:
        num_classes: K.
        stack_length: L, flow fields per volume.
        second_normalisation: Whether to normalise after conv2 all the same.
        crop_size: Side of the input in pixels.
        dropout_rate: Dropout ratio of full6 and full7 (Table 1b).
        width: Factor on the number of channels; 1 is the paper's network.
        seed: Seed of weights and dropout.

    Returns:
        A model from `[B, crop_size, crop_size, 2L]` volumes in pixels per frame, channels
        u1 v1 ... uL vL, to `[B, K]` logits.

    Raises:
        ValueError: If there are fewer than two classes or the crop is too small.
    """
    inputs = keras.Input((crop_size, crop_size, 2 * stack_length), name="volume")
    without = "" if second_normalisation else paper.TEMPORAL_WITHOUT_NORMALISATION
    x = body(
        inputs,
        without_normalisation=without,
        dropout_rate=dropout_rate,
        width=width,
        seed=seed,
    )
    return keras.Model(inputs, head(x, num_classes, seed=seed), name="temporal")


def build(recipe: paper.Recipe, num_classes: int) -> keras.Model:
    """Builds the network of a recipe, in the recipe's precision."""
    size: dict[str, Any] = {
        "crop_size": recipe.crop_size,
        "dropout_rate": recipe.dropout,
        "width": recipe.width,
        "seed": recipe.seed,
    }
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if recipe.precision == "bfloat16" else "float32")
    try:
        if isinstance(recipe, paper.TemporalRecipe):
            return temporal(
                num_classes=num_classes,
                stack_length=recipe.stack_length,
                second_normalisation=recipe.second_normalisation,
                **size,
            )
        if isinstance(recipe, paper.SlowFusionRecipe):
            return frame_stack(num_classes=num_classes, num_frames=recipe.num_frames, **size)
        return spatial(num_classes=num_classes, **size)
    finally:
        keras.config.set_dtype_policy(before)
