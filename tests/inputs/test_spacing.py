"""Numbers by chance and at equal spacing; more on the latter in `test_streams`."""

import numpy as np

from tf_twostream.inputs import spacing


def test_draws_become_all_numbers_below_a_count():
    draws = np.arange(6) / 6
    assert spacing.pick(draws, np.full(6, 3)).numpy().tolist() == [0, 0, 1, 1, 2, 2]
    assert spacing.pick(np.array([1 - 1e-16]), np.array([5])).numpy().tolist() == [4]


def test_ends_are_seen_and_a_single_one_is_in_the_middle():
    counts = np.array([26, 1, 2])
    assert spacing.equally_spaced(counts, 26).tolist()[0] == list(range(26))
    assert spacing.equally_spaced(counts, 1).tolist() == [[12], [0], [0]]
    assert spacing.equally_spaced(counts, 3).tolist() == [[0, 13, 25], [0, 0, 0], [0, 1, 1]]
