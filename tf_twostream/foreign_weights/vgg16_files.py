"""VGG-16 in the files of Keras (.h5) and of torchvision (.pth).

Both hold weights by name and no layers between them, so that the network is the one that these
files are known for: configuration D. With all three fully connected layers or with none ("notop").
"""

import os
import re
from collections.abc import Sequence

import numpy as np

from tf_twostream import paper
from tf_twostream.foreign_weights import network, torch_file
from tf_twostream.foreign_weights.errors import ForeignFileError, OtherNetworkError, naming
from tf_twostream.models import vgg16

# What torchvision subtracts from RGB in [0, 1], and what it divides by.
TORCH_MEAN = (0.485, 0.456, 0.406)
TORCH_DEVIATION = (0.229, 0.224, 0.225)
_CHAIN = vgg16.CHAIN

Pair = tuple[np.ndarray, np.ndarray]  # Kernel and bias.


def is_hdf5(path: str) -> bool:
    """Says whether a file begins as those of HDF5 do."""
    with open(path, "rb") as file:
        return file.read(8) == b"\x89HDF\r\n\x1a\n"


def is_torch(path: str) -> bool:
    """Says whether a file begins as those of PyTorch do, in either form."""
    with open(path, "rb") as file:
        return file.read(4) in (b"\x80\x02\x8a\x0a", b"PK\x03\x04")


def read_keras(path: str) -> network.ForeignNetwork:
    """Reads `vgg16_weights_tf_dim_ordering_tf_kernels.h5`, or the same with `_notop`.

    Args:
        path: The file. Its colours are blue, green, red, less their means.

    Raises:
        OSError: If the file cannot be read.
        ForeignFileError: If it is damaged or of another kind.
        OtherNetworkError: If it holds another network.
    """
    import h5py  # Keras needs it, too; only here, for it takes a while.

    found: dict[str, np.ndarray] = {}

    size = os.path.getsize(path)

    def take(name: str, value: object) -> None:
        if isinstance(value, h5py.Dataset):
            # What is compressed, never written or elsewhere could be of any size, or anybody's.
            if value.external or value.is_virtual or value.nbytes > size:
                raise ForeignFileError(f"{name}, whose numbers are not all in the file")
            found[name] = np.asarray(value[...], np.float32)

    with naming(path, "HDF5 file of Keras"):
        try:
            with h5py.File(path, "r") as file:
                file.visititems(take)
        except ForeignFileError:
            raise
        except (OSError, RuntimeError, LookupError, ValueError, TypeError, MemoryError) as error:
            raise ForeignFileError(f"{type(error).__name__}: {error}") from error
        pairs = _pairs(found)
        convolutions = [pair for pair in pairs if pair[0].ndim == 4 and pair[0].shape[:2] == (3, 3)]
        full = [pair for pair in pairs if pair[0].ndim == 2]
        notes = []
        if others := len(pairs) - len(convolutions) - len(full):
            notes.append(f"{others} layers of other kinds are left out")
        return _network(convolutions, full, is_bgr=True, notes=notes)


def read_torch(path: str) -> network.ForeignNetwork:
    """Reads torchvision's `vgg16-397923af.pth`.

    Args:
        path: The file. Its colours are RGB in [0, 1], less their means and over their deviations.

    Raises:
        OSError: If the file cannot be read.
        ForeignFileError: If it is damaged or of another kind.
        OtherNetworkError: If it holds another network.
    """
    tensors = torch_file.read(path)
    with naming(path, torch_file.KIND):
        pairs = _pairs(tensors)
        convolutions = [
            (kernel.transpose(2, 3, 1, 0), bias) for kernel, bias in pairs if kernel.ndim == 4
        ]
        full = [(kernel.T, bias) for kernel, bias in pairs if kernel.ndim == 2]
        if full and convolutions:
            # Its features have the channels first: [C, H, W] in a row.
            (kernel, bias), channels = full[0], convolutions[-1][0].shape[3]
            side = round((kernel.shape[0] / channels) ** 0.5)
            if kernel.shape[0] != channels * side * side:
                given = f"{kernel.shape[0]} inputs after {channels} channels"
                raise OtherNetworkError(f"classifier.0 must see squares. Received: {given}.")
            by_place = kernel.reshape(channels, side * side, -1).transpose(1, 0, 2)
            full[0] = (by_place.reshape(kernel.shape), bias)
        mean = 255 * np.array(TORCH_MEAN)
        deviation = 255 * np.array(TORCH_DEVIATION)
        notes = [
            "torchvision's mean colour differs by up to half a grey level from ours: at the border "
            "of the picture, where conv1_1 pads with the mean, the two differ by so much"
        ]
        return _network(convolutions, full, mean=mean, deviation=deviation, notes=notes)


def _pairs(arrays: dict[str, np.ndarray]) -> list[Pair]:
    """Pairs each kernel with its bias, in the natural order of their names (2 before 10)."""

    def natural(name: str) -> list[tuple[str, int]]:
        return [(text, int(part or 0)) for text, part in re.findall(r"(\D+)(\d*)", f"/{name}")]

    layers: dict[str, list[np.ndarray]] = {}
    for name in sorted(arrays, key=natural):
        layers.setdefault(re.split(r"[./](?=[^./]*$)", name)[0], []).append(arrays[name])
    pairs = []
    for name, own in layers.items():
        own.sort(key=np.ndim, reverse=True)
        if len(own) != 2 or own[0].ndim not in (2, 4) or own[1].ndim != 1:
            given = " and ".join(str(array.shape) for array in own)
            raise OtherNetworkError(f"{name} must be a kernel and a bias. Received: {given}.")
        pairs.append((own[0], own[1]))
    return pairs


def _network(
    convolutions: Sequence[Pair],
    full: Sequence[Pair],
    *,
    is_bgr: bool = False,
    mean: np.ndarray | None = None,
    deviation: np.ndarray | None = None,
    notes: Sequence[str] = (),
) -> network.ForeignNetwork:
    """Puts the layers without weights between the others, as configuration D has them."""
    counts = (len(convolutions), len(full))
    wanted = len(_CHAIN.convolutions), len(_CHAIN.full) + 1
    if counts not in ((wanted[0], wanted[1]), (wanted[0], 0)):
        rule = f"VGG-16 must have {wanted[0]} convolutions of 3x3 and {wanted[1]} or no full layers"
        raise OtherNetworkError(f"{rule}. Received: {counts[0]} and {counts[1]}.")
    layers: list[network.Layer] = []
    for row, (kernel, bias) in zip(_CHAIN.convolutions, convolutions):
        settings = {**network.PLAIN, "padding": (row.padding,) * 4}
        layers += [
            network.Layer(row.name, "conv", settings, kernel, bias),
            network.Layer(row.name.replace("conv", "relu"), "relu", {"slope": 0}),
        ]
        if row.pool:
            size, stride = (_CHAIN.pool_size,) * 2, (_CHAIN.pool_stride,) * 2
            pool = {"method": "max", "size": size, "stride": stride, "padding": (0, 0, 0, 0)}
            layers.append(network.Layer(row.name.replace("conv", "pool"), "pool", pool))
    for number, (kernel, bias) in enumerate(full):
        channels = convolutions[-1][0].shape[3] if not number else kernel.shape[0]
        side = round((kernel.shape[0] / channels) ** 0.5)
        if side * side * channels != kernel.shape[0]:
            given = f"{kernel.shape[0]} inputs after {channels} channels"
            raise OtherNetworkError(f"The first full layer must see squares. Received: {given}.")
        shaped = kernel.reshape(side, side, channels, kernel.shape[1])
        layers.append(network.Layer(f"fc{6 + number}", "conv", dict(network.PLAIN), shaped, bias))
        if number < len(full) - 1:
            layers.append(network.Layer(f"relu{6 + number}", "relu", {"slope": 0}))
    return network.ForeignNetwork(
        layers=tuple(layers),
        is_bgr=is_bgr,
        # The means that Keras subtracts are ours.
        mean=np.array(paper.RGB_MEAN)[::-1] if mean is None else mean,
        deviation=deviation,
        is_trunk=not full,
        notes=tuple(notes),
    )
