"""What a row is made of."""

from tf_twostream import experiments
from tf_twostream.experiments import rows

START = experiments.Network(name="start")
TUNED = experiments.Network(name="tuned", start=START)
SPATIAL = experiments.Network(name="spatial", start=rows.IMAGENET)


def test_a_network_that_another_starts_from_is_trained_before_it():
    assert experiments.list_networks(TUNED) == [START, TUNED]


def test_the_network_trained_on_imagenet_is_the_users_and_not_trained_here():
    assert experiments.list_networks(SPATIAL) == [SPATIAL]


def test_a_fusion_needs_the_networks_of_both_streams():
    fusion = experiments.Fusion(SPATIAL, TUNED, "svm")
    assert experiments.list_networks(fusion) == [SPATIAL, START, TUNED]


def test_towers_are_trained_before_the_network_that_joins_them():
    joined = experiments.Network(name="joined", towers=(SPATIAL, TUNED))
    assert experiments.list_networks(joined) == [SPATIAL, START, TUNED, joined]


def test_a_number_quoted_from_others_needs_no_network():
    assert experiments.list_networks(None) == []


def test_only_the_two_data_sets_of_table_2_help_each_other():
    assert {helper: helped for helped, helper in rows.OTHER.items()} == rows.OTHER
    assert set(rows.OTHER) == {"ucf101", "hmdb51"}
