"""The devices of a host share the windows that are tested."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tf_twostream import inputs

Scorer = Callable[[inputs.Element], tf.Tensor]


def share(scorer: Scorer, strategy: tf.distribute.Strategy) -> Scorer:
    """Lets each device score its share of a batch.

    Args:
        scorer: From a batch to `[B, ...]`, each sample by itself; its network was built in the
            scope of the strategy.
        strategy: The R devices.

    Returns:
        A function that gives what `scorer` gives, for batches of any size.
    """
    count = strategy.num_replicas_in_sync
    if count == 1:
        return scorer

    def shared(batch: inputs.Element) -> tf.Tensor:
        size = batch["video"].shape[0]
        each = -(-size // count)

        def of_replica(context: Any) -> inputs.Element:
            # The last samples of a batch are repeated: shares of one size are traced once.
            first = each * context.replica_id_in_sync_group
            numbers = tf.minimum(tf.range(first, first + each), size - 1)
            return {name: tf.gather(values, numbers) for name, values in batch.items()}

        shares = strategy.experimental_distribute_values_from_function(of_replica)
        found = strategy.experimental_local_results(strategy.run(scorer, (shares,)))
        return tf.concat(found, axis=0)[:size]

    return shared
