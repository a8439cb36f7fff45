"""Pre-training of the spatial network on ImageNet ILSVRC-2012 (paper, Sect. 5).

"We use the same training and test data augmentation as described above (cropping, flipping, RGB
jittering). This yields 13.5% top-5 error on ILSVRC-2012 validation set." The run folder is like
that of any spatial network, with a split that names the classes and lists no videos: training on
videos starts from it by --init_from.
"""

import dataclasses
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
import tqdm

from tf_twostream import cli, datasets, inputs, paper, runs, training
from tf_twostream.evaluation import scoring
from tf_twostream.precompute import extraction
from tf_twostream.scores import metrics
from tf_twostream.training.imagenet import images, pixels

# Ours, since the paper is silent: the "roughly 90 cycles through the training set of 1.2 million
# images" and the dropout of [15]. 450,000 x 256 are 90 epochs of 1,281,167 images.
ITERATIONS = 450_000
DROPOUT_RATE = 0.5
NUM_CLASSES = 1_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(paper.SpatialRecipe):
    """The spatial network as it is trained on images; its run is that of a spatial network."""

    num_iterations: int | None = cli.knob(
        ITERATIONS,
        "Length of the training; the learning rate drops tenfold after 5/8 and 7/8 of it, as in "
        "the paper's training from scratch. The default is 90 epochs of ILSVRC-2012, as in [15].",
    )
    dropout_rate: float | None = cli.knob(
        DROPOUT_RATE, "Share of the outputs of full6 and full7 set to zero ([15])."
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """The knobs that name the images."""

    train_images: str = cli.knob(
        cli.REQUIRED,
        "Images to learn from: the folder of the class folders (n01440764/*.JPEG ...), or TFRecord "
        "shards by a pattern in quotes, 'shards/train-*-of-*'.",
    )
    val_images: str = cli.knob(
        "", "Images to measure the error on, when training is over; likewise. Empty: none."
    )
    val_labels: str = cli.knob(
        "",
        "For a --val_images folder without class folders: a text file with the class name "
        "(n01440764) of an image per line, in the order of the file names, or file and class name.",
    )
    first_label: int = cli.knob(
        1, "Of shards: image/class/label of the first class. Usually 1, where 0 is background."
    )
    num_classes: int = cli.knob(NUM_CLASSES, "Of shards: the number of classes.")
    shorter_side: int = cli.knob(
        paper.SHORTER_SIDE, "Shorter side of the rescaled images, in pixels (Sect. 5)."
    )
    images_per_batch: int = cli.knob(
        paper.TEST_FRAMES, "Images that the device holds at once in testing, with ten views each."
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        for name in ("num_classes", "shorter_side", "images_per_batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {getattr(self, name)}.")
        if self.first_label < 0:
            raise ValueError(f"`first_label` must be at least 0. Received: {self.first_label}.")
        if self.val_labels and not self.val_images:
            raise ValueError("--val_labels are those of a folder of images. Name it: --val_images.")


def find(source: Source) -> tuple[images.Images, images.Images | None]:
    """Finds the images to train on, and those to measure on if there are any.

    Raises:
        OSError: If a place does not exist.
        ValueError: If a folder is not laid out as it should be.
    """
    in_folders = images.is_folder(source.train_images)
    if source.val_images and images.is_folder(source.val_images) != in_folders:
        raise ValueError(
            "Folders name the classes and shards number them: which is which is not known. "
            f"Received: {source.train_images} and {source.val_images}. Give two folders, or shards "
            "for both."
        )
    if in_folders:
        train = images.find_folders(source.train_images)
        if not source.val_images:
            return train, None
        if source.val_labels:
            return train, images.find_labelled(
                source.val_images, source.val_labels, train.class_names
            )
        return train, images.find_folders(source.val_images, train.class_names)
    if source.val_labels:
        raise ValueError(
            f"--val_labels are for a folder of images. Received: {source.val_images!r}; shards "
            "hold their labels."
        )
    first = source.first_label
    names = [f"label {first + k}" for k in range(source.num_classes)]
    learnt = images.find_shards(source.train_images, names, first_label=first)
    if not source.val_images:
        return learnt, None
    return learnt, images.find_shards(source.val_images, names, first_label=first)


def _batches(stream: Iterator[Any], found: images.Images) -> Iterator[Any]:
    """Passes batches on; what is wrong with an image ends in a sentence that names it.

    Raises:
        ValueError: If an image is damaged or its label is wrong, or there is none.
        OSError: If a file cannot be read.
    """
    try:
        yield from stream
    except tf.errors.InvalidArgumentError as error:
        _, ours, rest = error.message.partition("assertion failed: [")
        if not ours:
            raise
        said = rest.splitlines()[0].rpartition("]")[0].replace("] [", " ")
        raise ValueError(f"{said}.") from error
    except tf.errors.NotFoundError as error:
        raise FileNotFoundError(
            "An image is gone that was there at the start. "
            f"Received: {error.message.splitlines()[0].rpartition('}} ')[2]}."
        ) from error
    except tf.errors.DataLossError as error:
        print("A shard is damaged; all are read to find out which.", file=sys.stderr)
        damaged = images.find_damaged_shard(found.paths)
        raise OSError(
            f"A shard must be whole. Received: {damaged}. Fetch it again; the same command then "
            "continues."
        ) from error


def train(source: Source, recipe: Recipe, loop: training.Effort) -> runs.Run:
    """Trains on images, or continues such a training, and prints the error on the others.

    Args:
        source: The images.
        recipe: The network and its schedule.
        loop: The run folder, and how to go about it.

    Returns:
        The run, trained to its last iteration.

    Raises:
        ValueError: If flags contradict each other, the images or the run folder, or an image is
            damaged.
        OSError: If images are missing.
        KeyboardInterrupt: After a checkpoint has been written, if the user asked to stop.
    """
    pixels.check_crop(recipe, source.shorter_side)
    found, val = find(source)
    print(f"images:     {found.words} to train on, {val.words if val else 'none'} to measure on")
    split = datasets.Split("images in shuffled epochs", found.class_names, (), ())
    # The settings of a store whose frames this network fits; flow does not matter to it.
    store_settings = extraction.Recipe(shorter_side=source.shorter_side).settings()
    store_settings |= {"parameters": {}}
    run = runs.Run(pathlib.Path(loop.run_dir), recipe, split, store_settings)

    def start(trainer: training.Trainer) -> Iterator[Any]:
        def stream(context: tf.distribute.InputContext) -> tf.data.Dataset:
            return pixels.training(
                found,
                recipe,
                shorter_side=source.shorter_side,
                first_iteration=int(trainer.iteration),
                shard=context.input_pipeline_id,
                num_shards=context.num_input_pipelines,
                num_replicas=context.num_replicas_in_sync,
            )

        return _batches(training.distribute(trainer, stream), found)

    run = training.train_run(run, start, loop)
    if val:
        errors = measure(run, val, source)
        print(f"top-1 error  {100 * errors[0]:6.2f} %\ntop-5 error  {100 * errors[1]:6.2f} %")
    return run


def measure(run: runs.Run, val: images.Images, source: Source) -> tuple[float, float]:
    """Computes the ten-view error of a trained network (paper, Sect. 5, "Testing").

    Args:
        run: The run.
        val: The images to measure on.
        source: The shorter side, and how many images the device holds.

    Returns:
        (top-1 error, top-5 error) in [0, 1].

    Raises:
        ValueError: If an image is damaged or its label is wrong, or there is none.
        OSError: If a file cannot be read.
    """
    model, _ = runs.load_model(run)
    scorer = scoring.make_scorer(model, run.recipe)
    scores, labels = [], []
    bar = tqdm.tqdm(
        total=len(val.paths) if isinstance(val, images.Folders) else None,
        unit="image",
        desc="testing",
        mininterval=1 if sys.stderr.isatty() else 30,  # Seconds; a log file needs fewer lines.
    )
    stream: Iterator[inputs.Element] = iter(
        pixels.evaluation(
            val,
            run.recipe,
            shorter_side=source.shorter_side,
            batch_size=source.images_per_batch,
        )
    )
    for batch in _batches(stream, val):
        scores.append(scorer(batch).numpy())
        labels.append(batch["label"].numpy())
        bar.update(len(labels[-1]))
    bar.close()
    if not scores:
        raise ValueError(f"There must be images to measure on. Received: {val.words}, all empty.")
    table, truth = np.concatenate(scores), np.concatenate(labels)
    return metrics.top_k_error(table, truth, 1), metrics.top_k_error(table, truth, 5)
