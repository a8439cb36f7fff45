"""Where data and results lie, and at which scale."""

import pytest

from tf_twostream.experiments.knobs import Setup


@pytest.mark.parametrize(
    "knobs",
    [
        {"seeds": ()},
        {"seeds": (1, 1)},
        {"scale": "tiny"},
        {"train_flags": "0.5"},
        {"test_flags": "--part=test 5"},
    ],
)
def test_senseless_setups_are_refused(knobs):
    with pytest.raises(ValueError, match="Received"):
        Setup(data_root="data", **knobs)


def test_data_lie_in_the_data_root_under_the_names_of_the_scale():
    paper, small = (Setup(data_root="data", scale=scale) for scale in ("paper", "small"))
    assert paper.data_set("ucf101").store == "data/stores/ucf101"
    assert paper.data_set("viva").lists == "data/videos/viva"
    assert small.data_set("ucf101").store == "data/stores/first"
    assert small.data_set("hmdb51").lists == "data/lists/second.csv"


def test_the_small_scale_has_two_data_sets():
    small = Setup(data_root="data", scale="small")
    assert [name for name in ("ucf101", "hmdb51", "charades", "viva") if small.has(name)] == [
        "ucf101", "hmdb51"
    ]  # fmt: skip


def test_lists_that_are_made_lie_in_the_output_folder():
    setup = Setup(data_root="data", output_dir="out", scale="small")
    assert setup.own_list("ucf101", "all") == "out/lists/first_all.csv"
    assert setup.own_list("hmdb51", "classes") == "out/lists/second_classes.csv"
