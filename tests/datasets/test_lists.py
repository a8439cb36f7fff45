import pytest

from tf_twostream import datasets
from tf_twostream.datasets import hmdb51, lists, ucf101


def write(folder, text):
    path = folder / "list.csv"
    path.write_bytes(text.encode())
    return path


def test_lines_have_their_place_and_no_spaces_at_their_ends(tmp_path):
    path = write(tmp_path, "a b \r\n\r\n \n  c\n")
    assert list(lists.read_lines(path)) == [(f"{path}, line 1", "a b"), (f"{path}, line 4", "c")]


def test_rows_have_the_place_at_which_they_begin(tmp_path):
    path = write(tmp_path, 'b,a\n\n"1,2","3 "\n4,5\n')
    assert list(lists.read_rows(path, ("a", "b"))) == [
        (f"{path}, line 3", {"b": "1,2", "a": "3"}),
        (f"{path}, line 4", {"b": "4", "a": "5"}),
    ]


def test_a_column_that_is_not_used_may_hold_several_lines(tmp_path):
    path = write(tmp_path, 'a,script\n1,"He sits.\nHe rises."\n2,x\n')
    assert [row["a"] for _, row in lists.read_rows(path, ("a",), None)] == ["1", "2"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_what_spreadsheets_write_is_read(tmp_path, encoding, separator):
    text = f"a{separator}b\r\nZoë{separator}体\r\n"
    if encoding.endswith("e"):
        text = "\ufeff" + text
    (tmp_path / "list.csv").write_bytes(text.encode(encoding))
    [(_, row)] = lists.read_rows(tmp_path / "list.csv", ("a", "b"))
    assert row == {"a": "Zoë", "b": "体"}


@pytest.mark.parametrize(
    "data", [b"a\ncaf\xe9 1\n", b"a\n\x80\n", b"a\n1\x002\n", b"a\nred\x1b[31m\n"]
)
def test_another_encoding_is_an_error_with_its_line(tmp_path, data):
    path = tmp_path / "list.csv"
    path.write_bytes(data)
    for read in (lists.read_lines, lambda path: lists.read_rows(path, ("a",))):
        with pytest.raises(
            lists.ListTextError, match=r"list\.csv must be a text in UTF-8.* in line 2"
        ):
            list(read(path))


def test_a_line_is_not_broken_at_signs_that_may_be_in_a_name(tmp_path):
    path = write(tmp_path, "a\u2028b\nc\rd\r\ne\n")
    assert [line for _, line in lists.read_lines(path)] == ["a\u2028b", "c", "d", "e"]


@pytest.mark.parametrize(
    "row",
    [
        '"2,2',  # Up to the end of the file.
        '"2,2\n3,3\n4",4',  # Up to the next quotation mark.
        '"2,2\n3,"3',
        '"2" x,2',
    ],
)
def test_a_quotation_mark_without_a_partner_is_an_error_where_it_stands(tmp_path, row):
    path = write(tmp_path, f"a,b\n1,1\n{row}\n5,5\n")
    with pytest.raises(lists.ListTextError, match=r"list\.csv, line 3 must .*quotation marks"):
        list(lists.read_rows(path, ("a", "b")))


@pytest.mark.parametrize(
    ("optional", "accepted"), [((), False), (("c",), True), (("d",), False), (None, True)]
)
def test_columns_are_required_optional_or_unknown(tmp_path, optional, accepted):
    path = write(tmp_path, "a,c\n1,2\n")
    if accepted:
        assert [row for _, row in lists.read_rows(path, ("a",), optional)] == [{"a": "1", "c": "2"}]
    else:
        with pytest.raises(ValueError, match=r"list\.csv must name the columns a.*Received: a,c"):
            list(lists.read_rows(path, ("a",), optional))


def test_a_column_is_there_once(tmp_path):
    with pytest.raises(ValueError, match=r"must name the columns a\[,\.\.\.\]. Received: a,b,b"):
        list(lists.read_rows(write(tmp_path, "a,b,b\n1,2,3\n"), ("a",), None))


@pytest.mark.parametrize("row", ["1", "1,2,3"])
def test_a_row_has_a_cell_for_each_column(tmp_path, row):
    with pytest.raises(ValueError, match=r"list\.csv, line 3 must have as many cells"):
        list(lists.read_rows(write(tmp_path, f"a,b\n1,2\n{row}\n"), ("a", "b")))


def test_a_faulty_video_is_an_error_with_its_place():
    assert lists.make_video("here", "a.mp4", [0, 2], "ann") == datasets.Video(
        "a.mp4", 0, "ann", other_labels=(2,)
    )
    with pytest.raises(ValueError, match="^here: An id must be .* Received: '/a.mp4'"):
        lists.make_video("here", "/a.mp4", [0])


def test_a_byte_order_mark_is_no_part_of_official_lists(tmp_path):
    texts = {"classInd.txt": "1 a", "trainlist01.txt": "a/1.avi 1", "testlist01.txt": "a/2.avi"}
    for name, text in {**texts, "a_test_split1.txt": "1.avi 1"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
    for reader in (ucf101, hmdb51):
        assert [video.id for video in reader.read(tmp_path, 1).train] == ["a/1.avi"]


def test_a_missing_list_is_named(tmp_path):
    (tmp_path / "there.txt").touch()
    assert lists.existing(tmp_path / "there.txt", "a list") == tmp_path / "there.txt"
    with pytest.raises(lists.MissingListError, match=r"a list. Received: .*x\.txt, which does not"):
        lists.existing(tmp_path / "x.txt", "a list")
