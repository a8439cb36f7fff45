"""Laws of Brox's flow, on textures that are computed exactly wherever they are seen."""

import dataclasses
import functools

import cv2
import numpy as np
import pytest
import tensorflow as tf

from tf_twostream.benchmarks import placement
from tf_twostream.flow import brox, flo

INNER = np.s_[..., 8:-8, 8:-8, :]  # Pixels whose surroundings are in both frames.

# The minimum itself, whatever the sweeps: ten times FAST's iterations and an omega that suits so
# small a frame. The large epsilon makes psi average what bilinear reading and gradients that
# turn with the image leave over, instead of choosing from it. Unsmoothed, frames are `energy`'s.
CONVERGED = dataclasses.replace(
    brox.FAST, warps=3, inner_iterations=5, solver_iterations=20, omega=1.8, epsilon=0.05, sigma=0.0
)  # fmt: skip
PARAMETERS = {"fast": brox.FAST, "converged": CONVERGED}


@functools.cache
def waves():
    """Wave vectors `[90, 2]` in radians per pixel and phases of a random texture, three scales."""
    rng = np.random.default_rng(0)
    scales = np.repeat([2.0, 4.0, 8.0], 30)[:, None]  # Of noise blurred by so many pixels.
    return rng.normal(size=(90, 2)) / (np.sqrt(2) * scales), rng.uniform(0, 2 * np.pi, 90)


def centred(size):
    """Coordinates x and y of pixels, `[H, W]` each, 0 in the middle."""
    height, width = size
    y, x = np.mgrid[:height, :width] - np.array([height - 1, width - 1])[:, None, None] / 2
    return x, y


def view(matrix=((1, 0, 0), (0, 1, 0)), size=(48, 64)):
    """The texture seen through a map of pixels, computed, not interpolated; `[H, W]` in [0, 1]."""
    x, y = centred(size)
    places = np.stack([row[0] * x + row[1] * y + row[2] for row in matrix], axis=-1)
    vectors, phases = waves()
    return (0.5 + 0.015 * np.cos(places @ vectors.T + phases).sum(-1)).astype(np.float32)


def true_field(matrix, size=(48, 64)):
    """The displacement of the first view's pixels where the second sees through `matrix`."""
    x, y = centred(size)
    linear, offset = np.array(matrix)[:, :2], np.array(matrix)[:, 2]
    here = np.stack([x, y], axis=-1)
    return (here - offset) @ np.linalg.inv(linear).T - here


def shifted(u, v, size=(48, 64)):
    return view(((1, 0, -u), (0, 1, -v)), size)


@functools.cache
def compiled(parameters, backward, xla):
    def estimate(frames):
        return brox.flow(frames, parameters, backward=backward, compiled=xla)

    signature = [tf.TensorSpec([None] * 4)]
    return tf.function(estimate, input_signature=signature, autograph=False)


def flow(*frames, parameters=brox.FAST, backward=False, xla=False):
    """Fields `[T - 1, H, W, 2]` of frames `[H, W]`; by default without the wait for XLA."""
    frames = tf.constant(np.stack(frames)[None].astype(np.float32))
    return compiled(parameters, backward, xla)(frames).numpy()[0]


@functools.cache
def found(matrix, name, size=(48, 64)):
    """The field `[1, H, W, 2]` of the texture seen plainly and through `matrix`."""
    return flow(view(size=size), view(matrix, size), parameters=PARAMETERS[name])


def error(field, expected):
    return np.linalg.norm(field - expected, axis=-1)[..., None][INNER].mean()


def test_rest_has_no_flow():
    assert np.abs(flow(view(), view())).max() < 1e-6


both = pytest.mark.parametrize("name", PARAMETERS)


@both
@pytest.mark.parametrize("u, v", [(1, 0), (0, -2), (3, 2), (-0.25, 0.5), (0.1, 0.03)])
def test_translations_are_recovered(name, u, v):
    field = flow(view(), shifted(u, v), parameters=PARAMETERS[name])
    assert field.shape == (1, 48, 64, 2)
    assert error(field, [u, v]) < 0.02  # Pixels.


def test_a_translation_is_recovered_by_opencvs_parameters():
    assert error(flow(view(), shifted(1.5, -1), parameters=brox.OPENCV), [1.5, -1]) < 0.02


ROTATION = ((np.cos(0.04), -np.sin(0.04), 0), (np.sin(0.04), np.cos(0.04), 0))
ZOOM = ((1.05, 0, 0), (0, 1.05, 0))
maps = pytest.mark.parametrize("matrix", [ROTATION, ZOOM], ids=["rotation", "zoom"])


@both
@maps
def test_rotation_and_zoom_are_recovered(name, matrix):
    assert np.abs(true_field(matrix)).max() > 0.9
    # Gradients turn and shrink with the image, against their constancy, which FAST trusts more.
    bound = {"fast": 0.06, "converged": 0.04}[name]  # Pixels.
    assert error(found(matrix, name), true_field(matrix)) < bound


@both
@maps
def test_forward_and_backward_are_consistent(name, matrix):
    [forward] = found(matrix, name)
    [backward] = flow(view(matrix), view(), parameters=PARAMETERS[name])
    y, x = np.mgrid[:48, :64].astype(np.float32)
    returned = cv2.remap(backward, x + forward[..., 0], y + forward[..., 1], cv2.INTER_LINEAR)
    # Bilinear warping blurs what it reads between pixels: FAST's psi takes more of that for motion.
    bound = {"fast": 0.08, "converged": 0.03}[name]  # Pixels.
    assert error(forward, -returned) < bound


SYMMETRIES = {  # Of frames, and of their fields.
    "left-right": (lambda x: x[:, ::-1], lambda field: field[:, :, ::-1] * [-1, 1]),
    "up-down": (lambda x: x[::-1], lambda field: field[:, ::-1] * [1, -1]),
    "transposed": (lambda x: x.T, lambda field: field.swapaxes(1, 2)[..., ::-1]),
}


def asymmetry(symmetry, name, size=(48, 64)):
    """How far the flow of mirrored frames is from the mirrored flow, `[1, H, W, 2]` in pixels."""
    of_frame, of_field = SYMMETRIES[symmetry]
    first, second = of_frame(view(size=size)), of_frame(view(ROTATION, size))
    mirrored = flow(first, second, parameters=PARAMETERS[name])
    return np.abs(mirrored - of_field(found(ROTATION, name, size)))


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_flow_of_the_mirrored_is_the_mirrored_flow(symmetry):
    assert asymmetry(symmetry, "converged").mean() < 5e-6


@pytest.mark.parametrize("symmetry", ["left-right", "up-down"])
def test_without_convergence_only_swapped_colours_break_the_mirror_law(symmetry):
    odd = (35, 53)  # And so 23 by 35 and 15 by 23: on no level do red and black swap places.
    assert asymmetry(symmetry, "fast", odd).max() < 2e-5
    assert asymmetry(symmetry, "fast").mean() < 0.012


def test_backward_is_the_flow_of_the_swapped_pair():
    first, second, third = view(), shifted(1, 0.5), view(ROTATION)
    backward = flow(first, second, third, backward=True)
    np.testing.assert_allclose(backward[0], flow(second, first)[0], atol=1e-3)
    np.testing.assert_allclose(backward[1], flow(third, second)[0], atol=1e-3)


def energy(first, second, field, parameters):
    field = np.broadcast_to(field, [1, *first.shape, 2]).astype(np.float32)
    return float(brox.energy(first[None], second[None], tf.constant(field), parameters)[0])


@both
def test_energy_never_rises_between_outer_iterations(name):
    size = (15, 40)  # One level.
    pair = view(size=size), view(((1.01, 0.02, -0.6), (-0.02, 0.99, 0.5)), size)
    parameters = dataclasses.replace(PARAMETERS[name], sigma=0.0)  # `energy` smooths nothing.
    fields = [[0, 0]]
    for warps in (1, 2, 3):
        fields.append(flow(*pair, parameters=dataclasses.replace(parameters, warps=warps)))
    energies = [energy(*pair, field, parameters) for field in fields]
    # Of the large epsilon's energy, two thirds are psi(0) and cannot be lost.
    assert energies[1] < {"fast": 0.5, "converged": 0.75}[name] * energies[0]
    assert energies == sorted(energies, reverse=True)


@both
@pytest.mark.parametrize("matrix", [((1, 0, -1), (0, 1, -0.5)), ROTATION, ZOOM])
def test_what_is_found_has_no_more_energy_than_the_truth(name, matrix):
    fields = found(matrix, name), true_field(matrix)
    reached, truth = (energy(view(), view(matrix), field, PARAMETERS[name]) for field in fields)
    assert reached <= truth  # The errors that are left are the energy's, not the solver's.


def test_energy_of_the_truth_is_what_psi_leaves_and_below_that_of_others():
    x, y = centred((48, 64))  # A spot: nothing is lost at borders, nothing read between pixels.
    first, second = (
        np.exp(-((x - u) ** 2 + (y - v) ** 2) / 50).astype(np.float32) for u, v in ((0, 0), (2, -1))
    )
    parameters = dataclasses.replace(brox.FAST, epsilon=1e-3)
    inside, edges = 47 * 62, 47 * 64 + 48 * 63  # psi(0) of each pixel and, halved, of each edge.
    truth = energy(first, second, [2, -1], parameters)
    assert truth == pytest.approx(1e-3 * (inside / parameters.alpha + edges / 2), rel=1e-4)
    for wrong in ([1.8, -1], [2.2, -1], [2, -1.2], [2, -0.8]):
        assert truth < 0.3 * energy(first, second, wrong, parameters)


def test_batch_and_clip_equal_one_pair_at_a_time():
    clips = [[view(), shifted(1, 0), shifted(2, 1)], [shifted(0, 3), view(ZOOM), view(ROTATION)]]
    fields = compiled(brox.FAST, False, False)(tf.constant(np.array(clips))).numpy()
    assert fields.shape == (2, 2, 48, 64, 2)
    for clip, together in zip(clips, fields):
        for t in (0, 1):
            alone = flow(clip[t], clip[t + 1])[0]
            assert np.abs(together[t] - alone).mean() < 1e-3  # Pixels, of rounding.
            assert np.abs(together[t] - alone).max() < 0.05


TINY = (16, 24)  # One canvas for all levels: XLA compiles once.


def test_compiled_and_in_a_saved_model_it_is_the_same_field(tmp_path):
    module = tf.Module()
    module.flow = compiled(brox.FAST, False, True)
    tf.saved_model.save(module, str(tmp_path))
    pair = np.stack([view(size=TINY), view(ROTATION, size=TINY)])
    fields = tf.saved_model.load(str(tmp_path)).flow(tf.constant(pair[None])).numpy()
    assert np.abs(fields[0] - flow(*pair)).mean() < 1e-3  # Pixels, of rounding.


def test_padding_to_a_canvas_does_not_move_the_field(monkeypatch):
    pair = view(size=(41, 57)), view(ROTATION, size=(41, 57))
    field = flow(*pair)
    monkeypatch.setattr(brox, "GRAIN", 2)
    monkeypatch.setattr(brox, "SHARED", 1000)
    estimate = compiled.__wrapped__(brox.FAST, False, False)
    exact = estimate(tf.constant(np.stack(pair)[None])).numpy()[0]
    assert np.abs(field - exact).mean() < 1e-3
    assert np.abs(field - exact).max() < 0.05


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (20, 131), (97, 18), (8, 8), (4, 5)])
def test_odd_tiny_and_wide_sizes(size):
    field = flow(view(size=size), shifted(0.5, 0, size))
    assert field.shape == (1, *size, 2) and np.isfinite(field).all()
    if min(size) > 15:
        np.testing.assert_allclose(np.median(field, axis=(0, 1, 2)), [0.5, 0], atol=0.02)


def test_frames_that_say_nothing_have_finite_flow():
    noise = np.random.default_rng(0).random((4, 48, 64)).astype(np.float32)
    black, white = np.zeros([48, 64]), np.ones([48, 64])
    frames = [black, black, white, white, black, noise[0], noise[1], white, (noise[2] > 0.5)]
    fields = flow(*frames)
    assert np.isfinite(fields).all()
    for t in range(4):  # Constant frames give no direction.
        assert np.abs(fields[t]).max() < 1e-3


@pytest.mark.parametrize("backward", [False, True])
def test_fields_of_a_video_are_those_of_its_pairs(backward):
    frames = [np.rint(255 * shifted(t / 2, t / 4, TINY)).astype(np.uint8) for t in range(4)]
    fields = list(brox.fields(frames, parameters=brox.FAST, backward=backward, pairs_per_call=2))
    assert len(fields) == 3
    alone = flow(*(frame / 255 for frame in frames), backward=backward)
    assert np.abs(np.stack(fields) - alone).mean() < 1e-3


def test_a_single_frame_has_no_field():
    assert list(brox.fields([np.zeros([16, 24], np.uint8)])) == []


def test_one_graph_serves_all_sizes():
    estimate = compiled(brox.FAST, False, False)
    before = estimate.experimental_get_tracing_count()
    for size in ((24, 30), (30, 24), (18, 40)):
        flow(view(size=size), view(size=size))
    assert estimate.experimental_get_tracing_count() <= max(before, 1)


def test_frames_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="Received"):
        brox.flow(tf.zeros([1, 2, 8, 8], tf.uint8))
    with pytest.raises(ValueError, match="Received"):
        brox.flow(tf.zeros([2, 8, 8]))
    with pytest.raises(ValueError, match="two frames or more. Received"):
        brox.flow(tf.zeros([2, 1, 8, 8]))


@pytest.mark.parametrize("parameters", [brox.FAST, brox.OPENCV], ids=["fast", "opencv"])
def test_all_of_the_flow_can_run_on_a_gpu(parameters):
    estimate = tf.function(lambda frames: brox.flow(frames, parameters), autograph=False)
    traced = estimate.get_concrete_function(tf.TensorSpec([None] * 4))
    assert placement.ops_without_gpu_kernel(traced) == set()


@pytest.mark.parametrize("size", [(3, 16), (16, 3), (None, 2)])
def test_frames_smaller_than_the_derivatives_are_refused(size):
    estimate = tf.function(brox.flow, autograph=False)
    with pytest.raises(ValueError, match="at least 4 pixels.*Received"):
        estimate.get_concrete_function(tf.TensorSpec([1, 2, *size]))
    with pytest.raises(ValueError, match="at least 4 pixels.*Received"):
        next(brox.fields([np.zeros([side or 4 for side in size], np.uint8)] * 2))


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


def test_the_callers_autograph_leaves_the_flow_alone(monkeypatch):
    seen = []
    check = brox._check_size

    def note(size):
        seen.append(tf.__internal__.autograph.control_status_ctx().status.name)
        check(size)

    monkeypatch.setattr(brox, "_check_size", note)

    @tf.function
    def estimate(frames):
        if tf.reduce_sum(frames) >= 0:  # What AutoGraph is there for.
            return brox.flow(frames, compiled=False)
        return brox.flow(frames, backward=True, compiled=False)

    assert estimate(tf.zeros([1, 2, 16, 20])).shape == (1, 1, 16, 20, 2)
    assert set(seen) == {"DISABLED"}
