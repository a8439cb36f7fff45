"""The numbers of the 2016 paper."""

from tf_twostream.paper import conv_fusion


def test_the_numbers_are_those_of_the_paper_and_of_its_code():
    assert (conv_fusion.NUM_SNIPPETS, conv_fusion.STRIDES, conv_fusion.BATCH_SIZE) == (
        5,
        (1, 10),
        96,
    )
    assert (conv_fusion.SPATIAL_SHARE, conv_fusion.TEMPORAL_SHARE) == (0.25, 0.75)
    assert (conv_fusion.LEARNING_RATE, conv_fusion.DROPOUT_RATE) == (1e-3, 0.85)
    assert (conv_fusion.CROP_JITTER, conv_fusion.BORDER_DISTANCE) == (0.25, 0.25)


def test_the_learning_rate_drops_as_in_the_code_of_the_authors():
    """Ten passes each at 1e-3, 1e-3, 1e-4, 1e-5 and 1e-6."""
    length, drops = conv_fusion.SCHEDULE.iterations, conv_fusion.SCHEDULE.drops
    assert [drop / length for drop in drops] == [0.4, 0.6, 0.8]
