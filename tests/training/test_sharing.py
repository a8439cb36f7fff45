"""How tasks share a mini-batch (paper, Sect. 4)."""

import pytest

from tf_twostream.training.sharing import Sharing


def test_equal_shares_and_shares_by_videos():
    equal, by_videos = Sharing(), Sharing(batch_shares="by_videos")
    assert equal.batch_sizes(256, [9537, 3570]) == [128, 128]
    assert by_videos.batch_sizes(256, [9537, 3570]) == [184, 72]
    assert sum(by_videos.batch_sizes(30, [5, 9, 1])) == 30
    with pytest.raises(ValueError, match="multiple of the number of tasks, 3"):
        equal.batch_sizes(256, [1, 1, 1])
    with pytest.raises(ValueError, match="must have samples"):
        by_videos.batch_sizes(8, [100, 1])


def test_a_loss_is_divided_by_its_own_samples_or_by_all():
    assert Sharing().divisor(6, 8) == 6
    assert Sharing(loss_divisor="batch").divisor(6, 8) == 8
