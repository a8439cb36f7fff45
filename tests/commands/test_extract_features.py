"""The command that writes what a layer of a network gives for videos."""

import made_up_clips
import numpy as np
import pytest
import trained

from tf_twostream import datasets, runs, store
from tf_twostream.paper import recipes
from tf_twostream.precompute import filling
from tf_twostream.precompute.resources import Resources

KNOBS = {"crop_size": 41, "width": 0.05, "batch_size": 4, "num_iterations": 2}
QUICK = ("--num_frames=3", "--test=center")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with two videos, a bad one, a store of them and two runs with fresh weights."""
    folder = tmp_path_factory.mktemp("made")
    noise = np.random.default_rng(0).integers(0, 255, (48, 70, 3)).astype(np.uint8)
    for name in ("a", "b"):
        frames = [noise[:, t : t + 64] if name == "a" else noise[:, :64] for t in range(6)]
        made_up_clips.write(folder / f"videos/{name}.avi", frames)
    settings = store.Settings.of("farneback", shorter_side=48)
    videos = [(f"{name}.avi", folder / f"videos/{name}.avi") for name in ("a", "b")]
    resources = Resources(num_workers=1)
    filling.fill(videos, path=str(folder / "store"), settings=settings, resources=resources)
    (folder / "videos/bad.avi").write_bytes(b"RIFF")
    train, test = datasets.Video("a.avi", 0), datasets.Video("b.avi", 1)
    split = datasets.Split("two", ("left", "still"), (train,), (test,))
    for recipe in (recipes.SpatialRecipe(**KNOBS), recipes.TemporalRecipe(stack_length=2, **KNOBS)):
        run = trained.run_of(folder / recipe.stream, recipe, split, settings)
        trained.with_checkpoint(run)
    return folder


def load(path):
    with np.load(path) as content:
        return dict(content)


@pytest.mark.parametrize(("stream", "per"), [("spatial", "second"), ("temporal", "window")])
def test_videos_give_what_their_store_gives(here, made, tmp_path, stream, per):
    flags = (f"--run_dir={made / stream}", f"--per={per}", *QUICK)
    here("extract_features", *flags, f"--store={made / 'store'}", f"--output_dir={tmp_path / 's'}")
    videos = [made / f"videos/{name}.avi" for name in ("a", "b")]
    here("extract_features", *flags, f"--output_dir={tmp_path / 'v'}", *videos)
    for name in ("a", "b"):
        ours, theirs = (load(tmp_path / f"{folder}/{name}.npz") for folder in "sv")
        assert ours["video"] == f"{name}.avi" and theirs["video"] == str(videos["ab".index(name)])
        assert ours["layer"] == "full7" and ours["features"].ndim == 2
        for column in ("features", "times", "frames"):
            np.testing.assert_allclose(ours[column], theirs[column], rtol=1e-4, atol=1e-5)


def test_it_goes_on_where_it_was_interrupted_and_says_what_failed(
    here, made, tmp_path, capsys, monkeypatch
):
    flags = (f"--run_dir={made / 'spatial'}", f"--output_dir={tmp_path}", *QUICK)
    good, bad = made / "videos/a.avi", made / "videos/bad.avi"
    assert here("extract_features", *flags, bad, good) == 1
    assert "full7 of 1 video done, 0 there before, 1 failed." in capsys.readouterr().out
    assert f"{bad}," in (tmp_path / "failed.csv").read_text()
    table = load(tmp_path / "features.npz")
    assert table["video_ids"].tolist() == [str(good)] and table["features"].shape == (1, 102)
    monkeypatch.setattr(filling, "fill", lambda *_, **__: pytest.fail("worked in vain"))
    assert here("extract_features", *flags, good) == 0
    assert "full7 of 0 videos done, 1 there before, 0 failed." in capsys.readouterr().out


def test_a_store_gives_all_videos_a_part_or_those_that_are_named(here, made, tmp_path):
    flags = (f"--run_dir={made / 'spatial'}", f"--store={made / 'store'}", *QUICK)
    for name, more in {"all": (), "part": ("--part=test",), "named": ("b.avi", "c.avi")}.items():
        code = here("extract_features", *flags, f"--output_dir={tmp_path / name}", *more)
        assert code == (1 if name == "named" else 0)
    tables = [load(tmp_path / f"{name}/features.npz") for name in ("all", "part", "named")]
    assert [table["labels"].tolist() for table in tables] == [
        ["left", "still"],
        ["still"],
        ["still"],
    ]
    assert "c.avi,It is not in the store" in (tmp_path / "named/failed.csv").read_text()


def test_labels_may_be_those_of_another_data_set(here, made, tmp_path):
    (tmp_path / "other.csv").write_text("path,label,split\na.avi,x,train\nb.avi,y,train\n")
    here(
        "extract_features", f"--run_dir={made / 'spatial'}", f"--store={made / 'store'}", *QUICK,
        "--dataset=csv", f"--annotations={tmp_path / 'other.csv'}", f"--output_dir={tmp_path}",
    )  # fmt: skip
    assert load(tmp_path / "features.npz")["labels"].tolist() == ["x", "y"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ((), "must be a VIDEO, or a --store"),
        (("--part=test", "a.avi"), "--part must be of a --store, without IDs"),
        (("--dataset=csv", "--annotations=ANNOTATIONS", "a.avi"), "of the videos of a --store"),
    ],
)
def test_flags_that_do_not_fit_are_refused_before_the_work(
    here, made, tmp_path, flags, words, monkeypatch
):
    monkeypatch.setattr(runs, "load_model", lambda _: pytest.fail("loaded in vain"))
    (tmp_path / "l.csv").write_text("path,label,split\na.avi,x,train\nb.avi,y,train\n")
    flags = [flag.replace("ANNOTATIONS", str(tmp_path / "l.csv")) for flag in flags]
    with pytest.raises(ValueError, match=words):
        here(
            "extract_features", f"--run_dir={made / 'spatial'}", f"--output_dir={tmp_path}", *flags
        )
