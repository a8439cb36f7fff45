"""Checkpoints as files: found whatever the path, read although some are damaged."""

import numpy as np
import pytest
import tensorflow as tf

from tf_twostream.runs import checkpoint_files


class Counter:
    """What a checkpoint holds: one variable."""

    def __init__(self):
        self.value = tf.Variable(np.zeros(1000), dtype=tf.float64)
        self.checkpoint = tf.train.Checkpoint(value=self.value)

    def write(self, folder, number):
        self.value.assign(np.full(1000, number))
        return checkpoint_files.write(self.checkpoint, folder, number)

    def restore(self, path):
        self.checkpoint.restore(path).assert_consumed()


@pytest.fixture
def counter():
    return Counter()


@pytest.fixture(params=["plain", "t[lr=0.01]", "all*", "what?"])
def folder(request, tmp_path):
    return tmp_path / request.param


def test_no_path_is_taken_for_a_pattern(counter, folder):
    assert checkpoint_files.find(folder) == {}
    for number in (2, 10, 9):
        counter.write(folder, number)
    assert list(checkpoint_files.find(folder)) == [2, 9, 10]
    assert checkpoint_files.restore_newest(folder, counter.restore).endswith("ckpt-10")
    assert counter.value.numpy()[0] == 10
    checkpoint_files.remove_all_but(folder, {9})
    assert {path.name.partition(".")[0] for path in folder.iterdir()} == {"checkpoint", "ckpt-9"}


def test_the_file_that_tensorflow_trusts_may_be_lost_or_wrong(counter, folder):
    counter.write(folder, 3)
    for text in ("", "model_checkpoint_path: 'elsewhere'", None):
        if text is None:
            (folder / "checkpoint").unlink()
        else:
            (folder / "checkpoint").write_text(text)
        assert checkpoint_files.restore_newest(folder, counter.restore).endswith("ckpt-3")


def data_of(folder, number):
    return folder / f"ckpt-{number}.data-00000-of-00001"


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_a_damaged_one_gives_way_to_the_one_before_it(counter, tmp_path, share, caplog):
    for number in (1, 2):
        counter.write(tmp_path, number)
    data = data_of(tmp_path, 2).read_bytes()
    data_of(tmp_path, 2).write_bytes(data[: int(share * len(data))])
    assert checkpoint_files.restore_newest(tmp_path, counter.restore).endswith("ckpt-1")
    assert (counter.value.numpy() == 1).all()
    assert "ckpt-2" in caplog.text and "ckpt-1" in caplog.text


@pytest.mark.parametrize("suffix", ["data-00000-of-00001", "index"])
def test_flipped_bytes_give_way_too(counter, tmp_path, suffix):
    for number in (1, 2):
        counter.write(tmp_path, number)
    path = tmp_path / f"ckpt-2.{suffix}"
    rng, whole = np.random.default_rng(0), path.read_bytes()
    for _ in range(20):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 5):
            data[place] ^= 1 << rng.integers(8)
        path.write_bytes(data)
        found = checkpoint_files.restore_newest(tmp_path, counter.restore)
        assert (counter.value.numpy() == int(found[-1])).all()


def test_where_none_can_be_read_nothing_is_begun_anew(counter, tmp_path):
    counter.write(tmp_path, 1)
    data_of(tmp_path, 1).unlink()
    with pytest.raises(checkpoint_files.DamagedCheckpointError, match="ckpt-1"):
        checkpoint_files.restore_newest(tmp_path, counter.restore)


def test_what_killed_trainings_left_is_removed(counter, tmp_path):
    counter.write(tmp_path, 1)
    (tmp_path / "ckpt-2_temp").mkdir()
    (tmp_path / "ckpt-2_temp/part-00000").write_text("a part")
    data_of(tmp_path, 3).write_text("no index")
    (tmp_path / "notes.txt").write_text("of the user")
    checkpoint_files.remove_all_but(tmp_path, {*checkpoint_files.find(tmp_path)})
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"checkpoint", "notes.txt", "ckpt-1.index", data_of(tmp_path, 1).name}
