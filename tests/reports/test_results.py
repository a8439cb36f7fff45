"""What a report says of accuracies."""

import dataclasses

import made_up_scores
import numpy as np
import pytest

from tf_twostream import figures
from tf_twostream.reports import document, page, results, text
from tf_twostream.scores import fusion


def said(*sections):
    return " ".join(text.write(document.Document("", "", sections)).split())


def all_right(videos):
    return dataclasses.replace(videos, scores=np.eye(len(videos.class_names))[videos.labels])


def test_streams_stand_beside_chance_and_their_fusion(made_up, many):
    own = made_up(many)
    [table, *_] = results.accuracies(own).blocks
    assert [row[0] for row in table.rows][:1] == ["chance (one of 101)"]
    shown = {row[0]: row[1] for row in table.rows}
    assert shown["chance (one of 101)"] == "1.0 %"
    for name, measured in own.measured.items():
        assert shown[name] == f"{100 * measured.value:.1f} %"
    assert list(shown)[-3:] == ["spatial", "temporal", "fused"]
    words = said(results.accuracies(own))
    assert "Fused minus the better stream (temporal): +0.0 points" in words
    assert "these clips cannot tell whether the fusion helps" in words
    assert results.lead(own).startswith("Both streams together recognise ")
    assert "Each alone: spatial " in results.lead(own)


def test_classes_stand_best_first_and_those_without_clips_last(made_up, many):
    own = made_up(many)
    table = results._per_class(own, figures.summarise(many, own.fused))
    shares = [float(row[3].split()[0]) for row in table.rows[:-1]]
    assert len(table.rows) == 101 and shares == sorted(shares, reverse=True)
    assert table.rows[-1][0] == "Class100" and table.rows[-1][2:4] == ("0", "-")
    # Most of what is wrong was taken for the next class.
    assert any(f"{int(row[0][5:]) + 1:03} (" in row[-1] for row in table.rows)


@pytest.mark.slow
def test_a_hundred_classes_fit_into_a_page_of_a_megabyte(made_up, many):
    section = results.classes(made_up(many))
    assert len(page.write(document.Document("", "", (section,)))) < 1e6


def test_a_harmful_fusion_is_called_so(made_up, many):
    own = made_up(many)
    worse = dataclasses.replace(
        own, fusion=fusion.mean(("spatial", "temporal"), many.class_names, weights=(0.9, 0.1))
    )
    assert "the fusion harms on videos like these" in said(results.accuracies(worse))
    better = dict(own.scores)
    half = np.arange(300)[:, None] % 2 == 0
    right, flat = all_right(many).scores, np.full((300, 101), 1 / 101)
    better["spatial"] = dataclasses.replace(many, scores=np.where(half, right, flat))
    better["temporal"] = dataclasses.replace(many, scores=np.where(half, flat, right))
    helped = dataclasses.replace(own, scores=better)
    assert "the fusion helps on videos like these" in said(results.accuracies(helped))


def test_one_recording_has_no_interval_and_that_is_said(made_up, many):
    one = dataclasses.replace(many, groups=("one",) * 300)
    words = said(results.accuracies(made_up(one, streams=("spatial",))))
    assert "All test clips are of 1 recording, so that there is no interval" in words
    assert "| none |" in words


def test_no_miss_is_no_proof(made_up, many):
    own = made_up(many, streams=("spatial",))
    sure = dataclasses.replace(own, scores={"spatial": all_right(many)})
    assert "of 60 recordings none was missed; on new ones a share of up to 5.0 %" in said(
        results.accuracies(sure)
    )
    assert "interval" not in results.lead(sure)


def test_an_interval_from_few_recordings_is_called_rough(made_up, many):
    few = dataclasses.replace(many, groups=tuple(f"g{row % 9}" for row in range(300)))
    assert "so few is itself rough" in said(results.accuracies(made_up(few)))
    assert "rough" not in said(results.accuracies(made_up(many)))


def test_clips_that_may_show_several_classes_are_measured_by_average_precision(made_up):
    own = made_up(made_up_scores.make_several(0))
    assert "reach a mean average precision of" in results.lead(own)
    words = said(results.accuracies(own), results.classes(own))
    assert "mean average precision" in words and "average precision" in words
    assert "95 %" not in words and "most taken for" not in words


def test_a_fusing_svm_is_measured_by_its_decisions(made_up, many):
    own = made_up(many)
    coefficients = np.concatenate([np.zeros((101, 101)), np.eye(101)], axis=1)
    svm = dataclasses.replace(own.fusion, coefficients=coefficients, intercepts=np.zeros(101))
    own = dataclasses.replace(own, fusion=svm)
    assert own.measured["fused"] == own.measured["temporal"]
    assert "by a linear SVM" in said(results.accuracies(own))


def test_the_validation_part_has_a_column(loaded):
    [table, *_] = results.accuracies(loaded).blocks
    assert table.header[-1] == "on the validation part"
    assert all(row[-1].endswith("%") for row in table.rows[-3:])


def test_the_best_point_on_the_validation_part_is_that_of_the_best_checkpoint(loaded):
    *drawn, _, table = results.learning(loaded).blocks
    assert len(drawn) == 2
    assert table.rows[0] == ("spatial", "90.0 %", "90.0 % at 40", "70.0 %")


def test_runs_without_curves_say_so(loaded, tmp_path):
    bare = tuple(dataclasses.replace(run, path=tmp_path) for run in loaded.streams)
    own = dataclasses.replace(loaded, streams=bare)
    assert "hold no curves" in said(results.learning(own))


def test_equal_streams_are_all_named(loaded):
    one = loaded.videos.scores
    scores = {name: dataclasses.replace(own, scores=one) for name, own in loaded.scores.items()}
    equal = dataclasses.replace(loaded, scores=scores)
    assert "Each alone: spatial" in results.lead(equal)


def test_temperatures_are_explained_where_there_are_any(made_up, many):
    own = made_up(many)
    assert "sharpens" not in said(results.accuracies(own))
    other = dataclasses.replace(own.fusion, temperatures=np.array([2.0, 1.0]))
    assert "sharpens" in said(results.accuracies(dataclasses.replace(own, fusion=other)))
