"""The checkpoints of a training: what they hold, and when they are worth writing."""

import atexit
import shutil
import tempfile

import keras
import numpy as np
import tensorflow as tf

from tf_twostream import runs
from tf_twostream.training import devices, monitoring

KEPT = 2  # Checkpoints; the older one, in case the newer is damaged.


class Checkpoints:
    """Restores what decides the next iteration, and saves it.

    These are the weights, momentum, the number of iterations, and the state of the dropout masks.
    """

    def __init__(
        self,
        run: runs.Run,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        strategy: tf.distribute.Strategy,
    ):
        """Restores the newest checkpoint of a run, if there is one.

        Args:
            run: The run.
            model: Its network; variables are overwritten.
            optimizer: Its optimizer, built.
            strategy: The devices, and hosts, that train.
        """
        self._run, self._model = run, model
        # In the checkpoint and not in its name, so that weights and count cannot disagree.
        self._iteration = tf.Variable(0, dtype=tf.int64, trainable=False)
        held = tf.train.Checkpoint(model=model, optimizer=optimizer, iteration=self._iteration)
        folder = run.checkpoints
        if not devices.is_first_host(strategy):
            # All hosts must take part in saving, but only the first one's files count.
            folder = tempfile.mkdtemp()
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self._manager = tf.train.CheckpointManager(held, folder, max_to_keep=KEPT)
        newest = runs.newest(run)
        if newest is not None:
            # What a checkpoint has and nobody takes would be a resume that loads half of it.
            held.restore(newest).assert_consumed()

    @property
    def iteration(self) -> int:
        """Iterations that the restored, or last saved, state has behind it."""
        return int(self._iteration)

    def save(self, iteration: int) -> None:
        """Writes a checkpoint after an iteration.

        Raises:
            NotFiniteError: If a weight is NaN or infinite though the last loss was not.
        """
        # The loss says nothing about the update that followed it, and a checkpoint of NaN would
        # replace the last good one.
        for variable in self._model.trainable_variables:
            if not np.isfinite(variable.numpy()).all():
                rule = f"{variable.path} is no longer finite after iteration {iteration}"
                raise monitoring.NotFiniteError(rule, self._run.recipe, iteration)
        self._iteration.assign(iteration)
        self._manager.save(checkpoint_number=iteration)
