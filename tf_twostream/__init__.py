"""Two-stream convolutional networks for action recognition in videos (Simonyan & Zisserman, 2014).

This file imports nothing: TensorFlow costs seconds and half a gigabyte, and the processes
that decode videos and compute OpenCV flow must not pay for it.
"""

__version__ = "0.1.0"
