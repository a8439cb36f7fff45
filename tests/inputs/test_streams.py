"""Which samples and views the streams yield, and in which order."""

import dataclasses

import numpy as np
import pytest
from read_back import arrays, assert_same

from tf_twostream import datasets, inputs
from tf_twostream.paper import recipes

TEMPORAL = recipes.TemporalRecipe(crop_size=41, stack_length=10, batch_size=8, seed=5)
SPATIAL = recipes.SpatialRecipe(crop_size=41, batch_size=8, seed=5)
BOTH = pytest.mark.parametrize("recipe", [SPATIAL, TEMPORAL], ids=["spatial", "temporal"])


def training(reader, videos, recipe, **where):
    """Yields training batches as arrays."""
    stream = inputs.training(inputs.Windows(reader, videos, recipe), **where)
    return map(arrays, stream)


def test_the_jitter_has_a_deviation_of_a_tenth(reader, split):
    recipe = dataclasses.replace(SPATIAL, batch_size=500)
    jitter = next(training(reader, split.train, recipe))["jitter"]
    np.testing.assert_allclose(jitter.std(0), 0.1, atol=0.01)
    np.testing.assert_allclose(jitter.mean(0), 0.0, atol=0.02)


def test_classes_are_drawn_uniformly_though_their_sizes_differ(reader, split):
    lone = [video for video in split.train if video.label == 0][:1]
    videos = lone + [video for video in split.train if video.label != 0]
    recipe = dataclasses.replace(SPATIAL, batch_size=300)
    labels = next(training(reader, videos, recipe))["label"]
    assert np.all(np.abs(np.bincount(labels, minlength=3) - 100) < 30)


@pytest.mark.parametrize("balance", ["weights", "none"])
def test_videos_are_drawn_uniformly_where_classes_are_not(reader, split, balance):
    recipe = dataclasses.replace(SPATIAL, batch_size=400, class_balance=balance)
    lone = [video for video in split.train if video.label == 0][:1]
    videos = lone + [video for video in split.train if video.label != 0]
    counts = np.bincount(next(training(reader, videos, recipe))["video"], minlength=len(videos))
    assert np.all(np.abs(counts - 400 / len(videos)) < 35)


def test_every_video_frame_and_flip_is_drawn(reader, split):
    recipe = dataclasses.replace(SPATIAL, batch_size=400)
    batch = next(training(reader, split.train, recipe))
    assert set(batch["video"]) == set(range(len(split.train)))
    assert set(batch["views"][:, 0, 2]) == {0, 1}
    shortest = int(np.argmin([reader.num_frames(v.id) for v in split.train]))
    shown = batch["rgb"][batch["video"] == shortest]
    assert len({frame.tobytes() for frame in shown}) == 5


@BOTH
def test_the_stream_can_start_at_any_iteration(reader, split, recipe):
    stream = training(reader, split.train, recipe)
    batches = [next(stream) for _ in range(3)]
    resumed = next(training(reader, split.train, recipe, first_iteration=2))
    assert_same(batches[2], resumed)


def test_hosts_and_devices_share_the_batch_of_one_device(reader, split):
    whole = training(reader, split.train, SPATIAL)
    wanted = np.concatenate([next(whole)["jitter"] for _ in range(2)])
    parts = []
    for shard in range(2):
        shares = {"shard": shard, "num_shards": 2, "num_replicas": 4}
        stream = training(reader, split.train, SPATIAL, **shares)
        parts.append([next(stream)["jitter"] for _ in range(4)])
    shared = [parts[0][0], parts[0][1], parts[1][0], parts[1][1]]
    shared += [parts[0][2], parts[0][3], parts[1][2], parts[1][3]]
    np.testing.assert_array_equal(np.concatenate(shared), wanted)


def test_the_seed_decides_the_stream(reader, split):
    other = dataclasses.replace(SPATIAL, seed=6)
    first, same, different = (
        next(training(reader, split.train, recipe))["jitter"]
        for recipe in (SPATIAL, SPATIAL, other)
    )
    np.testing.assert_array_equal(first, same)
    assert not np.any(first == different)


def test_each_seed_task_and_purpose_draws_numbers_of_its_own():
    seeds = {
        tuple(inputs.random_stream(inputs.task_seed(seed, task), iteration, purpose).numpy())
        for seed in range(3)
        for task in range(3)
        for iteration in (np.int64(0), np.int64(1))
        for purpose in (inputs.VIEWS, inputs.JITTER)
    }
    assert len(seeds) == 3 * 3 * 2 * 2
    assert inputs.task_seed(7, 0) == 7  # The first task draws what it would draw alone.


def test_views_stay_inside_the_true_frame_in_a_padded_batch(reader, split):
    recipe = dataclasses.replace(SPATIAL, batch_size=200)
    batch = next(training(reader, split.train, recipe))
    sizes = np.array([reader.size(video.id) for video in split.train])[batch["video"]]
    assert batch["rgb"].shape[1:3] == tuple(sizes.max(0))
    assert np.all(batch["views"][:, 0, :2] + 41 <= sizes)
    assert np.all(batch["views"][:, 0, :2] >= 0)


@BOTH
def test_testing_sends_25_windows_with_ten_views_each_and_no_jitter(reader, split, recipe):
    windows = inputs.Windows(reader, split.test, recipe)
    batches = [arrays(batch) for batch in inputs.evaluation(windows, batch_size=10)]
    videos = np.concatenate([batch["video"] for batch in batches])
    np.testing.assert_array_equal(videos, np.repeat(range(len(split.test)), 25))
    assert {batch["views"].shape[1:] for batch in batches} == {(10, 3)}
    assert all("jitter" not in batch for batch in batches)
    assert inputs.prepare(batches[0], recipe).shape[:3] == (100, 41, 41)


@BOTH
def test_without_mirroring_the_network_never_sees_a_mirrored_frame(reader, split, recipe):
    recipe = dataclasses.replace(recipe, mirroring=False)
    for graph, num_views in ((inputs.training, 1), (inputs.evaluation, 5)):
        batch = next(iter(graph(inputs.Windows(reader, split.train, recipe))))
        assert batch["views"].shape[1:] == (num_views, 3)
        assert not np.any(batch["views"][..., 2])


@pytest.mark.parametrize("num_starts", [1, 2, 19, 24, 25, 26, 49, 58, 171])
def test_test_windows_are_evenly_spaced_from_the_first_to_the_last(num_starts):
    starts = inputs.equally_spaced(np.array([num_starts]))[0]
    assert len(starts) == 25
    assert (starts[0], starts[-1]) == (0, num_starts - 1)
    assert len(set(starts)) == min(num_starts, 25)
    assert np.ptp(np.diff(starts)) <= 1


@pytest.mark.parametrize(
    ("num_starts", "count", "wanted"),
    [(9, 1, [4]), (1, 1, [0]), (9, 3, [0, 4, 8]), (2, 3, [0, 1, 1]), (100, 2, [0, 99])],
)
def test_fewer_test_windows_are_evenly_spaced_and_a_single_one_is_the_middle(
    num_starts, count, wanted
):
    assert inputs.equally_spaced(np.array([num_starts]), count)[0].tolist() == wanted


def test_a_batch_that_devices_cannot_share_is_refused(reader, split):
    with pytest.raises(ValueError, match=r"number of devices, 3. Received: batch_size=8"):
        training(reader, split.train, SPATIAL, num_replicas=3)


def test_a_video_of_several_classes_is_drawn_for_each_of_them(reader, split):
    labels = [(0, 2), (0,), (0,), (1,)]
    videos = [
        datasets.Video(video.id, own[0], other_labels=own[1:])
        for video, own in zip(split.train, labels)
    ]
    recipe = dataclasses.replace(SPATIAL, batch_size=200)
    several = datasets.Split("", tuple("abcd"), tuple(videos), (), multi_label=True)
    shows = datasets.label_array(videos, several)
    batches = inputs.training(inputs.Windows(reader, videos, recipe, labels=shows)).take(3)
    drawn = {name: [] for name in ("video", "label")}
    for batch in batches:
        for name, values in drawn.items():
            values.append(batch[name].numpy())
    video, label = (np.concatenate(values) for values in drawn.values())
    np.testing.assert_array_equal(label, np.eye(4, dtype=bool)[[0, 0, 0, 1]][video] | (
        np.outer(video == 0, np.arange(4) == 2)
    ))  # fmt: skip
    # The first for class 0 (one of three) and for class 2 (the only one), each drawn by a third.
    shares = np.array([1 / 9 + 1 / 3, 1 / 9, 1 / 9, 1 / 3])
    counts = np.bincount(video, minlength=4)
    assert np.all(np.abs(counts - 600 * shares) < 4 * np.sqrt(600 * shares * (1 - shares)))
