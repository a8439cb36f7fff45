"""The data sets that a network learns: their lists and stores, opened and checked.

It imports no TensorFlow, which takes seconds: what is wrong with lists, stores or the size of a
network is said before.
"""

import dataclasses
import functools

from absl import logging

from tf_twostream import datasets, store
from tf_twostream.datasets import union, validation
from tf_twostream.paper import recipes
from tf_twostream.processes import printing
from tf_twostream.training.addition import Addition

Readers = tuple[store.Reader, ...]
Opened = tuple[store.Reader, store.Reader | store.JoinedReader, datasets.Split]


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataSet:
    """A data set to learn.

    Attributes:
        source: Its lists.
        store: Its store.
        name: Of its task, where a network has several; else empty.
        addition: Classes of another data set to learn as well.
        validation_share: The share of its training videos to hold out, see `validation.draw`.
        train_on_all: Whether all its videos, test videos included, are for training: data that
            only help another task (Sect. 6: "all splits combined").
    """

    source: datasets.Source
    store: str
    name: str = ""
    addition: Addition | None = None
    train_on_all: bool = False
    validation_share: float = 0.0

    @functools.cached_property
    def readers(self) -> Readers:
        """The reader of its store and, if there is one, that of the addition."""
        added = [self.addition.add_store] if self.addition else []
        return tuple(store.Reader(path) for path in (self.store, *added))

    @functools.cached_property
    def opened(self) -> Opened:
        """Its store, the reader of it and of what is added, and its split; read once.

        Raises:
            OSError: If lists, a store or videos of it are missing.
            ValueError: If lists are faulty.
        """
        main, *others = self.readers
        split = read_split(self.source, main, where=f"the store {self.store}")
        if self.train_on_all:
            split = _all_for_training(split)
        elif self.validation_share:
            # From what the store holds: a part of it must not be missing.
            split = validation.draw(split, self.validation_share)
        if self.addition is None:
            return main, main, split
        [extra] = others
        source = self.addition.source(allow_missing=self.source.allow_missing)
        added = read_split(source, extra, where=f"the store {self.addition.add_store}")
        # Two data sets may have videos of one name: an added one carries the number of its store.
        split = union.add_classes(split, added, added.class_names, rename=store.added_id)
        return main, store.JoinedReader([main, extra]), split

    def check(self, recipe: recipes.Recipe) -> None:
        """Opens it, and checks that its store has what a network sees.

        Raises:
            CropError: If the network's input is larger than the frames.
            MissingVideoError: If the store lacks flow in a direction of the recipe.
            OSError: As `opened`.
            ValueError: Likewise.
        """
        main, _, _ = self.opened
        recipes.check_crop(recipe, main.settings.shorter_side)
        for kind in recipe.kinds:
            main.table([], kind)


def read_split(source: datasets.Source, reader: store.Reader, *, where: str) -> datasets.Split:
    """Reads the lists of a data set and keeps what a store holds.

    Args:
        source: The data set.
        reader: The store.
        where: What to call the store in an error.

    Returns:
        The split, without the videos that the store lacks if the source allows that.

    Raises:
        MissingVideosError: If videos are missing from the store and may not be.
        ValueError: If the lists are faulty.
    """
    split = datasets.load(source)
    # A list does not know which videos of it are damaged; whoever filled the store does.
    failed = store.read_failed(reader.path)
    hopeless = [video.id for video in datasets.all_videos(split) if video.id in failed]
    if hopeless:  # Said here, because the check that follows only says that they are missing.
        words = "%s of %s could not be read when the store was filled (failed.csv): %s: %s"
        logging.warning(
            words,
            printing.count(len(hopeless), "video"),
            split.name,
            hopeless[0],
            failed[hopeless[0]],
        )
    return datasets.keep_available(
        split, reader.video_ids, where=where, allow_missing=source.allow_missing
    )


def _all_for_training(split: datasets.Split) -> datasets.Split:
    return dataclasses.replace(
        split,
        name=f"{split.name}, all videos",
        train=split.train + split.validation + split.test + split.unused,
        test=(),
        unused=(),
        validation=(),
    )
