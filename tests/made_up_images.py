"""Still images of three classes, as folders and as shards, for tests of pre-training."""

import io

import numpy as np
import PIL.Image
import tensorflow as tf

from tf_twostream.training.imagenet import knobs, labelled_images

SIDE, CROP = 48, 41  # Pixels.
SMALL = {"crop_size": CROP, "width": 0.05, "batch_size": 4, "num_iterations": 2}
RECIPE = knobs.PretrainingRecipe(**SMALL)
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


def source(**places):
    """The images by their places."""
    return knobs.ImageSource(**{key: str(value) for key, value in places.items()})


def order(**changes):
    """How a stream goes through the images."""
    return labelled_images.Order(**({"seed": 0, "batch_size": 4} | changes))


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
    """A folder per class, and in it the images of `FILES`."""
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
