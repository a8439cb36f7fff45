"""How long `learn` will take on this machine, and how much disk, before it begins."""

import dataclasses
import pathlib
import tempfile
import time
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

# Ours, from runs on two cores: how many times as long as to import TensorFlow, and then to begin a
# training, it takes to fuse, to export and to draw the report.
LAST_STEPS = {"fused": (1, 0), "exported": (1, 3), "report": (1, 3)}
# Two checkpoints with the velocities of the weights, and the export; four bytes each.
BYTES_PER_WEIGHT = (2 * 2 + 1) * 4


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be forecast.

    Attributes:
        steps: All steps of a preset.
        split: The split that its networks are trained on, with its validation part.
        settings: What its store holds.
        lacking: The share of the frames that are not in its store yet.
    """

    steps: Sequence[chains.Step]
    split: datasets.Split
    settings: store.Settings
    lacking: float = 1.0


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
    begun = time.perf_counter()
    from tf_twostream.benchmarks import pace  # noqa: F401  # It imports all that a command does.
    from tf_twostream.training import devices

    with _Forecaster(job, time.perf_counter() - begun) as forecaster:
        found = {name: forecaster.forecast(plan) for name, plan in job.plans.items()}
    return f"{workers.count_cores()} cores, {devices.device_name()}", found


class _Forecaster:
    """Measures for several plans; what they have in common once."""

    def __init__(self, job: Job, start: float):
        self._job = job
        self._start = start  # Seconds until a command has imported what it needs.
        self._stores: dict[Any, tuple[str, estimating.Rate]] = {}
        self._paces: dict[Any, pace.Pace] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="twostream-")

    def __enter__(self) -> "_Forecaster":
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def forecast(self, plan: Plan) -> forecasts.Forecast:
        """Reckons what one plan takes."""
        split, num_frames = plan.split, plan.lacking * self._job.found.num_frames
        path, rate = self._store(plan.settings)
        seconds = {"store": self._start + num_frames / rate.frames_per_second}
        num_bytes = {"frames and flow": num_frames * rate.bytes_per_frame, "networks": 0.0}
        for stream in learning.STREAMS:
            [train] = [step for step in plan.steps if step.command == f"train-{stream}"]
            tests = [step for step in plan.steps if step.after == (train,)]
            recipe = cli.read(recipes.RECIPES[stream], train.arguments[1:])
            protocol = cli.read(testing.Testing, tests[0].arguments[1:])
            network = self._pace(path, recipe, protocol, len(split.class_names))
            begins = self._start + network.start
            seconds[train.name] = begins + recipe.iterations * network.iteration
            seconds[train.name] += _validation(recipe, train, split, network, protocol)
            num_videos = {"test": len(split.test), "validation": len(split.validation)}
            windows = protocol.of(recipe).num_windows
            for step in tests:
                num_windows = windows * num_videos[step.flags["part"]]
                seconds[step.name] = begins + num_windows * network.window
            num_bytes["networks"] += network.weights * BYTES_PER_WEIGHT
        for name, (imports, networks) in LAST_STEPS.items():
            seconds[name] = imports * self._start + networks * network.start
        return forecasts.Forecast(seconds, num_bytes)

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
