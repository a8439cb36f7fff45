"""How input graphs use the cores: how many elements at a time, and how many batches ahead."""

import tensorflow as tf

from tf_twostream.processes import workers

# Elements that are read and decoded at a time. With one per core, cores were idle while others
# batched (5 to 10 % of the stacks per second).
CALLS = 4 * workers.count_cores()
_BATCHES_AHEAD = 2  # Not as many as memory allows: 256 volumes of UCF-101 are 450 MB.


def ahead(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Ends an input graph: batches are made while the device works on others.

    TensorFlow's own tuning of the graph is switched off. It found no more than `CALLS`, and its
    thread sleeps for up to a minute between two looks: so long each training and each test had to
    wait at its end.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.prefetch(_BATCHES_AHEAD).with_options(options)
