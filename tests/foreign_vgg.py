"""VGG-16 in the formats of other programs, with random weights, and what it computes.

Written from the formats' definitions, apart from the code under test: NumPy, planes `[C, H, W]`.
"""

import collections
import math

import foreign_files as files
import h5py
import numpy as np
import torch_files

CROP = 64  # Pixels: full6 sees 2 x 2 of them.
WIDTH = 0.05
BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
NAMES = [f"conv{b}_{n}" for b, (count, _) in enumerate(BLOCKS, 1) for n in range(1, count + 1)]
# How torchvision numbers them: ReLUs and poolings have numbers, too.
TORCH_NUMBERS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)


def weights(*, num_classes=4, seed=0):
    """`{name: (weights [O, C, H, W], biases [O])}`."""
    rng = np.random.default_rng(seed)
    made, inputs = {}, 3
    filters = [channels for count, channels in BLOCKS for _ in range(count)]
    shapes = [(name, max(1, round(units * WIDTH)), 3) for name, units in zip(NAMES, filters)]
    full = max(1, round(4096 * WIDTH))
    shapes += [("fc6", full, 2), ("fc7", full, 1), ("fc8", num_classes, 1)]
    for name, outputs, kernel in shapes:
        shape = (outputs, inputs, kernel, kernel)
        gain = {"fc8": 0.05}.get(name, 1.4)
        array = rng.normal(0, gain / math.sqrt(math.prod(shape[1:])), shape)
        made[name] = array.astype(np.float32), rng.normal(0, 3, outputs).astype(np.float32)
        inputs = outputs
    return made


def logits(network, x):
    """`[B, K]` in float64, of an input `[B, C, H, W]` in the network's channel order."""
    x = x.astype(np.float64)
    lasts = {f"conv{block}_{count}" for block, (count, _) in enumerate(BLOCKS, 1)}
    for name in NAMES:
        x = np.maximum(files.convolve(x, *network[name], 1, 1), 0)
        if name in lasts:
            batch, channels, height, width = x.shape
            x = x.reshape(batch, channels, height // 2, 2, width // 2, 2).max((3, 5))
    x = x.reshape(len(x), -1)
    for name in ("fc6", "fc7", "fc8"):
        kernel, bias = network[name]
        x = x @ kernel.reshape(len(bias), -1).T.astype(np.float64) + bias
        x = x if name == "fc8" else np.maximum(x, 0)
    return x


def write_keras(path, network, *, notop=False):
    """As keras.applications publishes it: kernels [H, W, C, O], places before channels."""
    with h5py.File(path, "w") as file:
        for name in NAMES:
            kernel, bias = network[name]
            own = f"block{name[4]}_{name.replace(name[4:6], '')}"
            group = file.create_group(own)
            group[f"{own}_W_1:0"] = kernel.transpose(2, 3, 1, 0)
            group[f"{own}_b_1:0"] = bias
            if name.endswith("_2"):
                file.create_group(f"block{name[4]}_pool")
        for name, own in () if notop else (("fc6", "fc1"), ("fc7", "fc2"), ("fc8", "predictions")):
            kernel, bias = network[name]
            group = file.create_group(own)
            group[f"{own}_W_1:0"] = kernel.transpose(2, 3, 1, 0).reshape(-1, len(bias))
            group[f"{own}_b_1:0"] = bias
    return path


def write_torch(path, network):
    """As torchvision publishes it: kernels [O, C, H, W], channels before places."""
    names = dict(zip(NAMES, (f"features.{number}" for number in TORCH_NUMBERS)))
    names |= {"fc6": "classifier.0", "fc7": "classifier.3", "fc8": "classifier.6"}
    content, storages = collections.OrderedDict(), {}
    for name, own in names.items():
        kernel, bias = network[name]
        kernel = kernel.reshape(len(bias), -1) if name.startswith("fc") else kernel
        for part, array in (("weight", kernel), ("bias", bias)):
            key = str(len(storages))
            storages[key] = np.ascontiguousarray(array)
            tensor = torch_files.Tensor(key, "FloatStorage", array.size, array.shape)
            content[f"{own}.{part}"] = tensor
    path.write_bytes(torch_files.zip_form(content, storages))
    return path


def caffe_layers(network):
    """The layers of VGG_ILSVRC_16_layers' prototxt."""
    layers, top = [], "data"

    def add(name, kind, parameters=(), blobs=(), new_top=None):
        nonlocal top
        ends = {"bottoms": [top], "tops": [new_top or top]}
        top = new_top or top
        layer = {"name": name, "type": kind, "parameters": list(parameters), "blobs": list(blobs)}
        layers.append(layer | ends)

    for name in NAMES:
        shape = [(1, len(network[name][1])), (3, 1), (4, 3)]
        add(name, "Convolution", shape, network[name], name)
        add(name.replace("conv", "relu"), "ReLU")
        if int(name[-1]) == BLOCKS[int(name[4]) - 1][0]:
            add(f"pool{name[4]}", "Pooling", [(1, 0), (2, 2), (3, 2)], new_top=f"pool{name[4]}")
    for name in ("fc6", "fc7", "fc8"):
        kernel, bias = network[name]
        matrix = kernel.reshape(len(bias), -1)
        add(name, "InnerProduct", [(1, len(bias))], (matrix, bias), name)
        if name != "fc8":
            add(f"relu{name[-1]}", "ReLU")
            add(f"drop{name[-1]}", "Dropout", [(1, 0.5)])
    add("prob", "Softmax", new_top="prob")
    return layers


def mat_layers(network):
    """The layers of imagenet-vgg-verydeep-16.mat."""
    layers = []

    def conv(name, padding):
        kernel, bias = network[name]
        held = {"weights": files.cells([kernel.transpose(2, 3, 1, 0), bias[None]])}
        sizes = {"stride": np.ones((1, 2)), "pad": np.full((1, 4), float(padding))}
        layers.append({"name": name, "type": "conv", **held, **sizes})

    for name in NAMES:
        conv(name, 1)
        layers.append({"name": name.replace("conv", "relu"), "type": "relu"})
        if int(name[-1]) == BLOCKS[int(name[4]) - 1][0]:
            sizes = {"pool": [[2.0, 2]], "stride": [[2.0, 2]], "pad": 0.0}
            layers.append({"name": f"pool{name[4]}", "type": "pool", "method": "max", **sizes})
    for name in ("fc6", "fc7", "fc8"):
        conv(name, 0)
        if name != "fc8":
            layers.append({"name": f"relu{name[-1]}", "type": "relu"})
    layers.append({"name": "prob", "type": "softmax"})
    return layers
