import csv

import pytest

from tf_twostream import datasets
from tf_twostream.datasets import charades

HEADER = [
    *("id", "subject", "scene", "quality", "relevance", "verified"),
    *("script", "objects", "descriptions", "actions", "length"),
]
CLASSES = "c000 Holding some clothes\r\nc001 Putting clothes somewhere\r\n\r\nc002 Taking/some\r\n"


def row(id, subject, actions):
    script = 'A person says "hello", then\nlaughs.'
    return [id, subject, "Bedroom", "6", "7", "Yes", script, "bag;bed", "a;b, c", actions, "30.96"]


def write(folder, train, test=(), classes=CLASSES, header=HEADER):
    """Writes lists as the official ones are: CRLF, quotes where a cell needs them."""
    (folder / "Charades_v1_classes.txt").write_bytes(classes.encode())
    for part, rows in (("train", train), ("test", test)):
        with (folder / f"Charades_v1_{part}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([header, *rows])
    return folder


def test_a_video_has_the_set_of_its_actions(tmp_path):
    train = [row("46GP8", "HR43", "c002 11.90 21.20;c000 0.00 12.60;c002 25.00 30.10")]
    split = charades.read(write(tmp_path, train, [row("YSKX3", "D0RU", "c001 0.5 3")]))
    assert split == datasets.Split(
        "charades",
        ("c000 Holding some clothes", "c001 Putting clothes somewhere", "c002 Taking/some"),
        train=(datasets.Video("46GP8.mp4", 0, "HR43", other_labels=(2,)),),
        test=(datasets.Video("YSKX3.mp4", 1, "D0RU"),),
        multi_label=True,
    )


def test_videos_without_an_action_are_left_out(tmp_path):
    rows = [row("A", "ann", ""), row("B", "ann", "c001 0.00 1.00")]
    split = charades.read(write(tmp_path, rows, rows[:1]))
    assert [video.id for video in datasets.all_videos(split)] == ["B.mp4"]


def test_spaces_and_other_orders_of_columns_do_no_harm(tmp_path):
    rows = [[" c000 0.0 1.0 ; c001 1.0 2.0; ", " A ", " ann "]]
    split = charades.read(write(tmp_path, rows, header=["actions", "id", "subject"]))
    assert split.train == (datasets.Video("A.mp4", 0, "ann", other_labels=(1,)),)


@pytest.mark.parametrize(
    "actions",
    ["c003 0.0 1.0", "c000", "c000 0.0", "c000 a b", "0 0.0 1.0", "c000 0.0 1.0,c001 1 2"],
)
def test_a_faulty_action_is_an_error_with_its_line(tmp_path, actions):
    rows = [row("A", "ann", "c000 0.0 1.0"), row("B", "ann", f"c001 0.0 1.0;{actions}")]
    with pytest.raises(ValueError, match=rf"Charades_v1_train\.csv, line 4.*Received: '{actions}'"):
        charades.read(write(tmp_path, rows))  # Each row takes two lines.


@pytest.mark.parametrize("cells", [["A", "ann"], ["A", "ann", "c000 0.0 1.0", "more"]])
def test_a_row_with_other_cells_than_the_header_is_an_error(tmp_path, cells):
    with pytest.raises(ValueError, match="line 2 must have as many cells as the header"):
        charades.read(write(tmp_path, [cells], header=["id", "subject", "actions"]))


def test_a_faulty_id_is_an_error_with_its_line(tmp_path):
    with pytest.raises(ValueError, match=r"Charades_v1_train\.csv, line 2: .*Received: '../A.mp4'"):
        charades.read(write(tmp_path, [row("../A", "ann", "c000 0.0 1.0")]))


def test_a_video_is_listed_once(tmp_path):
    rows = [row("A", "ann", "c000 0.0 1.0")]
    with pytest.raises(ValueError, match="listed once in charades. Received twice: 'A.mp4'"):
        charades.read(write(tmp_path, rows, rows))


def test_columns_must_be_there(tmp_path):
    with pytest.raises(
        ValueError, match=r"columns id,subject,actions\[,\.{3}\]\. Received: id,actions"
    ):
        charades.read(write(tmp_path, [], header=["id", "actions"]))


@pytest.mark.parametrize("classes", ["c001 a\n", "c000 a\nc002 b\n", "c000\n", "a\n"])
def test_classes_are_numbered_from_zero(tmp_path, classes):
    with pytest.raises(ValueError, match=r"Charades_v1_classes\.txt, line \d must describe"):
        charades.read(write(tmp_path, [], classes=classes))


@pytest.mark.parametrize(
    "name", ["Charades_v1_classes.txt", "Charades_v1_train.csv", "Charades_v1_test.csv"]
)
def test_a_missing_list_is_an_error_that_says_where_it_is_from(tmp_path, name):
    (write(tmp_path, []) / name).unlink()
    with pytest.raises(datasets.MissingListError, match=rf"`annotations` .*https.*{name}, which"):
        charades.read(tmp_path)
