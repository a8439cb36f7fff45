"""Runs and trainings of tests, by the functions that the commands call."""

import dataclasses
import functools
import pathlib

import tensorflow as tf

from tf_twostream import datasets, inputs, runs, store
from tf_twostream.commands import evaluate as evaluation
from tf_twostream.paper import testing
from tf_twostream.scores import score_files
from tf_twostream.training import train as story
from tf_twostream.training import videos
from tf_twostream.training.execution import Execution

SETTINGS = store.Settings(
    method="dis", parameters={"opencv": "5"}, directions=("forward",), shorter_side=256
)


def task_of(split, settings=SETTINGS, *, name="", batch_size=256, divisor=0):
    """A task; its loss is the mean over its own samples unless a divisor is given."""
    return runs.Task(
        name=name,
        split=split,
        settings=settings,
        batch_size=batch_size,
        divisor=divisor or batch_size,
    )


def run_of(path, recipe, split, settings=SETTINGS):
    """A run of one task, of which nothing need exist."""
    task = task_of(split, settings, batch_size=recipe.batch_size)
    return runs.Run(pathlib.Path(path), recipe, (task,))


def with_checkpoint(run, iteration=0):
    """Writes a run folder with a checkpoint of fresh weights; returns the network."""
    runs.create(run)
    model = runs.build_model(run)
    number = tf.Variable(iteration, dtype=tf.int64)
    tf.train.Checkpoint(model=model, iteration=number).save(f"{run.checkpoints}/ckpt")
    return model


def train(source, store_path, run_dir, recipe, addition=None, **knobs):
    """Trains on one data set, as the training commands do."""
    data_set = videos.DataSet(source=source, store=store_path, addition=addition)
    execution = Execution(run_dir=str(run_dir), **knobs)
    return story.train(videos.Videos([data_set]), recipe, execution)


@dataclasses.dataclass(frozen=True)
class Splits:
    """Splits to learn, by task, that no list on disk describes; all from one store."""

    store: str
    splits: dict

    def read(self, recipe):
        """As `videos.Videos.read`, with equal shares of a batch."""
        reader = store.Reader(self.store)
        size = recipe.batch_size // len(self.splits)
        tasks, streams, windows, validation = [], [], [], []
        for number, (name, split) in enumerate(self.splits.items()):
            tasks.append(task_of(split, reader.settings, name=name, batch_size=size))
            own = dataclasses.replace(
                recipe, batch_size=size, seed=inputs.task_seed(recipe.seed, number)
            )
            labels = datasets.label_array(split.train, split)
            windows.append(inputs.Windows(reader, split.train, own, labels=labels))
            streams.append(functools.partial(inputs.training_in_parts, windows[-1]))
            held_out = split.validation
            validation.append(inputs.Windows(reader, held_out, own) if held_out else None)
        return videos.Learnt(*map(tuple, (tasks, streams, windows, validation)))


def train_splits(splits, store_path, run_dir, recipe, **knobs):
    """Trains on splits by the names of their tasks; the name of a single one is empty."""
    execution = Execution(run_dir=str(run_dir), **knobs)
    return story.train(Splits(store_path, splits), recipe, execution)


def evaluate(run, store_path, scores, *, part="test", task="", **protocol):
    """Tests a run and writes its scores, as evaluate.py does; returns what the file holds."""
    evaluation.main(
        evaluation.EvaluationFlags(
            run_dir=str(run.path), store=store_path, scores=str(scores), part=part, task=task
        ),
        testing.Testing(**protocol),
    )
    return score_files.load_scores(scores)
