"""The networks: Keras functional models.

`networks` joins the input, a body (`cnn_m`, `vgg16`, `efficientnet_lite`; `architecture` says what
they have in common) and the classification layers; `conv_fusion` joins two such networks.
"""

from tf_twostream.models.architecture import Architecture, Chain, without_drawing
from tf_twostream.models.architectures import ARCHITECTURES, architecture_of
from tf_twostream.models.networks import LAST_LAYER, as_dense, build, head_name, of_task

__all__ = [
    "ARCHITECTURES",
    "LAST_LAYER",
    "Architecture",
    "Chain",
    "architecture_of",
    "as_dense",
    "build",
    "head_name",
    "of_task",
    "without_drawing",
]
