"""Files of visitors are deleted when nobody needs them."""

import os
import pathlib

import pytest

from tf_twostream.evaluation import visits

NAMES = ("clip.mp4", "../../x.mp4", "-rf.avi", "$(id).mov", "ä 🎥.webm")


@pytest.fixture
def kept(tmp_path):
    (tmp_path / "visits").mkdir()
    return visits.Visits(str(tmp_path / "visits"))


def upload(tmp_path, name="clip.mp4", text="1"):
    path = tmp_path / "uploads" / "hash" / os.path.basename(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # As a server that renames a finished upload.
    path.write_text(text)
    return path


def left(tmp_path):
    return [p for p in tmp_path.rglob("*") if p.is_file()]


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_an_upload_is_no_part_of_a_path(kept, tmp_path, name):
    visit = kept.take("a", str(upload(tmp_path, name)))
    assert os.path.basename(visit.clip) == "clip"
    assert os.path.dirname(visit.folder) == str(tmp_path / "visits")
    assert pathlib.Path(visit.clip).read_text() == "1"


@pytest.mark.parametrize("fails", [False, True])
def test_an_upload_is_deleted_after_its_answer_however_that_ends(kept, tmp_path, fails):
    path = upload(tmp_path)
    visit = kept.take("a", str(path))
    try:
        with kept.at_work(visit) as waits:
            assert waits
            pathlib.Path(visit.folder, "labelled.mp4").touch()
            if fails:
                raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert [p.name for p in left(tmp_path)] == ["labelled.mp4"]
    kept.leave("a")
    assert not left(tmp_path)


def test_two_visitors_with_one_upload_get_an_answer_each(kept, tmp_path):
    path = upload(tmp_path)
    one, two = (kept.take(visitor, str(path)) for visitor in "ab")
    with kept.at_work(one):
        pass
    assert not path.exists()
    with kept.at_work(two) as waits:
        assert waits and pathlib.Path(two.clip).read_text() == "1"
    assert not left(tmp_path)


def test_what_is_uploaded_again_meanwhile_is_not_deleted(kept, tmp_path):
    one = kept.take("a", str(upload(tmp_path)))
    path = upload(tmp_path, text="2")
    with kept.at_work(one):
        pass
    assert path.read_text() == "2"


def test_who_leaves_while_waiting_is_not_answered(kept, tmp_path):
    visit = kept.take("a", str(upload(tmp_path)))
    other = kept.take("b")
    kept.leave("a")
    assert not left(tmp_path)
    with kept.at_work(visit) as waits:
        assert not waits
    assert os.path.isdir(other.folder)


def test_who_leaves_during_the_answer_leaves_nothing(kept, tmp_path):
    visit = kept.take("a", str(upload(tmp_path)))
    with kept.at_work(visit):
        kept.leave("a")
        assert os.path.exists(visit.clip)
        pathlib.Path(visit.folder, "labelled.mp4").touch()
    assert not left(tmp_path) and not os.path.exists(visit.folder)


def test_the_next_clip_of_a_visitor_takes_the_place_of_the_last(kept, tmp_path):
    first = kept.take("a", str(upload(tmp_path)))
    second = kept.take("a", str(upload(tmp_path, text="2")))
    with kept.at_work(first) as waits:
        assert not waits
    with kept.at_work(second) as waits:
        assert waits and pathlib.Path(second.clip).read_text() == "2"


def test_an_example_is_never_deleted(kept):
    with kept.at_work(kept.take("a")) as waits:
        assert waits
