import numpy as np
import pytest

from tf_twostream.flow import flo


def test_what_is_written_is_read(tmp_path):
    field = np.random.default_rng(0).normal(size=(5, 7, 2)).astype(np.float32)
    flo.write_flo(tmp_path / "a.flo", field)
    np.testing.assert_array_equal(flo.read_flo(tmp_path / "a.flo"), field)


def test_unknown_pixels_stay_unknown(tmp_path):
    field = np.ones((5, 7, 2), np.float32)
    field[2, 3, 0] = np.nan
    flo.write_flo(tmp_path / "a.flo", field)
    known = np.isfinite(flo.read_flo(tmp_path / "a.flo")).all(axis=2)
    assert not known[2, 3] and known.sum() == 34


def test_files_of_middlebury_are_read(shared_data):
    field = flo.read_flo(shared_data / "flow_gt/middlebury/RubberWhale/flow10.flo")
    assert field.shape == (388, 584, 2)
    assert 0 < np.isnan(field).mean() < 0.02  # Occluded pixels are unknown.
    assert np.nanmax(np.abs(field)) < 5


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"x" + data[1:]])
def test_damaged_file_is_refused(tmp_path, damage):
    flo.write_flo(tmp_path / "a.flo", np.zeros((5, 7, 2)))
    (tmp_path / "a.flo").write_bytes(damage((tmp_path / "a.flo").read_bytes()))
    with pytest.raises(ValueError, match="Received"):
        flo.read_flo(tmp_path / "a.flo")


def test_field_of_another_shape_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Received: shape"):
        flo.write_flo(tmp_path / "a.flo", np.zeros((5, 7)))
