"""The command that trains one network on several data sets."""

import pytest

from tf_twostream.commands import train_multitask


@pytest.mark.parametrize(
    "knobs, words",
    [
        ({"datasets": ("csv",), "stores": ("s",)}, "two or more"),
        ({"datasets": ("csv", "csv"), "stores": ("s", "t")}, "different --names"),
        ({"datasets": ("ucf101", "hmdb51"), "stores": ("s",)}, "--stores must have a value per"),
        (
            {"datasets": ("ucf101", "hmdb51"), "stores": ("s", "t"), "train_on_all": ("ucf",)},
            "Received: ucf",
        ),
    ],
)
def test_impossible_tasks_are_refused(knobs, words):
    with pytest.raises(ValueError, match=words):
        train_multitask.DataSetFlags(**knobs)
