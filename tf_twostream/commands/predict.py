r"""Labels videos with a trained two-stream model.

    twostream predict --spatial_run=runs/spatial --temporal_run=runs/temporal clip.avi
    twostream predict --temporal_run=runs/temporal --window_seconds=4 --output_dir=out long.mp4
    twostream predict --bundle=pair.zip clip.avi

A source is a file, a folder, a quoted pattern ('clips/*.mp4'), a .txt file with a name in each
line, numbered images (img_%05d.jpg), the number of a camera, or an address (rtsp://..., http://...).
With --window_seconds it is labelled over time, as its frames come; Ctrl-C keeps what is there.
"""

import dataclasses
import json
import os
import sys
from typing import Any, ClassVar

from tf_twostream import cli
from tf_twostream.paper import testing
from tf_twostream.precompute.resources import Resources
from tf_twostream.processes import printing


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunFlags(cli.Knobs):
    """The networks, by their run folders."""

    spatial_run: str = cli.knob(
        "", "Run folder of the spatial stream; may be left out.", group="network"
    )
    temporal_run: str = cli.knob(
        "", "Run folder of the temporal stream; may be left out.", group="network"
    )
    conv_fusion_run: str = cli.knob(
        "",
        "Run folder of train-conv-fusion, in the place of both streams.",
        group="network",
    )
    task: str = cli.knob(
        "",
        "Task, if --temporal_run is of train-multitask; empty for its first.",
        group="network",
    )
    score_fusion: str = cli.knob(
        "",
        "fusion.npz of fuse-scores, which says how to fuse the streams; by default their average.",
        group="network",
    )

    @property
    def has_runs(self) -> bool:
        """Whether a network is named."""
        return bool(self.spatial_run or self.temporal_run or self.conv_fusion_run)

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if self.task and not self.temporal_run:
            raise ValueError(f"--task is of a --temporal_run. Received: {self.task} without one.")
        if self.conv_fusion_run and (self.spatial_run or self.temporal_run):
            raise ValueError(
                "--conv_fusion_run stands in the place of both streams. Received: all of them."
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkFlags(RunFlags):
    """What to label videos with."""

    bundle: str = cli.knob(
        "", "File of export-model --bundle, in the place of all these.", group="network"
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if bool(self.bundle) == (self.has_runs or bool(self.score_fusion)):
            raise ValueError(
                "A prediction needs a --spatial_run, --temporal_run or both, or a "
                "--conv_fusion_run, or else a --bundle."
            )
        if self.bundle and not os.path.isfile(self.bundle):
            rule = "--bundle must be a file of export-model --bundle"
            raise ValueError(f"{rule}. Received: {self.bundle}, which is no file.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PredictionFlags(NetworkFlags):
    """How to say it."""

    group: ClassVar[str] = "output"

    top: int = cli.knob(5, "Classes to print per video.", at_least=1)
    json: bool = cli.knob(False, "Print JSON instead of text.")
    output_dir: str = cli.knob(
        "", "Folder to draw each video into, as .mp4 (H.264), with its flow and label."
    )
    explain: bool = cli.knob(
        False,
        "Draw into --output_dir, too, where each stream finds what speaks for the label: "
        "activation maps (LayerCAM), in the labelled video and, of a whole video, in "
        "NAME_explained.png.",
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if self.explain and not self.output_dir:
            raise ValueError("--explain draws into --output_dir. Received: none.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class WindowFlags(cli.Knobs):
    """The knobs that label a video over time."""

    group: ClassVar[str] = "output"

    window_seconds: float = cli.knob(
        0.0,
        "Label each window of so many seconds; --output_dir then gets segments.csv and, of each "
        "source, .json and a picture. 0 for one label of a whole video; a camera needs it.",
        at_least=0,
    )
    step_seconds: float = cli.knob(
        0.0, "Seconds from a window to the next one; 0 for --window_seconds.", at_least=0
    )
    smooth_windows: int = cli.knob(
        1, "Average the scores of so many neighbouring windows first; odd.", at_least=1
    )
    draw: bool = cli.knob(
        False,
        "Draw each source with its label over time, too: NAME.mp4 in --output_dir, with its flow; "
        "so does --explain, with activation maps.",
    )
    unknown_below: float = cli.knob(
        0.0, "Call a window unknown if no class has this score.", at_least=0, below=1
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if self.smooth_windows % 2 == 0:
            rule = "--smooth_windows must be odd"
            raise ValueError(f"{rule}. Received: {self.smooth_windows}.")


def _as_json(item: Any, top: int) -> dict[str, Any]:
    # The classes of both streams are those of the fused scores, so that rows can be compared.
    best = [name for name, _ in item.best(top)]

    def pick(scores: Any) -> dict[str, float]:
        known = dict(zip(item.class_names, scores.tolist()))
        return {name: round(known[name], 6) for name in best}

    streams = {stream: pick(scores) for stream, scores in item.streams.items()}
    return {"video": item.video, "scores": pick(item.scores), **streams}


def load(given: NetworkFlags, protocol: testing.Testing, resources: Resources) -> Any:
    """Loads the networks."""
    from tf_twostream.evaluation import two_stream

    named = {field.name: getattr(given, field.name) for field in dataclasses.fields(NetworkFlags)}
    return two_stream.load(**named, protocol=protocol, resources=resources)


def _label_over_time(
    model: Any, found: list[Any], given: PredictionFlags, over: WindowFlags
) -> int:
    """Labels sources window by window, and says each window as it is known."""
    from tf_twostream.evaluation import segment_files, segment_video, sources

    merging = segment_files.Merging(smooth=over.smooth_windows, unknown_below=over.unknown_below)
    written = segment_files.SegmentFiles(given.output_dir, model.class_names, merging)
    failed = set()
    with segment_video.Drawer(model, explain=given.explain) as drawer:
        labeller = model.labeller(
            over.window_seconds, over.step_seconds, drawer.scores if over.draw else None
        )
        for source in found:
            if not given.json:
                print(printing.escape(source.name), flush=True)
            windows: list[Any] = []
            fused: list[Any] = []
            try:
                for window in labeller.windows(source):
                    windows.append(window)
                    [scores] = model.fuse({s: own[None] for s, own in window.scores.items()})
                    fused.append(scores)
                    _print_window(source.name, window, scores, model.class_names, given)
                    if given.output_dir:
                        written.update(source.name, windows, fused)
            except sources.SourceError as error:
                print(printing.escape(f"error: {source.name}: {error}"), file=sys.stderr)
                failed.add(source.name)
            finally:  # Also after Ctrl-C, which is how a camera ends.
                if given.output_dir and windows:
                    segments, stem = written.finish(source.name, windows, fused)
            if over.draw and windows:
                path = f"{given.output_dir}/{stem}.mp4"
                try:
                    drawer.write(path, source, windows, fused, segments)
                    print(f"video: {path}", file=sys.stderr)
                except (sources.SourceError, OSError) as error:
                    words = f"error: {source.name}: no labelled video: {error}"
                    print(printing.escape(words), file=sys.stderr)
                    failed.add(source.name)
    if given.output_dir and len(failed) < len(found):
        print(f"segments: {given.output_dir}/segments.csv", file=sys.stderr)
    return 1 if failed else 0


def _check_drawing(found: list[Any], given: PredictionFlags, over: WindowFlags) -> None:
    if over.draw and not given.output_dir:
        raise ValueError("--draw draws into --output_dir. Received: none.")
    if over.draw and (live := [source.name for source in found if source.kind == "live"]):
        rule = (
            "--draw and --explain must be left out for cameras and streams, which do not come twice"
        )
        raise ValueError(f"{rule}. Received: {live[0]}.")


def _print_window(
    video: str, window: Any, scores: Any, class_names: Any, given: PredictionFlags
) -> None:
    best = scores.argsort()[::-1][: given.top]
    if given.json:
        named = {class_names[k]: round(float(scores[k]), 6) for k in best}
        times = {"start": round(window.start, 3), "end": round(window.end, 3)}
        print(json.dumps({"video": video, **times, "scores": named}), flush=True)
        return
    words = ", ".join(f"{class_names[k]} {scores[k]:.2f}" for k in best)
    lost = f"   ({printing.count(window.dropped, 'frame')} dropped)" if window.dropped else ""
    print(f"  {window.start:8.2f} - {window.end:8.2f} s  {words}{lost}", flush=True)


def _label_whole(model: Any, found: list[Any], given: PredictionFlags) -> int:
    """Labels video files, and says what each shows."""
    from tf_twostream.evaluation import labelling

    predictions, failed = labelling.label(
        [source.path for source in found],
        model,
        output_dir=given.output_dir,
        explain=given.explain,
    )
    if given.json:
        print(json.dumps([_as_json(item, given.top) for item in predictions], indent=2))
    else:
        for item in predictions:
            print(printing.escape(item.video))
            for name, score in item.best(given.top):
                print(f"  {item.describe(score)}  {name}")
    # One bad video of many does not keep the others from being labelled, but it is no success.
    for video, reason in failed.items():
        print(printing.escape(f"error: {video}: {reason}"), file=sys.stderr)
    for item in predictions:
        if item.drawn and item.video not in failed:
            # To stderr, as all that is no result: stdout may go into another program.
            print(f"video: {item.drawn}", file=sys.stderr)
            if item.explained:
                print(f"picture: {item.explained}", file=sys.stderr)
    return 1 if failed else 0


def main(
    sources: list[str],
    given: PredictionFlags,
    over: WindowFlags,
    resources: Resources,
    protocol: testing.Testing,
) -> int:
    """Predicts with the parsed flags; 1 if a video could not be read."""
    from tf_twostream.evaluation import sources as kinds
    from tf_twostream.processes import files

    found, missing = kinds.sift(kinds.expand(sources))
    for source in missing:
        print(printing.escape(f"error: {source.name}: There is no such file."), file=sys.stderr)
    if not found:
        return 1
    if given.output_dir:
        files.check_folder(given.output_dir, "output_dir")
    if over.window_seconds:
        over = dataclasses.replace(over, draw=over.draw or given.explain)
        _check_drawing(found, given, over)
        code = _label_over_time(load(given, protocol, resources), found, given, over)
    elif whole := [source.name for source in found if source.kind != "file"]:
        rule = "--window_seconds must be given for cameras, streams and images"
        raise ValueError(f"{rule}. Received: {whole[0]} without it.")
    else:
        code = _label_whole(load(given, protocol, resources), found, given)
    return 1 if missing else code
