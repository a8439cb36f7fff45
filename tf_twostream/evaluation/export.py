"""Writes trained networks in the forms in which other programs run them.

`savedmodel` scores a whole video: views, averages and fusion are in its graph. `litert` and `onnx`
are the networks alone, a file for each stream: from crops to scores.
"""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import keras

from tf_twostream import runs
from tf_twostream.evaluation import network_files, onnx_files, pairs, saved_model
from tf_twostream.processes import files
from tf_twostream.scores import fusion

# The suffix of a file for one network, and what writes it.
NETWORK_FILES: dict[str, tuple[str, Callable[[keras.Model, str], None]]] = {
    "litert": ("tflite", network_files.write_litert),
    "onnx": ("onnx", onnx_files.write),
}
FORMATS = ("savedmodel", *NETWORK_FILES)


def export(
    streams: Sequence[runs.Run],
    output_dir: str,
    *,
    formats: Sequence[str] = ("savedmodel",),
    frames_in: bool = False,
    score_fusion: fusion.Fusion | None = None,
) -> None:
    """Writes trained networks; `docs/formats.md` describes the inputs and outputs of each form.

    Args:
        streams: A run of one stream, a spatial and a temporal one of the same classes in this
            order, or one of joined towers.
        output_dir: The folder, which must not exist yet. It gets the SavedModel itself,
            `STREAM.tflite`, `STREAM.onnx`, and `model.json`, which says what the networks take.
        formats: Some of `FORMATS`.
        frames_in: Whether the only input of the SavedModel is the frames of a video.
        score_fusion: How to fuse the streams; None for their average. Fused scores of an SVM are
            decision values.

    Raises:
        PairError: If the runs do not belong together.
        FusionError: If the fusion is of other streams or classes.
        SolverError: If `frames_in` is not possible.
        UnsupportedLayerError: If a network cannot be written as ONNX.
        NoOnnxError: If the package that writes ONNX is not installed.
        NoCheckpointError: If a run has no weights yet.
        FileExistsError: If `output_dir` exists.
    """
    others = set(formats) - set(FORMATS)
    if others or (frames_in and "savedmodel" not in formats):
        rule = f"`formats` must be among {', '.join(FORMATS)}, with `frames_in` savedmodel, too"
        raise ValueError(f"{rule}. Received: {', '.join(formats)}.")
    if len(streams) == 2:
        pairs.check_pair(*streams)
    own = pairs.check_fusion(score_fusion, streams)
    files.check_new_folder(output_dir, "output_dir")
    if frames_in:
        saved_model.check_frames_in(streams)
    # Under its own name last: an export that is killed never looks like a whole one.
    partial = pathlib.Path(f"{pathlib.Path(output_dir)}{files.PARTIAL}")
    files.remove_folder(partial)
    if "savedmodel" in formats:
        models = [runs.load_model(run)[0] for run in streams]
        saved_model.write(streams, models, own, partial, frames_in=frames_in)
    writers = [NETWORK_FILES[name] for name in formats if name in NETWORK_FILES]
    for run in streams if writers else ():
        network = network_files.network(run)
        for suffix, write in writers:
            write(network, str(partial / f"{run.recipe.stream}.{suffix}"))
    files.write_json(partial / "model.json", _describe(streams, own), indent=2)
    partial.rename(output_dir)


def _describe(streams: Sequence[runs.Run], own: fusion.Fusion) -> dict[str, Any]:
    """Says what the networks take, and how their scores are fused."""
    fused = {name: getattr(own, name).tolist() for name in ("temperatures", "weights")}
    if own.is_svm:
        fused = {name: getattr(own, name).tolist() for name in ("coefficients", "intercepts")}
    return {
        "class_names": own.class_names,
        "multi_label": streams[0].split.multi_label,
        "streams": {run.recipe.stream: network_files.describe(run) for run in streams},
        "fusion": {"streams": own.streams, **fused},
    }
