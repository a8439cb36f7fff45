import csv
import dataclasses

import pytest

from tf_twostream import datasets, store
from tf_twostream.datasets import hmdb51, ucf101, union

MAIN = datasets.Split(
    "main",
    ("climb", "wave"),
    train=(datasets.Video("climb/1.avi", 0), datasets.Video("wave/1.avi", 1)),
    test=(datasets.Video("wave/2.avi", 1),),
    unused=(datasets.Video("wave/3.avi", 1),),
)
EXTRA = datasets.Split(
    "extra",
    ("Archery", "RopeClimbing", "YoYo"),
    train=(datasets.Video("YoYo/1.avi", 2, "g1"), datasets.Video("RopeClimbing/1.avi", 1)),
    test=(datasets.Video("Archery/1.avi", 0), datasets.Video("YoYo/2.avi", 2)),
    unused=(datasets.Video("Archery/2.avi", 0),),
)


def add_classes(main, extra, classes):
    """Adds classes whose videos lie in a second store."""
    return union.add_classes(main, extra, classes, rename=store.added_id)


HEADER = "class,use,counterpart,reason"


def write(folder, *rows, header=HEADER):
    path = folder / "choice.csv"
    path.write_bytes("\r\n".join([header, *rows]).encode())
    return path


def test_all_videos_of_the_added_classes_are_for_training():
    both = add_classes(MAIN, EXTRA, ["YoYo", "Archery"])
    assert both.class_names == ("climb", "wave", "Archery", "YoYo")
    assert both.train == MAIN.train + (
        datasets.Video("@1/Archery/1.avi", 2),
        datasets.Video("@1/Archery/2.avi", 2),
        datasets.Video("@1/YoYo/1.avi", 3, "g1"),
        datasets.Video("@1/YoYo/2.avi", 3),
    )
    assert (both.test, both.unused) == (MAIN.test, MAIN.unused)
    assert both.name == "main with 2 classes of extra"


def test_equal_ids_in_the_two_stores_do_not_collide(tmp_path):
    extra = datasets.Split("extra", ("Wave",), train=(datasets.Video("wave/1.avi", 0),), test=())
    both = add_classes(MAIN, extra, ["Wave"])
    labels = {video.id: video.label for video in both.train}
    assert (labels["wave/1.avi"], labels[store.added_id("wave/1.avi")]) == (1, 2)
    datasets.save_split(both, path := tmp_path / "split.json")
    assert datasets.load_split(path) == both


def test_an_unknown_class_is_an_error():
    with pytest.raises(ValueError, match="classes of extra. Received: Yoyo. Near names: YoYo"):
        add_classes(MAIN, EXTRA, ["Yoyo"])


def test_a_class_of_both_is_an_error():
    extra = dataclasses.replace(EXTRA, class_names=("Archery", "climb", "YoYo"))
    with pytest.raises(ValueError, match="must not be classes of main. Received: climb"):
        add_classes(MAIN, extra, ["YoYo", "climb"])


def test_videos_with_several_labels_are_not_added():
    with pytest.raises(ValueError, match="Videos must have one label each"):
        add_classes(MAIN, dataclasses.replace(EXTRA, multi_label=True), ["YoYo"])


def test_classes_are_added_once():
    both = add_classes(MAIN, EXTRA, ["YoYo"])
    with pytest.raises(ValueError, match="must not be classes of main with 1 classes of extra"):
        add_classes(both, EXTRA, ["YoYo"])


def test_a_choice_is_a_csv_file_of_the_user(tmp_path):
    path = write(
        tmp_path, "YoYo , add,,", 'Archery,exclude,shoot_bow,"the same, really"', "a,add,b,c"
    )
    assert union.read_choice(path) == ("YoYo", "a")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "a,keep,,",
            "line 3 must name a class, once, and say add or exclude. Received: 'a', 'keep'",
        ),
        ("YoYo,exclude,,", "line 3 must name a class, once.*'YoYo', 'exclude'"),
        (",add,,", "line 3 must name a class"),
        ("a,add", "line 3 must have as many cells"),
        ("a,add,b,c, d", "line 3 must have as many cells"),
    ],
)
def test_a_row_that_breaks_a_rule_is_an_error_with_its_line(tmp_path, row, message):
    with pytest.raises(ValueError, match=rf"choice\.csv, {message}"):
        union.read_choice(write(tmp_path, "YoYo,add,,", row))


def test_the_columns_are_named(tmp_path):
    with pytest.raises(ValueError, match=f"must name the columns {HEADER}. Received: class,use"):
        union.read_choice(write(tmp_path, "a,add", header="class,use"))


def test_a_choice_adds_a_class(tmp_path):
    with pytest.raises(ValueError, match="must add a class"):
        union.read_choice(write(tmp_path, "a,exclude,b,c"))


def test_a_missing_choice_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.csv"):
        union.read_choice(tmp_path / "none.csv")


def test_78_classes_of_ucf101_are_added_to_hmdb51_as_in_the_paper(shared_data):
    lists = shared_data / "splits"
    hmdb = hmdb51.read(lists / "testTrainMulti_7030_splits", 1)
    ucf = ucf101.read(lists / "ucfTrainTestlist", 1)
    both = add_classes(hmdb, ucf, union.read_choice())
    assert len(both.class_names) == 51 + 78
    added = [video for video in both.train if store.is_added(video.id)]
    assert len(both.train) == 3570 + len(added)
    assert {video.label for video in added} == set(range(51, 129))
    assert both.test == hmdb.test
    # All splits of UCF-101 combined: another split adds the same videos.
    ucf3 = ucf101.read(lists / "ucfTrainTestlist", 3)
    assert add_classes(hmdb, ucf3, union.read_choice()).train == both.train


def test_the_choice_speaks_of_every_class_of_ucf101_and_names_a_class_of_hmdb51(shared_data):
    lists = shared_data / "splits"
    ucf = ucf101.read(lists / "ucfTrainTestlist", 1).class_names
    hmdb = hmdb51.read(lists / "testTrainMulti_7030_splits", 1).class_names
    with union.UCF101_NOT_IN_HMDB51.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(row["class"] for row in rows) == ucf
    assert all(row["counterpart"] in hmdb for row in rows if row["use"] == "exclude")
    assert all(row["counterpart"] in ("", *hmdb) and row["reason"] for row in rows)
