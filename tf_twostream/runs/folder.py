"""Reads and writes the JSON files of a run folder: the recipe, and what each task learns from."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf
from absl import logging

from tf_twostream import datasets, store
from tf_twostream.paper import recipes, testing
from tf_twostream.processes import files, typed
from tf_twostream.runs import checkpoint_files


class NoRunError(FileNotFoundError):
    """A folder is no run folder."""


class OtherRunError(ValueError):
    """A run folder holds a run that began with another recipe, other data or other tasks."""


class OtherStoreError(ValueError):
    """A store is not of the kind that a run was trained on."""


class DamagedRunError(ValueError):
    """A JSON file of a run is damaged, or of another version of this program."""


class NoBestError(ValueError):
    """A run has no best checkpoint."""


class UnknownTaskError(ValueError):
    """A run has no such task."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """What one classification layer learns (paper, Sect. 4).

    Attributes:
        name: The name of the task; empty for the only task of a network.
        split: Class names, training, validation and test videos.
        settings: The settings of the store that its videos come from.
        batch_size: Its samples per iteration, over all devices.
        divisor: The number that divides the sum of its samples' losses.
        sources: Size and hash of the video files, by id, as far as the store knew them.
    """

    name: str = ""
    split: datasets.Split
    settings: store.Settings
    batch_size: int
    divisor: int
    sources: dict[str, str] = dataclasses.field(default_factory=dict, compare=False)


@dataclasses.dataclass(frozen=True)
class Run:
    """One trained network, or one to train.

    Attributes:
        path: The run folder, which need not exist.
        recipe: The recipe of the network.
        tasks: What the network learns; one task unless it is a multi-task network.
        chosen: The position of the task whose layer gives the scores in testing.
        checkpoint: Which of its checkpoints is meant.
    """

    path: pathlib.Path
    recipe: recipes.Recipe
    tasks: tuple[Task, ...]
    chosen: int = 0
    checkpoint: testing.Checkpoint = "last"

    @property
    def task(self) -> Task:
        """The task whose layer gives the scores in testing."""
        return self.tasks[self.chosen]

    @property
    def split(self) -> datasets.Split:
        """Class names and videos of that task."""
        return self.task.split

    @property
    def checkpoints(self) -> str:
        """The folder of the checkpoints, or that of the best one where this is meant."""
        return str(self.path / ("checkpoints" if self.checkpoint == "last" else "best"))


def _split_file(path: pathlib.Path, task: str) -> pathlib.Path:
    # A single task has the name that the file had before there were tasks: old runs are read.
    return path / (f"{task}.split.json" if task else "split.json")


def _sources_file(path: pathlib.Path, task: str) -> pathlib.Path:
    return path / (f"{task}.sources.json" if task else "sources.json")


def create(run: Run) -> None:
    """Writes the JSON files of a new run, or checks those of a run that has a checkpoint.

    A run with a checkpoint may be given more iterations. It then goes on under the learning rates
    that the longer training has from there on.

    Args:
        run: The run, whose folder need not exist.

    Raises:
        OtherRunError: If the folder holds a run with another recipe, split or store.
    """
    # Without a checkpoint there is nothing to lose: a command that failed at once can be corrected.
    if checkpoint_files.find(run.checkpoints):
        begun = load(str(run.path))
        is_longer = run.recipe.iterations > begun.recipe.iterations
        if is_longer:
            begun = dataclasses.replace(
                begun,
                recipe=dataclasses.replace(begun.recipe, num_iterations=run.recipe.num_iterations),
            )
        if differing := _differing(begun, run):
            given = f"{run.path} with {differing}"
            raise OtherRunError(f"A run must continue as it was begun. Received: {given}.")
        if is_longer:
            content = files.read_json(run.path / "run.json") | {"recipe": run.recipe.to_json()}
            files.write_json(run.path / "run.json", content, indent=2)
        for old, new in zip(begun.tasks, run.tasks):
            _warn_of_other_videos(old.sources, new.sources, str(run.path))
        return
    # Of a run that was here before; its best network would pass for one of this run.
    files.remove_folder(run.path / "best")
    for name in ("training.json", "validation.json"):
        (run.path / name).unlink(missing_ok=True)
    for task in run.tasks:
        datasets.save_split(task.split, _split_file(run.path, task.name))
        files.write_json(_sources_file(run.path, task.name), dict(task.sources), indent=0)
    content = {
        "dataset": run.split.name,
        "recipe": run.recipe.to_json(),
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
        "tasks": {
            task.name: {
                "store": task.settings.to_json(),
                "batch_size": task.batch_size,
                "divisor": task.divisor,
            }
            for task in run.tasks
        },
    }
    # Last, because it makes the folder a run folder: the splits must be there by then.
    files.write_json(run.path / "run.json", content, indent=2)


def _differing(begun: Run, run: Run) -> str:
    """Says how a run differs from the one that was begun; empty if it does not."""
    old, new = begun.recipe.to_json(), run.recipe.to_json()
    if begun.recipe.stream != run.recipe.stream:  # Then most knobs differ, which says nothing more.
        old, new = ({"stream": recipe["stream"]} for recipe in (old, new))
    if differing := _differences(old, new):
        return differing
    # In their order, because it decides what each of them draws.
    names = [", ".join(task.name for task in other.tasks) or "none" for other in (begun, run)]
    if names[0] != names[1]:
        return f"tasks {names[0]} (now {names[1]})"
    for tasks in zip(begun.tasks, run.tasks):
        # Flow may have been added to a store since, which a spatial network does not see.
        old, new = (
            {
                **_relevant(run.recipe, task.settings),
                "samples": task.batch_size,
                "divisor": task.divisor,
            }
            for task in tasks
        )
        if differing := _differences(old, new):
            return f"task {tasks[0].name}: {differing}" if tasks[0].name else differing
    same = [task.split for task in begun.tasks] == [task.split for task in run.tasks]
    return "" if same else "another data set, split or classes"


def _differences(old: dict[str, Any], new: dict[str, Any]) -> str:
    return ", ".join(
        f"{key}={old.get(key)!r} (now {new.get(key)!r})"
        for key in sorted(old | new)
        if old.get(key) != new.get(key)
    )


def load(path: str, task: str = "", *, checkpoint: testing.Checkpoint = "last") -> Run:
    """Reads a run folder.

    Args:
        path: The folder.
        task: The name of the task to test, if the run has several; empty for the first.
        checkpoint: The last one, or the one that was best on the validation part.

    Returns:
        The run; its checkpoints are not looked at.

    Raises:
        NoRunError: If it is no run folder.
        DamagedRunError: If its run.json is none that this version wrote.
        UnknownTaskError: If it has no such task.
        NoBestError: If `checkpoint` is "best" and nothing says which is: no task has a validation
            part.
    """
    folder = pathlib.Path(path)
    if not (folder / "run.json").exists():
        given = path or "an empty path"
        raise NoRunError(f"A run folder must hold a run.json. Received: {given}, without one.")
    with described(folder / "run.json"):
        content = files.read_json(folder / "run.json")
        recipe = recipes.recipe_from_json(content["recipe"])
        typed.check(recipe)
        # Before November 2026 a run of one task had no list of tasks, but the only one's store.
        tasks = tuple(
            _load_task(folder, name, kept, recipe)
            for name, kept in content.get("tasks", {"": content}).items()
        )
        if not tasks:
            raise ValueError("no task")
    names = [own.name for own in tasks]
    if task and task not in names:
        known = ", ".join(filter(None, names))
        rule = f"`task` must be one of {known}" if known else "`task` must be empty"
        raise UnknownTaskError(f"{rule} for {path}. Received: {task!r}.")
    if checkpoint == "best" and not any(own.split.validation for own in tasks):
        rule = "The best checkpoint must be that of a run with a validation part"
        raise NoBestError(f"{rule}. Received: {path}, without one.")
    return Run(folder, recipe, tasks, names.index(task) if task else 0, checkpoint)


@contextlib.contextmanager
def described(path: pathlib.Path) -> Iterator[None]:
    """Turns what reading the values of a JSON file raises into one error that names the file."""
    try:
        yield
    except datasets.SplitFileError:  # It names its own.
        raise
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        rule = "A file of a run must be as this version of the program writes it"
        words = f"{type(error).__name__}: {error}" if isinstance(error, LookupError) else error
        raise DamagedRunError(f"{rule}. Received: {path} ({words}).") from error


def _load_task(
    folder: pathlib.Path, name: str, kept: dict[str, Any], recipe: recipes.Recipe
) -> Task:
    sources = _sources_file(folder, name)  # Runs of before November 2026 have none.
    task = Task(
        name=name,
        split=datasets.load_split(_split_file(folder, name), upgrade=_mark_added),
        settings=store.Settings.from_json(kept["store"], str(folder / "run.json")),
        batch_size=kept.get("batch_size", recipe.batch_size),
        divisor=kept.get("divisor", recipe.batch_size),
        sources=files.read_json(sources) if sources.exists() else {},
    )
    typed.check(task)
    return task


def _mark_added(video: dict[str, Any]) -> dict[str, Any]:
    """Rewrites a video of an old run, which had a number of its store and not yet a marked id."""
    kept = {name: value for name, value in video.items() if name != "store"}
    return kept | {"id": store.added_id(kept["id"])} if video.get("store") else kept


def check_store(run: Run, settings: store.Settings, *, where: str) -> None:
    """Checks that frames and flow are of the kind that a run was trained on.

    Args:
        run: The run.
        settings: The settings of a store.
        where: What to call that store in the error.

    Raises:
        OtherStoreError: If the settings of the store are not those of the run.
    """
    check_alike(run.recipe, run.task.settings, settings, names=(str(run.path), where))


def check_videos(run: Run, reader: store.Reader, videos: Collection[datasets.Video]) -> None:
    """Warns where the videos of a store are not those that a run was given under the same names.

    Args:
        run: The run.
        reader: The store.
        videos: Videos that the store holds.
    """
    found = reader.sources([video.id for video in videos])
    _warn_of_other_videos(run.task.sources, found, str(run.path))


def _warn_of_other_videos(then: Mapping[str, str], now: Mapping[str, str], where: str) -> None:
    both = then.keys() & now.keys()
    if other := sorted(video_id for video_id in both if then[video_id] != now[video_id]):
        words = "%d of %d videos are other files than those that %s began with, such as %r."
        logging.warning(words, len(other), len(both), where, other[0])


def check_alike(
    recipe: recipes.Recipe,
    first: store.Settings,
    second: store.Settings,
    *,
    names: tuple[str, str],
) -> None:
    """Checks that two stores are alike in what matters to a network.

    Two versions of OpenCV are only worth a warning.

    Args:
        recipe: The recipe of the network; flow matters only if it sees flow.
        first: The settings of a store.
        second: The settings of another one.
        names: What to call the two in the error.

    Raises:
        OtherStoreError: If they are not alike.
    """
    # Networks trained on one flow method lose most of their accuracy on the flow of another: 13
    # instead of 87 % was published.
    then, now = (_relevant(recipe, settings) for settings in (first, second))
    if then.get("method") != now.get("method"):  # Their parameters then differ anyway.
        then, now = ({"method": kept["method"]} for kept in (then, now))
    if then.pop("opencv", None) != now.pop("opencv", None):
        logging.warning("The flow of %s and of %s is by two versions of OpenCV.", *names)
    if differing := _differences(then, now):
        given = f"{names[0]} with {differing} in {names[1]}"
        raise OtherStoreError(f"Frames and flow must be of one kind. Received: {given}.")


def _relevant(recipe: recipes.Recipe, settings: store.Settings) -> dict[str, Any]:
    """Returns the settings of a store on which a network depends."""
    kept: dict[str, Any] = {"shorter_side": settings.shorter_side}
    if not recipe.sees_flow or recipe.sees_clips:
        kept |= {"rgb_quality": settings.rgb_quality}
    if recipe.sees_flow or recipe.window_length > 1:  # What lies between two frames.
        kept |= {"fps": settings.fps, "frame_step": settings.frame_step}
    if not recipe.sees_flow:
        return kept
    flow = {name: getattr(settings, name) for name in ("method", "flow_quality", "flow_coding")}
    return kept | flow | settings.parameters
