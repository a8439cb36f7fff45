"""Classes of another data set, trained along."""

import dataclasses

import numpy as np
import pytest
import trained as trained_runs
from absl import flags

from tf_twostream import cli, runs, store
from tf_twostream.paper import recipes
from tf_twostream.training.addition import Addition

RECIPE = recipes.TemporalRecipe(
    crop_size=41, stack_length=3, width=0.05, batch_size=6, num_iterations=3, dropout_rate=0.0
)


@pytest.fixture(scope="module")
def addition(tiny_store, tmp_path_factory):
    """Two of three other classes, with the videos of `tiny_store` under the same names."""
    folder = tmp_path_factory.mktemp("added")
    names = ("sit", "stand", "jump")
    rows = [
        f"{video.id},{names[video.label]},{part}"
        for part in ("train", "test")
        for video in getattr(tiny_store[1], part)
    ]
    (folder / "list.csv").write_text("\n".join(["path,label,split", *rows]) + "\n")
    choice = ["class,use,counterpart,reason", "jump,add,,", "sit,add,,", "stand,exclude,rise,same"]
    (folder / "choice.csv").write_text("\n".join(choice) + "\n")
    return Addition(
        add_dataset="csv",
        add_annotations=str(folder / "list.csv"),
        add_store=tiny_store[0],
        add_classes=str(folder / "choice.csv"),
    )


@pytest.fixture(scope="module")
def trained(tiny_store, tiny_source, addition, tmp_path_factory):
    """A run with added classes, and how to train it again."""
    run_dir = tmp_path_factory.mktemp("runs") / "both"

    def train(added=addition):
        return trained_runs.train(tiny_source, tiny_store[0], run_dir, RECIPE, added)

    return train(), train


def test_added_classes_follow_the_others_and_give_all_their_videos(trained, tiny_store):
    split, main = trained[0].split, tiny_store[1]
    assert split.class_names == (*main.class_names, "jump", "sit")
    assert split.test == main.test and split.train[: len(main.train)] == main.train
    added = split.train[len(main.train) :]
    assert all(store.is_added(video.id) and video.label in (3, 4) for video in added)
    chosen = [video for video in main.train + main.test if video.label != 1]
    assert {video.id for video in added} == {store.added_id(video.id) for video in chosen}


def test_the_run_is_read_as_it_was_written_and_continues(trained, capsys):
    run, train = trained
    assert runs.load(str(run.path)) == run
    assert runs.load_model(run)[0].output_shape == (None, 5)
    train()
    printed = capsys.readouterr().out
    assert "nothing to do" in printed and "are of the other data set" in printed
    with pytest.raises(ValueError, match="another data set, split or classes"):
        train(None)


@pytest.mark.parametrize("part", ["test", "train"])
def test_only_videos_of_the_main_data_set_are_scored_for_all_classes(
    trained, tiny_store, tmp_path, part
):
    scores = trained_runs.evaluate(trained[0], tiny_store[0], tmp_path / "scores.npz", part=part)
    assert scores.video_ids == tuple(video.id for video in getattr(tiny_store[1], part))
    assert scores.class_names == trained[0].split.class_names
    assert scores.scores.shape == (len(scores.video_ids), 5) and scores.labels.max() < 3
    np.testing.assert_allclose(scores.scores.sum(axis=1), 1, atol=1e-5)


def test_the_stores_must_be_alike(tiny_source, tiny_store, addition, tmp_path):
    settings = dataclasses.replace(store.Reader(tiny_store[0]).settings, method="tvl1")
    store.Writer(str(tmp_path / "other"), settings).write_index()
    other = dataclasses.replace(addition, add_store=str(tmp_path / "other"))
    with pytest.raises(runs.OtherStoreError, match=r"method='synthetic' \(now 'tvl1'\)"):
        trained_runs.train(tiny_source, tiny_store[0], tmp_path / "run", RECIPE, other)


def test_by_default_78_classes_are_added():
    addition = Addition(add_dataset="ucf101", add_annotations="lists", add_store="store")
    source = addition.source(allow_missing=True)
    assert (source.dataset, source.annotations, source.allow_missing) == ("ucf101", "lists", True)
    assert len(source.classes) == 78


def called_with(*arguments):
    """The addition that a training command takes from its command line."""
    seen = []

    def note(addition: Addition | None) -> None:
        seen.append(addition)

    cli.parse(note, ["program", *arguments], flags.FlagValues())()
    return seen.pop()


def test_nothing_is_added_by_default():
    assert called_with() is None


@pytest.mark.parametrize(
    ("given", "missing"),
    [("--add_store=stores/ucf101", "--add_dataset"), ("--add_dataset=ucf101", "--add_store")],
)
def test_half_an_addition_is_refused(given, missing):
    with pytest.raises(flags.Error, match=f"^{missing} must be given"):
        called_with(given)
