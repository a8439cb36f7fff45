"""Pre-training on still images."""

import dataclasses
import io
import os
import signal
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from tf_twostream import inputs, paper, runs, training
from tf_twostream.training import devices, imagenet
from tf_twostream.training.imagenet import images, pixels

SIDE, CROP = 48, 41  # Pixels.
SMALL = {"crop_size": CROP, "width": 0.05, "batch_size": 4, "num_iterations": 2}
RECIPE = imagenet.Recipe(**SMALL)
CLASSES = ("n01", "n02", "n03")
# Class folder / file: mode, height, width. Some are smaller than the shorter side.
FILES = {
    "n01/n01_1.JPEG": ("RGB", 60, 80), "n01/n01_2.JPEG": ("L", 90, 50),
    "n01/n01_3.JPEG": ("CMYK", 48, 48), "n01/n01_4.JPEG": ("RGB", 30, 200),
    "n02/n02_1.JPEG": ("RGB", 64, 64), "n02/n02_2.png": ("RGBA", 70, 52),
    "n02/n02_3.JPEG": ("RGB", 50, 49), "n02/n02_4.JPEG": ("RGB", 120, 90),
    "n03/n03_1.JPEG": ("RGB", 61, 47), "n03/n03_2.JPEG": ("RGB", 20, 24),
    "n03/n03_3.jpg": ("RGB", 49, 51), "n03/n03_4.JPEG": ("RGB", 58, 77),
}  # fmt: skip


def picture(height, width, phase=0.0):
    """A smooth coloured picture `[H, W, 3]` uint8."""
    y, x = np.mgrid[:height, :width] / 20.0
    waves = [np.sin(x + phase), np.cos(y - phase), np.sin(x + y)]
    return np.uint8(np.round(127.5 + 120 * np.stack(waves, axis=-1)))


def encode(mode, height, width, phase=0.0):
    """The bytes of a file: PNG with transparency, else JPEG."""
    file = io.BytesIO()
    image = PIL.Image.fromarray(picture(height, width, phase)).convert(mode)
    image.save(file, "PNG" if mode == "RGBA" else "JPEG")
    return file.getvalue()


def write_folders(top):
    for number, (name, (mode, height, width)) in enumerate(FILES.items()):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(encode(mode, height, width, phase=number))
    return top


def feature(value):
    if isinstance(value, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def write_shards(top, labels=(1, 2, 3)):
    """Three shards of four images in the usual schema."""
    top.mkdir(exist_ok=True)
    for number, label in enumerate(labels):
        with tf.io.TFRecordWriter(str(top / f"train-{number:05d}-of-00003")) as writer:
            for name, sizes in list(FILES.items())[4 * number : 4 * number + 4]:
                features = {"image/encoded": encode(*sizes), "image/class/label": label}
                features |= {"image/filename": name.partition("/")[2].encode()}
                content = {key: feature(value) for key, value in features.items()}
                example = tf.train.Example(features=tf.train.Features(feature=content))
                writer.write(example.SerializeToString())
    return str(top / "train-*-of-*")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folders(tmp_path_factory.mktemp("images") / "train")


@pytest.fixture(scope="module")
def pattern(tmp_path_factory):
    return write_shards(tmp_path_factory.mktemp("shards"))


def take(found, count, *, recipe=RECIPE, **knobs):
    return list(pixels.training(found, recipe, shorter_side=SIDE, **knobs).take(count))


def assert_equal_batches(first, second):
    for a, b in zip(first, second, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "RGBA"])
def test_whatever_the_form_an_image_becomes_rgb(mode):
    encoded = encode(mode, 40, 50)
    decoded = pixels.decode(tf.constant(encoded), tf.constant("name")).numpy()
    wanted = np.asarray(PIL.Image.open(io.BytesIO(encoded)).convert("RGB"))
    np.testing.assert_allclose(decoded, wanted, atol=1)
    assert decoded.std() > 30


@pytest.mark.parametrize(("height", "width"), [(90, 133), (150, 60), (20, 33), (48, 48)])
def test_a_cut_is_a_part_of_the_rescaled_image(height, width):
    image = tf.constant(picture(height, width))
    size = pixels.rescaled_size(image, SIDE)
    assert min(size.numpy()) == SIDE
    assert max(size.numpy()) == round(SIDE * max(height, width) / min(height, width))
    whole = tf.image.resize(image, size, antialias=True).numpy()
    np.testing.assert_allclose(pixels.rescale(image, size), whole, atol=0.501)
    top, left = size.numpy() - CROP
    cut = pixels.rescale(image, size, corner=tf.constant([top, left]), crop=CROP)
    np.testing.assert_allclose(cut, whole[top:, left:], atol=0.501)


def test_training_views_come_from_the_whole_image_and_are_mirrored(tmp_path):
    (tmp_path / "n01").mkdir()
    height, width = SIDE, SIDE + 6
    rows, columns = np.mgrid[:height, :width]
    places = np.uint8(np.stack([rows, columns, 0 * rows], axis=-1))
    PIL.Image.fromarray(places).save(tmp_path / "n01" / "places.png")
    recipe = dataclasses.replace(RECIPE, batch_size=512)
    [batch] = take(images.find_folders(str(tmp_path)), 1, recipe=recipe)
    corners = batch["rgb"].numpy()[:, 0, 0, :2]
    assert set(corners[:, 0]) == set(range(height - CROP + 1))
    assert set(corners[:, 1]) == set(range(width - CROP + 1))
    assert set(map(tuple, batch["views"].numpy()[:, 0])) == {(0, 0, 0), (0, 0, 1)}
    batch.pop("jitter")
    seen = inputs.prepare(batch, recipe).numpy()
    flipped = batch["views"].numpy()[:, 0, 2] == 1
    assert (np.diff(seen[~flipped, 0, :, 1]) == 1).all()
    assert (np.diff(seen[flipped, 0, :, 1]) == -1).all()


def test_each_epoch_shows_each_image_once_in_another_order(folder):
    found = images.find_folders(str(folder))
    places = [place["path"].numpy().decode() for place in found.endless(0, 5).take(36)]
    epochs = [places[k : k + 12] for k in (0, 12, 24)]
    assert [sorted(epoch) for epoch in epochs] == [sorted(found.paths)] * 3
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_the_stream_can_start_at_any_iteration(folder):
    found = images.find_folders(str(folder))
    assert_equal_batches(take(found, 6)[4:], take(found, 2, first_iteration=4))


def test_hosts_and_devices_share_the_batches_of_one(folder):
    found = images.find_folders(str(folder))
    whole = take(found, 2)
    for shard in (0, 1):
        half = take(found, 2, shard=shard, num_shards=2, num_replicas=2)
        rows = slice(2 * shard, 2 * shard + 2)
        assert_equal_batches([{k: v[rows] for k, v in batch.items()} for batch in whole], half)


def test_a_batch_that_devices_cannot_share_is_refused(folder):
    with pytest.raises(ValueError, match="batch_size=4"):
        take(images.find_folders(str(folder)), 1, num_replicas=3)


def test_ten_views_of_each_image_are_its_corners_and_centre(folder):
    found = images.find_folders(str(folder))
    batches = list(pixels.evaluation(found, RECIPE, shorter_side=SIDE, batch_size=5))
    assert [len(batch["label"]) for batch in batches] == [5, 5, 2]
    labels = np.concatenate([batch["label"] for batch in batches])
    np.testing.assert_array_equal(labels, np.repeat([0, 1, 2], 4))
    seen = np.concatenate([inputs.prepare(batch, RECIPE) for batch in batches])
    for number, path in enumerate(found.paths):
        with open(path, "rb") as file:
            image = pixels.decode(tf.constant(file.read()), tf.constant(path))
        whole = pixels.rescale(image, pixels.rescaled_size(image, SIDE)).numpy()
        views = seen[10 * number : 10 * number + 10]
        np.testing.assert_array_equal(views[0], whole[:CROP, :CROP])
        np.testing.assert_array_equal(views[3], whole[-CROP:, -CROP:])
        np.testing.assert_array_equal(views[5:], views[:5, :, ::-1])


def test_an_epoch_of_shards_shows_each_image_once(pattern):
    found = images.find_shards(pattern, CLASSES, first_label=1)
    places = [found.read(place) for place in found.endless(0, 4).take(24)]
    files = [place["name"].numpy().decode().split()[-1] for place in places]
    names = sorted(name.partition("/")[2] for name in FILES)
    assert sorted(files[:12]) == sorted(files[12:]) == names
    assert files[:12] != files[12:]
    for file, place in zip(files, places):
        assert CLASSES[place["label"]] == file[:3]
    [once] = pixels.evaluation(found, RECIPE, shorter_side=SIDE, batch_size=12)
    np.testing.assert_array_equal(once["label"], np.repeat([0, 1, 2], 4))


def test_each_host_reads_shards_of_its_own(pattern):
    found = images.find_shards(pattern, CLASSES, first_label=1)
    seen = [
        {place["path"].numpy() for place in found.endless(0, 4, shard=k, num_shards=2).take(8)}
        for k in (0, 1)
    ]
    assert not seen[0] & seen[1]
    assert len(seen[0] | seen[1]) == 3
    with pytest.raises(ValueError, match="3 shards for 4 hosts"):
        found.endless(0, 4, num_shards=4)


def consume(found):
    stream = pixels.training(found, RECIPE, shorter_side=SIDE).take(6)
    return list(imagenet._batches(iter(stream), found))


@pytest.mark.parametrize("harm", [lambda data: data[: len(data) // 2], lambda data: b"<html>"])
def test_a_damaged_image_is_named(tmp_path, harm):
    file = write_folders(tmp_path) / "n02" / "n02_3.JPEG"
    file.write_bytes(harm(file.read_bytes()))
    with pytest.raises(ValueError, match=r"not damaged; .*Received: \S+n02_3.JPEG\.$"):
        consume(images.find_folders(str(tmp_path)))


def test_an_image_that_has_gone_is_named(tmp_path):
    found = images.find_folders(str(write_folders(tmp_path)))
    (tmp_path / "n02" / "n02_3.JPEG").unlink()
    with pytest.raises(FileNotFoundError, match=r"Received: \S+n02_3.JPEG; No such file"):
        consume(found)


@pytest.mark.parametrize(("first_label", "wrong"), [(1, 0), (0, 3)])
def test_a_label_out_of_range_is_named(tmp_path, first_label, wrong):
    found = images.find_shards(
        write_shards(tmp_path, (1, 2, wrong)), CLASSES, first_label=first_label
    )
    with pytest.raises(ValueError, match=rf"Received: {wrong} \S+train-00002-of-00003 n03_\d"):
        consume(found)


def test_a_damaged_shard_is_named(tmp_path):
    found = images.find_shards(write_shards(tmp_path), CLASSES, first_label=1)
    shard = tmp_path / "train-00001-of-00003"
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(OSError, match="Received: .*train-00001-of-00003"):
        consume(found)


def source(**knobs):
    return imagenet.Source(**{key: str(value) for key, value in knobs.items()})


def test_layouts_that_cannot_be_read_are_refused(tmp_path, folder, pattern):
    (tmp_path / "empty").mkdir()
    (tmp_path / "val" / "n09").mkdir(parents=True)
    (tmp_path / "hollow" / "n01").mkdir(parents=True)
    (tmp_path / "train-00000-of-00001").touch()
    (tmp_path / "devkit.txt").write_text("490\n" * 4)
    (tmp_path / "short.txt").write_text("n01\n")
    flat = folder / "n01"
    refused = [
        ({"train_images": tmp_path / "nowhere"}, "there is nothing"),
        ({"train_images": tmp_path / "train-*"}, "Received none in: .*train-00000-of-00001"),
        ({"train_images": tmp_path / "empty"}, "one folder per class"),
        ({"train_images": tmp_path / "hollow"}, "Received none in: n01"),
        ({"train_images": folder, "val_images": tmp_path / "val"}, "Received: n09"),
        ({"train_images": folder, "val_images": flat}, "--val_labels"),
        ({"train_images": folder, "val_images": pattern}, "shards number them"),
        ({"train_images": folder, "val_labels": "x"}, "Name it: --val_images"),
        ({"train_images": pattern, "val_images": pattern, "val_labels": "x"}, "for a folder"),
    ]
    labelled = {"train_images": folder, "val_images": flat}
    for file, message in [("devkit.txt", "Received: 490"), ("short.txt", "1 lines .* 4 images")]:
        refused.append(({**labelled, "val_labels": tmp_path / file}, message))
    for knobs, message in refused:
        with pytest.raises((ValueError, OSError), match=message):
            imagenet.find(source(**knobs))


@pytest.mark.parametrize("form", ["{label}", "{file} {label}"])
def test_validation_images_without_class_folders_have_a_list(tmp_path, folder, form):
    labels = ["n03", "n01", "n01", "n02"]
    files = [f"n01_{k}.JPEG" for k in (1, 2, 3, 4)]
    lines = [form.format(file=file, label=label) for file, label in zip(files, labels)]
    (tmp_path / "labels.txt").write_text("\n".join(lines) + "\n")
    _, val = imagenet.find(
        source(train_images=folder, val_images=folder / "n01", val_labels=tmp_path / "labels.txt")
    )
    assert [CLASSES[label] for label in val.labels] == labels


def test_the_schedule_is_that_from_scratch_over_ninety_epochs():
    recipe = imagenet.Recipe()
    assert recipe.iterations * recipe.batch_size / 1_281_167 == pytest.approx(90, abs=0.1)
    rates = [recipe.learning_rate_at(at) for at in (0, 281_249, 281_250, 393_750)]
    assert rates == pytest.approx([1e-2, 1e-2, 1e-3, 1e-4])
    assert recipe.dropout == 0.5


def small(folder, run_dir, **knobs):
    """What `imagenet.train` needs to train a tiny network."""
    return (
        dataclasses.replace(source(train_images=folder), shorter_side=SIDE),
        dataclasses.replace(RECIPE, **knobs),
        training.Effort(run_dir=str(run_dir)),
    )


def test_a_crop_larger_than_the_images_is_refused(tmp_path, folder):
    with pytest.raises(ValueError, match="crop_size=49"):
        imagenet.train(*small(folder, tmp_path / "run", crop_size=49))


def train_for_one_iteration(arguments):
    """Trains until a SIGTERM comes in the first iteration."""
    original = training.make_trainer

    def make_trainer(*args):
        trainer = original(*args)
        step = trainer.step

        def interrupted(batch):
            os.kill(os.getpid(), signal.SIGTERM)
            return step(batch)

        trainer.step = interrupted
        return trainer

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "make_trainer", make_trainer)
        imagenet.train(*arguments)


def call(root, script, *flags):
    knobs = [f"--{name}={value}" for name, value in SMALL.items()]
    return subprocess.run(
        [sys.executable, f"scripts/{script}.py", *flags, *knobs],
        cwd=root, env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip


def pretrain(root, run_dir, *flags):
    return call(root, "pretrain_imagenet", f"--run_dir={run_dir}", f"--shorter_side={SIDE}", *flags)


@pytest.mark.slow
def test_the_door_continues_a_stopped_training_as_if_it_had_not_been(root, tmp_path, folder):
    whole = imagenet.train(*small(folder, tmp_path / "whole"))
    train_for_one_iteration(small(folder, tmp_path / "parts"))
    done = pretrain(root, tmp_path / "parts", f"--train_images={folder}")
    assert done.returncode == 0, done.stderr
    assert "continues:  after iteration 1\n" in done.stdout
    parts = runs.load(str(tmp_path / "parts"))
    for a, b in zip(*(runs.load_model(run)[0].get_weights() for run in (whole, parts))):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)


def test_the_door_trains_and_measures_and_videos_can_start_from_it(
    root, tmp_path, folder, tiny_store
):
    places = [f"--train_images={folder}", f"--val_images={folder}"]
    done = pretrain(root, tmp_path / "run", *places)
    assert done.returncode == 0, done.stderr
    assert "images:     12 files of 3 classes to train on, 12 files of 3 classes" in done.stdout
    assert "data:       images in shuffled epochs, 3 classes\n" in done.stdout
    assert "learning rate 0.01; 0.001 from 1; 0.0001 from 2" in done.stdout
    run = runs.load(str(tmp_path / "run"))
    source_of_both, _, _ = small(folder, "")
    top_1, top_5 = imagenet.measure(run, images.find_folders(str(folder)), source_of_both)
    assert f"top-1 error  {100 * top_1:6.2f} %\ntop-5 error  {100 * top_5:6.2f} %" in done.stdout
    assert top_5 == 0  # There are three classes.
    recipe = paper.SpatialRecipe(**SMALL, init_from=str(run.path), train_last_layer_only=True)
    tuned = runs.Run(tmp_path / "videos", recipe, tiny_store[1], {})
    trainer = training.make_trainer(tuned, training.Effort(run_dir=""), devices.make_strategy())
    for name in ("conv1", "full7"):
        old, new = (m.get_layer(name).kernel for m in (runs.load_model(run)[0], trainer.model))
        np.testing.assert_array_equal(old, new)


@pytest.mark.slow
def test_shards_go_through_the_doors_and_damage_is_one_line(
    root, tmp_path, tiny_store, tiny_source
):
    shards = write_shards(tmp_path / "shards")
    flags = [f"--train_images={shards}", f"--val_images={shards}", "--num_classes=3"]
    done = pretrain(root, tmp_path / "run", *flags)
    assert done.returncode == 0, done.stderr
    assert "3 TFRecord shards of 3 classes" in done.stdout
    again = pretrain(root, tmp_path / "run", *flags)
    assert "nothing to do" in again.stdout
    assert done.stdout.splitlines()[-2:] == again.stdout.splitlines()[-2:]
    refused = pretrain(root, tmp_path / "other", *flags, "--first_label=0")
    assert refused.returncode == 1
    assert "error: image/class/label must be in [0, 2]" in refused.stderr
    assert "Traceback" not in refused.stderr
    data = ["--dataset=csv", f"--annotations={tiny_source.annotations}", f"--store={tiny_store[0]}"]
    start = [f"--init_from={tmp_path / 'run'}", "--train_last_layer_only"]
    tuned = call(root, "train_spatial", *data, f"--run_dir={tmp_path / 'videos'}", *start)
    assert tuned.returncode == 0, tuned.stderr
    assert "afresh: classes" in tuned.stdout
