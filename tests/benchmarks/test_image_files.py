"""The loader that the input graph is compared with reads what was written."""

import numpy as np
import pytest

from tf_twostream.benchmarks import image_files


@pytest.fixture
def folder(tmp_path):
    smooth = np.add.outer(np.arange(40), np.arange(24)).astype(np.uint8)
    image_files.write(tmp_path, [[smooth + 60 * n, smooth + 10] for n in range(2)], quality=100)
    return tmp_path


def test_volumes_are_cut_and_mirrored_floats_of_the_files(folder):
    volumes = image_files.Volumes(str(folder), 2, 16)
    assert len(list(folder.iterdir())) == 2 * 2 * 2
    seen = [volumes[n] for n in range(0, 40, 2)]
    assert {volume.shape for volume in seen} == {(4, 16, 16)}
    # A plain one rises to the right in all planes; a mirrored one falls, but u is negated, too.
    rises = [np.sign((v[:, :, -1] - v[:, :, 0]).mean(1)).tolist() for v in seen]
    assert {tuple(rise) for rise in rises} == {(1, 1, 1, 1), (1, -1, 1, -1)}


def test_the_program_prints_its_rate(folder, capsys, monkeypatch):
    monkeypatch.setattr(image_files.importlib.util, "find_spec", lambda _: None)
    image_files.main([str(folder), "2", "16", "2", "1", "0.01"])
    rate, name = capsys.readouterr().out.split()
    assert float(rate) > 0 and name == "NumPy"
