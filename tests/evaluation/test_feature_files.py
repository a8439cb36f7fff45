"""The folder of features."""

import types

import numpy as np
import pytest
import trained

from tf_twostream.evaluation import feature_files, features
from tf_twostream.paper import recipes, testing


@pytest.fixture
def extractor(tiny_store):
    """What an extractor says of itself; it computes nothing."""
    run = trained.run_of("run", recipes.SpatialRecipe(), tiny_store[1])
    return types.SimpleNamespace(
        run=run, layer="full7", per="window", protocol=testing.PAPER, iterations=2
    )


def found(video, value=1.0):
    times = np.arange(2.0)
    return features.Features(video, np.array([[value], [value + 2]], np.float32), times, times)


def named(videos):
    return {video: video for video in videos}


def test_videos_that_are_done_are_not_done_again(tmp_path, extractor):
    folder = feature_files.Folder(tmp_path, extractor, named(["c/a.avi", "b.avi"]))
    assert folder.missing == ["c/a.avi", "b.avi"]
    folder.write("c/a.avi", found("c/a.avi"))
    assert (tmp_path / "c/a.npz").exists()
    again = feature_files.Folder(tmp_path, extractor, named(["b.avi", "c/a.avi"]))
    assert again.missing == ["b.avi"]
    (tmp_path / "c/a.npz").write_bytes(b"PK")  # As a full disk may leave it.
    damaged = feature_files.Folder(tmp_path, extractor, named(["c/a.avi"]))
    assert damaged.missing == ["c/a.avi"] and damaged.paths["c/a.avi"] == tmp_path / "c/a.npz"


def test_videos_of_one_name_have_files_of_their_own_in_any_order(tmp_path, extractor):
    videos = {"x/a.avi": "a.avi", "y/a.avi": "a.avi", "features.avi": "features.avi"}
    folder = feature_files.Folder(tmp_path, extractor, videos)
    for video in videos:
        folder.write(video, found(video))
    names = [path.name for path in folder.paths.values()]
    assert names == ["a.npz", "a_2.npz", "features_2.npz"]
    again = feature_files.Folder(tmp_path, extractor, {"y/a.avi": "a.avi", "z/a.avi": "a.avi"})
    assert again.missing == ["z/a.avi"]
    assert [path.name for path in again.paths.values()] == ["a_2.npz", "a_3.npz"]


def test_a_folder_holds_features_of_one_kind(tmp_path, extractor):
    feature_files.Folder(tmp_path, extractor, {})
    extractor.layer = "full6"
    with pytest.raises(feature_files.OtherFeaturesError, match=r"layer='full7' \(now 'full6'\)"):
        feature_files.Folder(tmp_path, extractor, {})


def test_the_table_has_means_labels_and_parts_as_far_as_they_are_known(
    tmp_path, extractor, tiny_store
):
    split = tiny_store[1]
    videos = [split.test[0].id, "new.avi", "bad.avi", split.train[0].id]
    folder = feature_files.Folder(tmp_path, extractor, named(videos))
    for number, video in enumerate(videos):
        if video != "bad.avi":
            folder.write(video, found(video, number))
    assert folder.finish(split, {"bad.avi": "no video"}) == 3
    with np.load(tmp_path / "features.npz") as table:
        assert table["video_ids"].tolist() == [split.test[0].id, "new.avi", split.train[0].id]
        assert table["features"].tolist() == [[1.0], [2.0], [4.0]]
        assert table["labels"].tolist() == ["class 1", "", "class 0"]
        assert table["parts"].tolist() == ["test", "", "train"]
    assert (tmp_path / "failed.csv").read_text() == "video_id,reason\nbad.avi,no video\n"
