"""VGG-16: K. Simonyan, A. Zisserman, "Very deep convolutional networks ...", 2015, configuration D.

The paper's authors published it a year after; it is the network of Wang et al. (2015,
arXiv:1507.02159) and of Feichtenhofer et al. (2016). All convolutions see the whole input: they pad
it with zeros.
"""

import keras

from tf_twostream import paper
from tf_twostream.models import chain
from tf_twostream.models.architecture import Architecture, Chain
from tf_twostream.paper import recipes

_BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))  # Convolutions and their channels.
CHAIN = Chain(
    tuple(
        paper.ConvLayer(f"conv{block}_{n}", filters, kernel=3, stride=1, padding=1, pool=n == count)
        for block, (count, filters) in enumerate(_BLOCKS, 1)
        for n in range(1, count + 1)
    ),
    pool_size=2,
    pool_stride=2,
    full=(("full6", 4096), ("full7", 4096)),
)


def body(x: keras.KerasTensor, recipe: recipes.TowerRecipe) -> keras.KerasTensor:
    """Adds conv1_1 to full7 to a functional graph.

    Args:
        x: `[B, H, W, C]` input; 224 x 224 in the paper.
        recipe: The recipe of the network.

    Returns:
        `[B, 4096 * width]` features, after the ReLU and the dropout of full7.
    """
    return chain.body(x, recipe, CHAIN)


ARCHITECTURE = Architecture(
    name="VGG-16",
    body=body,
    min_crop_size=32,  # Five times halved.
    mean=paper.RGB_MEAN,
    deviation=paper.RGB_STDDEV,
    first="conv1_1",
    stages=tuple(f"conv{block}_{count}" for block, (count, _) in enumerate(_BLOCKS, 1)),
    explained="conv4_3",
    features="full7",
    flow_bound=paper.FLOW_BOUND,
    chain=CHAIN,
)
