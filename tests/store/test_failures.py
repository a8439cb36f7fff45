"""The list of videos that failed."""

import pytest

from tf_twostream.store import failures


def test_what_is_written_is_read(tmp_path):
    reasons = {"b,1.avi": 'it says "no"\nand ends', "a é.avi": "hung"}
    failures.write(str(tmp_path), reasons)
    assert failures.read(str(tmp_path)) == reasons
    failures.write(str(tmp_path), {})
    assert failures.read(str(tmp_path)) == {}


def test_no_file_is_no_failure(tmp_path):
    assert failures.read(str(tmp_path)) == {}


@pytest.mark.parametrize("text", ["", "id,why\n", "video_id,reason\na.avi\n"])
def test_other_columns_are_refused(tmp_path, text):
    (tmp_path / "failed.csv").write_text(text)
    refused = "must have the columns video_id,reason. Received: .*failed.csv"
    with pytest.raises(failures.FailedListError, match=refused):
        failures.read(str(tmp_path))
