"""Where images lie and in which order they are read."""

import numpy as np
import pytest
from made_up_images import CLASSES, FILES, RECIPE, SIDE, order

from tf_twostream.training.imagenet import labelled_images, pixels


def test_each_epoch_shows_each_image_once_in_another_order(folder):
    found = labelled_images.find_folders(str(folder))
    places = [
        place["path"].numpy().decode() for place in found.endless(order(batch_size=5)).take(36)
    ]
    epochs = [places[k : k + 12] for k in (0, 12, 24)]
    assert [sorted(epoch) for epoch in epochs] == [sorted(found.paths)] * 3
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_an_epoch_of_shards_shows_each_image_once(pattern):
    found = labelled_images.find_shards(pattern, CLASSES, first_label=1)
    places = [found.read(place) for place in found.endless(order()).take(24)]
    files = [place["name"].numpy().decode().split()[-1] for place in places]
    names = sorted(name.partition("/")[2] for name in FILES)
    assert sorted(files[:12]) == sorted(files[12:]) == names
    assert files[:12] != files[12:]
    for file, place in zip(files, places):
        assert CLASSES[place["label"]] == file[:3]
    [once] = pixels.evaluation(found, RECIPE, shorter_side=SIDE, batch_size=12)
    np.testing.assert_array_equal(once["label"], np.repeat([0, 1, 2], 4))


def test_each_host_reads_shards_of_its_own(pattern):
    found = labelled_images.find_shards(pattern, CLASSES, first_label=1)
    seen = [
        {place["path"].numpy() for place in found.endless(order(shard=k, num_shards=2)).take(8)}
        for k in (0, 1)
    ]
    assert not seen[0] & seen[1]
    assert len(seen[0] | seen[1]) == 3
    with pytest.raises(ValueError, match="3 shards for 4 hosts"):
        found.endless(order(num_shards=4))
