"""How long `learn` will take on this machine, and how much disk, before it begins."""

import collections
import dataclasses
import pathlib
import tempfile
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tf_twostream import cli, datasets, paper, store
from tf_twostream.experiments import chains, forecasts, learning
from tf_twostream.paper import recipes, testing
from tf_twostream.precompute import estimating
from tf_twostream.precompute.resources import Resources
from tf_twostream.processes import quiet_import, workers
from tf_twostream.training import execution

if TYPE_CHECKING:  # TensorFlow is for the process of the job alone.
    from tf_twostream.benchmarks import pace

# Ours, from runs on two cores: seconds until a command has imported TensorFlow and begun, and those
# of fusing, exporting and drawing the report.
START, LAST_STEPS = 10.0, 60.0
# Two checkpoints with the velocities of the weights, and the export; four bytes each.
BYTES_PER_WEIGHT = (2 * 2 + 1) * 4


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be forecast.

    Attributes:
        steps: All steps of a preset.
        split: The split that its networks are trained on, with its validation part.
        settings: What its store holds.
    """

    steps: Sequence[chains.Step]
    split: datasets.Split
    settings: store.Settings


@dataclasses.dataclass(frozen=True)
class Job:
    """Plans for the same videos.

    Attributes:
        videos: Pairs of id and file.
        found: Their survey.
        plans: By the name of the preset.
        resources: What the machine may spend on flow.
    """

    videos: estimating.Videos
    found: estimating.Survey
    plans: Mapping[str, Plan]
    resources: Resources


def forecast(job: Job) -> Generator[None, None, tuple[str, dict[str, forecasts.Forecast]]]:
    """Measures a few steps of each plan, and reckons how long all of it takes.

    It is a job for `workers`, in a process of its own, whose end gives back the memory of a GPU.

    Args:
        job: The plans.

    Returns:
        The machine, in words, and the forecasts by name.

    Raises:
        UnreadableError: If none of the videos that are tried can be read.
    """
    yield from ()  # Makes it the generator that a job has to be.
    quiet_import.install()
    from tf_twostream.training import devices

    with _Forecaster(job) as forecaster:
        found = {name: forecaster.forecast(plan) for name, plan in job.plans.items()}
    return f"{workers.count_cores()} cores, {devices.device_name()}", found


class _Forecaster:
    """Measures for several plans; what they have in common once."""

    def __init__(self, job: Job):
        self._job = job
        self._stores: dict[Any, tuple[str, estimating.Rate]] = {}
        self._paces: dict[Any, pace.Pace] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="twostream-")

    def __enter__(self) -> "_Forecaster":
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def forecast(self, plan: Plan) -> forecasts.Forecast:
        """Reckons what one plan takes."""
        seconds: dict[str, float] = collections.defaultdict(float)
        num_bytes: dict[str, float] = collections.defaultdict(float)
        num_frames, split = self._job.found.num_frames, plan.split
        path, rate = self._store(plan.settings)
        seconds["flow"] += START + num_frames / rate.frames_per_second
        num_bytes["frames and flow"] += num_frames * rate.bytes_per_frame
        for stream in learning.STREAMS:
            [train] = [step for step in plan.steps if step.command == f"train-{stream}"]
            tests = [step for step in plan.steps if step.after == (train,)]
            recipe = cli.read(recipes.RECIPES[stream], train.arguments[1:])
            protocol = cli.read(testing.Testing, tests[0].arguments[1:])
            network = self._pace(path, recipe, protocol, len(split.class_names))
            part = f"{stream} stream"
            seconds[part] += START + network.start + recipe.iterations * network.iteration
            seconds[part] += _validation(recipe, train, split, network, protocol)
            num_videos = {"test": len(split.test), "validation": len(split.validation)}
            windows = protocol.of(recipe).num_windows
            for step in tests:
                num_windows = windows * num_videos[step.flags["part"]]
                seconds["testing"] += START + num_windows * network.window
            num_bytes["networks"] += network.weights * BYTES_PER_WEIGHT
        seconds["fusion, export, report"] += LAST_STEPS
        return forecasts.Forecast(dict(seconds), dict(num_bytes))

    def _store(self, settings: store.Settings) -> tuple[str, estimating.Rate]:
        """Returns a store of a few videos, and how fast it was made."""
        key = repr(settings)
        if key not in self._stores:
            path = str(pathlib.Path(self._folder.name, str(len(self._stores))))
            rate = estimating.measure(
                self._job.videos,
                self._job.found,
                path=path,
                settings=settings,
                resources=self._job.resources,
            )
            self._stores[key] = path, rate
        return self._stores[key]

    def _pace(
        self,
        path: str,
        recipe: recipes.TowerRecipe,
        protocol: testing.Testing,
        num_classes: int,
    ) -> "pace.Pace":
        from tf_twostream.benchmarks import pace

        # Presets often differ in the length of their trainings alone.
        key = path, dataclasses.replace(recipe, num_iterations=None), protocol.of(recipe).views
        if key not in self._paces:
            reader = store.Reader(path)
            self._paces[key] = pace.measure(reader, recipe, protocol, num_classes=num_classes)
        return self._paces[key]


def _validation(
    recipe: recipes.TowerRecipe,
    train: chains.Step,
    split: datasets.Split,
    network: "pace.Pace",
    protocol: testing.Testing,
) -> float:
    """Returns the seconds in which the validation part is measured during a training."""
    from tf_twostream.training import validation

    execution_flags = cli.read(execution.Execution, train.arguments[1:])
    points = recipe.iterations // execution_flags.checkpoint_interval(recipe.iterations)
    # During a training the centre view alone is looked at.
    views = 1 if protocol.of(recipe).views == "center" else paper.TEST_VIEWS
    return points * len(split.validation) * validation.FRAMES * network.window / views
