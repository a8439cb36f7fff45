"""Fixtures that all tests share."""

import os
import pathlib

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

ROOT = pathlib.Path(__file__).parents[1]


def pytest_configure(config):
    """Shows a GPU to the tests that are marked so, and hides it from all others."""
    if config.getoption("markexpr") == "gpu":
        # Each of the test processes would otherwise take all of its memory.
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    else:
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


@pytest.fixture(scope="session")
def root() -> pathlib.Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> pathlib.Path:
    """Real clips and lists, which do not belong to the project; tests skip without them."""
    path = pathlib.Path(os.environ.get("TWOSTREAM_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"needs the real clips in {path} (or in $TWOSTREAM_TEST_DATA)")
    return path


@pytest.fixture(scope="session", autouse=True)
def two_logical_devices(request):
    """Splits the CPU into two logical devices, before anything else runs on it."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


SIDE = 48  # pixels, the shorter side of the frames in `tiny_store`


@pytest.fixture(scope="session")
def two_devices():
    """A strategy over two devices, which all tests of a process share.

    TensorFlow numbers the collective operations of every strategy from the same start, and a
    number keeps the shape that it had first: with a second strategy, another network fails.
    """
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory):
    """A store of 10 synthetic videos in 3 classes; (path, split).

    Class 0 is bright and still, class 1 dark and still, class 2 dark and moving right. Sizes
    differ, one video is shorter than a stack of ten fields, ids hold spaces and signs.
    """
    import numpy as np

    from tf_twostream import datasets, store
    from tf_twostream.flow import codec
    from tf_twostream.store import coding

    path = str(tmp_path_factory.mktemp("store") / "store")
    settings = store.Settings(
        method="synthetic", parameters={}, directions=("forward",), shorter_side=SIDE
    )
    writer = store.Writer(path, settings)
    rng = np.random.default_rng(0)
    videos = []
    for number in range(10):
        label = number % 3
        video_id = f"class {label}/v_{number} (1+!).avi"
        height, width = (SIDE, SIDE + 4 * number) if number % 2 else (SIDE + 6, SIDE)
        num_frames = 5 if number == 4 else 14 + number
        with writer.video(video_id) as video:
            for t in range(num_frames):
                level = 180 if label == 0 else 60
                frame = np.clip(rng.normal(level, 20, (height, width, 3)), 0, 255).astype("uint8")
                frame[0, 0] = t
                video.add_rgb(coding.encode(frame))
                if t:
                    field = rng.normal(0, 0.3, (height, width, 2)).astype("float32")
                    field[..., 0] += 4 * (label == 2) * rng.random((height, width)) + t / 10
                    codes, ranges = codec.quantise(field)
                    mean = field.mean((0, 1))
                    video.add_flow("forward", codec.encode(codes), ranges, mean)
            video.finish(height=height, width=width, promised_frames=num_frames, fps=25.0)
        videos.append(datasets.Video(video_id, label))
    writer.write_index()
    names = ("class 0", "class 1", "class 2")
    return path, datasets.Split("tiny", names, tuple(videos[:7]), tuple(videos[7:]))


@pytest.fixture(scope="session")
def tiny_source(tiny_store, tmp_path_factory):
    """The data set of `tiny_store`, as a CSV file."""
    from tf_twostream import datasets

    split = tiny_store[1]
    path = tmp_path_factory.mktemp("lists") / "tiny.csv"
    rows = [
        f"{video.id},{split.class_names[video.label]},{part}"
        for part in ("train", "test")
        for video in getattr(split, part)
    ]
    path.write_text("\n".join(["path,label,split", *rows]) + "\n")
    return datasets.Source(dataset="csv", annotations=str(path))
