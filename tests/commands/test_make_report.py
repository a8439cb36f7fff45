"""The command that writes a report."""

import made_up_scores
import pytest
import trained

from tf_twostream import datasets, store
from tf_twostream.paper import recipes
from tf_twostream.scores import score_files

GIVEN = ("--store=s", "--output_dir=o")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--scores=a.npz",), "A report needs a --spatial_run, --temporal_run or both"),
        (
            ("--spatial_run=a", "--temporal_run=b", "--scores=a.npz"),
            "--scores must name a file for each run. Received: 1 for 2 of them",
        ),
        (
            ("--spatial_run=a", "--scores=a.npz", "--validation_scores=a.npz,b.npz"),
            "--validation_scores must name a file for each run. Received: 2 for 1",
        ),
    ],
)
def test_each_network_has_a_file_of_scores(here, flags, words):
    with pytest.raises(ValueError, match=words):
        here("make_report", *GIVEN, *flags)


def test_a_report_of_one_stream_is_written_and_printed_in_brief(here, tiny_store, tmp_path, capsys):
    path, split = tiny_store
    recipe = recipes.SpatialRecipe(width=0.02, crop_size=41)
    run = trained.run_of(tmp_path / "run", recipe, split, store.Reader(path).settings)
    trained.with_checkpoint(run)
    own = made_up_scores.make_scores(0, labels=[0, 1, 2], names=split.class_names)
    ids = tuple(video.id for video in split.test)
    labels = datasets.label_array(split.test, split)
    own = score_files.Scores(ids, labels, split.class_names, own.scores)
    score_files.save_scores(tmp_path / "s.npz", own)
    out = tmp_path / "out"
    here(
        "make_report", f"--store={path}", f"--spatial_run={run.path}",
        f"--scores={tmp_path / 's.npz'}", f"--output_dir={out}",
    )  # fmt: skip
    printed, written = capsys.readouterr().out, (out / "report.md").read_text()
    assert printed.startswith(written[: written.index("|")])
    assert "## Next steps" in printed and "## Class by class" not in printed
    assert f"report: {out}/report.html\n" in printed and f"{out}/report.md" in printed
    assert "The spatial stream recognises" in written and "No recordings are known" in written
    assert (out / "report.html").read_text().startswith("<!DOCTYPE html>")
