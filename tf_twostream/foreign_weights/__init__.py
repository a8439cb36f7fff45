"""Turns networks of other programs into run folders of this project, and reads published weights.

`matconvnet` and `caffe` read a file as a `network.ForeignNetwork`, `fitting` puts its weights into
our network, and `conversion` writes the run folder. `knobs` imports no TensorFlow.
"""

from tf_twostream.foreign_weights.errors import (
    DescriptionError,
    ForeignFileError,
    OtherFormError,
    OtherNetworkError,
)

__all__ = ["DescriptionError", "ForeignFileError", "OtherFormError", "OtherNetworkError"]
