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
    system = sor.System(*(sor.split(x) for x in system))
    u, v = sor.relax(system, sor.split(u), sor.split(v), omega=omega, iterations=iterations)
    return sor.join(u), sor.join(v)


def relax(system, iterations, omega=1.5, start=None):
    tensors = sor.System(*map(tf.constant, system))
    u, v = [tf.zeros_like(tensors.a11)] * 2 if start is None else map(tf.constant, start)
    return np.stack(sweep(tensors, u, v, tf.constant(omega), tf.constant(iterations)))


@pytest.mark.parametrize("height, width", [(6, 8), (7, 6), (1, 4), (5, 2)])
def test_sor_converges_to_the_dense_solution(height, width):
    system = random_system(height, width)
    np.testing.assert_allclose(relax(system, 200), solve_densely(system), atol=2e-5)


def test_the_solution_is_a_fixed_point():
    system = random_system(6, 8)
    solution = solve_densely(system).astype(np.float32)
    np.testing.assert_allclose(relax(system, 3, omega=1.96, start=solution), solution, atol=2e-4)


def test_over_relaxation_is_faster_than_gauss_seidel():
    weak = np.full([1, 16, 16], 0.01, np.float32)
    system = random_system(16, 16)._replace(a11=weak, a22=weak, a12=0 * weak)
    solution = solve_densely(system)
    slow, fast = (np.abs(relax(system, 60, omega) - solution).mean() for omega in (1.0, 1.8))
    assert fast < 0.5 * slow


def test_pixels_without_equations_stay_zero():
    zero = sor.System(*np.zeros([7, 1, 4, 4], np.float32))
    np.testing.assert_array_equal(relax(zero, 3), 0)


def test_join_undoes_split():
    x = np.random.default_rng(0).normal(size=(2, 5, 6)).astype(np.float32)
    np.testing.assert_array_equal(sor.join(sor.split(tf.constant(x))), x)


def test_red_are_the_pixels_of_even_x_plus_y():
    y, x = np.mgrid[:4, :6]
    coloured = sor.split(tf.constant((x + y)[None] % 2)).numpy()
    assert (coloured[0] == 0).all() and (coloured[1] == 1).all()


@pytest.mark.parametrize("rows, columns", [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)])
def test_shift_moves_zeros_in(rows, columns):
    x = np.arange(1, 13, dtype=np.float32).reshape(1, 3, 4)
    expected = np.zeros_like(x)
    for i in range(3):
        for j in range(4):
            if 0 <= i - rows < 3 and 0 <= j - columns < 4:
                expected[0, i, j] = x[0, i - rows, j - columns]
    np.testing.assert_array_equal(sor.shift(tf.constant(x), rows=rows, columns=columns), expected)
