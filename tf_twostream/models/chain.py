"""Networks whose layers follow one another: convolutions, then fully connected layers."""

import keras
from keras import initializers, layers

from tf_twostream import paper
from tf_twostream.models import layers as own_layers
from tf_twostream.models import slow_fusion
from tf_twostream.models.architecture import (
    DROPOUT,
    FULL,
    Chain,
    layer_seed,
    scaled,
    start_from,
)
from tf_twostream.paper import recipes


def body(x: keras.KerasTensor, recipe: recipes.TowerRecipe, chain: Chain) -> keras.KerasTensor:
    """Adds the layers of a chain to a functional graph.

    Weights start from He's normal distribution (ours: the paper is silent, and under the fixed
    deviation of 0.01 in [3] signals fade out where `width` makes layers narrow).

    Args:
        x: `[B, H, W, C]` input: crops, or whole frames.
        recipe: The recipe of the network: width, dropout and seed, where it departs from the layer
            table, and whether its first layers see time (`slow_fusion`).
        chain: The layer table.

    Returns:
        `[B, F]` features, after the ReLU and the dropout of the last fully connected layer.
    """
    joints = slow_fusion.joints(recipe.temporal_extent) if recipe.temporal_extent else {}
    # Numbers from 0; from FULL on they are those of other kinds of layers, hence the 40.
    numbers = [n if n < FULL else 40 + n for n in range(len(chain.convolutions))]
    for number, layer in zip(numbers, chain.convolutions):
        if layer.name in joints:
            x = joints[layer.name](x)
        x = _conv(x, layer, recipe, layer_seed(recipe.seed, number))
        if layer.pool:
            x = _pool(x, layer, chain)
    # A whole frame leaves a larger grid than a crop: full6 then looks at each part of the grid that
    # is as large as that of a crop, and the features are means over all places.
    grid = _grid(recipe.crop_size, chain)
    is_dense = x.shape[1:3] != (grid, grid)
    x = (own_layers.Patches(grid) if is_dense else layers.Flatten(name="flatten"))(x)
    for number, (name, units) in enumerate(chain.full):
        # Dropout before the second layer multiplies the second moment of its input by
        # 1 / (1 - rate). Weights that do not make up for it let the loss jump in the first hundred
        # iterations.
        scale = 2.0 * (1 - recipe.dropout) if number else 2.0
        seed = layer_seed(recipe.seed, FULL + number)
        start = start_from(initializers.VarianceScaling(scale, seed=seed))
        width = scaled(units, recipe.width)
        x = layers.Dense(width, activation="relu", kernel_initializer=start, name=name)(x)
        seed = layer_seed(recipe.seed, DROPOUT + number)
        name = name.replace("full", "dropout")
        x = own_layers.Dropout(recipe.dropout, seed=seed, name=name)(x)
    return layers.GlobalAveragePooling2D(name="mean")(x) if is_dense else x


def _grid(side: int, chain: Chain) -> int:
    """Returns the side of the grid that is left of an input after the last convolution."""
    for layer in chain.convolutions:
        side = (side + 2 * layer.padding - layer.kernel) // layer.stride + 1
        if layer.pool:
            side = -((chain.pool_size - side) // chain.pool_stride) + 1
    return side


def _conv(
    x: keras.KerasTensor, layer: paper.ConvLayer, recipe: recipes.TowerRecipe, seed: int
) -> keras.KerasTensor:
    if layer.padding:  # Not by "same", which gives 27 instead of 26 pixels after CNN-M's conv2.
        x = layers.ZeroPadding2D(layer.padding, name=f"{layer.name}_padding")(x)
    x = layers.Conv2D(
        scaled(layer.filters, recipe.width),
        layer.kernel,
        layer.stride,
        activation="relu",
        kernel_initializer=start_from(initializers.HeNormal(seed)),
        name=layer.name,
    )(x)
    if layer.normalise and layer.name != recipe.without_normalisation:
        x = own_layers.LocalResponseNormalization(name=layer.name.replace("conv", "norm"))(x)
    return x


def _pool(x: keras.KerasTensor, layer: paper.ConvLayer, chain: Chain) -> keras.KerasTensor:
    """Adds max-pooling, whose output size is rounded up, as in Caffe."""
    name = layer.name.replace("conv", "pool")
    short = [-(side - chain.pool_size) % chain.pool_stride for side in x.shape[1:3]]
    # At 224 pixels rounding shows at CNN-M's pool2 only, where 26 pixels give 13; without it full6
    # would have 12,800 inputs instead of 18,432. A row or column of zeros more does not change a
    # maximum over outputs of ReLU.
    if any(short):
        x = layers.ZeroPadding2D(((0, short[0]), (0, short[1])), name=f"{name}_padding")(x)
    return layers.MaxPooling2D(chain.pool_size, chain.pool_stride, name=name)(x)
