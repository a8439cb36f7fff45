"""CNN-M-2048 networks of MatConvNet and Caffe as run folders of this project.

A file becomes a `network.Network` (`matconvnet`, `caffe`), which `fitting` puts into ours. The run
folder holds what every other has, and of the file:

    RUN_DIR/source.json      its name and checksum, how the input was folded into conv1, notes
    RUN_DIR/mean_image.npy   [H, W, C] float32, RGB or flow codes: its mean image, if it varies
"""

import dataclasses
import hashlib
import json
import pathlib
import shutil
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_twostream import cli, datasets, paper, runs
from tf_twostream.foreign_weights import caffe, fitting, matconvnet, matlab, network
from tf_twostream.models import cnn_m, cross_modality

CODE_MEAN = 128.0  # Subtracted from flow codes by the two-stream networks of Wang et al. (2015).


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What to convert."""

    weights: str = cli.knob(
        cli.REQUIRED,
        "The .mat file of MatConvNet or the .caffemodel of Caffe; told by its content.",
    )
    run_dir: str = cli.knob(cli.REQUIRED, "Run folder to write; must not exist yet.")
    mean: str = cli.knob(
        "",
        "Mean image of the network: a .mat file with image_mean, or a .binaryproto of Caffe, "
        "channels as in the network. Default: the one in the .mat of the network; with Caffe the "
        "mean colour of ImageNet, or 128 for flow.",
    )
    class_names: str = cli.knob(
        "", "Text file, one class a line. Default: those in the file, or class 0, class 1 ..."
    )
    lrn_k: float | None = cli.knob(
        None,
        "k of the normalisations where the .caffemodel leaves it out. Default: Caffe's, 1; VGG's "
        "own networks were trained with 2.",
    )
    flow_bound: float = cli.knob(
        cross_modality.FLOW_BOUND,
        "Displacement in pixels per frame that the flow images of a temporal network code as 255 "
        "(minus it as 0).",
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        for name in ("flow_bound", "lrn_k"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"`{name}` must be positive. Received: {name}={value}.")


@dataclasses.dataclass(frozen=True)
class Conversion:
    """A converted network.

    Attributes:
        run: Its run folder.
        mean: `[C]` what the foreign network subtracts, RGB in grey levels or flow codes.
        notes: What a user should know.
    """

    run: runs.Run
    mean: np.ndarray
    notes: tuple[str, ...]


def read(options: Options) -> network.Network:
    """Reads the network of a file, in whichever of the two formats it is.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is in neither format.
    """
    if not matlab.is_matlab(options.weights):
        return caffe.read(options.weights, lrn_k=options.lrn_k)
    if options.lrn_k is not None:
        raise ValueError(
            f"--lrn_k is for .caffemodel files; a .mat file states k. Received: {options.weights}."
        )
    return matconvnet.read(options.weights)


def _channels(foreign: network.Network) -> tuple[int, int]:
    """Returns the number of input channels and of classes."""
    kernels = [layer.kernel for layer in foreign.layers if layer.kernel is not None]
    return kernels[0].shape[2], kernels[-1].shape[3]


def _recipe(foreign: network.Network, shape: paper.Recipe) -> paper.Recipe:
    """Returns the recipe of our network for a foreign one: three input channels are colours."""
    channels = _channels(foreign)[0]
    size: dict[str, Any] = {"width": shape.width, "crop_size": shape.crop_size}
    if channels == 3:
        return paper.SpatialRecipe(**size)
    if channels % 2:
        raise ValueError(
            "A network takes 3 channels (RGB) or 2L channels (flow: x, y of L fields). "
            f"Received: {channels}."
        )
    normalisations = [layer for layer in foreign.layers if layer.kind == "lrn"]
    return paper.TemporalRecipe(
        stack_length=channels // 2,
        # Its codes are those of the flow as it is, the motion of the camera included.
        mean_subtraction=False,
        second_normalisation=len(normalisations) > 1,
        **size,
    )


def _mean_image(options: Options, foreign: network.Network) -> np.ndarray:
    """Returns the mean `[..., C]`, RGB in grey levels or flow codes."""
    channels = _channels(foreign)[0]
    mean = foreign.mean
    if options.mean:
        from_matlab = matlab.is_matlab(options.mean)
        mean = (matconvnet if from_matlab else caffe).read_mean(options.mean)
    if mean is None:
        return np.array(paper.RGB_MEAN if channels == 3 else [CODE_MEAN] * channels)
    mean = mean.reshape(-1) if mean.size == channels else mean
    if mean.shape[-1] != channels or mean.ndim not in (1, 3) or not np.isfinite(mean).all():
        raise ValueError(
            f"The mean must be a finite image [H, W, {channels}] or {channels} numbers, as the "
            f"network has {channels} input channels. Received: {list(mean.shape)}. Name the right "
            "one: --mean."
        )
    return mean[..., ::-1] if foreign.is_bgr else mean


def _input(recipe: paper.Recipe, mean: np.ndarray, bound: float) -> tuple[float, np.ndarray]:
    """Returns (scale, shift): the foreign input is scale * (input of our conv1) + shift.

    Spatial: ours is (rgb - RGB_MEAN) / RGB_STDDEV, the foreign one rgb - mean. Temporal: ours is
    a displacement d in pixels per frame, the foreign one the code 127.5 + 255 d / (2 bound) less
    the mean; the rounding and clipping of codes is left out.
    """
    if isinstance(recipe, paper.TemporalRecipe):
        return cross_modality.codes_per_pixel(bound), 127.5 - mean
    return paper.RGB_STDDEV, np.array(paper.RGB_MEAN) - mean


def _split(
    options: Options, foreign: network.Network, data_set: datasets.Split | None
) -> datasets.Split:
    """Returns the data set, or a split without videos that names the classes."""
    num_classes = _channels(foreign)[1]
    names = foreign.class_names or tuple(f"class {k}" for k in range(num_classes))
    if options.class_names:
        if data_set:
            raise ValueError(
                "The classes are named by a data set or by a file. Received: --class_names and "
                f"{data_set.name}. Leave out one of them."
            )
        lines = pathlib.Path(options.class_names).read_text(encoding="utf-8").splitlines()
        names = tuple(line.strip() for line in lines if line.strip())
    file_name = pathlib.Path(options.weights).name
    if data_set and data_set.multi_label:
        raise ValueError(
            "The networks of these files end in a softmax, which gives a video one class. "
            f"Received: {data_set.name}, whose videos may show several. Leave out --dataset."
        )
    split = data_set or datasets.Split(file_name, names, (), ())
    if len(split.class_names) != num_classes:
        raise ValueError(
            f"The classes must be those of the network, {num_classes}. "
            f"Received: {len(split.class_names)} of {options.class_names or split.name}."
        )
    return split


def _identity(path: str) -> dict[str, str]:
    """Returns name and checksum of a file."""
    with open(path, "rb") as file:
        return {
            "file": pathlib.Path(path).name,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }


def _save(run: runs.Run, model: keras.Model) -> None:
    """Writes the checkpoint, after no iteration of our own."""
    checkpoint = tf.train.Checkpoint(model=model, iteration=tf.Variable(0, dtype=tf.int64))
    manager = tf.train.CheckpointManager(checkpoint, run.checkpoints, max_to_keep=1)
    manager.save(checkpoint_number=0)


def convert(
    options: Options,
    *,
    shape: paper.Recipe,
    store_settings: dict[str, Any],
    split: datasets.Split | None = None,
) -> Conversion:
    """Turns a file into a run folder that training can start from and evaluation can load.

    Args:
        options: The file and what it does not say of itself.
        shape: `width` and `crop_size` of the network.
        store_settings: The settings of the stores that the network is to be used with.
        split: The data set that the network was trained on; None if it is none of ours.

    Returns:
        The conversion.

    Raises:
        FileExistsError: If the run folder exists.
        OSError: If a file cannot be read or written.
        ValueError: If the file is damaged, or its network is not CNN-M-2048.
    """
    path = pathlib.Path(options.run_dir)
    if path.exists():
        raise FileExistsError(f"{path} exists. Choose another --run_dir, or remove it.")
    foreign = read(options)
    recipe, num_classes = _recipe(foreign, shape), _channels(foreign)[1]
    split = _split(options, foreign, split)
    image = _mean_image(options, foreign)
    mean = image.reshape(-1, image.shape[-1]).mean(axis=0, dtype=np.float64)
    scale, shift = _input(recipe, mean, options.flow_bound)
    model = cnn_m.build(recipe, num_classes)
    notes = [*foreign.notes, *fitting.fill(model, foreign, scale=scale, shift=shift)]
    partial = path.with_name(f"{path.name}.partial")  # What is half is never taken for whole.
    shutil.rmtree(partial, ignore_errors=True)
    _save(runs.create(runs.Run(partial, recipe, split, store_settings)), model)
    if image.ndim == 3 and np.ptp(image, axis=(0, 1)).any():
        notes.append(
            f"the mean image deviates by {np.sqrt(np.mean((image - mean) ** 2)):.1f} levels from "
            "its mean over all pixels, which is what the network subtracts; mean_image.npy keeps it"
        )
        np.save(partial / "mean_image.npy", image)
    source = {**_identity(options.weights), "mean": mean.tolist(), "scale": scale}
    source |= {"shift": shift.tolist(), "notes": notes}
    (partial / "source.json").write_text(json.dumps(source, indent=2) + "\n", encoding="utf-8")
    partial.rename(path)
    return Conversion(runs.load(str(path)), mean, tuple(notes))
