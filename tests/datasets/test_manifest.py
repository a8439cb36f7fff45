import pytest

from tf_twostream import datasets
from tf_twostream.datasets import availability, manifest


def write(folder, text):
    path = folder / "videos.csv"
    path.write_bytes(text.encode())
    return path


def test_rows_become_videos_and_classes_are_alphabetical(tmp_path):
    text = 'path,label,split,group\nw/1.avi,wave,train,ann\n"b/2, x.avi",bend,test,bob\n'
    assert manifest.read(write(tmp_path, text + "b/3.avi,bend,,ann\nb/4.avi,bend,train,\n")) == (
        datasets.Split(
            "videos.csv",
            ("bend", "wave"),
            train=(datasets.Video("w/1.avi", 1, "ann"), datasets.Video("b/4.avi", 0)),
            test=(datasets.Video("b/2, x.avi", 0, "bob"),),
            unused=(datasets.Video("b/3.avi", 0, "ann"),),
        )
    )


def test_the_group_may_be_left_out_and_columns_come_in_any_order(tmp_path):
    split = manifest.read(write(tmp_path, "split,path,label\ntrain,1.avi,a\ntrain,2.avi,b\n"))
    assert split.train == (datasets.Video("1.avi", 0), datasets.Video("2.avi", 1))


def test_spreadsheets_and_spaces_do_no_harm(tmp_path):
    text = "\ufeffpath, label, split\r\n1.avi, a , train\r\n\r\n2.MP4,b,train \r\n"
    split = manifest.read(write(tmp_path, text))
    assert split.class_names == ("a", "b")
    assert len(split.train) == 2


@pytest.mark.parametrize(
    "header", ["path,label", "path,label,split,actor", "path,label,split,split", "1.avi,a,train"]
)
def test_columns_are_known_and_complete(tmp_path, header):
    with pytest.raises(ValueError, match=rf"path,label,split\[,group\].*\. Received: {header}"):
        manifest.read(write(tmp_path, f"{header}\n1.avi,a,train\n"))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2.avi,a", "as many cells as the header"),
        ("2, b.avi,a,train", "as many cells as the header"),
        ("2.avi,,train", "must have a label"),
        ("2.avi,a,training", "train, val, test or nothing as its split. Received: 'a', 'training'"),
        ("2.txt,a,train", "must name a video.*Received: '2.txt'"),
        ("/data/2.avi,a,train", "relative to the folder of the videos.*Received: '/data/2.avi'"),
        ("../2.avi,a,train", "relative to the folder of the videos.*Received: '../2.avi'"),
    ],
)
def test_a_row_that_breaks_a_rule_is_an_error_with_its_line(tmp_path, row, message):
    path = write(tmp_path, f"path,label,split\n1.avi,a,train\n{row}\n")
    with pytest.raises(ValueError, match=rf"videos\.csv, line 3.*{message}"):
        manifest.read(path)


def test_a_video_is_listed_once(tmp_path):
    path = write(tmp_path, "path,label,split\n1.avi,a,train\n1.avi,a,test\n")
    with pytest.raises(ValueError, match="Received twice: '1.avi'"):
        manifest.read(path)


def test_a_group_is_on_one_side(tmp_path):
    rows = "1.avi,a,train,ann\n2.avi,a,test,ann\n"
    with pytest.raises(ValueError, match="group 'ann' with '1.avi' in train and '2.avi' in test"):
        manifest.read(write(tmp_path, f"path,label,split,group\n{rows}"))


def test_each_class_has_a_training_video(tmp_path):
    path = write(tmp_path, "path,label,split\n1.avi,a,train\n2.avi,b,test\n3.avi,b,\n")
    with pytest.raises(
        datasets.UnlearntClassError, match=r"videos\.csv must have a train.*none of: b"
    ):
        manifest.read(path)


@pytest.mark.parametrize("text", ["path,label,split\n", ""])
def test_an_empty_file_is_an_error(tmp_path, text):
    with pytest.raises(ValueError, match=r"Received:.*"):
        manifest.read(write(tmp_path, text))


def test_a_missing_file_is_an_error_with_an_example(tmp_path):
    with pytest.raises(datasets.MissingListError, match="PushUps/a.avi,PushUps,train"):
        manifest.read(tmp_path / "none.csv")


def test_labels_that_are_integers_are_in_their_order(tmp_path):
    rows = "".join(f"{n}.avi,{n},train\n" for n in (10, 2, 0, 1, 11))
    split = manifest.read(write(tmp_path, f"path,label,split\n{rows}"))
    assert split.class_names == ("0", "1", "2", "10", "11")
    assert [video.label for video in split.train] == [3, 2, 0, 1, 4]


def test_one_label_that_is_no_integer_makes_all_alphabetical(tmp_path):
    rows = "".join(f"{n}.avi,{n},train\n" for n in (10, 2, "none"))
    assert manifest.read(write(tmp_path, f"path,label,split\n{rows}")).class_names == (
        "10",
        "2",
        "none",
    )


@pytest.mark.parametrize("rows", ["1.avi,run;jump,train\n", "1.avi,run,train\n1.avi,jump,train\n"])
def test_several_labels_are_several_classes_or_an_error(tmp_path, rows):
    path = write(tmp_path, f"path,label,split\n{rows}2.avi,run,train\n")
    split = manifest.read(path, multi_label=True)
    assert (split.class_names, split.multi_label) == (("jump", "run"), True)
    assert split.train == (
        datasets.Video("1.avi", 0, other_labels=(1,)),
        datasets.Video("2.avi", 1),
    )
    with pytest.raises(manifest.SeveralLabelsError, match="one class. .*'1.avi' with 'jump;run'"):
        manifest.read(path)


@pytest.mark.parametrize("row", ["1.avi,b,test,al", "1.avi,b,train,bo", "1.avi,a,train,al"])
def test_rows_of_one_video_differ_in_their_label_alone(tmp_path, row):
    text = f"path,label,split,group\n1.avi,a,train,al\n{row}\n"
    with pytest.raises(ValueError, match=r"line 3: .*listed once.* Received twice: '1.avi'"):
        manifest.read(write(tmp_path, text), multi_label=True)


def test_a_single_class_is_an_error(tmp_path):
    with pytest.raises(availability.SingleClassError, match="two classes or more.*one: 'a'"):
        manifest.read(write(tmp_path, "path,label,split\n1.avi,a,train\n2.avi,a,test\n"))


def test_clips_of_a_file_have_ids_with_their_seconds_and_are_one_group(tmp_path):
    rows = "l.mp4,a,train,,0,2.50\nl.mp4,b,train,,2.5,10\n2.avi,a,test,,,\nk.mp4,b,train,ann,1,2\n"
    split = manifest.read(write(tmp_path, f"path,label,split,group,start,end\n{rows}"))
    assert split.train == (
        datasets.Video("l.mp4#0-2.5", 0, "l.mp4"),
        datasets.Video("l.mp4#2.5-10", 1, "l.mp4"),
        datasets.Video("k.mp4#1-2", 1, "ann"),
    )
    assert split.test == (datasets.Video("2.avi", 0),)


@pytest.mark.parametrize("other", ["l.mp4,b,test,2,3", "l.mp4,b,test,,"])
def test_clips_of_a_file_are_on_one_side(tmp_path, other):
    rows = f"l.mp4,a,train,0,1\nm.mp4,b,train,0,1\n{other}\n"
    with pytest.raises(ValueError, match=r"group 'l.mp4' with 'l.mp4#0-1' in train and 'l.mp4"):
        manifest.read(write(tmp_path, f"path,label,split,start,end\n{rows}"))


@pytest.mark.parametrize(
    "seconds", ["1,", ",2", "2,1", "1,1.0001", "-1,2", "1,2s", "nan,2", "0:01,2"]
)
def test_seconds_of_a_clip_ascend(tmp_path, seconds):
    with pytest.raises(ValueError, match=r"line 2: A clip must have a start and an end.*Received"):
        manifest.read(write(tmp_path, f"path,label,split,start,end\nl.mp4,a,train,{seconds}\n"))


def test_a_list_without_training_videos_is_one_to_measure_on(tmp_path):
    split = manifest.read(write(tmp_path, "path,label,split\n1.avi,a,test\n"))
    assert split.class_names == ("a",) and not split.train
