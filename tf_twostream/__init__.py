"""Two-stream convolutional networks for action recognition in videos (Simonyan & Zisserman, 2014).

This file imports nothing before `load` is asked for: TensorFlow costs seconds and half a gigabyte,
and the processes that decode videos and compute OpenCV flow must not pay for it.
"""

import typing

if typing.TYPE_CHECKING:
    from tf_twostream.evaluation.two_stream import load as load

__version__ = "0.1.0"


def __getattr__(name: str) -> typing.Any:
    """Imports `load` when it is asked for."""
    if name != "load":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tf_twostream.processes import quiet_import

    quiet_import.install()
    from tf_twostream.evaluation import two_stream

    return two_stream.load
