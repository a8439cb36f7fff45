"""The checkpoints of a training: what they hold, and when they are worth writing."""

import atexit
import dataclasses
import os
import pathlib
import shutil
import tempfile

import keras
import numpy as np
import tensorflow as tf

from tf_twostream import runs
from tf_twostream.processes import files
from tf_twostream.runs import checkpoint_files
from tf_twostream.training import devices, monitoring

KEPT = 2  # Checkpoints; the older one, in case the newer is damaged.


class Checkpoints:
    """Restores what decides the next iteration, and saves it.

    These are the weights, momentum, the number of iterations, and the state of the dropout masks.

    Attributes:
        iteration: A variable, the iterations of the last checkpoint.
    """

    def __init__(
        self,
        run: runs.Run,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        strategy: tf.distribute.Strategy,
    ):
        """Names what a checkpoint holds; nothing is read yet.

        Args:
            run: The run.
            model: Its network.
            optimizer: Its optimizer, built.
            strategy: The devices, and hosts, that train.
        """
        self._run, self._model = run, model
        # In the checkpoint, not only in its name, so that weights and count cannot disagree.
        self.iteration = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._held = tf.train.Checkpoint(model=model, optimizer=optimizer, iteration=self.iteration)
        folder = run.checkpoints
        self._writes = devices.is_first_host(strategy)
        if not self._writes:
            # All hosts must take part in saving, but only the first one's files count.
            folder = tempfile.mkdtemp()
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self._folder, self._last = folder, ""

    def restore(self) -> int:
        """Restores the newest checkpoint of the run, if there is one.

        Returns:
            The number of iterations that are done; 0 without a checkpoint.
        """

        def restore(path: str) -> None:
            # Fails if a value in the checkpoint finds no variable: the training would go on from a
            # state of which only a part was restored.
            self._held.restore(path).assert_consumed()

        checkpoint_files.restore_newest(self._run.checkpoints, restore)
        if self._writes:
            known = checkpoint_files.find(self._folder)
            checkpoint_files.remove_all_but(self._folder, {*known})
        return int(self.iteration)

    def save(self, iteration: int) -> None:
        """Writes a checkpoint.

        Args:
            iteration: Iterations that are done.

        Raises:
            NotFiniteError: If a weight is NaN or infinite though the last loss was not.
        """
        # The loss says nothing about the update that followed it, and a checkpoint of NaN would
        # replace the last good one.
        for variable in self._model.trainable_variables:
            if not np.isfinite(variable.numpy()).all():
                rule = f"{variable.path} is no longer finite after iteration {iteration}"
                raise monitoring.NotFiniteError(rule, self._run.recipe, iteration)
        self.iteration.assign(iteration)
        self._last = checkpoint_files.write(self._held, self._folder, iteration)
        # Later ones are damaged, or this training would not stand before them.
        known = [number for number in checkpoint_files.find(self._folder) if number <= iteration]
        checkpoint_files.remove_all_but(self._folder, {*known[-KEPT:]})

    def keep_as_best(self) -> None:
        """Keeps the checkpoint that was saved last as the best one, in place of an earlier one."""
        if not self._writes:
            return
        source = pathlib.Path(self._last)
        best = pathlib.Path(dataclasses.replace(self._run, checkpoint="best").checkpoints)
        best.mkdir(exist_ok=True)
        kept = [path.name for path in source.parent.iterdir() if path.stem == source.name]
        for name in kept:
            partial = best / f"{name}{files.PARTIAL}"
            partial.unlink(missing_ok=True)
            try:
                os.link(source.parent / name, partial)  # No byte is written twice.
            except OSError:  # Some file systems know no links.
                shutil.copy2(source.parent / name, partial)
            os.replace(partial, best / name)
        checkpoint_files.name_newest(best, source.name)
        for path in best.iterdir():
            if path.name not in ("checkpoint", *kept):
                path.unlink()
