"""The schedule of pre-training."""

import pytest

from tf_twostream.training.imagenet import knobs


def test_the_schedule_is_that_from_scratch_over_ninety_epochs():
    recipe = knobs.PretrainingRecipe()
    assert recipe.iterations * recipe.batch_size / 1_281_167 == pytest.approx(90, abs=0.1)
    rates = [recipe.learning_rate_at(at) for at in (0, 281_249, 281_250, 393_750)]
    assert rates == pytest.approx([1e-2, 1e-2, 1e-3, 1e-4])
    assert recipe.dropout == 0.5
