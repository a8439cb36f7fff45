"""The input configurations of Sect. 3.1: both ways of stacking, one direction or both."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from read_back import arrays, assert_same, fields_of

from tf_twostream import datasets, inputs, store
from tf_twostream.flow import codec
from tf_twostream.paper import recipes

LENGTHS = {(20, 26): 14, (24, 20): 12, (20, 20): 5, (20, 23): 2, (21, 20): 4}  # Frames, by size.
COMBINATIONS = [(s, b) for s in ("flow", "trajectory") for b in (False, True)]


@pytest.fixture(scope="module")
def two_way(tmp_path_factory):
    """A store with smooth fields in both directions, three videos shorter than a stack of ten."""
    path = str(tmp_path_factory.mktemp("store") / "two_way")
    settings = store.Settings(
        method="synthetic", parameters={}, directions=("forward", "backward"), shorter_side=20
    )
    writer = store.Writer(path, settings)
    rng = np.random.default_rng(1)
    for (height, width), num_frames in LENGTHS.items():
        y, x = np.mgrid[:height, :width] / 20
        with writer.video(f"{height}x{width}.avi") as video:
            for t in range(num_frames):
                video.add_rgb(tf.io.encode_jpeg(np.full((height, width, 3), t, np.uint8)).numpy())
                for direction in ("forward", "backward") if t else ():
                    a, b, c, d = rng.uniform(-2, 2, (4, 2, 1, 1))
                    field = np.float32(3 * np.sin(a * x + b * y + c) + d).transpose(1, 2, 0)
                    codes, ranges = codec.quantise(field)
                    video.add_flow(direction, codec.encode(codes), ranges, field.mean((0, 1)))
            video.finish(height=height, width=width, promised_frames=num_frames, fps=25.0)
    writer.write_index()
    videos = [datasets.Video(f"{h}x{w}.avi", n % 2) for n, (h, w) in enumerate(LENGTHS)]
    return store.Reader(path), videos


def small(stacking="flow", bidirectional=False, **knobs):
    defaults = {"crop_size": 9, "stack_length": 4, "batch_size": 6, "seed": 2}
    return recipes.TemporalRecipe(
        stacking=stacking, bidirectional=bidirectional, **{**defaults, **knobs}
    )


def records_slowly(num_frames, length):
    """Records (forward, backward) of each bidirectional window, by the frames that they join."""
    last, half = num_frames - 1, length // 2
    taus = [tau for tau in range(num_frames) if tau >= half and tau + half <= last]
    windows = []
    for tau in taus:
        forward = [(t, t + 1) for t in range(tau, tau + half)]
        backward = [(t, t - 1) for t in range(tau, tau - half, -1)]
        windows.append(([t for t, _ in forward], [to for _, to in backward]))
    return windows


SHORT = {  # Frames: records (forward, backward) of the one window of L = 10.
    5: ([2, 3, 3, 3, 3], [1, 0, 0, 0, 0]),
    4: ([1, 2, 2, 2, 2], [0, 0, 0, 0, 0]),
    2: ([0, 0, 0, 0, 0], [0, 0, 0, 0, 0]),
}


@pytest.mark.parametrize("length", [2, 4, 10])
def test_a_bidirectional_window_leads_from_tau_forward_and_from_tau_backward(two_way, length):
    reader, videos = two_way
    recipe = small(bidirectional=True, stack_length=length)
    [batch] = inputs.evaluation(inputs.Windows(reader, videos, recipe), batch_size=125)
    batch = arrays(batch)
    for number, video in enumerate(videos):
        frames, (height, width) = reader.num_frames(video.id), reader.size(video.id)
        windows = records_slowly(frames, length)
        if not windows:
            windows = [[records[: length // 2] for records in SHORT[frames]]]
        chosen = inputs.equally_spaced(np.array([len(windows)]))[0]
        stored = [fields_of(reader, video.id, kind) for kind in ("forward", "backward")]
        for n, name in enumerate(("codes", "ranges", "means")):
            wanted = [
                np.concatenate([kind[n][records] for kind, records in zip(stored, windows[w])])
                for w in chosen
            ]
            result = batch[name][25 * number : 25 * (number + 1)]
            result = result[..., :height, :width] if name == "codes" else result
            np.testing.assert_array_equal(result, wanted, err_msg=f"{video.id} {name}")


def test_the_size_is_that_of_the_true_frame(two_way):
    reader, videos = two_way
    batch = arrays(
        next(iter(inputs.evaluation(inputs.Windows(reader, videos, small()), batch_size=125)))
    )
    sizes = np.array(list(LENGTHS))
    np.testing.assert_array_equal(batch["size"], np.repeat(sizes, 25, axis=0))
    assert batch["codes"].shape[3:] == (24, 26)


def read_slowly(field, x, y):
    """Reads a field [H, W, 2] at [N] places inside, bilinearly."""
    near_x, near_y = (
        1 - abs(p[:, None] - np.arange(n)) for p, n in zip((x, y), field.shape[1::-1])
    )
    return np.einsum("nh,nw,hwc->nc", np.maximum(near_y, 0), np.maximum(near_x, 0), field)


def volume_slowly(fields, means, x, y, *, trajectory):
    """Equations 1 and 2 at [N] pixels (x, y), fields [L, H, W, 2]; gives [N, 2L]."""
    _, height, width, _ = fields.shape
    samples = []
    for field, mean in zip(fields, means):
        read = read_slowly(field, x, y)
        samples.append(read - mean)
        if trajectory:
            x = np.clip(x + read[:, 0], 0, width - 1)
            y = np.clip(y + read[:, 1], 0, height - 1)
    return np.concatenate(samples, axis=1)


def input_slowly(element, view, recipe):
    """What the network sees of one element: the video mirrored, then stacked, then cropped."""
    (height, width), (top, left, flip) = element["size"], view
    codes = element["codes"][:, :, :height, :width]
    fields = codec.restore(codes, element["ranges"]).astype(float)
    means = element["means"] * recipe.mean_subtraction
    if flip:
        fields, means, left = fields[:, :, ::-1] * [-1, 1], means * [-1, 1], width - 9 - left
    y, x = (side.ravel().astype(float) for side in np.mgrid[top : top + 9, left : left + 9])
    knobs = {"trajectory": recipe.stacking == "trajectory"}
    halves = [slice(2), slice(2, 4)] if recipe.bidirectional else [slice(4)]
    parts = [volume_slowly(fields[half], means[half], x, y, **knobs) for half in halves]
    return np.concatenate(parts, axis=1).reshape(9, 9, 8)


@pytest.mark.parametrize("mean_subtraction", [True, False])
@pytest.mark.parametrize("graph", [inputs.training, inputs.evaluation])
@pytest.mark.parametrize(("stacking", "bidirectional"), COMBINATIONS)
def test_a_mirrored_view_is_that_of_the_mirrored_video(
    two_way, stacking, bidirectional, graph, mean_subtraction
):
    recipe = small(stacking, bidirectional, mean_subtraction=mean_subtraction)
    batch = next(iter(graph(inputs.Windows(*two_way, recipe))))
    result = inputs.prepare(batch, recipe).numpy()
    batch = arrays(batch)
    size, num_views = batch["views"].shape[:2]
    assert result.shape == (size * num_views, 9, 9, 8)
    assert 0 < batch["views"][..., 2].mean() < 1
    for b, v in itertools.product(range(size), range(num_views)):
        element = {name: values[b] for name, values in batch.items()}
        wanted = input_slowly(element, batch["views"][b, v], recipe)
        np.testing.assert_allclose(result[b * num_views + v], wanted, atol=1e-4)


@pytest.mark.parametrize(("stacking", "bidirectional"), COMBINATIONS)
def test_padding_a_batch_changes_nothing(two_way, stacking, bidirectional):
    reader, videos = two_way
    recipe = small(stacking, bidirectional)
    [padded] = inputs.evaluation(inputs.Windows(reader, videos[1:3], recipe), batch_size=50)
    together = inputs.prepare(padded, recipe).numpy()
    assert padded["codes"].shape[3:] == (24, 20)
    [batch] = inputs.evaluation(inputs.Windows(reader, videos[2:3], recipe))
    del batch["size"]  # Without it the frame is as large as the tensor.
    np.testing.assert_allclose(inputs.prepare(batch, recipe), together[250:], atol=1e-5)


def test_xla_prepares_the_same(two_way):
    recipe = small("trajectory", True)
    batch = next(iter(inputs.training(inputs.Windows(*two_way, recipe))))
    numbers = {name: batch[name] for name in ("codes", "ranges", "means", "views", "size")}
    prepare = tf.function(lambda batch: inputs.prepare(batch, recipe), jit_compile=True)
    np.testing.assert_allclose(prepare(numbers), inputs.prepare(batch, recipe), atol=1e-4)


def test_a_two_way_stream_can_start_at_any_iteration(two_way):
    recipe = small("trajectory", True)
    stream = iter(inputs.training(inputs.Windows(*two_way, recipe)))
    batches = [arrays(next(stream)) for _ in range(3)]
    resumed = arrays(
        next(iter(inputs.training(inputs.Windows(*two_way, recipe), first_iteration=2)))
    )
    assert_same(batches[2], resumed)
    np.testing.assert_array_equal(
        inputs.prepare(batches[2], recipe), inputs.prepare(resumed, recipe)
    )


def test_the_way_of_stacking_does_not_change_what_is_drawn(two_way):
    plain, traced = (
        arrays(next(iter(inputs.training(inputs.Windows(*two_way, small(stacking))))))
        for stacking in ("flow", "trajectory")
    )
    assert_same(plain, traced)
