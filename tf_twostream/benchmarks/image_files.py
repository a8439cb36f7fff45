"""A loader in the style of public two-stream projects, to compare the input graph with.

A stack is 2L grey JPEG files of a folder, read one by one with OpenCV, cut and mirrored alike, and
turned into floats by NumPy; processes make whole batches. They are those of PyTorch's `DataLoader`,
or where PyTorch is missing, of a pool.

It runs as a program of its own: TensorFlow shares a process badly with PyTorch and with forks.

    python -m tf_twostream.benchmarks.image_files FOLDER LENGTH CROP BATCH_SIZE PROCESSES SECONDS
"""

import importlib
import importlib.util
import itertools
import multiprocessing
import pathlib
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import cv2
import numpy as np

WARM_UP = 2  # Batches.


def write(folder: pathlib.Path, stacks: Iterable[Sequence[np.ndarray]], quality: int) -> None:
    """Writes the codes of stacks, as such projects keep them.

    Args:
        folder: Gets STACK_FIELD_x.jpg and STACK_FIELD_y.jpg.
        stacks: Stacks of codes `[2H, W]` uint8, u above v.
        quality: Of the JPEG images.
    """
    for number, stack in enumerate(stacks):
        for field, codes in enumerate(stack):
            for axis, part in zip("xy", np.split(codes, 2)):
                path = folder / f"{number:05d}_{field:02d}_{axis}.jpg"
                cv2.imwrite(str(path), part, [cv2.IMWRITE_JPEG_QUALITY, quality])


class Volumes:
    """The volumes of the stacks in a folder, over and over, for `DataLoader`."""

    def __init__(self, folder: str, length: int, crop: int):
        """Lists the files."""
        names = sorted(map(str, pathlib.Path(folder).glob("*_x.jpg")))
        self._stacks = [names[n : n + length] for n in range(0, len(names), length)]
        self._crop = crop

    def __len__(self) -> int:
        """Counts more volumes than are ever read."""
        return 1 << 40

    def __getitem__(self, number: int) -> np.ndarray:
        """Reads a volume `[2L, crop, crop]` float32."""
        rng = np.random.default_rng(number)
        planes: list[Any] = []
        for x in self._stacks[number % len(self._stacks)]:
            for path in (x, x.replace("_x.", "_y.")):
                planes.append(cv2.imread(path, cv2.IMREAD_GRAYSCALE))
        stack = np.stack(planes)
        top, left = rng.integers(0, [side - self._crop + 1 for side in stack.shape[1:]])
        cut = stack[:, top : top + self._crop, left : left + self._crop]
        if rng.random() < 0.5:
            cut = cut[:, :, ::-1].copy()
            cut[::2] = 255 - cut[::2]
        return (cut.astype(np.float32) - 127.5) / 127.5

    def batch(self, numbers: Sequence[int]) -> np.ndarray:
        """Reads volumes `[B, 2L, crop, crop]`."""
        return np.stack([self[number] for number in numbers])


def _batches(volumes: Volumes, batch_size: int, processes: int) -> Iterator[Any]:
    """Yields batches without end."""
    cv2.setNumThreads(1)
    if importlib.util.find_spec("torch") is not None:
        data: Any = importlib.import_module("torch.utils.data")
        options = {"batch_size": batch_size, "num_workers": processes}
        yield from data.DataLoader(volumes, **options)
        return
    numbers = (range(n, n + batch_size) for n in itertools.count(0, batch_size))
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        # `imap` would read all numbers ahead, without end.
        waiting = [pool.apply_async(volumes.batch, [next(numbers)]) for _ in range(2 * processes)]
        while True:
            yield waiting.pop(0).get()
            waiting.append(pool.apply_async(volumes.batch, [next(numbers)]))


def main(arguments: Sequence[str]) -> None:
    """Prints volumes per second, and whose processes they were."""
    folder, *numbers, seconds = arguments
    length, crop, batch_size, processes = map(int, numbers)
    batches = _batches(Volumes(folder, length, crop), batch_size, processes)
    for _ in range(WARM_UP):
        next(batches)
    start, done = time.perf_counter(), 0
    while not done or time.perf_counter() - start < float(seconds):
        next(batches)
        done += batch_size
    name = "PyTorch" if "torch" in sys.modules else "NumPy"
    print(done / (time.perf_counter() - start), name)


if __name__ == "__main__":
    main(sys.argv[1:])
