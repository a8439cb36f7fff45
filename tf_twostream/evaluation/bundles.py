"""Trained networks in one file, for other people: a zip of their run folders.

Of each run it holds the weights and the JSON files, without what only training needs, and of a pair
how its scores are fused. Whoever unpacks it has run folders; `unpacked` does it for a while.
"""

import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from tf_twostream import models, runs
from tf_twostream.evaluation import pairs
from tf_twostream.processes import files
from tf_twostream.scores import fusion

_DAMAGE = (zipfile.BadZipFile, EOFError, RuntimeError, ValueError, struct.error)
FUSION = "fusion.npz"
STREAMS = ("spatial", "temporal", "slow_fusion", "conv_fusion")
# All that may be in a bundle: no name leads out of the folder, and no file holds code.
_FILE = (
    r"(run|split|sources)\.json|checkpoints/(checkpoint|ckpt-[0-9]+\.(index|data-00000-of-00001))"
)
_MEMBER = re.compile(rf"({'|'.join(STREAMS)})/({_FILE})|{re.escape(FUSION)}")


class BundleError(ValueError):
    """A file is no bundle."""


def write(
    path: str | os.PathLike[str],
    streams: Sequence[runs.Run],
    *,
    score_fusion: fusion.Fusion | None = None,
) -> None:
    """Writes runs as one file.

    Args:
        path: The file; an old one is replaced.
        streams: A run of one stream, a spatial and a temporal one of the same classes in this
            order, or one of joined towers. Of a run of several tasks the chosen one is kept.
        score_fusion: How to fuse the streams; None for their average.

    Raises:
        PairError: If the runs do not belong together.
        FusionError: If the fusion is of other streams or classes.
        NoCheckpointError: If a run has no weights yet.
        OSError: If the file cannot be written.
    """
    if len(streams) == 2:
        pairs.check_pair(*streams)
    own = pairs.check_fusion(score_fusion, streams)
    files.check_output(path, "bundle")
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(path))) as folder:
        for run in streams:
            _copy(run, pathlib.Path(folder, run.recipe.stream))
        if score_fusion:
            fusion.save(os.path.join(folder, FUSION), own)
        partial = f"{os.fspath(path)}{files.PARTIAL}"
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
            for member in sorted(pathlib.Path(folder).rglob("*")):
                if member.is_file():
                    archive.write(member, member.relative_to(folder).as_posix())
    files.rename(partial, os.fspath(path))


def _copy(run: runs.Run, folder: pathlib.Path) -> None:
    """Writes the network of a run's task as a run of this task alone."""
    task = dataclasses.replace(run.task, name="")
    alone = runs.Run(folder, run.recipe, (task,))
    model, iteration = runs.load_model(run)
    with models.without_drawing():
        twin = runs.build_model(alone)  # With the name that the layer of an only task has.
    twin.set_weights(model.get_weights())
    runs.create(alone)
    runs.save(alone, twin, iteration)


@contextlib.contextmanager
def unpacked(path: str | os.PathLike[str]) -> Iterator[dict[str, str]]:
    """Unpacks a bundle into a folder that is there until the context ends.

    Nothing in a bundle is trusted: it holds no code and no pickle, only files of known names are
    written, uncompressed, and together never more bytes than the bundle itself has.

    Args:
        path: The file.

    Yields:
        The run folders by the parameters of `two_stream.load_runs` and, under `FUSION`, the file
        that says how the streams are fused, if there is one.

    Raises:
        BundleError: If it is no bundle.
        OSError: If it cannot be read.
    """
    with open(path, "rb") as file, tempfile.TemporaryDirectory(prefix="twostream_") as folder:
        try:
            _unpack(file, folder)
        except BundleError as error:
            raise BundleError(f"{error} Received: {path}.") from None
        # What `zipfile` raises of damaged files; a full disk, too, says what it is.
        except (*_DAMAGE, OSError) as error:
            raise BundleError(
                f"A bundle must be a whole zip. Received: {path} ({error})."
            ) from error
        # A network of frames, or of stacks of frames, is that of the spatial stream.
        parameter = {"conv_fusion": "conv_fusion_run", "temporal": "temporal_run", FUSION: FUSION}
        yield {
            parameter.get(name, "spatial_run"): os.path.join(folder, name)
            for name in sorted(os.listdir(folder))
        }


def _unpack(file: BinaryIO, folder: str) -> None:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        names = [member.filename for member in members]
        if not names or len(set(names)) < len(names) or not all(map(_MEMBER.fullmatch, names)):
            raise BundleError("A bundle must hold run folders, each file once, and nothing else.")
        stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
        size = file.seek(0, os.SEEK_END)
        if not stored or sum(member.file_size for member in members) > size:
            raise BundleError("A bundle must be uncompressed, and no smaller than what it holds.")
        for member in members:
            target = pathlib.Path(folder, member.filename)
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as content, open(target, "xb") as copied:
                shutil.copyfileobj(content, copied, 1 << 20)
