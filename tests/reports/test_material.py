"""Loads what a report is about."""

import dataclasses

import pytest

from tf_twostream.paper import recipes
from tf_twostream.reports import material
from tf_twostream.scores import score_files


def load(pair, tiny_store, scores, **more):
    return material.load(pair, store_path=tiny_store[0], scores=scores, **more)


def test_streams_are_joined_by_the_ids_of_the_clips(loaded, pair, tiny_store, files):
    [first, second] = files
    other = score_files.load_scores(second)
    order = [2, 0, 1]
    turned = dataclasses.replace(
        other,
        video_ids=tuple(other.video_ids[n] for n in order),
        labels=other.labels[order],
        scores=other.scores[order],
        groups=tuple(other.groups[n] for n in order),
    )
    score_files.save_scores(second, turned)
    again = load(pair, tiny_store, [first, second])
    assert (again.fused == loaded.fused).all()
    assert again.measured == loaded.measured


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stream": "temporal"}, "must be of its stream and part. Received: .*, temporal test"),
        ({"part": "train"}, "must be of its stream and part. Received: .*, spatial train"),
        ({"class_names": ("a", "b", "c")}, "must be of its classes in their order"),
    ],
)
def test_scores_of_something_else_are_refused(pair, tiny_store, files, change, words):
    path = files[0]
    own = dataclasses.replace(score_files.load_scores(path), **change)
    score_files.save_scores(path, own)
    with pytest.raises(material.MaterialError, match=words):
        load(pair[:1], tiny_store, [path])


def test_each_run_has_a_file(pair, tiny_store, files):
    with pytest.raises(material.MaterialError, match="Each of 2 runs must have a file"):
        load(pair, tiny_store, files[:1])


def test_a_folder_that_is_named_must_exist(pair, tiny_store, files):
    with pytest.raises(FileNotFoundError, match="Received: nowhere"):
        load(pair, tiny_store, files, steps="nowhere")


def test_joined_towers_are_refused(pair, tiny_store, files):
    recipe = recipes.ConvFusionRecipe(
        spatial_run="a", temporal_run="b", spatial=pair[0].recipe, temporal=pair[1].recipe
    )
    joined = dataclasses.replace(pair[0], recipe=recipe)
    with pytest.raises(material.MaterialError, match="Received: .*, conv_fusion"):
        load([joined], tiny_store, files[:1])
