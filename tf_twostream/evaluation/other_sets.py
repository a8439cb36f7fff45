"""Another labelled data set to test a network on: its classes are joined by name."""

import collections
import dataclasses
import re
from collections.abc import Iterable, Sequence

from tf_twostream import datasets, runs, store


class ClassesError(ValueError):
    """The classes of a data set are not those of a network."""


def read(
    source: datasets.Source, run: runs.Run, reader: store.Reader, *, everything: bool = False
) -> datasets.Split:
    """Reads the lists of a data set that a network has not been trained on.

    Says which of its classes the network does not know: their videos are left out.

    Args:
        source: The data set.
        run: The run of the network.
        reader: The store that holds the videos.
        everything: Whether all videos are to be tested on, and not those that the lists say.

    Returns:
        The videos that the store holds, labelled by the classes of the network.

    Raises:
        ClassesError: If the network knows none of the classes, or takes each video to show one.
        MissingVideosError: If the store lacks videos and may not.
        ValueError: If the lists are faulty.
    """
    split = datasets.load(source)
    if everything:
        listed = (*split.train, *split.validation, *split.test)
        split = dataclasses.replace(split, train=(), validation=(), test=listed)
    if split.multi_label and not run.split.multi_label:
        rule = "A network that gives each video one class must be tested on videos of one class"
        raise ClassesError(f"{rule}. Received: {split.name}, whose videos may show several.")
    there = datasets.available_videos(
        split,
        reader.video_ids,
        where=f"the store {reader.path}",
        allow_missing=source.allow_missing,
    )
    found = match(split.class_names, run.split.class_names)
    if not found:
        rule = "A data set must have a class that the network knows"
        theirs, ours = (", ".join(kept.class_names[:5]) for kept in (split, run.split))
        raise ClassesError(f"{rule}. Received: {theirs} ... for a network of {ours} ...")
    _report(split, there, found)
    ids = {video.id for video in there}

    def relabelled(videos: Iterable[datasets.Video]) -> tuple[datasets.Video, ...]:
        known = []
        for video in videos:
            labels = sorted(found[label] for label in video.labels if label in found)
            if labels and video.id in ids:
                more = tuple(labels[1:])
                known.append(dataclasses.replace(video, label=labels[0], other_labels=more))
        return tuple(known)

    return dataclasses.replace(
        split,
        class_names=run.split.class_names,
        train=relabelled(split.train),
        validation=relabelled(split.validation),
        test=relabelled(split.test),
        unused=(),
        multi_label=run.split.multi_label,
    )


def match(theirs: Sequence[str], ours: Sequence[str]) -> dict[int, int]:
    """Finds the classes of one data set among those of another.

    A class is the one of the same name; else the one whose name has the same letters and digits in
    capitals or not, if no other class of either data set has them.

    Example:
        >>> from tf_twostream.evaluation import other_sets
        >>> other_sets.match(["push_ups", "walk"], ["PullUps", "PushUps"])
        {0: 1}

    Args:
        theirs: Class names.
        ours: The class names to look among.

    Returns:
        The position in `ours`, by that in `theirs`, of each class that is found.
    """
    counts = [collections.Counter(map(_plain, names)) for names in (theirs, ours)]
    by_plain = {_plain(name): label for label, name in enumerate(ours)}
    found = {}
    for label, name in enumerate(theirs):
        if name in ours:
            found[label] = ours.index(name)
        elif all(count[_plain(name)] == 1 for count in counts):
            found[label] = by_plain[_plain(name)]
    return found


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold() or name


def _report(split: datasets.Split, videos: Iterable[datasets.Video], found: dict[int, int]) -> None:
    """Prints how many classes and videos are tested on, and which are left out."""
    unknown = [name for label, name in enumerate(split.class_names) if label not in found]
    print(f"classes:    {len(found)} of {len(split.class_names)} of {split.name} are the network's")
    if unknown:
        lost = sum(not found.keys() & {*video.labels} for video in videos)
        names = ", ".join(unknown[:10] + ["..."] * (len(unknown) > 10))
        print(f"left out:   {lost} videos of classes it does not know: {names}")
