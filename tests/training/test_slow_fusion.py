"""Slow fusion from the store to the scores."""

import dataclasses

import numpy as np
import trained
from tensorboard.backend.event_processing import event_accumulator

from tf_twostream import inputs, models, runs, store
from tf_twostream.evaluation import scoring
from tf_twostream.paper import recipes, testing

RECIPE = recipes.SlowFusionRecipe(
    crop_size=41, width=0.05, batch_size=4, num_iterations=2, dropout_rate=0.0
)


def test_it_is_trained_drawn_continued_and_evaluated(tiny_store, tiny_source, tmp_path, capsys):
    def train():
        return trained.train(tiny_source, tiny_store[0], tmp_path / "run", RECIPE, chunk_size=2)

    run = train()
    tags = event_accumulator.EventAccumulator(str(run.path / "tensorboard")).Reload().Tags()
    assert {"first-layer filters (Fig. 4)", "network inputs"} <= set(tags["tensors"])
    train()
    printed = capsys.readouterr().out
    assert "nothing to do" in printed and "stacks of 11 RGB frames" in printed
    assert runs.load(str(run.path)) == run
    scores = trained.evaluate(run, tiny_store[0], tmp_path / "scores.npz")
    assert scores.scores.shape == (3, 3)
    np.testing.assert_allclose(scores.scores.sum(axis=1), 1, atol=1e-5)


def test_it_is_tested_on_fewer_frames_at_a_time(tiny_store, monkeypatch):
    """Each takes eleven times the memory of the other streams' input."""
    seen = []

    def stream(*args, batch_size, **kwargs):
        seen.append(batch_size)
        return []

    monkeypatch.setattr(inputs, "evaluation", stream)
    for recipe, asked in ((RECIPE, 0), (RECIPE, 7), (recipes.SpatialRecipe(crop_size=41), 0)):
        model = models.build(dataclasses.replace(recipe, width=0.05), 3)
        scoring.score_videos(
            model,
            trained.run_of("run", recipe, tiny_store[1]),
            store.Reader(tiny_store[0]),
            tiny_store[1].test,
            protocol=testing.Testing(frames_per_batch=asked),
        )
    assert seen == [5, 7, 25]


def test_it_does_not_care_about_the_flow(tiny_store, tmp_path):
    run = trained.run_of(tmp_path, RECIPE, tiny_store[1])
    other = dataclasses.replace(trained.SETTINGS, method="tvl1")
    runs.check_store(run, other, where="there")
