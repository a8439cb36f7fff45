"""Measures how fast the parts of the project are on this machine.

    twostream benchmark inputs --store=stores/ucf101
    twostream benchmark training --store=stores/ucf101 --stream=temporal --batch_size=256
    twostream benchmark flow --pairs=middlebury --pictures=pictures
    twostream benchmark codings --pairs=ucf_pairs --methods=brox,dis
    twostream benchmark volumes --batch_size=8
    twostream benchmark evaluate --store=stores/ucf101 --stream=temporal
    twostream benchmark labels --width=0.25 --crop_size=112
    twostream benchmark start --spatial_run=runs/spatial
    twostream benchmark store --num_videos=240000
    twostream benchmark gpu --store=stores/ucf101 --pairs=middlebury --output_dir=gpu

`inputs` compares the real input graphs with the limit of the machine: bare loops that decode the
same JPEG images from memory on the same cores, once with OpenCV and once with TensorFlow's decoder;
and with a loader of single image files as other projects have it, in as many processes, PyTorch's
where it can be imported. `evaluate` says what ten views and whole frames cost, and how many
core-hours the test of UCF-101 takes by this. `training` times whole iterations, at one setting per
call so that peak memory is that setting's own. `flow` compares flow methods on pairs of frames:
their errors, and their times on one thread, on all and, for those in TensorFlow, on a GPU if there
is one. `codings` compares the codings of their fields: bytes, errors, and decoding in a graph.
`volumes` times what each input configuration (Sect. 3.1) costs on the device, on made-up fields of
341x256.

`labels` times predict: from its start to the first label, for each further clip, and live. It draws
its clips; its networks are --spatial_run and --temporal_run, or such as have not learnt.

`start` tells how long a process takes to import, to load a run, to its first training step and to
its first label, with networks as for `labels`.

`store` makes up the index of a store of so many videos, and times the steps from opening it to the
first batch.

`gpu` tells all that a GPU can do, in minutes: whether it computes what the CPU does, how fast
steps, input and flow are, and a real training of the clips in the store. Results are in
OUTPUT_DIR/gpu.md and gpu.json as they come. The CPU's values may be computed before, without a GPU:
`benchmark gpu --pairs=middlebury --reference=cpu.npz` writes them if there is no such file.
"""

import dataclasses
import json
from typing import Any, ClassVar, Literal

from tf_twostream import cli, flow
from tf_twostream.benchmarks import results
from tf_twostream.paper import recipes

# What can be measured, and the flags that say on what; volumes are made up.
NEEDED: dict[str, tuple[str, ...]] = {
    "inputs": ("store",),
    "training": ("store",),
    "evaluate": ("store",),
    "flow": ("pairs",),
    "codings": ("pairs",),
    "volumes": (),
    "labels": (),
    "start": (),
    "store": (),
    "gpu": ("pairs", "store", "output_dir"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchmarkFlags(cli.Knobs):
    """What to measure on, and which setting."""

    group: ClassVar[str] = "data"

    store: str = cli.knob(
        "", "inputs, training, evaluate, gpu: store made by twostream precompute-flow.", remote=True
    )
    seconds: float = cli.knob(
        20.0, "Seconds to measure each of the things compared.", group="machine"
    )
    stream: Literal["spatial", "temporal"] = cli.knob(
        "temporal", "training, evaluate: stream.", group="network"
    )
    batch_size: int = cli.knob(64, "Samples per batch.", group="network")
    chunk_size: int = cli.knob(0, "Samples a device holds at once; 0: all.", group="machine")
    stack_length: int = cli.knob_of(recipes.TemporalRecipe, "stack_length")
    crop_size: int = cli.knob_of(recipes.TowerRecipe, "crop_size")
    width: float = cli.knob_of(recipes.TowerRecipe, "width")
    precision: Literal["float32", "bfloat16"] = cli.knob_of(recipes.Recipe, "precision")
    jit_compile: bool = cli.knob(False, "Compile the network with XLA.", group="machine")
    spatial_run: str = cli.knob(
        "", "labels, start: run folder of the spatial stream.", group="network"
    )
    temporal_run: str = cli.knob(
        "", "labels, start: run folder of the temporal stream.", group="network"
    )
    num_videos: int = cli.knob(240_000, "store: how many to make up.", at_least=1)
    pairs: str = cli.knob(
        "",
        "flow, codings, gpu: folder of SCENE/frame10.png, frame11.png and, if known, flow10.flo.",
    )
    methods: tuple[str, ...] = cli.knob(tuple(flow.METHODS), "flow, codings: methods to compare.")
    pictures: str = cli.knob(
        "",
        "flow: folder for SCENE/METHOD.png, the field beside the known one, and METHOD.flo.",
        group="output",
    )

    json: bool = cli.knob(False, "Print the tables as JSON.", group="output")
    output_dir: str = cli.knob("", "gpu: folder for results, profiles and runs.", group="output")
    total_seconds: float = cli.knob(
        300.0, "gpu: about how long all parts may take together.", group="machine", above=0
    )
    reference: str = cli.knob(
        "", "gpu: file of what a CPU computes at the paper's size; see above.", group="machine"
    )

    def recipe(self, stream: str) -> Any:
        """Returns the recipe of a network of this setting."""
        recipe = recipes.RECIPES[stream]
        # A spatial network has no `stack_length`, so that only what the recipe has is given to it.
        shared = {field.name for field in dataclasses.fields(recipe)} & vars(self).keys()
        return recipe(**{name: getattr(self, name) for name in shared})


def _measure(name: str, given: BenchmarkFlags) -> str:
    # Here and not above, so that --help does not wait for TensorFlow.
    from tf_twostream import store
    from tf_twostream.benchmarks import (
        codings,
        decoding,
        flow_comparison,
        iterations,
        labels,
        start,
        testing_views,
        volumes,
    )

    seconds = given.seconds
    if name == "gpu":
        return _measure_gpu(given)
    if name in ("labels", "start"):
        paths = [path for path in (given.spatial_run, given.temporal_run) if path]
        untrained = [given.recipe(stream) for stream in ("spatial", "temporal")]
        if name == "start":
            return start.measure(paths, untrained)
        return labels.measure(paths, untrained, seconds=seconds)
    if name == "store":
        from tf_twostream.benchmarks import many_videos

        return many_videos.measure(given.recipe("temporal"), given.num_videos)
    if name == "volumes":
        return volumes.measure(given.recipe("temporal"), seconds)
    if name == "flow":
        return flow_comparison.measure(
            given.pairs, given.methods, seconds=seconds, output_dir=given.pictures
        )
    if name == "codings":
        return "\n".join(
            codings.measure(given.pairs, method, seconds=seconds) for method in given.methods
        )
    reader = store.Reader(given.store)
    if name == "inputs":
        return decoding.measure(reader, given.recipe("temporal"), seconds)
    if name == "evaluate":
        return testing_views.measure(reader, given.recipe(given.stream), seconds)
    return iterations.measure(
        reader,
        given.recipe(given.stream),
        chunk_size=given.chunk_size,
        jit_compile=given.jit_compile,
        seconds=seconds,
    )


def _only_writes_reference(name: str, given: BenchmarkFlags, flag: str) -> bool:
    """Says whether a flag may be left out, because only the CPU's values are to be computed."""
    return name == "gpu" and bool(given.reference) and flag != "pairs"


def _measure_gpu(given: BenchmarkFlags) -> str:
    from tf_twostream.benchmarks.gpu import parts, setting

    size, where = setting.FULL, (given.store, given.pairs, given.output_dir, given.reference)
    own = setting.Setting(*where, size=size)
    if given.output_dir and given.store:
        return parts.measure(own, total_seconds=given.total_seconds)
    parts.write_reference(own)
    return f"{given.reference}: what a CPU computes. Carry it along: --reference."


def main(measurements: list[str], given: BenchmarkFlags) -> None:
    """Measures what is named."""
    # All of them are checked first, for each takes a while.
    for name in measurements:
        if name not in NEEDED:
            raise ValueError(f"Measure one of {', '.join(NEEDED)}. Received: {name!r}.")
        for flag in NEEDED[name]:
            if not getattr(given, flag) and not _only_writes_reference(name, given, flag):
                raise ValueError(f"`{name}` measures on --{flag}. Received: none.")
    for name in measurements:
        text = _measure(name, given)
        if given.json:
            print(json.dumps({"benchmark": name, "tables": results.from_text(text)}))
        else:
            print(text)
