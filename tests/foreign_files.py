"""Networks in the formats of Caffe and MatConvNet, with random weights, and what they compute.

Written from the formats' definitions, apart from the code under test: NumPy, planes `[C, H, W]`.
"""

import math
import struct

import numpy as np
import scipy.io

CROP = 91  # Pixels: the smallest at which pool2 rounds up and full6 sees more than one pixel.
WIDTH = 0.05
SIDE = 2  # Pixels, of what full6 sees at that crop.
FILTERS = {"conv1": 96, "conv2": 256, "conv3": 512, "conv4": 512, "conv5": 512}
UNITS = {"fc6": 4096, "fc7": 2048}
SHAPES = {"conv1": (7, 2, 0), "conv2": (5, 2, 1)}  # Kernel, stride, padding; else 3, 1, 1.
GEOMETRY = {name: SHAPES.get(name, (3, 1, 1)) for name in FILTERS}


def weights(*, channels=3, num_classes=4, width=WIDTH, side=SIDE, seed=0):
    """`{name: (weights [O, C, H, W], biases [O])}`; activations of some hundreds, as in real ones.

    Smaller ones would not notice how they are normalised.
    """
    rng = np.random.default_rng(seed)
    made, inputs = {}, channels
    for name, units in (FILTERS | UNITS | {"fc8": num_classes}).items():
        outputs = units if name == "fc8" else max(1, round(units * width))
        kernel = GEOMETRY[name][0] if name in GEOMETRY else side if name == "fc6" else 1
        gain = {"conv1": 1.3 * math.sqrt(3 / channels), "conv2": 4, "fc8": 0.03}.get(name, 1.4)
        shape = (outputs, inputs, kernel, kernel)
        array = rng.normal(0, gain / math.sqrt(math.prod(shape[1:])), shape)
        made[name] = array.astype(np.float32), rng.normal(0, 3, outputs).astype(np.float32)
        inputs = outputs
    return made


# What they compute.


def convolve(x, kernel, bias, stride, padding):
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return (
        np.tensordot(windows, kernel, ((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)
        + bias[:, None, None]
    )


def normalise(x, n, k, alpha, beta):
    """b = a / (k + alpha sum a^2)^beta over n neighbouring planes."""
    squares = np.pad(x**2, ((0, 0), (n // 2, n // 2), (0, 0), (0, 0)))
    total = sum(squares[:, i : i + x.shape[1]] for i in range(n))
    return x / (k + alpha * total) ** beta


def pool(x):
    """3 x 3 maxima with stride 2, the last window cut off by the border if need be."""
    count = math.ceil((x.shape[2] - 3) / 2) + 1
    rows = [x[:, :, 2 * i : 2 * i + 3].max(2) for i in range(count)]
    rows = np.stack(rows, 2)
    return np.stack([rows[..., 2 * i : 2 * i + 3].max(3) for i in range(count)], 3)


def logits(network, x, *, lrn, normalised=("conv1", "conv2"), second=()):
    """`[B, K]` in float64, of a mean-free input `[B, C, H, W]` in the network's channel order.

    `second` holds settings of the normalisation after conv2 that are not those of `lrn`.
    """
    x = x.astype(np.float64)
    for name, (stride, padding) in ((name, GEOMETRY[name][1:]) for name in FILTERS):
        x = np.maximum(convolve(x, *network[name], stride, padding), 0)
        settings = {**lrn, **dict(second)} if name == "conv2" else lrn
        x = normalise(x, **settings) if name in normalised else x
        x = pool(x) if name in ("conv1", "conv2", "conv5") else x
    x = x.reshape(len(x), -1)
    for name in (*UNITS, "fc8"):
        kernel, bias = network[name]
        x = x @ kernel.reshape(len(bias), -1).T.astype(np.float64) + bias
        x = x if name == "fc8" else np.maximum(x, 0)
    return x


# Caffe.

TYPES = {
    "Convolution": (4, 10, 106), "InnerProduct": (14, 17, 117), "LRN": (15, 18, 118),
    "Pooling": (17, 19, 121), "ReLU": (18, 30, 123), "Dropout": (6, 12, 108),
    "Softmax": (20, 39, 125), "SoftmaxWithLoss": (21, 39, 125), "Data": (5, 11, 107),
    "Sigmoid": (19, 38, 124),
}  # fmt: skip


def varint(value):
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def field(number, value):
    """A field of a message: int, float (4 bytes), str or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def message(fields):
    return b"".join(field(number, value) for number, value in fields)


def blob(array, *, old=False):
    array = np.asarray(array, np.float32)
    if old:
        shape = list(zip((1, 2, 3, 4), (1, 1, 1, *array.shape)[-4:]))
    else:
        shape = [(7, message([(1, b"".join(map(varint, array.shape)))]))]
    return message([*shape, (5, array.tobytes())])


def caffe_layers(network, *, k=2.0, normalised=("conv1", "conv2")):
    """The layers of the network of VGG_CNN_M_2048's prototxt, as dictionaries to be changed."""
    layers, top = [], "data"

    def add(name, kind, parameters=(), blobs=(), new_top=None):
        nonlocal top
        ends = {"bottoms": [top], "tops": [new_top or top]}
        top = new_top or top
        layer = {"name": name, "type": kind, "parameters": list(parameters), "blobs": list(blobs)}
        layers.append(layer | ends)

    for name in FILTERS:
        kernel, stride, padding = GEOMETRY[name]
        number = name[-1]
        shape = [(1, len(network[name][1])), (3, padding), (4, kernel), (6, stride)]
        add(name, "Convolution", shape, network[name], name)
        add(f"relu{number}", "ReLU")
        if name in normalised:
            lrn = [(1, 5), (2, 5e-4), (3, 0.75)] + ([(5, k)] if k else [])
            add(f"norm{number}", "LRN", lrn, new_top=f"norm{number}")
        if number in "125":
            add(f"pool{number}", "Pooling", [(1, 0), (2, 3), (3, 2)], new_top=f"pool{number}")
    for name in (*UNITS, "fc8"):
        kernel, bias = network[name]
        matrix = kernel.reshape(len(bias), -1)
        add(name, "InnerProduct", [(1, len(bias))], (matrix, bias), name)
        if name != "fc8":
            add(f"relu{name[-1]}", "ReLU")
            add(f"drop{name[-1]}", "Dropout", [(1, 0.5)])
    add("prob", "Softmax", new_top="prob")
    return layers


def caffemodel(layers, *, old=False):
    """The bytes of a NetParameter with its layers as V1LayerParameter or LayerParameter."""
    numbers = (4, 5, 2, 3, 6) if old else (1, 2, 3, 4, 7)
    net = [(1, "net"), (3, "data")]
    for layer in layers:
        name, kind, bottom, top, blobs = numbers
        v1, old_field, new_field = TYPES[layer["type"]]
        fields = [(name, layer["name"]), (kind, v1 if old else layer["type"])]
        fields += [(bottom, text) for text in layer["bottoms"]]
        fields += [(top, text) for text in layer["tops"]]
        fields += [(blobs, blob(array, old=old)) for array in layer["blobs"]]
        fields += [(old_field if old else new_field, message(layer["parameters"]))]
        net.append((2 if old else 100, message(fields)))
    return message(net)


# MatConvNet.


def cells(values):
    """A 1 x N cell array."""
    array = np.empty((1, len(values)), object)
    for number, value in enumerate(values):
        array[0, number] = value
    return array


def mat_layers(network, *, param=(5, 2, 1e-4, 0.75), old=False):
    """The layers of imagenet-vgg-m-2048.mat as dictionaries to be changed."""
    layers = []

    def conv(name, stride, padding):
        kernel, bias = network[name]
        filters, biases = kernel.transpose(2, 3, 1, 0), bias[None]
        held = {"weights": cells([filters, biases])}
        held = {"filters": filters, "biases": biases} if old else held
        padding = np.array([[padding] * 4], float)
        sizes = {"stride": np.array([[stride] * 2], float), "pad": padding}
        layers.append({"name": name, "type": "conv", **held, **sizes})

    for name in FILTERS:
        number = name[-1]
        conv(name, *GEOMETRY[name][1:])
        layers.append({"name": f"relu{number}", "type": "relu"})
        if number in "12":
            layers.append({"name": f"norm{number}", "type": "normalize", "param": list(param)})
        if number in "125":
            more = [[0.0, 1, 0, 1]] if number == "2" else 0.0
            sizes = {"pool": [[3.0, 3]], "stride": [[2.0, 2]], "pad": more}
            layers.append({"name": f"pool{number}", "type": "pool", "method": "max", **sizes})
    for name in (*UNITS, "fc8"):
        conv(name, 1, 0)
        if name != "fc8":
            layers.append({"name": f"relu{name[-1]}", "type": "relu"})
    layers.append({"name": "prob", "type": "softmax"})
    return layers


def write_mat(path, layers, *, mean=None, names=(), old=False):
    """Writes the variables `layers` and `meta`, or those that came before `meta`."""
    meta = {}
    if mean is not None:
        meta["normalization"] = {"averageImage": np.asarray(mean, np.float32), "border": [[32, 32]]}
    if names:
        ids = [f"n{number:08d}" for number in range(len(names))]
        meta["classes"] = {"name": cells(ids), "description": cells(list(names))}
    rest = meta if old else {"meta": {**meta, "inputs": {"name": "data"}}}
    scipy.io.savemat(path, {"layers": cells(layers), **rest}, do_compression=True)
    return str(path)
