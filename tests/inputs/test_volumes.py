"""Both ways of stacking, restoring and mean subtraction, against twins written from the paper."""

import numpy as np
import pytest
import tensorflow as tf

from tf_twostream.flow import codec
from tf_twostream.inputs import volumes

RNG = np.random.default_rng(0)


def stack_slowly(fields):
    """Equation 1, with k counted from 1; fields [L, H, W, 2]."""
    length, height, width, _ = fields.shape
    volume = np.zeros((height, width, 2 * length), fields.dtype)
    for k in range(1, length + 1):
        volume[..., 2 * k - 2] = fields[k - 1, ..., 0]
        volume[..., 2 * k - 1] = fields[k - 1, ..., 1]
    return volume


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_stacking_is_equation_1(dtype, jit_compile):
    fields = RNG.integers(0, 255, (2, 3, 5, 7, 2)).astype(dtype)  # [B, L, H, W, 2]
    planes = tf.constant(np.moveaxis(fields, -1, 2))
    result = tf.function(volumes.stack_flow, jit_compile=jit_compile)(planes).numpy()
    np.testing.assert_array_equal(result, [stack_slowly(sample) for sample in fields])


def test_fields_need_two_components():
    with pytest.raises(ValueError, match=r"two components.*\(1, 2, 3, 4, 5\)"):
        volumes.stack_flow(tf.zeros((1, 2, 3, 4, 5)))


def quantised(fields):
    """Codes and ranges of fields [B, L, H, W, 2], as tensors."""
    pairs = [[codec.quantise(field) for field in sample] for sample in fields]
    codes = np.array([[code for code, _ in sample] for sample in pairs])
    return tf.constant(codes), tf.constant([[ranges for _, ranges in sample] for sample in pairs])


@pytest.fixture
def coded():
    """Fields [B, L, H, W, 2] with their codes, ranges and means."""
    fields = RNG.normal(0, 3, (2, 3, 6, 8, 2)).astype(np.float32)
    fields[0, 1] = [1.5, -2.0]  # A constant field has no range to speak of.
    codes, ranges = quantised(fields)
    return fields, codes.numpy(), ranges.numpy(), fields.mean((2, 3))


def test_restoring_errs_by_at_most_half_a_step(coded):
    fields, codes, ranges, _ = coded
    stacked = volumes.stack_flow(tf.constant(codes))
    result = volumes.restore(stacked, tf.constant(ranges)).numpy()
    half = (ranges[..., 1] - ranges[..., 0]).reshape(2, 1, 1, 6) / 255 / 2
    wanted = np.stack([stack_slowly(sample) for sample in fields])
    assert np.all(np.abs(result - wanted) <= half + 1e-5)


def test_the_device_restores_what_numpy_restores(coded):
    _, codes, ranges, _ = coded
    stacked = volumes.stack_flow(tf.constant(codes))
    result = volumes.restore(stacked, tf.constant(ranges)).numpy()
    wanted = [stack_slowly(sample) for sample in codec.restore(codes, ranges)]
    np.testing.assert_allclose(result, wanted, atol=1e-5)


def test_a_constant_field_is_restored_exactly(coded):
    _, codes, ranges, _ = coded
    stacked = volumes.stack_flow(tf.constant(codes))
    result = volumes.restore(stacked, tf.constant(ranges)).numpy()
    np.testing.assert_array_equal(result[0, ..., 2], 1.5)
    np.testing.assert_array_equal(result[0, ..., 3], -2.0)


def test_mean_subtraction_takes_each_fields_own_mean_vector(coded):
    _, codes, ranges, means = coded
    stacked, ranges = volumes.stack_flow(tf.constant(codes)), tf.constant(ranges)
    plain = volumes.restore(stacked, ranges).numpy()
    centred = volumes.restore(stacked, ranges, means=tf.constant(means)).numpy()
    difference = np.broadcast_to(means.reshape(2, 1, 1, 6), plain.shape)
    np.testing.assert_allclose(plain - centred, difference, atol=1e-5)
    assert np.abs(centred.mean((1, 2))).max() < 0.05


def test_signs_are_those_of_u_and_v_of_every_field(coded):
    _, codes, ranges, means = coded
    stacked, knobs = volumes.stack_flow(tf.constant(codes)), {"means": tf.constant(means)}
    plain = volumes.restore(stacked, tf.constant(ranges), **knobs).numpy()
    signs = tf.constant([[[-1.0, 1.0]], [[1.0, 1.0]]])
    signed = volumes.restore(stacked, tf.constant(ranges), signs=signs, **knobs).numpy()
    np.testing.assert_allclose(signed[0, ..., 0::2], -plain[0, ..., 0::2], atol=1e-6)
    np.testing.assert_allclose(signed[0, ..., 1::2], plain[0, ..., 1::2], atol=1e-6)
    np.testing.assert_array_equal(signed[1], plain[1])


def read_slowly(field, x, y):
    """Reads a field [H, W, 2] between its pixels; a place outside counts as the nearest inside."""
    height, width, _ = field.shape
    value = np.zeros(2)
    for row in (int(np.floor(y)), int(np.floor(y)) + 1):
        for column in (int(np.floor(x)), int(np.floor(x)) + 1):
            weight = max(0, 1 - abs(x - column)) * max(0, 1 - abs(y - row))
            value += weight * field[min(row, height - 1), min(column, width - 1)]
    return value


def follow_slowly(fields, u, v):
    """Equation 2 at one pixel, with k counted from 1; fields [L, H, W, 2]; gives [2L]."""
    length, height, width, _ = fields.shape
    volume = np.zeros(2 * length)
    p = np.array([u, v], float)
    for k in range(1, length + 1):
        if k > 1:
            p = p + read_slowly(fields[k - 2], *p)
            p = np.clip(p, 0, [width - 1, height - 1])
        volume[2 * k - 2 : 2 * k] = read_slowly(fields[k - 1], *p)
    return volume


def trajectories_slowly(fields, *, bidirectional=False):
    """Equation 2 at every pixel of fields [L, H, W, 2]; each half by itself if bidirectional."""
    _, height, width, _ = fields.shape
    halves = np.split(fields, 2) if bidirectional else [fields]
    return np.array(
        [
            [np.concatenate([follow_slowly(half, u, v) for half in halves]) for u in range(width)]
            for v in range(height)
        ]
    )


def smooth_fields(count, length, height, width, *, speed=3.0):
    """Fields [B, L, H, W, 2] whose paths leave the frame here and there, as what is stored."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    waves = RNG.uniform(-2, 2, (count, length, 2, 3))
    fields = np.empty((count, length, height, width, 2), np.float32)
    for index in np.ndindex(count, length, 2):
        a, b, c = waves[index]
        fields[(*index[:2], ..., index[2])] = speed * np.sin(a * x * 3 + b * y * 3 + 3 * c)
    codes, ranges = quantised(fields)
    return codec.restore(codes.numpy(), ranges.numpy()), codes, ranges


def every_pixel(count, height, width):
    """`starts` of all pixels of frames, row by row."""
    y, x = np.mgrid[:height, :width]
    grid = np.stack([x, y], axis=-1).reshape(1, -1, 2).astype(np.float32)
    return tf.constant(np.repeat(grid, count, axis=0))


def traced(codes, ranges, *, stack=volumes.stack_trajectories, **knobs):
    """Trajectories from every pixel, in pixels per frame, [B, H, W, 2L]."""
    count, length, _, height, width = codes.shape
    result = stack(codes, ranges, every_pixel(count, height, width), **knobs)
    return volumes.restore(tf.reshape(result, [count, height, width, 2 * length]), ranges).numpy()


STACK = volumes.stack_trajectories


@pytest.mark.parametrize(
    ("length", "stack"),
    [(1, STACK), (2, STACK), (5, STACK), (10, STACK), (3, tf.function(STACK)),
     (3, tf.function(STACK, jit_compile=True))],
    ids=["1", "2", "5", "10", "3-graph", "3-xla"],
)  # fmt: skip
def test_trajectories_are_equation_2(length, stack):
    fields, codes, ranges = smooth_fields(2, length, 7, 9)
    wanted = [trajectories_slowly(sample) for sample in fields]
    np.testing.assert_allclose(traced(codes, ranges, stack=stack), wanted, atol=1e-4)


@pytest.mark.parametrize("length", [2, 10])
def test_the_backward_half_starts_at_the_pixel_again(length):
    fields, codes, ranges = smooth_fields(2, length, 7, 9)
    result = traced(codes, ranges, directions=2)
    wanted = [trajectories_slowly(sample, bidirectional=True) for sample in fields]
    np.testing.assert_allclose(result, wanted, atol=1e-4)
    halves = [
        traced(codes[:, part], ranges[:, part])
        for part in (slice(length // 2), slice(length // 2, None))
    ]
    np.testing.assert_allclose(result, np.concatenate(halves, axis=-1), atol=1e-5)


def test_along_a_constant_flow_trajectories_read_what_stacking_reads():
    flow = RNG.normal(0, 2, (2, 4, 1, 1, 2)).astype(np.float32)
    fields = np.broadcast_to(flow, (2, 4, 6, 8, 2))
    codes, ranges = quantised(fields)
    plain = volumes.restore(volumes.stack_flow(codes), ranges)
    np.testing.assert_allclose(traced(codes, ranges), plain, atol=1e-6)


def test_at_length_one_trajectories_are_stacking():
    _, codes, ranges = smooth_fields(2, 1, 6, 8)
    plain = volumes.restore(volumes.stack_flow(codes), ranges)
    np.testing.assert_array_equal(traced(codes, ranges), plain)


def test_a_path_stays_on_the_border_it_reaches():
    """The first field moves all to the right by 3 pixels, to where the second one is 100 + x."""
    fields = np.zeros((1, 2, 4, 6, 2), np.float32)
    fields[0, 0, ..., 0] = 3
    fields[0, 1, ..., 0] = 100 + np.arange(6)
    result = traced(*quantised(fields))[0, :, :, 2]
    wanted = np.broadcast_to(100.0 + np.array([3, 4, 5, 5, 5, 5]), (4, 6))
    np.testing.assert_allclose(result, wanted, atol=1e-4)


def test_padding_is_never_read():
    fields, codes, ranges = smooth_fields(1, 5, 7, 9)
    padded = tf.pad(codes, [[0, 0], [0, 0], [0, 0], [0, 4], [0, 3]], constant_values=255)
    starts = every_pixel(1, 7, 9)
    plain = volumes.stack_trajectories(codes, ranges, starts)
    result = volumes.stack_trajectories(padded, ranges, starts, size=tf.constant([[7, 9]]))
    np.testing.assert_array_equal(result, plain)
    without = volumes.stack_trajectories(padded, ranges, starts).numpy()
    assert np.any(without != plain.numpy())  # These paths do meet the border.


@pytest.mark.parametrize(("directions", "jit_compile"), [(1, False), (2, False), (2, True)])
def test_views_of_trajectories_are_cut_out_of_the_whole_volume(directions, jit_compile):
    _, codes, ranges = smooth_fields(2, 4, 9, 12)
    chosen = np.array([[[0, 0, 0], [4, 7, 1], [2, 3, 1]], [[1, 2, 1], [2, 3, 0], [4, 7, 0]]])
    starts = every_pixel(2, 9, 12)
    whole = volumes.stack_trajectories(codes, ranges, starts, directions=directions)
    whole = whole.numpy().reshape(2, 9, 12, 8)
    wanted = []
    for b, v in np.ndindex(2, 3):
        top, left, flip = chosen[b, v]
        piece = whole[b, top : top + 5, left : left + 5]
        wanted.append(piece[:, ::-1] if flip else piece)

    @tf.function(jit_compile=jit_compile)
    def cut(chosen):
        return volumes.cut_trajectories(codes, ranges, chosen, crop=5, directions=directions)

    chosen = tf.constant(chosen, tf.int32)
    np.testing.assert_allclose(cut(chosen), wanted, atol=1e-2)  # Of 255 codes.
    alone = [cut(chosen[:, v : v + 1]).numpy() for v in range(3)]
    np.testing.assert_allclose(np.stack(alone, 1).reshape(6, 5, 5, 8), wanted, atol=1e-2)


def test_trajectories_of_a_box_are_those_of_its_points():
    codes, ranges = quantised(RNG.normal(0, 3, (1, 3, 24, 32, 2)).astype(np.float32))
    box = tf.constant([[[2, 4, 17, 25, 1]]])
    cut = volumes.cut_trajectories(codes, ranges, box, crop=9)[0]
    rows, columns = np.linspace(2, 18, 9), np.linspace(4, 28, 9)[::-1]
    points = np.stack(np.meshgrid(columns, rows), -1).reshape(1, -1, 2).astype(np.float32)
    wanted = volumes.stack_trajectories(codes, ranges, points)
    np.testing.assert_allclose(tf.reshape(cut, [1, 81, 6]), wanted, atol=1e-3)


def test_trajectories_of_a_whole_frame_are_those_of_all_pixels():
    codes, ranges = quantised(RNG.normal(0, 3, (1, 3, 24, 32, 2)).astype(np.float32))
    whole = volumes.cut_trajectories(codes, ranges, tf.constant([[[0], [1]]]), crop=9)
    square = volumes.cut_trajectories(codes, ranges, tf.constant([[[3, 5, 0]]]), crop=9)
    assert whole.shape == (2, 24, 32, 6)
    np.testing.assert_allclose(whole[0, 3:12, 5:14], square[0], atol=1e-3)
    np.testing.assert_array_equal(whole[1], whole[0, :, ::-1])
