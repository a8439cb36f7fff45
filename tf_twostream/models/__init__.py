"""The networks: Keras functional models, built from the layer table in `paper`.

`networks` joins the input, the body (`cnn_m`) and the classification layers.
"""

from tf_twostream.models.networks import LAST_LAYER, build, head_name, of_task

__all__ = ["LAST_LAYER", "build", "head_name", "of_task"]
