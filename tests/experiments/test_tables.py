"""`tables` lists the paper's tables, number by number."""

import dataclasses

import pytest

from tf_twostream import experiments

# As printed: the columns of Tables 1 and 4 one below the other.
PAPER = {
    "1a": """
        From scratch, dropout 0.5               42.5
        From scratch, dropout 0.9               52.3
        Pre-trained + fine-tuning, dropout 0.5  70.8
        Pre-trained + fine-tuning, dropout 0.9  72.8
        Pre-trained + last layer, dropout 0.5   72.7
        Pre-trained + last layer, dropout 0.9   59.9
    """,
    "1b": """
        Single-frame optical flow (L = 1), mean subtraction on         73.9
        Optical flow stacking (L = 5), mean subtraction on             80.4
        Optical flow stacking (L = 10), mean subtraction off           79.9
        Optical flow stacking (L = 10), mean subtraction on            81.0
        Trajectory stacking (L = 10), mean subtraction off             79.6
        Trajectory stacking (L = 10), mean subtraction on              80.2
        Optical flow stacking (L = 10), bi-dir., mean subtraction on   81.2
        Slow fusion of 11 RGB frames (in the text)                     56.4
    """,
    "2": """
        Training on HMDB-51 without additional data           46.6
        Fine-tuning a ConvNet, pre-trained on UCF-101         49.0
        Training on HMDB-51 with classes added from UCF-101   52.8
        Multi-task learning on HMDB-51 and UCF-101            55.4
        Multi-task learning, tested on UCF-101 (in the text)  81.5
    """,
    "3": """
        bi-directional, averaging               85.6
        uni-directional, averaging              85.9
        uni-directional, multi-task, averaging  86.2
        uni-directional, multi-task, SVM        87.0
    """,
    "4": """
        Improved dense trajectories (IDT) [26, 27], UCF-101      85.9
        Improved dense trajectories (IDT) [26, 27], HMDB-51      57.2
        IDT with higher-dimensional encodings [20], UCF-101      87.9
        IDT with higher-dimensional encodings [20], HMDB-51      61.1
        IDT with stacked Fisher encoding [21], HMDB-51           66.8
        Spatio-temporal HMAX network [11, 16], HMDB-51           22.8
        "Slow fusion" spatio-temporal ConvNet [14], UCF-101      65.4
        Spatial stream ConvNet, UCF-101                          73.0
        Spatial stream ConvNet, HMDB-51                          40.5
        Temporal stream ConvNet, UCF-101                         83.7
        Temporal stream ConvNet, HMDB-51                         54.6
        Two-stream model (fusion by averaging), UCF-101          86.9
        Two-stream model (fusion by averaging), HMDB-51          58.0
        Two-stream model (fusion by SVM), UCF-101                88.0
        Two-stream model (fusion by SVM), HMDB-51                59.4
    """,
    # The paper's page on Papers With Code; the settings are ours.
    "other": """
        Charades                                                      18.6
        VIVA hand gestures, mean over eight subjects, each left out   68
    """,
}


def rows():
    return [row for name in PAPER for row in experiments.TABLES[name].rows]


def find(table, setting):
    [row] = [row for row in experiments.TABLES[table].rows if row.setting == setting]
    return row


@pytest.mark.parametrize("table", PAPER)
def test_every_published_number_is_a_row(table):
    printed = [line.strip().rsplit(maxsplit=1) for line in PAPER[table].strip().splitlines()]
    ours = [(row.setting, row.published) for row in experiments.TABLES[table].rows]
    assert ours == [(setting.strip(), float(number)) for setting, number in printed]


def test_there_are_no_more_tables_but_those_of_the_second_paper():
    groups = {name: table.group for name, table in experiments.TABLES.items()}
    assert [name for name, group in groups.items() if group != "all_2016"] == list(PAPER)
    assert [name for name, group in groups.items() if not group] == ["other"]


def test_only_table_4_is_over_three_splits():
    for name, table in experiments.TABLES.items():
        if table.group == "all":
            assert {row.splits for row in table.rows} == {(1, 2, 3) if name == "4" else (1,)}


def test_viva_is_the_mean_over_its_eight_subjects():
    charades, viva = experiments.TABLES["other"].rows
    assert charades.splits == (1,)
    assert viva.splits == (1, 2, 3, 4, 5, 6, 7, 8)


def test_only_charades_is_measured_by_mean_average_precision():
    assert [row.published for row in rows() if row.measure != "video accuracy"] == [18.6]


def test_other_data_sets_have_the_networks_of_table_3_and_gestures_are_not_mirrored():
    papers = find("3", "uni-directional, averaging").what
    charades, viva = experiments.TABLES["other"].rows
    for row, more in ((charades, {}), (viva, {"mirroring": False})):
        assert row.what.method == "average"
        for ours, theirs in (
            (row.what.spatial, papers.spatial),
            (row.what.temporal, papers.temporal),
        ):
            recipe = theirs.recipe | more
            assert dataclasses.replace(theirs, dataset=ours.dataset, recipe=recipe) == ours


def test_a_name_is_one_network():
    known = {}
    for row in (row for table in experiments.TABLES.values() for row in table.rows):
        for network in experiments.list_networks(row.what):
            assert known.setdefault((network.dataset, network.name), network) == network


def test_only_numbers_quoted_from_others_have_no_network():
    quoted = [row.setting for row in rows() if row.what is None]
    assert len(quoted) == 7
    assert all("[" in setting for setting in quoted)


def test_the_spatial_stream_of_tables_3_and_4_is_the_best_last_layer_of_table_1a():
    spatial = find("1a", "Pre-trained + last layer, dropout 0.5").what
    assert spatial.recipe == {"dropout_rate": 0.5, "train_last_layer_only": True}
    assert {row.what.spatial.name for row in experiments.TABLES["3"].rows} == {spatial.name}
    assert find("4", "Spatial stream ConvNet, UCF-101").what == spatial


def test_the_temporal_stream_of_table_4_is_the_multi_task_network_of_table_2():
    hmdb = find("2", "Multi-task learning on HMDB-51 and UCF-101").what
    ucf = find("2", "Multi-task learning, tested on UCF-101 (in the text)").what
    assert find("4", "Temporal stream ConvNet, HMDB-51").what == hmdb
    assert find("4", "Two-stream model (fusion by SVM), UCF-101").what.temporal == ucf


def test_fine_tuning_starts_from_a_network_trained_on_all_of_ucf101():
    start = find("2", "Fine-tuning a ConvNet, pre-trained on UCF-101").what.start
    assert (start.dataset, start.all_videos) == ("ucf101", True)
