"""Slow fusion from the store to the scores."""

import dataclasses

import numpy as np
from tensorboard.backend.event_processing import event_accumulator

from tf_twostream import inputs, paper, runs, training
from tf_twostream.evaluation import scoring
from tf_twostream.models import cnn_m

RECIPE = paper.SlowFusionRecipe(
    crop_size=41, width=0.05, batch_size=4, num_iterations=2, dropout_rate=0.0
)


def test_it_is_trained_drawn_continued_and_evaluated(tiny_store, tiny_source, tmp_path, capsys):
    loop = training.Loop(run_dir=str(tmp_path / "run"), store=tiny_store[0], chunk_size=2)
    run = training.train(tiny_source, RECIPE, loop)
    tags = event_accumulator.EventAccumulator(str(run.path / "tensorboard")).Reload().Tags()
    assert {"first_layer_filters", "network_inputs"} <= set(tags["tensors"])
    training.train(tiny_source, RECIPE, loop)
    printed = capsys.readouterr().out
    assert "nothing to do" in printed and "stacks of 11 RGB frames" in printed
    assert runs.load(str(run.path)) == run
    scores = scoring.evaluate(
        scoring.Options(
            run_dir=str(run.path), store=tiny_store[0], scores=str(tmp_path / "scores.npz")
        )
    )
    assert scores.scores.shape == (3, 3)
    np.testing.assert_allclose(scores.scores.sum(axis=1), 1, atol=1e-5)


def test_it_is_tested_on_fewer_frames_at_a_time(tiny_store, monkeypatch):
    """Each takes eleven times the memory of the other streams' input."""
    seen = []

    def stream(*args, batch_size):
        seen.append(batch_size)
        return []

    monkeypatch.setattr(inputs, "evaluation", stream)
    for recipe, asked in ((RECIPE, 0), (RECIPE, 7), (paper.SpatialRecipe(crop_size=41), 0)):
        model = cnn_m.build(dataclasses.replace(recipe, width=0.05), 3)
        scoring.score_videos(
            model, recipe, None, tiny_store[1].test, frames_per_batch=asked, progress=False
        )
    assert seen == [5, 7, 25]


def test_it_does_not_care_about_the_flow(tiny_store, tmp_path):
    settings = {"method": "dis", "parameters": {}, "shorter_side": 48}
    run = runs.Run(tmp_path, RECIPE, tiny_store[1], settings)
    runs.check_store(run, {**settings, "method": "tvl1"}, where="there")
