"""What a coding of flow costs: bytes, errors, and the time of a graph to decode it.

Beside the codings of a store there is one that it could have, raw codes packed by zlib, which is
the only packing that TensorFlow undoes inside a graph.
"""

import statistics
import time
import zlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tf_twostream import flow, paper
from tf_twostream.benchmarks import trials
from tf_twostream.figures import reports
from tf_twostream.flow import codec
from tf_twostream.inputs import windows
from tf_twostream.store import records

ROUNDS = 9
ZLIB_LEVEL = 1  # The fastest.

Contender = tuple[list[bytes], Callable[[tf.Tensor], tf.Tensor]]  # What decodes which bytes.


def measure(folder: str, method: str, *, seconds: float) -> str:
    """Measures codings of the flow of pairs of frames.

    Args:
        folder: The pairs, see `trials.read_pairs`; used are those as large as the first one.
        method: A name in `flow.METHODS`, which makes the fields.
        seconds: How long to decode stacks of each coding, in seconds.

    Returns:
        A line, and a Markdown table.
    """
    pairs = [(pair.first, pair.second) for pair in trials.read_pairs(folder)]
    size = pairs[0][0].shape
    pairs = [pair for pair in pairs if pair[0].shape == size]
    fields = np.array([field for pair in pairs for field in flow.fields(pair, method=method)])
    coded = [codec.quantise(field) for field in fields]
    ranges = np.array([own for _, own in coded])
    contenders: dict[str, Contender] = {
        name: ([coding.encode(codes) for codes, _ in coded], windows.DECODERS[name])
        for name, coding in codec.CODINGS.items()
    }
    packed = [zlib.compress(codes.tobytes(), ZLIB_LEVEL) for codes, _ in coded]
    contenders["raw in zlib"] = packed, _unzip
    rates = _rates(contenders, ranges, seconds)
    rows = []
    for name, (data, _) in contenders.items():
        number, error = f"{statistics.mean(map(len, data)):,.0f}", "as raw"
        if name in codec.CODINGS:
            coding = codec.CODINGS[name]
            found = codec.restore(np.array([coding.decode(one, size) for one in data]), ranges)
            away = np.linalg.norm(found - fields, axis=-1)
            error = f"{away.mean():.4f} / {np.sqrt(np.square(found - fields).mean()):.4f}"
        ratio = statistics.median(a / b for a, b in zip(rates[name], rates["jpeg"]))
        rows.append([name, number, error, f"{statistics.median(rates[name]):.0f}", f"{ratio:.2f}"])
    header = ["", "bytes per field", "mean distance / RMS of u and v, px", "stacks/s", "of jpeg's"]
    return (
        f"{method}, {len(fields)} fields of {size[1]}x{size[0]}; stacks of {paper.STACK_LENGTH} "
        f"decoded, medians of {ROUNDS} rounds\n" + reports.markdown_table(header, rows)
    )


def _unzip(packed: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_raw(tf.io.decode_compressed(packed, "ZLIB"), tf.uint8)


def _rates(
    contenders: dict[str, Contender], ranges: np.ndarray, seconds: float
) -> dict[str, list[float]]:
    """Returns stacks per second of each contender in each round."""
    stacks = {name: _stacks(data, ranges, decode) for name, (data, decode) in contenders.items()}
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):  # In turn, so that other work on the machine slows all of them down.
        for name, decode in stacks.items():
            start, done = time.perf_counter(), 0
            while (passed := time.perf_counter() - start) < seconds / ROUNDS or not done:
                decode()
                done += 1
            rates[name].append(done / passed)
    return rates


def _stacks(
    data: list[bytes], ranges: np.ndarray, decode: Callable[[tf.Tensor], tf.Tensor]
) -> Callable[[], tf.Tensor]:
    """Returns what parses and decodes the next stack, on one thread."""
    mean = np.zeros(2, np.float32)
    # The records of all have the same names, since only what is in them is compared.
    serialized = [records.serialize_flow(one, own, mean) for one, own in zip(data, ranges)]
    stacks = tf.data.Dataset.from_tensor_slices(serialized).repeat().batch(paper.STACK_LENGTH)
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    decoded = stacks.map(lambda window: decode(records.parse_flow(window)["jpeg"]))
    return iter(decoded.with_options(options)).get_next
