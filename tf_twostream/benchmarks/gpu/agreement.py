"""Whether a GPU computes what a CPU does: networks, inputs and flow (`compute`, `compare`).

The CPU's values are kept in a file, so that they can be computed beforehand, where time is cheap.
Of large arrays numbers at equal spacing are kept.
"""

import dataclasses
import functools
import io
import math
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import tensorflow as tf

from tf_twostream import flow, inputs, models
from tf_twostream.benchmarks import made_up, trials
from tf_twostream.benchmarks.gpu.jobs import Finding
from tf_twostream.benchmarks.gpu.setting import FULL, Setting, Size
from tf_twostream.flow import brox
from tf_twostream.models import layers
from tf_twostream.processes import files
from tf_twostream.training import steps

Values = dict[str, np.ndarray]

NETWORKS = ("spatial", "temporal", "multi-task")
_KEPT = 4096  # Numbers of each array.
# What counts as agreement: largest distances relative to the CPU's values (as lengths of vectors).
# Float32 has 24 bits, TF32 11 and bfloat16 8; sums of thousands of products lose some of them, and
# what a ReLU or a maximum decides differently is as far off as it is large. TF32 is compared with
# the CPU's float32, bfloat16 with the CPU's bfloat16, whose dropout draws other masks.
BOUNDS = {"inputs": 1e-5, "float32": 1e-3, "TF32": 3e-2, "bfloat16": 0.2}
# Mean and 99th percentile of the distances of fields, in pixels. Rounding alone moves those of
# OpenCV's parameters farther, because their over-relaxation is close to 2 (`brox_opencv`).
FLOW_BOUNDS = {"brox": (0.002, 0.03), "brox_opencv": (0.05, 0.6)}


def measure(setting: Setting, *, precisions: tuple[str, ...]) -> Iterator[Finding]:
    """Compares this process's GPU, or its CPU if it has none, with the file of the CPU's values.

    Args:
        setting: What is compared, and the file.
        precisions: "float32", with which inputs and flow are compared as well; "TF32" and
            "bfloat16" for the networks alone. One process computes float32 either with TF32 or
            without: cuDNN's choices are remembered. None: the file is written.

    Yields:
        A row for each quantity; of the gradients of a network one, the farthest from the CPU's.

    Raises:
        ValueError: If the file holds values of other sizes or of other pairs of frames.
    """
    scenes = [pair.scene for pair in trials.read_pairs(setting.pairs)[: setting.size.num_pairs]]
    if not precisions:
        tf.config.set_visible_devices([], "GPU")
        values = {"scenes": np.array(scenes)}
        for precision in ("float32", "bfloat16"):
            for name, function in _quantities(setting, precision).items():
                values |= _named(name, precision, function())
        _write(values, setting.reference)
        return
    tf.config.experimental.enable_tensor_float_32_execution("TF32" in precisions)
    with np.load(setting.reference) as file:
        expected = dict(file)
    if expected.get("scenes", np.array([])).tolist() != scenes:
        rule = "The reference must be of the same pairs of frames"
        raise ValueError(f"{rule}. Received: {setting.reference}, not of {', '.join(scenes)}.")
    for precision in precisions:
        for name, function in _quantities(setting, precision).items():
            values = _named(name, precision, function())
            rows = [compare(key, precision, value, expected) for key, value in values.items()]
            gradients = [row for row in rows if "gradient" in str(row[1])]
            yield from (row for row in rows if row not in gradients)
            yield from sorted(gradients, key=_farness)[-1:]


def _farness(finding: Finding) -> tuple[bool, float]:
    distance = finding[1]["distance"]
    return math.isnan(distance), distance  # NaN, which compares with nothing, is the farthest.


def _named(name: str, precision: str, values: Values) -> Values:
    """Names quantities as the file does, where TF32 is held against float32."""
    own = f"{name} in bfloat16" if precision == "bfloat16" else name
    return {f"{own}: {key}" if key else own: value for key, value in values.items()}


def _write(values: Values, path: str) -> None:
    content = io.BytesIO()
    np.savez_compressed(content, **values)  # type: ignore[arg-type]
    files.write(path, content.getvalue())


def compare(name: str, precision: str, value: np.ndarray, expected: Values) -> Finding:
    """Compares a quantity with the CPU's.

    Args:
        name: Of the quantity.
        precision: How it was computed.
        value: What came out.
        expected: The CPU's values.

    Returns:
        The title of a table, and a row.
    """
    if name not in expected or expected[name].shape != value.shape:
        given = f"none of shape {value.shape} under {name}"
        raise ValueError(f"The reference must hold the values of this size. Received: {given}.")
    other = expected[name].astype(np.float64)
    if name in FLOW_BOUNDS:
        distance = np.linalg.norm(value - other, axis=-1)
        mean, most = float(distance.mean()), float(np.percentile(distance, 99))
        bounds = FLOW_BOUNDS[name]
        agrees = mean <= bounds[0] and most <= bounds[1]
        row = {"flow": name, "pairs": len(value), "mean, px": mean, "99th percentile, px": most}
        return "Distance of the fields from the CPU's", row | {"agrees": _word(agrees)}
    length = np.linalg.norm(other)
    distance = float(np.linalg.norm(value - other) / (length or 1.0))
    bound = BOUNDS[precision if name.startswith(NETWORKS) else "inputs"]
    row = {"what": name, "precision": precision, "distance": distance, "bound": bound}
    return "Distance from the CPU's values, relative", row | {"agrees": _word(distance <= bound)}


def _word(agrees: bool) -> str:
    return "yes" if agrees else "NO"


def _quantities(setting: Setting, precision: str) -> dict[str, Callable[[], Values]]:
    """Returns what is compared, by name."""
    found: dict[str, Callable[[], Values]] = {}
    if precision == "float32":
        found |= {
            "volumes, flow stacking": functools.partial(_input, setting, "temporal"),
            "volumes, trajectories": functools.partial(
                _input, setting, "temporal", stacking="trajectory"
            ),
            "RGB views": functools.partial(_input, setting, "spatial"),
            "dropout mask": _mask,
        }
    for network in NETWORKS:
        found[network] = functools.partial(_network, setting, network, precision)
    if precision == "float32":
        # Without a GPU one method is enough to try it: each compiles for ten seconds.
        for method in [*FLOW_BOUNDS][: None if setting.size == FULL else 1]:
            found[method] = functools.partial(_fields, setting, method)
    return found


def _thinned(tensor: tf.Tensor) -> np.ndarray:
    flat = tf.reshape(tensor, [-1]).numpy()
    return flat[np.linspace(0, len(flat) - 1, min(len(flat), _KEPT)).astype(int)]


def _input(setting: Setting, stream: str, **knobs: str) -> Values:
    """Computes network inputs from bytes: views, restoring, mean subtraction, colour jitter."""
    recipe = setting.recipe(stream, **knobs)
    recipe = dataclasses.replace(recipe, batch_size=setting.size.compared)
    batch = made_up.batch(recipe, setting.size.frame)
    return {"": _thinned(tf.function(lambda batch: inputs.prepare(batch, recipe))(batch))}


def _mask() -> Values:
    return {"": _thinned(layers.Dropout(0.9, seed=1)(tf.ones([64, 64]), training=True))}


def _network(setting: Setting, network: str, precision: str) -> Values:
    """Computes logits, loss and gradients of one batch, in training and hence with dropout."""
    size, heads = setting.size, {"a": setting.size.num_classes, "b": 5}
    recipe = setting.recipe(
        "spatial" if network == "spatial" else "temporal",
        precision="bfloat16" if precision == "bfloat16" else "float32",
        dropout_rate=0.5,  # With 0.9 few numbers would be left to compare.
    )
    # Drawn on the CPU, because a GPU rounds the logarithms of normal numbers otherwise.
    with tf.device("CPU:0"):
        model = models.build(recipe, heads if network == "multi-task" else size.num_classes)
    rng = np.random.default_rng(0)
    low, high = (-8, 8) if recipe.sees_flow else (0, 255)
    shape = (size.compared, size.crop_size, size.crop_size, recipe.input_channels)
    x = tf.constant(rng.uniform(low, high, shape), tf.float32)
    labels = tf.constant(rng.integers(0, 2, size.compared), tf.int32)

    @tf.function(autograph=False)
    def compute(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            logits = tf.nest.flatten(model(x, training=True))
            loss = tf.add_n([tf.reduce_mean(steps.losses(own, labels)) for own in logits])
        weights = [variable.value for variable in model.trainable_variables]
        return tf.concat(logits, axis=1), loss, tape.gradient(loss, weights)

    logits, loss, gradients = compute(x)
    parts = zip(model.trainable_variables, gradients)
    return {
        "logits": _thinned(logits),
        "loss": _thinned(loss),
        **{f"gradient of {variable.path}": _thinned(part) for variable, part in parts},
    }


def _fields(setting: Setting, method: str) -> Values:
    """Solves the flow of real pairs, rescaled: `[N, H, W, 2]` float32."""
    fields: list[np.ndarray] = []
    for pair in trials.read_pairs(setting.pairs)[: setting.size.num_pairs]:
        frames = [_rescaled(frame, setting.size) for frame in (pair.first, pair.second)]
        solver = flow.METHODS[method].solver
        fields += brox.fields(frames, parameters=solver or brox.FAST)
    return {"": np.stack(fields)}


def _rescaled(frame: np.ndarray, size: Size) -> np.ndarray:
    return cv2.resize(frame, size.frame[::-1], interpolation=cv2.INTER_AREA)
