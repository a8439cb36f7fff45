"""Another labelled data set to test a network on."""

import dataclasses

import pytest
import trained

from tf_twostream import datasets, store
from tf_twostream.commands import evaluate
from tf_twostream.evaluation import other_sets, scoring
from tf_twostream.paper import recipes, testing
from tf_twostream.scores import score_files

RECIPE = recipes.SpatialRecipe(crop_size=41, width=0.05)


@pytest.fixture(scope="module")
def run(tiny_store, tmp_path_factory):
    """A network of fresh weights, which knows the classes "class 0" to "class 2"."""
    run = trained.run_of(tmp_path_factory.mktemp("run"), RECIPE, tiny_store[1])
    run = dataclasses.replace(
        run, tasks=(trained.task_of(tiny_store[1], store.Reader(tiny_store[0]).settings),)
    )
    trained.with_checkpoint(run, 1)
    return run


@pytest.fixture
def source(tiny_store, tmp_path):
    """Lists the videos of `tiny_store` under other names of their classes, one of them unknown."""

    def call(names, part=lambda n: "test", **knobs):
        videos = datasets.all_videos(tiny_store[1])
        rows = [f"{v.id},{names[v.label]},{part(n)}" for n, v in enumerate(videos)]
        path = tmp_path / "other.csv"
        path.write_text("\n".join(["path,label,split", *rows]) + "\n")
        return datasets.Source(dataset="csv", annotations=str(path), **knobs)

    return call


def read(source, run, tiny_store, **kwargs):
    return other_sets.read(source, run, store.Reader(tiny_store[0]), **kwargs)


@pytest.mark.parametrize(
    ("theirs", "ours", "wanted"),
    [
        (["push_ups", "JUMP", "walk"], ["Jump", "PushUps"], {0: 1, 1: 0}),
        (["run", "Run"], ["run"], {0: 0}),  # The exact name; the other one may be anything.
        (["Run", "RUN"], ["run"], {}),
        (["r-un"], ["run", "Run"], {}),
        (["+", "-"], ["-", "+"], {0: 1, 1: 0}),
        (["été"], ["Été"], {0: 0}),
    ],
)
def test_classes_are_joined_by_name_as_long_as_that_is_unambiguous(theirs, ours, wanted):
    assert other_sets.match(theirs, ours) == wanted


def test_videos_are_labelled_by_the_classes_of_the_network(run, source, tiny_store, capsys):
    split = read(source(["z", "CLASS_2", "Class-0"]), run, tiny_store)
    named = [videos for videos in (split.train, split.validation) if videos]
    assert not named and split.class_names == run.split.class_names
    # What tiny_store calls class 1 is class 2 here, and its class 2 class 0.
    assert {(v.id[:7], v.label) for v in split.test} == {("class 1", 2), ("class 2", 0)}
    printed = capsys.readouterr().out
    assert "2 of 3 of other.csv" in printed and "4 videos of classes it does not know: z" in printed


def test_all_videos_are_tested_on_if_asked_for(run, source, tiny_store):
    names = [*run.split.class_names]
    half = source(names, lambda n: ["train", "test"][n % 2])
    assert len(read(half, run, tiny_store).test) == 5
    assert len(read(half, run, tiny_store, everything=True).test) == 10


def test_a_set_without_a_known_class_is_refused(run, source, tiny_store):
    with pytest.raises(other_sets.ClassesError, match=r"a, b, c \.\.\. for a network of class 0,"):
        read(source("abc"), run, tiny_store)


def test_several_classes_of_a_video_need_a_network_for_that(run, source, tiny_store):
    with pytest.raises(other_sets.ClassesError, match="may show several"):
        read(source(["a", "a;b", "c"], multi_label=True), run, tiny_store)


def test_a_run_is_evaluated_on_another_set(run, source, tiny_store, tmp_path, capsys):
    flags = {"run_dir": str(run.path), "store": tiny_store[0], "scores": str(tmp_path / "s.npz")}
    quick = testing.Testing(num_frames=1, test="center")
    given = evaluate.EvaluationFlags(part="all", **flags)
    evaluate.main(given, quick, source(["Class 0", "class_1", "x"], lambda n: "val"))
    scores = score_files.load_scores(tmp_path / "s.npz")
    assert len(scores.video_ids) == 7 and scores.class_names == run.split.class_names
    assert "video accuracy" in capsys.readouterr().out
    assert not (run.path / "tensorboard").exists()
    with pytest.raises(ValueError, match="another data set. Received: no --dataset"):
        evaluate.main(given, quick)
    empty = evaluate.EvaluationFlags(part="train", **flags)
    with pytest.raises(scoring.EmptyPartError, match=r"train of other\.csv"):
        evaluate.main(empty, quick, source(["class 0", "b", "c"]))
