"""The training step of the same network in PyTorch, as a second opinion on how fast a card can be.

PyTorch is not among the packages of this project; it is measured where it can be imported. This
module imports no TensorFlow, which shares a process with PyTorch badly.
"""

import importlib
import importlib.util
import time
from collections.abc import Iterator
from typing import Any

from tf_twostream import paper
from tf_twostream.benchmarks.gpu.jobs import Finding
from tf_twostream.benchmarks.gpu.setting import Setting

TABLE = "The same network in PyTorch, on inputs that are made already"


def measure(setting: Setting) -> Iterator[Finding]:
    """Measures the temporal network in bfloat16, channels last: plain, and by `torch.compile`.

    Yields:
        A row for each; none without PyTorch.
    """
    if importlib.util.find_spec("torch") is None:
        return
    torch: Any = importlib.import_module("torch")
    device = "cuda" if setting.gpu and torch.cuda.is_available() else "cpu"
    recipe = setting.recipe("temporal")
    network = _network(torch, recipe, setting.size.num_classes).to(device)
    network = network.to(memory_format=torch.channels_last)
    rate, decay = recipe.initial_rate, recipe.weight_decay
    optimizer = torch.optim.SGD(network.parameters(), rate, recipe.momentum, weight_decay=decay)
    shape = (recipe.batch_size, recipe.input_channels, recipe.crop_size, recipe.crop_size)
    volumes = torch.randn(shape, device=device).to(memory_format=torch.channels_last)
    labels = torch.randint(setting.size.num_classes, (recipe.batch_size,), device=device)
    for name, model in (("plain", network), ("torch.compile", torch.compile(network))):

        def step(model: Any = model) -> Any:
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device, dtype=torch.bfloat16):
                loss = torch.nn.functional.cross_entropy(model(volumes).float(), labels)
            loss.backward()
            optimizer.step()
            return loss

        row = {"stream": "temporal", "precision": f"bfloat16, {name}", "batch": len(labels)}
        took = _seconds_per_call(step, setting.size.seconds)
        row |= {"ms": 1000 * took, "samples/s": len(labels) / took}
        yield TABLE, row | {"version": f"PyTorch {torch.__version__} on {device}"}


def _network(torch: Any, recipe: Any, num_classes: int) -> Any:
    """Builds CNN-M-2048 from the table of its layers."""
    nn = torch.nn
    layers, channels = [], recipe.input_channels
    for layer in paper.CONV_LAYERS:
        filters = max(1, round(layer.filters * recipe.width))
        layers += [
            nn.Conv2d(channels, filters, layer.kernel, layer.stride, layer.padding),
            nn.ReLU(inplace=True),
        ]
        if layer.normalise and layer.name != recipe.without_normalisation:
            size = 2 * paper.LRN["depth_radius"] + 1
            # PyTorch divides alpha by the number of neighbours.
            alpha = paper.LRN["alpha"] * size
            layers.append(nn.LocalResponseNorm(size, alpha, paper.LRN["beta"], paper.LRN["bias"]))
        if layer.pool:
            layers.append(nn.MaxPool2d(paper.POOL_SIZE, paper.POOL_STRIDE, ceil_mode=True))
        channels = filters
    layers.append(nn.Flatten())
    for _, units in paper.FULL_LAYERS:
        layers += [nn.LazyLinear(max(1, round(units * recipe.width))), nn.ReLU(inplace=True)]
        layers.append(nn.Dropout(recipe.dropout))
    network = nn.Sequential(*layers, nn.LazyLinear(num_classes))
    side = recipe.crop_size
    network(torch.zeros(2, recipe.input_channels, side, side))  # Tells the lazy layers their sizes.
    return network


def _seconds_per_call(call: Any, seconds: float) -> float:
    """As `throughput.seconds_per_call`, which would import TensorFlow."""
    for _ in range(3):
        call().item()
    count, start = 0, time.perf_counter()
    while count < 3 or time.perf_counter() - start < seconds:
        last = call()
        count += 1
    last.item()  # Waits for the device.
    return (time.perf_counter() - start) / count
