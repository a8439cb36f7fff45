import dataclasses
import functools

import cv2
import numpy as np
import pytest
import tensorflow as tf

from tf_twostream.flow import brox, flo

INNER = np.s_[..., 8:-8, 8:-8, :]  # Pixels whose surroundings are in both frames.
QUICK = dataclasses.replace(brox.FAST, eta=0.6)


@functools.cache
def texture():
    """A smooth random function of the plane, `[H, W]` in [0, 1], three scales."""
    rng = np.random.default_rng(0)
    layers = [
        cv2.GaussianBlur(rng.normal(size=(200, 240)), (0, 0), sigma) * sigma for sigma in (2, 4, 8)
    ]
    return cv2.normalize(sum(layers), None, 0, 1, cv2.NORM_MINMAX).astype(np.float32)


def view(matrix=((1, 0, 0), (0, 1, 0)), size=(48, 64)):
    """The texture seen through a map of pixels, centred; `[H, W]`."""
    height, width = size
    matrix = np.array(matrix, np.float64)
    y, x = np.mgrid[:height, :width] - np.array([height - 1, width - 1])[:, None, None] / 2
    places = [row[0] * x + row[1] * y + row[2] for row in matrix]
    return cv2.remap(
        texture(), *((p + c).astype(np.float32) for p, c in zip(places, (120, 100))),
        interpolation=cv2.INTER_CUBIC,
    ).clip(0, 1)  # fmt: skip


def true_field(matrix, size=(48, 64)):
    """The displacement of the first view's pixels where the second sees through `matrix`."""
    height, width = size
    y, x = np.mgrid[:height, :width] - np.array([height - 1, width - 1])[:, None, None] / 2
    linear, offset = np.array(matrix)[:, :2], np.array(matrix)[:, 2]
    place = np.linalg.solve(linear, np.stack([x.ravel() - offset[0], y.ravel() - offset[1]]))
    return np.stack([place[0] - x.ravel(), place[1] - y.ravel()], 1).reshape(height, width, 2)


def shifted(u, v, size=(48, 64)):
    return view(((1, 0, -u), (0, 1, -v)), size)


@functools.cache
def compiled(parameters, backward, xla):
    def estimate(frames):
        return brox.flow(frames, parameters, backward=backward, compiled=xla)

    signature = [tf.TensorSpec([None] * 4)]
    return tf.function(estimate, input_signature=signature, autograph=False)


def flow(*frames, parameters=QUICK, backward=False, xla=False):
    """Fields `[T - 1, H, W, 2]` of frames `[H, W]`; by default without the wait for XLA."""
    frames = tf.constant(np.stack(frames)[None].astype(np.float32))
    return compiled(parameters, backward, xla)(frames).numpy()[0]


def error(field, expected):
    return np.linalg.norm(field - expected, axis=-1)[..., None][INNER].mean()


def test_rest_has_no_flow():
    assert np.abs(flow(view(), view())).max() < 1e-6


@pytest.mark.parametrize("u, v", [(1, 0), (0, -2), (3, 2), (-0.25, 0.5), (0.1, 0.03)])
def test_translations_are_recovered(u, v):
    field = flow(view(), shifted(u, v))
    assert field.shape == (1, 48, 64, 2)
    assert error(field, [u, v]) < 0.05  # Pixels.


ROTATION = ((np.cos(0.04), -np.sin(0.04), 0), (np.sin(0.04), np.cos(0.04), 0))
ZOOM = ((1.05, 0, 0), (0, 1.05, 0))


@pytest.mark.parametrize("matrix", [ROTATION, ZOOM], ids=["rotation", "zoom"])
def test_rotation_and_zoom_are_recovered(matrix):
    assert np.abs(true_field(matrix)).max() > 0.9
    assert error(flow(view(), view(matrix)), true_field(matrix)) < 0.1  # Pixels.


@pytest.mark.parametrize("parameters", [QUICK, brox.OPENCV], ids=["fast", "opencv"])
def test_both_presets_recover_a_translation(parameters):
    assert error(flow(view(), shifted(1.5, -1), parameters=parameters), [1.5, -1]) < 0.05


def test_flow_of_the_mirrored_is_the_mirrored_with_u_negated():
    first, second = view(), view(ROTATION)
    mirrored = flow(first[:, ::-1], second[:, ::-1])
    expected = flow(first, second)[:, :, ::-1] * [-1, 1]
    assert np.abs(mirrored - expected).mean() < 0.02  # Red and black swap places.


def test_backward_is_the_flow_of_the_swapped_pair():
    first, second, third = view(), shifted(1, 0.5), view(ROTATION)
    backward = flow(first, second, third, backward=True)
    np.testing.assert_allclose(backward[0], flow(second, first)[0], atol=1e-3)
    np.testing.assert_allclose(backward[1], flow(third, second)[0], atol=1e-3)


def test_forward_and_backward_are_consistent():
    first, second = view(), view(ROTATION)
    forward = flow(first, second)[0]
    backward = flow(first, second, backward=True)[0]
    y, x = np.mgrid[:48, :64].astype(np.float32)
    returned = cv2.remap(backward, x + forward[..., 0], y + forward[..., 1], cv2.INTER_LINEAR)
    assert error(forward, -returned) < 0.1  # Pixels.


def test_energy_never_rises_between_outer_iterations():
    size = (24, 32)
    first, second = view(size=size), view(((1.01, 0.02, -0.6), (-0.02, 0.99, 0.5)), size)
    pair = [tf.constant(x[None]) for x in (first, second)]
    field, energies = tf.zeros([1, *size, 2]), []
    for warps in (0, 1, 2, 3):
        if warps:
            parameters = dataclasses.replace(QUICK, outer_iterations=1, warps=warps)
            field = tf.constant(flow(first, second, parameters=parameters))
        energies.append(float(brox.energy(*pair, field)[0]))
    assert energies[1] < 0.5 * energies[0]
    assert all(after <= before * 1.0001 for before, after in zip(energies, energies[1:]))


def test_energy_of_the_truth_is_below_that_of_others():
    pair = [tf.constant(x[None]) for x in (view(), shifted(1, 0.5))]
    truth, wrong = np.float32([1, 0.5]), np.float32([0.8, 0.5])
    energies = [
        float(brox.energy(*pair, tf.constant(np.broadcast_to(field, [1, 48, 64, 2])))[0])
        for field in (truth, wrong)
    ]
    assert energies[0] < 0.6 * energies[1]


def test_batch_and_clip_equal_one_pair_at_a_time():
    clips = [[view(), shifted(1, 0), shifted(2, 1)], [shifted(0, 3), view(ZOOM), view(ROTATION)]]
    fields = compiled(QUICK, False, False)(tf.constant(np.array(clips))).numpy()
    assert fields.shape == (2, 2, 48, 64, 2)
    for clip, together in zip(clips, fields):
        for t in (0, 1):
            alone = flow(clip[t], clip[t + 1])[0]
            assert np.abs(together[t] - alone).mean() < 1e-3  # Pixels; 0.01 is promised.
            assert np.abs(together[t] - alone).max() < 0.05


TINY = (16, 24)  # One canvas for all levels: XLA compiles once.


def test_compiled_and_in_a_saved_model_it_is_the_same_field(tmp_path):
    module = tf.Module()
    module.flow = compiled(QUICK, False, True)
    tf.saved_model.save(module, str(tmp_path))
    pair = np.stack([view(size=TINY), view(ROTATION, size=TINY)])
    fields = tf.saved_model.load(str(tmp_path)).flow(tf.constant(pair[None])).numpy()
    assert np.abs(fields[0] - flow(*pair)).mean() < 1e-3  # Pixels; 0.01 is promised.


def test_padding_to_a_canvas_does_not_move_the_field(monkeypatch):
    pair = view(size=(41, 57)), view(ROTATION, size=(41, 57))
    field = flow(*pair)
    monkeypatch.setattr(brox, "GRAIN", 2)
    monkeypatch.setattr(brox, "SHARED", 1000)
    estimate = compiled.__wrapped__(QUICK, False, False)
    exact = estimate(tf.constant(np.stack(pair)[None])).numpy()[0]
    assert np.abs(field - exact).mean() < 1e-3
    assert np.abs(field - exact).max() < 0.05


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (20, 131), (97, 18), (8, 8), (4, 5)])
def test_odd_tiny_and_wide_sizes(size):
    field = flow(view(size=size), shifted(0.5, 0, size))
    assert field.shape == (1, *size, 2) and np.isfinite(field).all()
    if min(size) > 15:
        np.testing.assert_allclose(np.median(field, axis=(0, 1, 2)), [0.5, 0], atol=0.1)


def test_frames_that_say_nothing_have_finite_flow():
    noise = np.random.default_rng(0).random((4, 48, 64)).astype(np.float32)
    black, white = np.zeros([48, 64]), np.ones([48, 64])
    frames = [black, black, white, white, black, noise[0], noise[1], white, (noise[2] > 0.5)]
    fields = flow(*frames)
    assert np.isfinite(fields).all()
    for t in range(4):  # Constant frames give no direction.
        assert np.abs(fields[t]).max() < 1e-3


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_fields_of_a_video_are_those_of_its_pairs(direction):
    frames = [np.rint(255 * shifted(t / 2, t / 4, TINY)).astype(np.uint8) for t in range(4)]
    fields = list(brox.fields(frames, parameters=QUICK, direction=direction, pairs_per_call=2))
    assert len(fields) == 3
    alone = flow(*(frame / 255 for frame in frames), backward=direction == "backward")
    assert np.abs(np.stack(fields) - alone).mean() < 1e-3


def test_a_single_frame_has_no_field():
    assert list(brox.fields([np.zeros([16, 24], np.uint8)])) == []


def test_one_graph_serves_all_sizes():
    estimate = compiled(QUICK, False, False)
    before = estimate.experimental_get_tracing_count()
    for size in ((24, 30), (30, 24), (18, 40)):
        flow(view(size=size), view(size=size))
    assert estimate.experimental_get_tracing_count() <= max(before, 1)


def test_frames_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="Received"):
        brox.flow(tf.zeros([1, 2, 8, 8], tf.uint8))
    with pytest.raises(ValueError, match="Received"):
        brox.flow(tf.zeros([2, 8, 8]))
    with pytest.raises(ValueError, match="forward or backward"):
        next(brox.fields([], direction="sideways"))


def middlebury(shared_data, scene):
    folder = shared_data / "flow_gt/middlebury" / scene
    first, second = (cv2.imread(str(folder / f"frame{n}.png"), 0) for n in (10, 11))
    return first, second, flo.read_flo(folder / "flow10.flo")


@pytest.mark.slow
def test_middlebury_errors_are_as_documented(shared_data):
    errors = {}
    for scene in ("RubberWhale", "Venus", "Dimetrodon"):
        first, second, truth = middlebury(shared_data, scene)
        [field] = brox.fields([first, second])
        errors[scene] = float(np.nanmean(np.linalg.norm(field - truth, axis=2)))
    assert errors["RubberWhale"] <= 0.13
    assert np.mean(list(errors.values())) < 0.21  # TV-L1 has 0.214, DIS 0.256.
