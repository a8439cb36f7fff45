"""Measures how fast the parts of the project are on this machine.

    twostream benchmark inputs --store=stores/ucf101
    twostream benchmark training --store=stores/ucf101 --stream=temporal --batch_size=256
    twostream benchmark flow --pairs=middlebury --pictures=pictures
    twostream benchmark volumes --batch_size=8

`inputs` compares the real input graph of the temporal stream with the limit of the machine: bare
loops that decode the same JPEG images from memory on the same cores, once with OpenCV and once with
TensorFlow's decoder. `training` times whole iterations, at one setting per call so that peak memory
is that setting's own. `flow` compares flow methods on pairs of frames: their errors, and their
times on one thread, on all and, for those in TensorFlow, on a GPU if there is one. `volumes` times
what each input configuration (Sect. 3.1) costs on the device, on made-up fields of 341x256.
"""

import dataclasses
from typing import Any, ClassVar, Literal

from tf_twostream import cli, flow
from tf_twostream.paper import recipes

# What can be measured, and the flag that says on what; volumes are made up.
NEEDED = {"inputs": "store", "training": "store", "flow": "pairs", "volumes": ""}


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchmarkFlags(cli.Knobs):
    """What to measure on, and which setting."""

    group: ClassVar[str] = "data"

    store: str = cli.knob("", "inputs, training: store written by twostream precompute-flow.")
    seconds: float = cli.knob(
        20.0, "Seconds to measure each of the things compared.", group="machine"
    )
    stream: Literal["spatial", "temporal"] = cli.knob(
        "temporal", "training: stream to train.", group="network"
    )
    batch_size: int = cli.knob(64, "Samples per batch.", group="network")
    chunk_size: int = cli.knob(0, "Samples a device holds at once; 0: all.", group="machine")
    stack_length: int = cli.knob_of(recipes.TemporalRecipe, "stack_length")
    crop_size: int = cli.knob_of(recipes.Recipe, "crop_size")
    width: float = cli.knob_of(recipes.Recipe, "width")
    precision: Literal["float32", "bfloat16"] = cli.knob_of(recipes.Recipe, "precision")
    jit_compile: bool = cli.knob(False, "Compile the network with XLA.", group="machine")
    pairs: str = cli.knob(
        "", "flow: folder of SCENE/frame10.png, frame11.png and, if known, flow10.flo."
    )
    methods: tuple[str, ...] = cli.knob(tuple(flow.METHODS), "flow: methods to compare.")
    pictures: str = cli.knob(
        "",
        "flow: folder for SCENE/METHOD.png, the field beside the known one, and METHOD.flo.",
        group="output",
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
    from tf_twostream.benchmarks import decoding, flow_comparison, iterations, volumes

    seconds = given.seconds
    if name == "volumes":
        return volumes.measure(given.recipe("temporal"), seconds)
    if name == "flow":
        return flow_comparison.measure(
            given.pairs, given.methods, seconds=seconds, output_dir=given.pictures
        )
    reader = store.Reader(given.store)
    if name == "inputs":
        return decoding.measure(reader, given.recipe("temporal"), seconds)
    return iterations.measure(
        reader,
        given.recipe(given.stream),
        chunk_size=given.chunk_size,
        jit_compile=given.jit_compile,
        seconds=seconds,
    )


def main(measurements: list[str], given: BenchmarkFlags) -> None:
    """Measures what is named."""
    # All of them are checked first, for each takes a while.
    for name in measurements:
        if name not in NEEDED:
            raise ValueError(f"Measure one of {', '.join(NEEDED)}. Received: {name!r}.")
        if NEEDED[name] and not getattr(given, NEEDED[name]):
            raise ValueError(f"`{name}` measures on --{NEEDED[name]}. Received: none.")
    for name in measurements:
        print(_measure(name, given))
