"""Material of reports: untrained networks of a small store, with scores that are made up."""

import dataclasses

import made_up_scores
import numpy as np
import pytest
import trained

from tf_twostream import datasets, runs, store
from tf_twostream.paper import recipes
from tf_twostream.reports import contents, material
from tf_twostream.runs import history
from tf_twostream.scores import fusion, score_files

SIZE = {"width": 0.02, "crop_size": 41}
SHARES = (0.5, 0.9)  # Of both streams: how many clips are recognised.


@pytest.fixture(scope="session")
def pair(tiny_store, tmp_path_factory):
    """A run of each stream with fresh weights, and curves that are made up."""
    folder, (path, split) = tmp_path_factory.mktemp("pair"), tiny_store
    settings, found = store.Reader(path).settings, []
    named = [
        dataclasses.replace(video, group=f"recording {number}")
        for number, video in enumerate(split.train)
    ]
    split = dataclasses.replace(split, train=tuple(named[:5]), validation=tuple(named[5:]))
    for recipe in (recipes.SpatialRecipe(**SIZE), recipes.TemporalRecipe(**SIZE, stack_length=4)):
        run = trained.run_of(folder / recipe.stream, recipe, split, settings)
        trained.with_checkpoint(run, 40)
        points = [history.Point(0.5 + n / 100, -1.0 / n, n) for n in (20, 40)]
        history.write(run, points, part="training")
        history.write(run, points[::-1])
        found.append(run)
    return tuple(found)


def write_scores(folder, pair, part):
    """Writes scores of a part by both streams; returns the files."""
    videos, names = getattr(pair[0].split, part), pair[0].split.class_names
    labels, ids = [video.label for video in videos], tuple(video.id for video in videos)
    paths = []
    for run in pair:
        own = made_up_scores.make_scores(1, labels=labels, names=names)
        paths.append(str(folder / f"{run.recipe.stream}.{part}.npz"))
        groups = ("a", "b", "c")[: len(ids)]
        own = dataclasses.replace(
            own, video_ids=ids, groups=groups, stream=run.recipe.stream, part=part
        )
        score_files.save_scores(paths[-1], own)
    return paths


@pytest.fixture
def files(pair, tmp_path):
    """Files of the test scores of both streams."""
    return write_scores(tmp_path, pair, "test")


@pytest.fixture(scope="session")
def loaded(pair, tiny_store, tmp_path_factory):
    """All of a small report."""
    folder = tmp_path_factory.mktemp("scores")
    return material.load(
        pair,
        store_path=tiny_store[0],
        scores=write_scores(folder, pair, "test"),
        validation_scores=write_scores(folder, pair, "validation"),
    )


@pytest.fixture(scope="session")
def report(loaded):
    """A small report."""
    return contents.make(loaded)


def make_up(pair, reader, videos, *, streams=("spatial", "temporal")):
    """Material about runs that do not exist, of the clips of some scores.

    Args:
        pair: Runs, whose recipes it takes.
        reader: A store.
        videos: Their labels; scores are made up unless `videos` is of several labels.
        streams: Which there are.

    Returns:
        Material whose networks cannot be loaded.
    """
    named = tuple(
        datasets.Video(f"new {k} {n}", k, f"r{k}.{n}")
        for k in range(len(videos.class_names))
        for n in range(1 + k % 3)
    )
    split = datasets.Split("made up", videos.class_names, named, ())
    runs_of = tuple(
        runs.Run(run.path, run.recipe, (dataclasses.replace(run.task, split=split),))
        for run in pair
        if run.recipe.stream in streams
    )
    scores = {}
    for name, share in zip(streams, SHARES):
        table = videos.scores
        if not videos.multi_label:
            rng = np.random.default_rng(len(name))
            wrong = rng.random(len(table)) > share
            label = np.where(wrong, (videos.labels + 1) % table.shape[1], videos.labels)
            table = 0.1 / table.shape[1] + 0.9 * np.eye(table.shape[1])[label]
        scores[name] = dataclasses.replace(videos, scores=table, stream=name)
    own = fusion.mean(streams, videos.class_names, weights=[1.0, 2.0][: len(streams)])
    return material.Material(runs_of, scores, {}, own, "", reader)


@pytest.fixture
def made_up(pair, tiny_store):
    """Makes material from scores; see `make_up`."""
    reader = store.Reader(tiny_store[0])
    return lambda videos, **known: make_up(pair, reader, videos, **known)


@pytest.fixture
def many():
    """Scores of 300 clips of 60 recordings in 101 classes, the last of which has no clip."""
    labels = np.arange(300) % 100
    names = tuple(f"Class{number:03}" for number in range(101))
    own = made_up_scores.make_scores(0, labels=labels, names=names)
    return dataclasses.replace(own, groups=tuple(f"g{row % 60}" for row in range(300)))
