"""Input graphs end at once."""

import tensorflow as tf

from tf_twostream.inputs import parallel


def test_no_thread_of_tensorflow_tunes_the_graph():
    # Its sleep of up to a minute delayed the end of every training.
    dataset = parallel.ahead(tf.data.Dataset.range(6).batch(2))
    assert not dataset.options().autotune.enabled
    assert [batch.numpy().tolist() for batch in dataset] == [[0, 1], [2, 3], [4, 5]]
