"""Turns the records of a store into the input of the networks.

`training` and `evaluation` build `tf.data` graphs, which run on the CPU: they choose videos, frames
tau and views, read only the records of the window around each tau (`Windows`) and decode them to
batches of uint8. `prepare` runs on the device that trains: it stacks, crops and mirrors, turns
codes back into pixels per frame, subtracts the mean flow and jitters the colours.

A batch is a dictionary of tensors:

* temporal stream: `codes` `[B, L, 2, H, W]` uint8, and `ranges` `[B, L, 2, 2]` and `means`
  `[B, L, 2]` float32 in pixels per frame;
* spatial stream: `rgb` `[B, H, W, 3]` uint8 and, in training, `jitter` `[B, 3]` float32;
* slow fusion: the same, with T successive frames from tau on as `rgb` `[B, H, W, 3T]`;
* convolutional fusion (`clips`): both, with an axis more for the T snippets of a clip, as in
  `codes` `[B, T, L, 2, H, W]`;
* all streams: `views` `[B, V, n]` int32 (what n numbers say, `views` tells), `size` `[B, 2]`
  int32, the true height and width in pixels, `label` `[B]` int32, or `[B, K]` bool where a video
  may show several of K classes, and `video` `[B]` int32, the position in the list of videos.

The L fields of a window lead forward from tau: first from tau to tau + 1, then from tau + 1 to
tau + 2, and so on. With `bidirectional` the first L/2 fields do, and the last L/2 lead backward:
first from tau to tau - 1, then from tau - 1 to tau - 2, and so on. Either window spans L + 1
frames, and tau is the first of them or the middle one. The channels u1 v1 ... uL vL of a volume are
the L fields in this order.

Frames of a batch that differ in size are padded at the bottom and at the right; views stay inside
the true frame. A video with fewer than L fields has one window, whose tau is its first frame or its
middle one, and repeats the last field in each direction (ours: no clip is left out). A video with
fewer than T frames repeats its last frame.
"""

from tf_twostream.inputs.clips import Clips, find
from tf_twostream.inputs.needs import records_to_test
from tf_twostream.inputs.parts import join
from tf_twostream.inputs.preparation import prepare
from tf_twostream.inputs.spacing import equally_spaced
from tf_twostream.inputs.streams import (
    JITTER,
    VIEWS,
    check_split_of_batch,
    evaluation,
    from_features,
    random_stream,
    several_of_each,
    task_seed,
    training,
    training_in_parts,
)
from tf_twostream.inputs.windows import Element, Windows

__all__ = [
    "JITTER",
    "VIEWS",
    "Clips",
    "Element",
    "Windows",
    "check_split_of_batch",
    "equally_spaced",
    "evaluation",
    "find",
    "from_features",
    "join",
    "prepare",
    "random_stream",
    "records_to_test",
    "several_of_each",
    "task_seed",
    "training",
    "training_in_parts",
]
