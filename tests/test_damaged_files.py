"""Damaged files of every kind that a command reads: one line with the file's name, never another.

Each kind is tried in a few dozen states; TWOSTREAM_FUZZ=9000 tries as many.
"""

import functools
import shutil
import typing

import mutations
import numpy as np
import pytest
import tensorflow as tf
import tiny_splits
from trained import run_of

from tf_twostream import runs, store
from tf_twostream.datasets import charades, hmdb51, manifest, ucf101
from tf_twostream.paper import recipes
from tf_twostream.runs import checkpoint_files, history
from tf_twostream.scores import fusion, score_files
from tf_twostream.store import checking, index, layout
from tf_twostream.store import settings as store_settings


def swap(data: bytes, seed: int) -> bytes:
    """Changes values in JSON, or in every third state bytes."""
    if seed % 3 == 0:
        return mutations.damaged(data, seed)
    return mutations.swapped(data.decode(), seed).encode()


def test_scores(tmp_path):
    path = tmp_path / "scores.npz"
    names = ("a", "b", "c")
    rows = np.full((4, 3), 1 / 3, "f4")
    scores = score_files.Scores(tuple("wxyz"), np.array([0, 1, 2, 0]), names, rows, tuple("1122"))
    score_files.save_scores(path, scores)
    read = functools.partial(score_files.load_scores, path)
    assert not mutations.surprises(path, mutations.damaged, read)


@pytest.mark.parametrize("is_svm", [False, True])
def test_fusions(tmp_path, is_svm):
    path = tmp_path / "fusion.npz"
    own = fusion.mean(("spatial", "temporal"), ("a", "b"), weights=(1, 2))
    if is_svm:
        own = fusion.Fusion(own.streams, own.class_names, own.temperatures, own.weights,
                            np.ones((2, 4)), np.ones(2))  # fmt: skip
    fusion.save(path, own)
    assert not mutations.surprises(path, mutations.damaged, lambda: fusion.load(path))


LISTS = {
    "classInd.txt": "1 a\n2 b\n",
    "trainlist01.txt": "a/v_a_g01_c01.avi 1\nb/v_b_g01_c01.avi 2\n",
    "testlist01.txt": "a/v_a_g02_c01.avi\nb/v_b_g02_c01.avi\n",
    "run_test_split1.txt": "one.avi 1\ntwo.avi 2\nthree.avi 0\n",
    "Charades_v1_classes.txt": "c000 Holding clothes\nc001 Putting clothes\n",
    "Charades_v1_train.csv": 'id,subject,actions\nA,S1,c000 1 2;c001 3 4\nB,S2,"c001 1 2"\n',
    "Charades_v1_test.csv": "id,subject,actions\nC,S3,c000 1 2\n",
    "list.csv": 'path,label,split,group\n"a/1, 2.avi",a,train,g1\na/2.avi,a,test,g2\n'
    "b/1.avi,b,train,g3\nb/2.avi,b,test,g4\n",
}  # fmt: skip
READERS = {
    "classInd.txt": lambda folder: ucf101.read(folder, 1),
    "trainlist01.txt": lambda folder: ucf101.read(folder, 1),
    "testlist01.txt": lambda folder: ucf101.read(folder, 1),
    "run_test_split1.txt": lambda folder: hmdb51.read(folder, 1),
    "Charades_v1_classes.txt": charades.read,
    "Charades_v1_train.csv": charades.read,
    "Charades_v1_test.csv": charades.read,
    "list.csv": lambda folder: manifest.read(folder / "list.csv"),
}


@pytest.mark.parametrize("name", LISTS)
def test_lists(tmp_path, name):
    for other, text in LISTS.items():
        (tmp_path / other).write_text(text)
    # Where lists contradict each other, an error names the data set and the video.
    found = mutations.surprises(
        tmp_path / name, mutations.damaged, lambda: READERS[name](tmp_path), names_file=False
    )
    assert not found


PARTS = typing.get_args(history.Part)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run folder with all its JSON files."""
    folder = tmp_path_factory.mktemp("run")
    run = run_of(folder, recipes.TemporalRecipe(), tiny_splits.SPLIT)
    runs.create(run)
    for part in PARTS:
        points = [history.Point(0.5, -1.0, 100), history.Point(0.75, -0.5, 200)]
        history.write(run, points, part=part)
    return folder


@pytest.mark.parametrize("name", ["run.json", "split.json"])
def test_run_folders(run_folder, name):
    read = functools.partial(runs.load, str(run_folder))
    assert not mutations.surprises(run_folder / name, swap, read)


@pytest.mark.parametrize("part", PARTS)
def test_histories(run_folder, part):
    read = functools.partial(history.read, runs.load(str(run_folder)), part=part)
    assert not mutations.surprises(run_folder / f"{part}.json", swap, read)


@pytest.fixture(scope="module")
def damageable(tiny_store, tmp_path_factory):
    """A store that may be damaged."""
    folder = tmp_path_factory.mktemp("damageable") / "store"
    shutil.copytree(tiny_store[0], folder)
    return folder


def read_all(path):
    """Reads a store as the training does."""
    reader = store.Reader(str(path))
    for kind in reader.settings.kinds:
        reader.table(reader.video_ids, kind)
    for video_id in reader.video_ids[:1]:
        reader.fps(video_id), reader.size(video_id)
        list(reader.frames(video_id, 0, 2))


@pytest.mark.parametrize("name", [layout.SETTINGS, layout.INDEX])
def test_stores(damageable, name):
    mutate = swap if name.endswith(".json") else mutations.damaged
    read = functools.partial(read_all, damageable)
    assert not mutations.surprises(damageable / name, mutate, read)


def test_descriptions_of_videos(damageable):
    path = next(damageable.rglob(layout.VIDEO))
    read = functools.partial(index.scan, str(damageable), ("rgb", "forward"))
    assert not mutations.surprises(path, swap, read)


def test_lists_of_failed_videos(damageable):
    path = damageable / layout.FAILED
    path.write_text('video_id,reason\na/b.avi,"not, one frame"\nc,d\n')
    assert not mutations.surprises(
        path, mutations.damaged, lambda: store.read_failed(str(damageable))
    )
    path.unlink()


@pytest.mark.parametrize("kind", ["rgb", "forward"])
def test_damaged_records_are_found(damageable, kind):
    path = next(damageable.rglob(f"{kind}.tfrecord"))
    video_id = path.parent.relative_to(damageable / layout.VIDEOS).as_posix()
    settings = store_settings.read(str(damageable))
    states = [lambda data, _: data[: len(data) // 2], lambda *_: b"", mutations.damaged]
    for mutate in states:
        check = functools.partial(checking._check_video, str(damageable), video_id, settings)
        assert not mutations.surprises(path, mutate, check, count=mutations.COUNT // 4)
    whole = path.read_bytes()
    path.write_bytes(b"")
    assert "0 records" in check()
    path.write_bytes(whole)
    assert check() == ""


@pytest.mark.parametrize("name", ["checkpoint", "ckpt-2.index", "ckpt-2.data-00000-of-00001"])
def test_checkpoints(tmp_path, name):
    variable = tf.Variable(tf.random.normal([20, 30]))
    checkpoint = tf.train.Checkpoint(variable=variable)
    checkpoint.save_counter  # noqa: B018 - it is made when it is first asked for
    for number in (1, 2):
        checkpoint_files.write(checkpoint, tmp_path, number)

    def restore(path):
        tf.train.Checkpoint(variable=variable).restore(path).assert_existing_objects_matched()

    def read():
        assert checkpoint_files.restore_newest(tmp_path, restore)

    count = max(5, mutations.COUNT // 10)
    assert not mutations.surprises(tmp_path / name, mutations.damaged, read, count=count)
