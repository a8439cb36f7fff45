"""Images found by their places; what is wrong with them is named."""

import pytest
from made_up_images import CLASSES, RECIPE, SIDE, source, write_folders, write_shards

from tf_twostream.training.imagenet import data, labelled_images, pixels


def consume(found):
    stream = pixels.training(found, RECIPE, shorter_side=SIDE).take(6)
    return list(data.explain_errors(iter(stream), found))


@pytest.mark.parametrize("harm", [lambda data: data[: len(data) // 2], lambda data: b"<html>"])
def test_a_damaged_image_is_named(tmp_path, harm):
    file = write_folders(tmp_path) / "n02" / "n02_3.JPEG"
    file.write_bytes(harm(file.read_bytes()))
    with pytest.raises(ValueError, match=r"not damaged\. Received: \S+n02_3.JPEG\.$"):
        consume(labelled_images.find_folders(str(tmp_path)))


def test_an_image_that_has_gone_is_named(tmp_path):
    found = labelled_images.find_folders(str(write_folders(tmp_path)))
    (tmp_path / "n02" / "n02_3.JPEG").unlink()
    with pytest.raises(FileNotFoundError, match=r"Received: \S+n02_3.JPEG; No such file"):
        consume(found)


@pytest.mark.parametrize(("first_label", "wrong"), [(1, 0), (0, 3)])
def test_a_label_out_of_range_is_named(tmp_path, first_label, wrong):
    found = labelled_images.find_shards(
        write_shards(tmp_path, (1, 2, wrong)), CLASSES, first_label=first_label
    )
    with pytest.raises(ValueError, match=rf"Received: {wrong} \S+train-00002-of-00003 n03_\d"):
        consume(found)


def test_a_damaged_shard_is_named(tmp_path):
    found = labelled_images.find_shards(write_shards(tmp_path), CLASSES, first_label=1)
    shard = tmp_path / "train-00001-of-00003"
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(OSError, match="Received: .*train-00001-of-00003"):
        consume(found)


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
        ({"train_images": tmp_path / "empty"}, "a folder per class"),
        ({"train_images": tmp_path / "hollow"}, "Received none in: n01"),
        ({"train_images": folder, "val_images": tmp_path / "val"}, "Received: n09"),
        ({"train_images": folder, "val_images": flat}, "a folder per class"),
        ({"train_images": folder, "val_images": pattern}, "shards number them"),
        ({"train_images": folder, "val_labels": "x"}, "`val_labels` must come with `val_images`"),
        ({"train_images": pattern, "val_images": pattern, "val_labels": "x"}, "belong to a folder"),
    ]
    labelled = {"train_images": folder, "val_images": flat}
    for file, message in [("devkit.txt", "Received: 490"), ("short.txt", "1 lines .* 4 images")]:
        refused.append(({**labelled, "val_labels": tmp_path / file}, message))
    for places, message in refused:
        with pytest.raises((ValueError, OSError), match=message):
            data.find(source(**places))


@pytest.mark.parametrize("form", ["{label}", "{file} {label}"])
def test_validation_images_without_class_folders_have_a_list(tmp_path, folder, form):
    labels = ["n03", "n01", "n01", "n02"]
    files = [f"n01_{k}.JPEG" for k in (1, 2, 3, 4)]
    lines = [form.format(file=file, label=label) for file, label in zip(files, labels)]
    (tmp_path / "labels.txt").write_text("\n".join(lines) + "\n")
    _, val = data.find(
        source(train_images=folder, val_images=folder / "n01", val_labels=tmp_path / "labels.txt")
    )
    assert [CLASSES[label] for label in val.labels] == labels
