"""The images that a spatial network learns from, found and turned into a stream of batches."""

import dataclasses
import functools
import sys
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from tf_twostream import datasets, runs, store
from tf_twostream.paper import recipes
from tf_twostream.training.imagenet import labelled_images, pixels
from tf_twostream.training.imagenet.knobs import ImageSource
from tf_twostream.training.videos import Learnt


@dataclasses.dataclass(frozen=True)
class Images:
    """Images to learn from.

    Attributes:
        source: Where they are.
    """

    source: ImageSource

    def read(self, recipe: recipes.Recipe) -> Learnt:
        """Finds the images.

        Args:
            recipe: The network.

        Returns:
            What is learnt: one task, whose split names the classes and lists no videos.

        Raises:
            OSError: If a place does not exist.
            ValueError: If a folder is not laid out as it should be, or the crop is too large.
        """
        recipes.check_crop(recipe, self.source.shorter_side)
        found, val = find(self.source)
        print(
            f"images:     {found.words} to train on, {val.words if val else 'none'} to measure on"
        )
        # A run names the settings of a store whose frames its network fits, so that training on
        # videos can start from it; the method of the flow does not matter to this network.
        settings = store.Settings.of("brox", shorter_side=self.source.shorter_side)
        task = runs.Task(
            split=datasets.Split("images in shuffled epochs", found.class_names, (), ()),
            settings=dataclasses.replace(settings, parameters={}),
            batch_size=recipe.batch_size,
            divisor=recipe.batch_size,
        )
        stream = functools.partial(
            pixels.training, found, recipe, shorter_side=self.source.shorter_side
        )
        explain = functools.partial(explain_errors, found=found)
        return Learnt((task,), (stream,), explain=explain)


def find(source: ImageSource) -> tuple[labelled_images.Found, labelled_images.Found | None]:
    """Finds the images to train on, and those to measure on if there are any.

    Args:
        source: Where they are.

    Returns:
        Both; None for the second if none are named.

    Raises:
        OSError: If a place does not exist.
        ValueError: If a folder is not laid out as it should be.
    """
    in_folders = labelled_images.is_folder(source.train_images)
    if source.val_images and labelled_images.is_folder(source.val_images) != in_folders:
        raise labelled_images.ImagesError(
            "Folders name the classes and shards number them: which is which is not known. "
            f"Received: {source.train_images} and {source.val_images}."
        )
    return _find_folders(source) if in_folders else _find_shards(source)


def _find_folders(
    source: ImageSource,
) -> tuple[labelled_images.Found, labelled_images.Found | None]:
    train, val = labelled_images.find_folders(source.train_images), source.val_images
    if not val:
        return train, None
    if source.val_labels:
        labels = source.val_labels
        return train, labelled_images.find_labelled(val, labels, train.class_names)
    return train, labelled_images.find_folders(val, train.class_names)


def _find_shards(
    source: ImageSource,
) -> tuple[labelled_images.Found, labelled_images.Found | None]:
    if source.val_labels:
        given = f"{source.val_images!r}, shards"
        raise ValueError(f"`val_labels` must belong to a folder of images. Received: {given}.")
    first = source.first_label
    names = [f"label {first + k}" for k in range(source.num_classes)]
    learnt = labelled_images.find_shards(source.train_images, names, first_label=first)
    if not source.val_images:
        return learnt, None
    return learnt, labelled_images.find_shards(source.val_images, names, first_label=first)


def explain_errors(stream: Iterator[Any], found: labelled_images.Found) -> Iterator[Any]:
    """Passes batches on; what is wrong with an image ends in a sentence that names it.

    Args:
        stream: Batches.
        found: The images that they are of.

    Raises:
        DamagedImageError: If an image is damaged.
        LabelError: If the label of an image is out of range.
        OSError: If a file is gone or damaged.
    """
    try:
        yield from stream
    except tf.errors.InvalidArgumentError as error:
        # TensorFlow puts our sentence, see `labelled_images.checked`, into brackets of its own.
        _, ours, rest = error.message.partition("assertion failed: [")
        if not ours:
            raise
        said = rest.splitlines()[0].rpartition("]")[0].replace("] [", " ")
        is_label = said.startswith("image/class/label")
        raise (labelled_images.LabelError if is_label else labelled_images.DamagedImageError)(
            f"{said}."
        ) from error
    except tf.errors.NotFoundError as error:
        gone = error.message.splitlines()[0].rpartition("}} ")[2]
        raise FileNotFoundError(
            f"Images must stay where they were found. Received: {gone}."
        ) from error
    except tf.errors.DataLossError as error:
        # TensorFlow does not say which of the files it was reading, and reading all takes a while.
        print("A shard is damaged; all are read to find out which.", file=sys.stderr)
        given = labelled_images.find_damaged_shard(found.paths)
        raise labelled_images.DamagedShardError(
            f"A shard must be whole. Received: {given}."
        ) from error
