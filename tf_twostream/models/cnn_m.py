"""CNN-M-2048 of [3], the body of the networks of both streams (paper, Fig. 1 and Sect. 5).

Of 224 pixels conv1 and pool1 leave out the last few: no padding completes their last step.
"""

import keras

from tf_twostream import paper
from tf_twostream.models import chain
from tf_twostream.models.architecture import Architecture, Chain
from tf_twostream.paper import recipes

CHAIN = Chain(paper.CONV_LAYERS, paper.POOL_SIZE, paper.POOL_STRIDE, paper.FULL_LAYERS)


def body(x: keras.KerasTensor, recipe: recipes.TowerRecipe) -> keras.KerasTensor:
    """Adds conv1 to full7 to a functional graph.

    Args:
        x: `[B, H, W, C]` input; 224 x 224 in the paper.
        recipe: The recipe of the network.

    Returns:
        `[B, 2048 * width]` features, after the ReLU and the dropout of full7.
    """
    return chain.body(x, recipe, CHAIN)


ARCHITECTURE = Architecture(
    name="CNN-M-2048",
    body=body,
    min_crop_size=41,  # A smaller input leaves nothing to pool after conv5.
    mean=paper.RGB_MEAN,
    deviation=paper.RGB_STDDEV,
    first="conv1",
    stages=("conv1", "conv2", "conv3", "conv4", "conv5"),
    explained="conv3",
    features="full7",
    flow_bound=paper.FLOW_BOUND,
    chain=CHAIN,
)
