"""CNN-M-2048 of [3], the body of the networks of both streams (paper, Fig. 1 and Sect. 5)."""

import keras
from keras import initializers, layers

from tf_twostream import paper
from tf_twostream.models import layers as own_layers
from tf_twostream.models import slow_fusion
from tf_twostream.paper import recipes

MIN_CROP_SIZE = 41  # Pixels; a smaller input leaves nothing to pool after conv5.

# The numbers of layers in `layer_seed`; convolutions have 0 to 4.
_FULL, _DROPOUT, LAST = 10, 20, 30


def layer_seed(seed: int, number: int) -> int:
    """Returns the seed of a layer, from the seed of the network and the layer's number.

    Without seeds of their own, two layers of one shape would start from the same weights.

    Args:
        seed: The seed of the network.
        number: The number of the layer, below 100.
    """
    return seed * 100 + number


def _scaled(channels: int, width: float) -> int:
    return max(1, round(channels * width))  # Else the smallest widths leave conv1 no channel.


def _pool(x: keras.KerasTensor, layer: paper.ConvLayer) -> keras.KerasTensor:
    """Adds 3x3 max-pooling with stride 2, whose output size is rounded up, as in Caffe."""
    name = layer.name.replace("conv", "pool")
    short = [(size - paper.POOL_SIZE) % paper.POOL_STRIDE for size in x.shape[1:3]]
    # At 224 pixels rounding shows at pool2 only, where 26 pixels give 13; without it full6 would
    # have 12,800 inputs instead of 18,432. A row or column of zeros more does not change a maximum
    # over outputs of ReLU.
    if any(short):
        x = layers.ZeroPadding2D(((0, short[0]), (0, short[1])), name=f"{name}_padding")(x)
    return layers.MaxPooling2D(paper.POOL_SIZE, paper.POOL_STRIDE, name=name)(x)


def _conv(
    x: keras.KerasTensor, layer: paper.ConvLayer, recipe: recipes.Recipe, seed: int
) -> keras.KerasTensor:
    if layer.padding:  # Not by "same", which gives 27 instead of 26 pixels after conv2.
        x = layers.ZeroPadding2D(layer.padding, name=f"{layer.name}_padding")(x)
    x = layers.Conv2D(
        _scaled(layer.filters, recipe.width),
        layer.kernel,
        layer.stride,
        activation="relu",
        kernel_initializer=initializers.HeNormal(seed),
        name=layer.name,
    )(x)
    if layer.normalise and layer.name != recipe.without_normalisation:
        x = own_layers.LocalResponseNormalization(name=layer.name.replace("conv", "norm"))(x)
    return _pool(x, layer) if layer.pool else x


def body(x: keras.KerasTensor, recipe: recipes.Recipe) -> keras.KerasTensor:
    """Adds conv1 to full7 to a functional graph.

    Weights start from He's normal distribution (ours: the paper is silent, and under the fixed
    deviation of 0.01 in [3] signals fade out where `width` makes layers narrow).

    Args:
        x: `[B, H, W, C]` input; 224 x 224 in the paper.
        recipe: The recipe of the network: width, dropout and seed, where it departs from the layer
            table, and whether its first layers see time (`slow_fusion`).

    Returns:
        `[B, 2048 * width]` features, after the ReLU and the dropout of full7.

    Raises:
        ValueError: If the input is too small to be pooled three times.
    """
    side = min(x.shape[1:3])
    if side < MIN_CROP_SIZE:
        raise ValueError(
            f"Inputs must have at least {MIN_CROP_SIZE} pixels a side. Received: {side}."
        )
    joints = slow_fusion.joints(recipe.temporal_extent) if recipe.temporal_extent else {}
    for number, layer in enumerate(paper.CONV_LAYERS):
        if layer.name in joints:
            x = joints[layer.name](x)
        x = _conv(x, layer, recipe, layer_seed(recipe.seed, number))
    x = layers.Flatten(name="flatten")(x)
    for number, (name, units) in enumerate(paper.FULL_LAYERS):
        # Dropout before full7 multiplies the second moment of its input by 1 / (1 - rate). Weights
        # that do not make up for it let the loss jump in the first hundred iterations.
        scale = 2.0 * (1 - recipe.dropout) if number else 2.0
        seed = layer_seed(recipe.seed, _FULL + number)
        x = layers.Dense(
            _scaled(units, recipe.width),
            activation="relu",
            kernel_initializer=initializers.VarianceScaling(scale, seed=seed),
            name=name,
        )(x)
        seed = layer_seed(recipe.seed, _DROPOUT + number)
        name = name.replace("full", "dropout")
        x = own_layers.Dropout(recipe.dropout, seed=seed, name=name)(x)
    return x
