"""From a file of MatConvNet, Caffe, Keras or PyTorch to a run folder.

The run folder holds what every other has, and of the file:

    RUN_DIR/source.json      its name and checksum, how the input was folded into conv1, notes
    RUN_DIR/mean_image.npy   [H, W, C] float32, RGB or flow codes: its mean image, if it varies
"""

import dataclasses
import hashlib
import pathlib
from typing import Any

import numpy as np

from tf_twostream import datasets, models, paper, runs, store
from tf_twostream.datasets import lists
from tf_twostream.foreign_weights import caffe, fitting, matconvnet, matlab, network, vgg16_files
from tf_twostream.foreign_weights.errors import DescriptionError, OtherNetworkError
from tf_twostream.foreign_weights.knobs import ForeignFile
from tf_twostream.models import cross_modality
from tf_twostream.paper import recipes
from tf_twostream.processes import files


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


def read(file: ForeignFile) -> network.ForeignNetwork:
    """Reads the network of a file, in whichever of the formats it is.

    Args:
        file: The file; of what is said about it only `lrn_k` counts.

    Returns:
        The network, in the form that both programs' networks take.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is in none of them, or `lrn_k` is given for a file that needs none.
    """
    reader = next((reader for is_one, reader in _READERS if is_one(file.weights)), None)
    if reader is None:
        return caffe.read(file.weights, lrn_k=file.lrn_k)
    if file.lrn_k is not None:
        rule = "`lrn_k` must be left out but for a .caffemodel"
        raise DescriptionError(f"{rule}. Received: lrn_k={file.lrn_k:g} for {file.weights}.")
    return reader(file.weights)


# How each format is told by the first bytes, and read; what is none of them is for Caffe's reader.
_READERS = (
    (matlab.is_matlab, matconvnet.read),
    (vgg16_files.is_hdf5, vgg16_files.read_keras),
    (vgg16_files.is_torch, vgg16_files.read_torch),
)


def _recipe(foreign: network.ForeignNetwork, shape: recipes.TowerRecipe) -> recipes.TowerRecipe:
    """Returns the recipe of our network for a foreign one: three input channels are colours."""
    channels = foreign.input_channels
    size: dict[str, Any] = {"width": shape.width, "crop_size": shape.crop_size}
    # Whose number of layers with weights it has; where none has, CNN-M says what is missing.
    for name, architecture in models.ARCHITECTURES.items():
        if (chain := architecture.chain) is not None:
            count = len(chain.convolutions) + (0 if foreign.is_trunk else len(chain.full) + 1)
            if count == foreign.num_weighted:
                size["architecture"] = name
    if channels == 3:
        return recipes.SpatialRecipe(**size)
    if channels % 2:
        rule = "A network must take 3 channels (RGB) or 2L channels (x and y of L flow fields)"
        raise OtherNetworkError(f"{rule}. Received: {channels}.")
    normalisations = [layer for layer in foreign.layers if layer.kind == "lrn"]
    return recipes.TemporalRecipe(
        stack_length=channels // 2,
        # Its codes are those of the flow as it is, the motion of the camera included.
        mean_subtraction=False,
        # The paper leaves it out (Sect. 5), others do not; `fitting` knows whether it is there.
        second_normalisation=len(normalisations) > 1,
        **size,
    )


def _mean_image(file: ForeignFile, foreign: network.ForeignNetwork) -> np.ndarray:
    """Returns the mean `[..., C]`, RGB in grey levels or flow codes."""
    channels, mean = foreign.input_channels, foreign.mean
    if file.mean:
        # The mean image that was published with Caffe's CNN-M is a .mat file: formats may differ.
        from_matlab = matlab.is_matlab(file.mean)
        mean = (matconvnet if from_matlab else caffe).read_mean(file.mean)
    if mean is None:
        return np.array(paper.RGB_MEAN if channels == 3 else [paper.FLOW_CODE_MEAN] * channels)
    mean = mean.reshape(-1) if mean.size == channels else mean
    if mean.shape[-1] != channels or mean.ndim not in (1, 3) or not np.isfinite(mean).all():
        rule = f"`mean` must be a finite image [H, W, {channels}] or {channels} numbers"
        raise DescriptionError(f"{rule}. Received: {list(mean.shape)}.")
    return mean[..., ::-1] if foreign.is_bgr else mean


def _input(
    recipe: recipes.TowerRecipe, mean: np.ndarray, deviation: np.ndarray | None, bound: float
) -> tuple[np.ndarray, np.ndarray]:
    """Returns (scale, shift): the foreign input is scale * (input of our first layer) + shift.

    Spatial: ours is (rgb - RGB_MEAN) / RGB_STDDEV, the foreign one (rgb - mean) / deviation.
    Temporal: ours is a displacement d in pixels per frame, the foreign one the code
    127.5 + 255 d / (2 bound) less the mean; the rounding and clipping of codes is left out.
    """
    if recipe.sees_flow:
        return np.full(mean.shape, cross_modality.codes_per_pixel(bound)), 127.5 - mean
    architecture = models.architecture_of(recipe)
    divisor = np.ones(3) if deviation is None else deviation
    return architecture.deviation / divisor, (np.array(architecture.mean) - mean) / divisor


def _split(
    file: ForeignFile, foreign: network.ForeignNetwork, data_set: datasets.Split | None
) -> datasets.Split:
    """Returns the data set, or a split without videos that names the classes."""
    names = foreign.class_names or tuple(f"class {k}" for k in range(foreign.num_classes))
    if file.class_names:
        if data_set:
            given = f"{file.class_names} and {data_set.name}"
            raise DescriptionError(
                f"Classes must come from a file or from a data set. Received: {given}."
            )
        names = tuple(line for _, line in lists.read_lines(file.class_names))
    split = data_set or datasets.Split(pathlib.Path(file.weights).name, names, (), ())
    # These networks end in a softmax, our multi-label networks in sigmoids.
    if split.multi_label:
        rule = "A network that ends in a softmax must give a video one class"
        raise DescriptionError(f"{rule}. Received: {split.name}, where it may show several.")
    if len(split.class_names) != foreign.num_classes:
        rule = f"The classes must be those of the network, {foreign.num_classes}"
        given = f"{len(split.class_names)} of {file.class_names or split.name}"
        raise DescriptionError(f"{rule}. Received: {given}.")
    return split


def _identity(path: str) -> dict[str, str]:
    """Returns name and checksum of a file."""
    with open(path, "rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return {"file": pathlib.Path(path).name, "sha256": digest}


def convert(
    file: ForeignFile,
    *,
    shape: recipes.TowerRecipe,
    settings: store.Settings,
    split: datasets.Split | None = None,
) -> Conversion:
    """Turns a file into a run folder that training can start from and evaluation can load.

    Args:
        file: The file and what it does not say of itself.
        shape: The recipe whose `width` and `crop_size` are those of the network.
        settings: The settings of the stores that the network is to be used with.
        split: The data set that the network was trained on; None if it is none of ours.

    Returns:
        The conversion.

    Raises:
        FileExistsError: If the run folder exists.
        OSError: If a file cannot be read or written.
        DescriptionError: If what is said about the file contradicts it.
        ForeignFileError: If it is damaged, cut off or of another kind.
        OtherFormError: If its own program has to write it anew.
        OtherNetworkError: If its network is neither CNN-M-2048 nor VGG-16.
    """
    path = pathlib.Path(file.run_dir)
    files.check_new_folder(path, "run_dir")
    foreign = read(file)
    # The recipe and the classes before the network, which takes seconds to build.
    recipe = _recipe(foreign, shape)
    split = _split(file, foreign, split)
    image = _mean_image(file, foreign)
    # Our network takes no mean image; what can be folded into its first layer is the mean of that.
    mean = image.reshape(-1, image.shape[-1]).mean(axis=0, dtype=np.float64)
    scale, shift = _input(recipe, mean, foreign.deviation, file.flow_bound)
    model = models.build(recipe, foreign.num_classes)
    architecture = models.architecture_of(recipe)
    notes = list(foreign.notes)
    notes += fitting.fill(model, foreign, architecture, scale=scale, shift=shift)
    if foreign.is_trunk:
        notes.append("all layers after the convolutions start afresh: it labels nothing yet")
    # Under another name, so that a conversion that is interrupted is not taken for a whole one.
    partial = path.with_name(f"{path.name}{files.PARTIAL}")
    files.remove_folder(partial)
    size = recipe.batch_size
    task = runs.Task(split=split, settings=settings, batch_size=size, divisor=size)
    run = runs.Run(partial, recipe, (task,))
    runs.create(run)
    runs.save(run, model)
    if image.ndim == 3 and np.ptp(image, axis=(0, 1)).any():
        deviation = np.sqrt(np.mean((image - mean) ** 2))
        notes.append(
            f"the mean image deviates by {deviation:.1f} levels from its mean over all pixels, "
            "which is what the network subtracts; mean_image.npy keeps it"
        )
        np.save(partial / "mean_image.npy", image)
    source = {**_identity(file.weights), "mean": mean.tolist(), "scale": scale.tolist()}
    source |= {"shift": shift.tolist(), "notes": notes}
    files.write_json(partial / "source.json", source, indent=2)
    partial.rename(path)
    # Read back from its place, since the run that was written is that of the partial folder.
    return Conversion(runs.load(str(path)), mean, tuple(notes))
