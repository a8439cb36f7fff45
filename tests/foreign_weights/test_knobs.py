"""What a user says about a file of another program."""

import subprocess
import sys

import pytest

from tf_twostream import paper
from tf_twostream.foreign_weights import knobs


@pytest.mark.parametrize("change", [{"flow_bound": 0.0}, {"lrn_k": -1.0}])
def test_values_are_checked_where_they_enter(change):
    [(name, value)] = change.items()
    with pytest.raises(ValueError, match=f"`{name}` must be above 0. Received: {name}={value}"):
        knobs.ForeignFile(weights="w", run_dir="r", **change)


def test_what_the_file_says_is_taken_unless_something_else_is_said():
    file = knobs.ForeignFile(weights="w", run_dir="r")
    assert (file.mean, file.class_names, file.lrn_k) == ("", "", None)
    assert file.flow_bound == paper.FLOW_BOUND


def test_help_need_not_wait_for_tensorflow(root):
    code = "import sys, tf_twostream.foreign_weights.knobs; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)
