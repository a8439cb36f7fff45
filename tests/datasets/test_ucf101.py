import pytest

from tf_twostream import datasets
from tf_twostream.datasets import ucf101

CLASSES = "1 HandstandPushups\r\n2 PushUps\r\n"
TRAIN = (
    "HandstandPushups/v_HandStandPushups_g08_c01.avi 1\r\n"
    "PushUps/v_PushUps_g08_c01.avi 2\r\n"
    "\r\n"
    "PushUps/v_PushUps_g08_c02.avi 2\r\n"
)
TEST = "HandstandPushups/v_HandStandPushups_g01_c01.avi\r\nPushUps/v_PushUps_g01_c01.avi\r\n"


def write(folder, *, classes=CLASSES, train=TRAIN, test=TEST):
    (folder / "classInd.txt").write_bytes(classes.encode())
    (folder / "trainlist02.txt").write_bytes(train.encode())
    (folder / "testlist02.txt").write_bytes(test.encode())
    return folder


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
def test_lists_are_read_with_either_line_end(tmp_path, line_end):
    texts = {"classes": CLASSES, "train": TRAIN, "test": TEST}
    folder = write(tmp_path, **{k: text.replace("\r\n", line_end) for k, text in texts.items()})
    assert ucf101.read(folder, 2) == datasets.Split(
        "ucf101 split 2",
        ("HandstandPushups", "PushUps"),
        train=(
            datasets.Video(
                "HandstandPushups/v_HandStandPushups_g08_c01.avi", 0, "v_HandStandPushups_g08"
            ),
            datasets.Video("PushUps/v_PushUps_g08_c01.avi", 1, "v_PushUps_g08"),
            datasets.Video("PushUps/v_PushUps_g08_c02.avi", 1, "v_PushUps_g08"),
        ),
        test=(
            datasets.Video(
                "HandstandPushups/v_HandStandPushups_g01_c01.avi", 0, "v_HandStandPushups_g01"
            ),
            datasets.Video("PushUps/v_PushUps_g01_c01.avi", 1, "v_PushUps_g01"),
        ),
    )


@pytest.mark.parametrize("classes", ["0 A\n1 B\n", "1 A\n3 B\n", "1\n", "A\n", "1 A B\n"])
def test_classes_are_numbered_from_one_without_gaps(tmp_path, classes):
    with pytest.raises(ValueError, match=r"classInd\.txt, line [12] must number the next class"):
        ucf101.read(write(tmp_path, classes=classes), 2)


@pytest.mark.parametrize(
    "line",
    ["PushUps/v_PushUps_g08_c01.avi 1", "Pushups/v.avi 2", "v_PushUps.avi 2", "PushUps/a b.avi 2"],
)
def test_a_video_must_be_of_a_known_class_and_its_number(tmp_path, line):
    with pytest.raises(ValueError, match=r"trainlist02\.txt, line 2 must read.*Received") as error:
        ucf101.read(write(tmp_path, train="\r\n" + line), 2)
    assert line in str(error.value)


def test_a_missing_list_is_named_together_with_where_to_get_it(tmp_path):
    with pytest.raises(
        datasets.MissingListError, match=r"`annotations` .*https://.*trainlist01\.txt, which"
    ):
        ucf101.read(write(tmp_path), 1)


def test_a_video_in_both_lists_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="Received twice: 'PushUps/v_PushUps_g08_c01.avi'"):
        ucf101.read(write(tmp_path, test="PushUps/v_PushUps_g08_c01.avi"), 2)


@pytest.mark.parametrize(
    ("split", "num_train", "num_test"), [(1, 9537, 3783), (2, 9586, 3734), (3, 9624, 3696)]
)
def test_the_official_lists_have_the_official_sizes(shared_data, split, num_train, num_test):
    read = ucf101.read(shared_data / "splits" / "ucfTrainTestlist", split)
    assert len(read.class_names) == 101
    assert (len(read.train), len(read.test), len(read.unused)) == (num_train, num_test, 0)
    for video in read.train + read.test:
        assert video.id.split("/")[0] == read.class_names[video.label]
    assert not {video.group for video in read.train} & {video.group for video in read.test}


def test_the_three_official_splits_divide_the_same_videos(shared_data):
    folder = shared_data / "splits" / "ucfTrainTestlist"
    first, *others = (datasets.all_videos(ucf101.read(folder, split)) for split in (1, 2, 3))
    assert len(first) == 13320
    assert all(other == first for other in others)


def test_files_of_handstand_pushups_keep_their_own_spelling(shared_data):
    split = ucf101.read(shared_data / "splits" / "ucfTrainTestlist", 1)
    ids = {video.id for video in split.test if split.class_names[video.label] == "HandstandPushups"}
    assert len(ids) == 28
    assert all(id.startswith("HandstandPushups/v_HandStandPushups_g") for id in ids)
