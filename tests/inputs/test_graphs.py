"""What the networks are fed."""

import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf
from read_back import arrays, assert_same

from tf_twostream import datasets, inputs, paper, store
from tf_twostream.flow import codec

TEMPORAL = paper.TemporalRecipe(crop_size=41, stack_length=10, batch_size=8, seed=5)
SPATIAL = paper.SpatialRecipe(crop_size=41, batch_size=8, seed=5)


@pytest.fixture(scope="module")
def reader(tiny_store):
    return store.Reader(tiny_store[0])


@pytest.fixture(scope="module")
def split(tiny_store):
    return tiny_store[1]


@pytest.mark.parametrize("graph", [inputs.training, inputs.evaluation])
@pytest.mark.parametrize("recipe", [SPATIAL, TEMPORAL], ids=["spatial", "temporal"])
def test_prepare_is_its_slow_twin(reader, split, recipe, graph):
    batch = next(iter(graph(reader, split.train, recipe)))
    result = inputs.prepare(batch, recipe).numpy()
    batch = arrays(batch)
    size, num_views = batch["views"].shape[:2]
    assert len(result) == size * num_views
    for b, v in itertools.product(range(size), range(num_views)):
        top, left, flip = batch["views"][b, v]
        rows, columns = slice(top, top + 41), slice(left, left + 41)
        if recipe is TEMPORAL:
            fields = codec.restore(batch["codes"][b], batch["ranges"][b])
            fields = fields - batch["means"][b][:, None, None]
            fields = fields[:, rows, columns]
            if flip:
                fields = fields[:, :, ::-1] * [-1, 1]
            wanted = fields.transpose(1, 2, 0, 3).reshape(41, 41, 20)
        else:
            wanted = batch["rgb"][b, rows, columns].astype(float)
            wanted = wanted[:, ::-1] if flip else wanted
            shift = batch.get("jitter", np.zeros((size, 3)))[b] * paper.RGB_EIGENVALUES
            wanted = wanted + 255 * np.array(paper.RGB_EIGENVECTORS) @ shift
        np.testing.assert_allclose(result[b * num_views + v], wanted, atol=1e-3)


def test_videos_of_one_size_are_batched_alike(reader, split):
    alike = [video for video in split.train if reader.size(video.id) == (54, 48)]
    assert len(alike) > 1
    batch = next(iter(inputs.training(reader, alike, TEMPORAL)))
    assert batch["codes"].shape == (8, 10, 2, 54, 48)
    assert batch["views"].shape == (8, 1, 3)


def test_the_jitter_has_a_deviation_of_a_tenth(reader, split):
    recipe = dataclasses.replace(SPATIAL, batch_size=500)
    jitter = next(iter(inputs.training(reader, split.train, recipe)))["jitter"].numpy()
    np.testing.assert_allclose(jitter.std(0), 0.1, atol=0.01)
    np.testing.assert_allclose(jitter.mean(0), 0.0, atol=0.02)


def test_without_mean_subtraction_the_mean_stays(reader, split):
    batch = next(iter(inputs.training(reader, split.train, TEMPORAL)))
    centred = inputs.prepare(batch, TEMPORAL).numpy()
    plain = inputs.prepare(batch, dataclasses.replace(TEMPORAL, mean_subtraction=False)).numpy()
    means = batch["means"].numpy().reshape(8, 20)
    signs = np.where((batch["views"].numpy()[:, 0, 2:] == 1) & (np.arange(20) % 2 == 0), -1, 1)
    difference = np.broadcast_to((signs * means)[:, None, None], plain.shape)
    np.testing.assert_allclose(plain - centred, difference, atol=1e-4)


def test_classes_are_drawn_uniformly_though_their_sizes_differ(reader, split):
    lone = [video for video in split.train if video.label == 0][:1]
    videos = lone + [video for video in split.train if video.label != 0]
    recipe = dataclasses.replace(SPATIAL, batch_size=300)
    labels = next(iter(inputs.training(reader, videos, recipe)))["label"].numpy()
    assert np.all(np.abs(np.bincount(labels, minlength=3) - 100) < 30)


def test_every_video_frame_and_flip_is_drawn(reader, split):
    recipe = dataclasses.replace(SPATIAL, batch_size=400)
    batch = arrays(next(iter(inputs.training(reader, split.train, recipe))))
    assert set(batch["video"]) == set(range(len(split.train)))
    assert set(batch["views"][:, 0, 2]) == {0, 1}
    shortest = int(np.argmin([reader.num_frames(v.id) for v in by_label(split.train)]))
    shown = batch["rgb"][batch["video"] == shortest]
    assert len({frame.tobytes() for frame in shown}) == 5


def by_label(videos):
    return sorted(videos, key=lambda video: video.label)


@pytest.mark.parametrize("recipe", [SPATIAL, TEMPORAL], ids=["spatial", "temporal"])
def test_the_stream_can_start_at_any_iteration(reader, split, recipe):
    stream = iter(inputs.training(reader, split.train, recipe))
    batches = [arrays(next(stream)) for _ in range(3)]
    resumed = next(iter(inputs.training(reader, split.train, recipe, first_iteration=2)))
    assert_same(batches[2], arrays(resumed))


def test_hosts_and_devices_share_the_batch_of_one_device(reader, split):
    whole = iter(inputs.training(reader, split.train, SPATIAL))
    wanted = np.concatenate([next(whole)["jitter"].numpy() for _ in range(2)])
    parts = []
    for shard in range(2):
        stream = iter(
            inputs.training(reader, split.train, SPATIAL, shard=shard, num_shards=2, num_replicas=4)
        )
        parts.append([next(stream)["jitter"].numpy() for _ in range(4)])
    shared = [parts[0][0], parts[0][1], parts[1][0], parts[1][1]]
    shared += [parts[0][2], parts[0][3], parts[1][2], parts[1][3]]
    np.testing.assert_array_equal(np.concatenate(shared), wanted)


def test_the_seed_decides_the_stream(reader, split):
    other = dataclasses.replace(SPATIAL, seed=6)
    first, same, different = (
        next(iter(inputs.training(reader, split.train, recipe)))["jitter"].numpy()
        for recipe in (SPATIAL, SPATIAL, other)
    )
    np.testing.assert_array_equal(first, same)
    assert not np.any(first == different)


def test_views_stay_inside_the_true_frame_in_a_padded_batch(reader, split):
    recipe = dataclasses.replace(SPATIAL, batch_size=200)
    batch = arrays(next(iter(inputs.training(reader, split.train, recipe))))
    sizes = np.array([reader.size(video.id) for video in by_label(split.train)])[batch["video"]]
    assert batch["rgb"].shape[1:3] == tuple(sizes.max(0))
    assert np.all(batch["views"][:, 0, :2] + 41 <= sizes)
    assert np.all(batch["views"][:, 0, :2] >= 0)


@pytest.mark.parametrize("recipe", [SPATIAL, TEMPORAL], ids=["spatial", "temporal"])
def test_testing_sends_25_windows_with_ten_views_each_and_no_jitter(reader, split, recipe):
    batches = [arrays(b) for b in inputs.evaluation(reader, split.test, recipe, batch_size=10)]
    videos = np.concatenate([batch["video"] for batch in batches])
    np.testing.assert_array_equal(videos, np.repeat(range(len(split.test)), 25))
    assert {batch["views"].shape[1:] for batch in batches} == {(10, 3)}
    assert all("jitter" not in batch for batch in batches)
    assert inputs.prepare(batches[0], recipe).shape[:3] == (100, 41, 41)


@pytest.mark.parametrize("recipe", [SPATIAL, TEMPORAL], ids=["spatial", "temporal"])
def test_without_mirroring_the_network_never_sees_a_mirrored_frame(reader, split, recipe):
    recipe = dataclasses.replace(recipe, mirroring=False)
    for graph, num_views in ((inputs.training, 1), (inputs.evaluation, 5)):
        batch = next(iter(graph(reader, split.train, recipe)))
        assert batch["views"].shape[1:] == (num_views, 3)
        assert not np.any(batch["views"][..., 2])


@pytest.mark.parametrize("num_starts", [1, 2, 19, 24, 25, 26, 49, 58, 171])
def test_test_windows_are_evenly_spaced_from_the_first_to_the_last(num_starts):
    starts = inputs.equally_spaced(np.array([num_starts]))[0]
    assert len(starts) == 25
    assert (starts[0], starts[-1]) == (0, num_starts - 1)
    assert len(set(starts)) == min(num_starts, 25)
    assert np.ptp(np.diff(starts)) <= 1


def test_a_crop_larger_than_the_frames_is_refused(reader, split):
    with pytest.raises(ValueError, match=r"48 pixels. Received: crop_size=224"):
        inputs.training(reader, split.train, paper.SpatialRecipe())


def test_a_batch_that_devices_cannot_share_is_refused(reader, split):
    with pytest.raises(ValueError, match=r"number of devices, 3. Received: batch_size=8"):
        inputs.training(reader, split.train, SPATIAL, num_replicas=3)


def test_no_video_is_refused(reader):
    with pytest.raises(ValueError, match="no video"):
        inputs.evaluation(reader, [], SPATIAL)


def test_a_video_that_is_not_in_the_store_is_named(reader):
    with pytest.raises(ValueError, match="nowhere.avi"):
        inputs.evaluation(reader, [datasets.Video("nowhere.avi", 0)], SPATIAL)


@pytest.mark.parametrize("graph", [inputs.training, inputs.evaluation])
def test_a_store_without_backward_flow_is_refused(reader, split, graph):
    recipe = dataclasses.replace(TEMPORAL, bidirectional=True)
    with pytest.raises(ValueError, match="Received: .*forward alone.*forward,backward"):
        graph(reader, split.train, recipe)


SLOW_FUSION = paper.SlowFusionRecipe(crop_size=41, batch_size=8, seed=5)


def frames_of(reader, video_id):
    """All frames of a video, `[T, H, W, 3]`."""
    path = reader.table([video_id], "rgb")["path"]
    serialized = list(tf.data.TFRecordDataset(path).as_numpy_iterator())
    jpegs = store.parse_rgb(serialized)["jpeg"].numpy()
    return np.stack([tf.io.decode_jpeg(j, dct_method="INTEGER_ACCURATE").numpy() for j in jpegs])


def test_a_stack_is_successive_frames_and_a_short_clip_repeats_its_last(reader, split):
    for video in split.train:
        frames = frames_of(reader, video.id)
        starts = inputs.equally_spaced(np.array([max(len(frames) - 10, 1)]))[0]
        [batch] = inputs.evaluation(reader, [video], SLOW_FUSION)
        for stack, start in zip(batch["rgb"].numpy(), starts, strict=True):
            shown = [min(start + n, len(frames) - 1) for n in range(11)]
            np.testing.assert_array_equal(stack, np.concatenate(frames[shown], axis=-1))


def test_all_frames_of_a_stack_have_one_view_and_one_jitter(reader, split):
    batch = next(iter(inputs.training(reader, split.train, SLOW_FUSION)))
    stacks = inputs.prepare(batch, SLOW_FUSION)
    assert stacks.shape == (8, 41, 41, 33)
    for n in range(11):
        frame = {**batch, "rgb": batch["rgb"][..., 3 * n : 3 * n + 3]}
        np.testing.assert_array_equal(
            stacks[..., 3 * n : 3 * n + 3], inputs.prepare(frame, SPATIAL)
        )


def test_stacks_of_a_test_video_have_ten_views_each(reader, split):
    batch = next(iter(inputs.evaluation(reader, split.test, SLOW_FUSION, batch_size=3)))
    assert inputs.prepare(batch, SLOW_FUSION).shape == (30, 41, 41, 33)


@pytest.mark.parametrize("recipe", [SPATIAL, TEMPORAL], ids=["spatial", "temporal"])
def test_videos_of_two_stores_are_read_from_their_own(reader, split, recipe):
    joined = store.JoinedReader([reader, reader])
    added = [dataclasses.replace(video, label=video.label + 3, store=1) for video in split.train]
    both = iter(inputs.training(joined, [*split.train, *added], recipe))
    assert set(next(both)["label"].numpy() // 3) == {0, 1}
    alone = [arrays(batch) for batch in inputs.evaluation(reader, split.train, recipe)]
    there = [arrays(batch) for batch in inputs.evaluation(joined, added, recipe)]
    for first, second in zip(alone, there, strict=True):
        np.testing.assert_array_equal(first.pop("label") + 3, second.pop("label"))
        assert_same(first, second)


def test_a_video_of_another_store_is_not_looked_for_in_this_one(reader, split):
    elsewhere = [dataclasses.replace(video, store=1) for video in split.train]
    with pytest.raises(ValueError, match="7 videos of added classes are in another store"):
        inputs.training(reader, elsewhere, SPATIAL)


def test_a_video_of_several_classes_is_drawn_for_each_of_them(reader, split):
    labels = [(0, 2), (0,), (0,), (1,)]
    videos = [
        datasets.Video(video.id, own[0], other_labels=own[1:])
        for video, own in zip(split.train, labels)
    ]
    recipe = dataclasses.replace(SPATIAL, batch_size=200)
    batches = inputs.training(reader, videos, recipe, several_of=4).take(3)
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
