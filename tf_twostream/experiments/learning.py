"""From a folder of videos to the commands that learn from them, down to the report.

The steps are those of the README, one command each: flow, both streams, scores, fusion, export,
report. `running` carries them out, as it does those of the tables.
"""

import dataclasses
import pathlib
from typing import Any, ClassVar, Literal

from tf_twostream import cli, datasets
from tf_twostream.datasets import validation
from tf_twostream.experiments import chains, command_lines, presets

STREAMS = ("spatial", "temporal")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Learning(cli.Knobs):
    """The knobs that turn a folder of videos into commands."""

    group: ClassVar[str] = "training"

    output_dir: str = cli.knob(
        cli.REQUIRED,
        "Folder for store/, runs/, scores/, fused/, exported/, pair.zip and report.html.",
        group="output",
    )
    preset: Literal["quick", "small", "paper"] = cli.knob(
        "small",
        "The recipe. "
        + "; ".join(f"{name}: {preset.purpose}" for name, preset in presets.PRESETS.items())
        + ".",
    )
    store: str = cli.knob(
        "",
        "Store of frames and flow; by default OUTPUT_DIR/store. Name that of another output folder "
        "to compute no flow again.",
        group="output",
    )
    flow_flags: str = cli.knob(
        "", "More flags for precompute-flow, as in --flow_flags='--num_workers=4'.", group="machine"
    )
    train_flags: str = cli.knob(
        "", "More flags for both trainings, as in --train_flags='--nomirroring --seed=1'."
    )
    test_flags: str = cli.knob(
        "", "More flags for every evaluation, as in --test_flags='--test=ten_views'."
    )

    def __post_init__(self) -> None:
        """Checks that the flags of single steps are flags, and none that the steps share."""
        super().__post_init__()
        for name in ("flow_flags", "train_flags", "test_flags"):
            given = command_lines.parse_flags(getattr(self, name))
            if taken := sorted(_TAKEN & set(given)):
                rule = f"`{name}` must leave `{taken[0]}` to the steps"
                raise ValueError(f"{rule}. Received: {getattr(self, name)}.")

    @property
    def recipe(self) -> presets.Preset:
        """The preset."""
        return presets.PRESETS[self.preset]

    @property
    def store_dir(self) -> str:
        """The folder of the store."""
        return self.store or str(pathlib.Path(self.output_dir, "store"))


# What the steps hand to each other, or read from the videos alone.
_TAKEN = {"store", "run_dir", "scores", "output_dir", "part", "dataset", "videos_dir"}
_TAKEN |= {"annotations", "validation_share", "checkpoint"}


def source_flags(source: datasets.Source) -> dict[str, Any]:
    """Returns the flags that name a data set: those that are not as by default."""
    flags: dict[str, Any] = {}
    for field in dataclasses.fields(datasets.Source):
        value = getattr(source, field.name)
        if value != field.default:
            flags[field.name] = ",".join(value) if isinstance(value, tuple) else value
    return flags


def with_validation(split: datasets.Split, preset: presets.Preset) -> datasets.Split:
    """Returns a split as its networks are trained on it, with a validation part if it can be."""
    try:
        share = preset.validation_share
        return validation.draw(split, share) if share else split
    except validation.ValidationError:
        return split


def plan(
    source: datasets.Source,
    split: datasets.Split,
    learning: Learning,
    preset: presets.Preset,
) -> chains.Step:
    """Plans all commands.

    Args:
        source: The videos.
        split: What `with_validation` made of their split.
        learning: Where results go, and more flags.
        preset: The recipe.

    Returns:
        The last step, the report; those before it are in `Step.after`.
    """
    return _Plan(source, split, learning, preset).report()


def in_order(last: chains.Step) -> list[chains.Step]:
    """Lists a step and all those before it, each once, in the order in which they are run."""
    steps: dict[str, chains.Step] = {}
    for earlier in last.after:
        steps |= {step.name: step for step in in_order(earlier)}
    return [*steps.values(), last] if last.name not in steps else list(steps.values())


class _Plan:
    """The steps of one data set."""

    def __init__(
        self,
        source: datasets.Source,
        split: datasets.Split,
        learning: Learning,
        preset: presets.Preset,
    ):
        self._source = source_flags(source)
        self._learning, self._preset = learning, preset
        self._num_videos, self._validates = len(split.train), bool(split.validation)

    def _path(self, name: str) -> pathlib.Path:
        return pathlib.Path(self._learning.output_dir, name)

    def store(self) -> chains.Step:
        path = self._learning.store_dir
        flags = {**self._source, "store": path, **self._preset.storing}
        more = command_lines.parse_flags(self._learning.flow_flags)
        # Videos that cannot be read are listed in the store and named by the report.
        codes = (0, 1) if self._source.get("allow_missing") else (0,)
        return chains.Step(
            "store", "precompute-flow", flags | more, pathlib.Path(path, "index.npz"), codes=codes
        )

    def train(self, stream: str) -> chains.Step:
        network: presets.Network = getattr(self._preset, stream)
        flags = {**self._source, "store": self._learning.store_dir}
        flags["run_dir"] = str(self._path(f"runs/{stream}"))
        flags |= network.training(self._num_videos)
        if self._validates and self._preset.validation_share:
            flags["validation_share"] = self._preset.validation_share
        flags |= command_lines.parse_flags(self._learning.train_flags)
        output = self._path(f"runs/{stream}/checkpoints/checkpoint")
        return chains.Step(f"runs/{stream}", f"train-{stream}", flags, output, (self.store(),))

    def evaluate(self, stream: str, part: str) -> chains.Step:
        train = self.train(stream)
        name = f"scores/{stream}.{part}"
        output = self._path(f"{name}.npz")
        flags = {"run_dir": train.flags["run_dir"], "store": self._learning.store_dir}
        flags |= {"part": part, "scores": str(output), **self._preset.testing}
        flags |= command_lines.parse_flags(self._learning.test_flags)
        return chains.Step(name, "evaluate", flags, output, (train,))

    def _scores(self) -> dict[str, tuple[chains.Step, ...]]:
        """Returns the steps that score, by the flag that names what they write."""
        parts = {"scores": "test"}
        if self._validates:
            parts["validation_scores"] = "validation"
        return {
            flag: tuple(self.evaluate(stream, part) for stream in STREAMS)
            for flag, part in parts.items()
        }

    def fuse(self) -> chains.Step:
        scores = self._scores()
        folder = self._path("fused")
        flags = {flag: _outputs(steps) for flag, steps in scores.items()}
        flags["output_dir"] = str(folder)
        after = tuple(step for steps in scores.values() for step in steps)
        return chains.Step("fused", "fuse-scores", flags, folder / "fusion.npz", after)

    def export(self) -> chains.Step:
        folder, fuse = self._path("exported"), self.fuse()
        flags = {**self._runs(), "score_fusion": str(fuse.output), "output_dir": str(folder)}
        flags["bundle"] = str(self._path("pair.zip"))
        output = folder / "saved_model.pb"
        # A SavedModel is written once, into a folder of its own; one of older networks goes.
        return chains.Step("exported", "export-model", flags, output, (fuse,), clears=folder)

    def report(self) -> chains.Step:
        export, fuse = self.export(), self.fuse()
        flags = {**self._runs(), "store": self._learning.store_dir}
        flags |= {flag: _outputs(steps) for flag, steps in self._scores().items()}
        flags |= {
            "score_fusion": str(fuse.output),
            "steps": str(self._path("steps")),
            "exported": str(self._path("exported")),
            "output_dir": self._learning.output_dir,
        }
        return chains.Step(
            "report", "make-report", flags, self._path("report.html"), (fuse, export)
        )

    def _runs(self) -> dict[str, str]:
        return {f"{stream}_run": str(self._path(f"runs/{stream}")) for stream in STREAMS}


def _outputs(steps: tuple[chains.Step, ...]) -> str:
    return ",".join(str(step.output) for step in steps)
