"""From video files to a store: decoding, optical flow, 8-bit codes, and checks afterwards.

Importing this package imports no TensorFlow: the worker processes that decode must not pay for it.
"""
