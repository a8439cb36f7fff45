import numpy as np
import pytest
import tensorflow as tf

from tf_twostream.flow import sor


def random_system(height, width, seed=0):
    """A system as full arrays `[1, H, W]`, positive definite, as the flow's are."""
    rng = np.random.default_rng(seed)
    slopes = rng.normal(size=(3, 2, 1, height, width))
    a11, a12, a22 = ((slopes[:, i] * slopes[:, j]).sum(0) for i, j in ((0, 0), (0, 1), (1, 1)))
    b_u, b_v = rng.normal(size=(2, 1, height, width))
    left, up = rng.uniform(0.1, 5, (2, 1, height, width))
    left[:, :, 0] = up[:, 0] = 0
    return sor.System(*(x.astype(np.float32) for x in (a11, a12, a22, b_u, b_v, left, up)))


def solve_densely(system):
    """Writes the equations as one matrix, pixel by pixel, and solves them."""
    a11, a12, a22, b_u, b_v, left, up = (x[0].astype(np.float64) for x in system)
    height, width = a11.shape
    number = np.arange(height * width).reshape(height, width)
    matrix = np.zeros((2, height * width, 2, height * width))
    for y in range(height):
        for x in range(width):
            i = number[y, x]
            matrix[:, i, :, i] += [[a11[y, x], a12[y, x]], [a12[y, x], a22[y, x]]]
            for weight, dy, dx in ((left, 0, -1), (up, -1, 0)):
                if y + dy >= 0 and x + dx >= 0:
                    j = number[y + dy, x + dx]
                    for c in (0, 1):
                        matrix[c, [i, j], c, [i, j]] += weight[y, x]
                        matrix[c, [i, j], c, [j, i]] -= weight[y, x]
    size = 2 * height * width
    solution = np.linalg.solve(
        matrix.reshape(size, size), np.concatenate([b_u.ravel(), b_v.ravel()])
    )
    return solution.reshape(2, 1, height, width)


@tf.function(autograph=False, reduce_retracing=True)
def sweep(system, u, v, omega, iterations):
    shape = tf.shape(sor.split(u))
    *pixels, left, up = (sor.split(x) for x in system)
    system = sor.System(
        *(tf.reshape(x, [2, -1]) for x in pixels), sor.with_halo(left), sor.with_halo(up)
    )
    u, v = (sor.with_halo(sor.split(x)) for x in (u, v))
    grid = sor.Grid(shape[3], tf.reduce_prod(shape[1:]))
    fields = sor.relax(system, u, v, grid=grid, omega=omega, iterations=iterations)
    return [sor.join(tf.reshape(grid.bare(x), shape)) for x in fields]


def relax(system, iterations, omega=1.5, start=None):
    tensors = sor.System(*map(tf.constant, system))
    u, v = [tf.zeros_like(tensors.a11)] * 2 if start is None else map(tf.constant, start)
    return np.stack(sweep(tensors, u, v, tf.constant(omega), tf.constant(iterations)))


@pytest.mark.parametrize("height, width", [(6, 9), (8, 5), (2, 3), (4, 1)])
def test_sor_converges_to_the_dense_solution(height, width):
    system = random_system(height, width)
    np.testing.assert_allclose(relax(system, 200), solve_densely(system), atol=2e-5)


def test_the_solution_is_a_fixed_point():
    system = random_system(6, 9)
    solution = solve_densely(system).astype(np.float32)
    np.testing.assert_allclose(relax(system, 3, omega=1.96, start=solution), solution, atol=2e-4)


def test_over_relaxation_is_faster_than_gauss_seidel():
    weak = np.full([1, 16, 17], 0.01, np.float32)
    system = random_system(16, 17)._replace(a11=weak, a22=weak, a12=0 * weak)
    solution = solve_densely(system)
    slow, fast = (np.abs(relax(system, 60, omega) - solution).mean() for omega in (1.0, 1.8))
    assert fast < 0.5 * slow


def test_pixels_without_equations_stay_zero():
    zero = sor.System(*np.zeros([7, 1, 4, 5], np.float32))
    np.testing.assert_array_equal(relax(zero, 3), 0)


def test_images_of_a_batch_do_not_touch():
    systems = [random_system(4, 5, seed) for seed in (0, 1)]
    together = sor.System(*map(np.concatenate, zip(*systems)))
    alone = [relax(system, 3) for system in systems]
    np.testing.assert_allclose(relax(together, 3), np.concatenate(alone, axis=1), atol=1e-6)


def test_compiled_it_is_the_same():
    system = sor.System(*map(tf.constant, random_system(6, 9)))
    start = tf.zeros_like(system.a11)
    compiled = tf.function(sweep.python_function, jit_compile=True, autograph=False)
    fields = compiled(system, start, start, tf.constant(1.5), tf.constant(5))
    np.testing.assert_allclose(np.stack(fields), relax(system, 5), atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 4, 5), (6, 2, 4, 5), (1, 2, 1)])
def test_join_undoes_split(shape):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    coloured = sor.split(tf.constant(x))
    assert coloured.shape == (*shape[:-3], 2, shape[-3], shape[-2] // 2, shape[-1])
    np.testing.assert_array_equal(sor.join(coloured), x)


def test_red_are_the_pixels_of_even_x_plus_y():
    y, x = np.mgrid[:4, :7]
    coloured = sor.split(tf.constant((x + y)[None] % 2)).numpy()
    assert (coloured[0] == 0).all() and (coloured[1] == 1).all()


def test_places_are_those_of_two_rows():
    row, column = (sor.join(x).numpy() for x in sor.places(tf.constant(5)))
    np.testing.assert_array_equal(row[0], np.mgrid[:2, :5][0])
    np.testing.assert_array_equal(column[0], np.mgrid[:2, :5][1])


@pytest.mark.parametrize("rows, columns", [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)])
def test_a_grid_finds_neighbours(rows, columns):
    image = np.zeros([2, 6, 7], np.float32)
    image[:, 1:-1, 1:-1] = np.random.default_rng(0).normal(size=(2, 4, 5))
    moved = np.roll(image, (-rows, -columns), axis=(1, 2))
    coloured = sor.split(tf.constant(image))
    grid = sor.Grid(tf.constant(7), tf.constant(2 * 6 * 7 // 2))
    read = [grid.at(sor.with_halo(coloured), colour, rows, columns) for colour in (0, 1)]
    np.testing.assert_array_equal(sor.join(tf.reshape(tf.stack(read), coloured.shape)), moved)


def test_put_keeps_the_halo_and_the_other_colour():
    grid = sor.Grid(tf.constant(3), tf.constant(6))
    x = sor.with_halo(tf.ones([2, 1, 2, 3]))
    changed = grid.put(x, 1, tf.fill([6], 2.0)).numpy()
    np.testing.assert_array_equal(changed[0], x[0])
    np.testing.assert_array_equal(changed[1], [0, 0, 0, 2, 2, 2, 2, 2, 2, 0, 0, 0])
    np.testing.assert_array_equal(grid.bare(x), tf.ones([2, 6]))
