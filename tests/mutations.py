"""Damage to files, drawn by seeds: what disks, networks and editors do to them."""

import json
import os

import numpy as np

# How many of each kind of file are tried; the default is for each run of the tests.
COUNT = int(os.environ.get("TWOSTREAM_FUZZ", "40"))
_VALUES = (
    None,
    True,
    -1,
    0,
    3,
    10**30,
    0.5,
    float("nan"),
    "",
    "x",
    "../x",
    [],
    ["x"],
    {},
    {"x": 1},
)


def damaged(data: bytes, seed: int) -> bytes:
    """Flips bits, cuts, inserts, repeats or zeroes a few bytes, at places that a seed draws."""
    rng = np.random.default_rng(seed)
    changed = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(0, len(changed) + 1))
        size = int(rng.integers(1, 9))
        match rng.integers(0, 6):
            case 0 if at < len(changed):
                changed[at] ^= 1 << int(rng.integers(0, 8))
            case 1:
                del changed[at:]
            case 2:
                changed[at:at] = rng.bytes(size)
            case 3:
                del changed[at : at + size]
            case 4:
                changed[at:at] = changed[at : at + 20 * size]
            case _:
                changed[at : at + size] = bytes(size)
    return bytes(changed)


def swapped(text: str, seed: int) -> str:
    """Replaces, removes or adds a value anywhere in JSON, as another version might."""
    rng = np.random.default_rng(seed)
    content = json.loads(text)
    places = list(_places(content))
    for _ in range(rng.integers(1, 3)):
        parent, key = places[rng.integers(0, len(places))]
        value = _VALUES[rng.integers(0, len(_VALUES))]
        action = rng.integers(0, 5)
        if action == 0 and isinstance(parent, dict):
            parent.pop(key, None)
        elif action == 1 and isinstance(parent, dict):
            parent[f"{key}_of_a_later_version"] = value
        elif isinstance(parent, dict) or key < len(parent):
            parent[key] = value
    return json.dumps(content)


def _places(content):
    """Yields (parent, key) of each value in JSON."""
    items = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in list(items):
        yield content, key
        if isinstance(value, (dict, list)):
            yield from _places(value)


def surprises(path, mutate, read, *, count=COUNT, names_file=True):
    """Reads a file in many damaged states; lists what a command would not turn into one line.

    Args:
        path: The file, which is there whole; at the end, too.
        mutate: Makes of its bytes and a seed others.
        read: Reads it.
        count: How many states to try.
        names_file: Whether each error must name the file, or its folder.

    Returns:
        "seed: error" for each error of another kind than `ValueError` and `OSError` (or an error
        of TensorFlow's ops), of several lines, or without the name.
    """
    from tensorflow import errors

    whole, found = path.read_bytes(), []
    try:
        for seed in range(count):
            path.write_bytes(mutate(whole, seed))
            try:
                read()
            except (ValueError, OSError, errors.OpError) as error:
                words = str(getattr(error, "message", error))
                named = not names_file or path.name in words or path.parent.name in words
                if "\n" in words or not named:
                    found.append(f"{seed}: {type(error).__name__}: {words}")
            except Exception as error:
                found.append(f"{seed}: {type(error).__name__}: {error}")
    finally:
        path.write_bytes(whole)
    return found
