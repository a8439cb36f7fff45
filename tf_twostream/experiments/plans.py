"""From a row of a table to the commands of the doors that lead to its number."""

import dataclasses
import pathlib
import shlex
from collections.abc import Iterable
from typing import Any, Literal

from tf_twostream import cli, experiments

# Ours, for 2 cores: the networks of the demo and of docs/experiments.md. A dropout of 0.9 leaves
# networks of a quarter of the width at chance; rows whose subject it is (Table 1a) keep theirs.
SMALL = {"width": 0.25, "crop_size": 112, "batch_size": 32, "dropout_rate": 0.5}
SMALL_ITERATIONS = 600
SMALL_TUNING_ITERATIONS = 150  # A quarter, as in the paper.
SMALL_SHORTER_SIDE = 128  # pixels
_SMALL_NAMES = {experiments.UCF: "first", experiments.HMDB: "second"}
_LISTS = {
    experiments.UCF: "lists/ucfTrainTestlist",
    experiments.HMDB: "lists/testTrainMulti_7030_splits",
    experiments.CHARADES: "lists/charades",
    experiments.VIVA: "videos/viva",  # The names of its videos say what lists would.
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setup:
    """Where data and results lie, and how large the networks are."""

    data_root: str = cli.knob(
        cli.REQUIRED,
        "Folder with stores/ucf101, stores/hmdb51, lists/ucfTrainTestlist and "
        "lists/testTrainMulti_7030_splits; for --table=other with stores/charades, stores/viva, "
        "lists/charades and videos/viva; for --scale=small with stores/first, stores/second, "
        "lists/first.csv and lists/second.csv (path,label,split[,group]).",
    )
    output_dir: str = cli.knob(
        "results", "Folder for runs/, scores/, fused/, steps/ and tables/; one per scale."
    )
    scale: Literal["paper", "small"] = cli.knob(
        "paper",
        "paper, or small: the same rows on two data sets of your own, with networks of a quarter "
        f"of the width, crops of {SMALL['crop_size']}, batches of {SMALL['batch_size']} and "
        f"{SMALL_ITERATIONS} iterations ({SMALL_TUNING_ITERATIONS} of fine-tuning).",
    )
    seeds: tuple[int, ...] = cli.knob((0,), "Seeds to repeat each row with, separated by commas.")
    imagenet_run: str = cli.knob(
        "", "Run folder of a spatial network trained on ImageNet; rows that need it wait for it."
    )
    train_flags: str = cli.knob(
        "", "More flags for every training, as in --train_flags='--chunk_size=64 --jit_compile'."
    )
    test_flags: str = cli.knob(
        "", "More flags for every evaluation, as in --test_flags='--frames_per_batch=5'."
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        if self.scale not in ("paper", "small"):
            raise ValueError(f"--scale is paper or small. Received: {self.scale!r}.")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"--seeds are distinct numbers. Received: {self.seeds}.")

    def has(self, dataset: str) -> bool:
        """Whether there is such a data set, or one that stands for it, at this scale."""
        return self.scale == "paper" or dataset in _SMALL_NAMES

    def name(self, dataset: str) -> str:
        """What a data set is called at this scale."""
        return _SMALL_NAMES[dataset] if self.scale == "small" else dataset

    def store(self, dataset: str) -> str:
        """The store of a data set."""
        return str(pathlib.Path(self.data_root, "stores", self.name(dataset)))

    def lists(self, dataset: str) -> str:
        """The lists of a data set, or the folder of the videos whose names say as much."""
        small = f"lists/{self.name(dataset)}.csv"
        return str(
            pathlib.Path(self.data_root, small if self.scale == "small" else _LISTS[dataset])
        )

    def kind(self, dataset: str) -> str:
        """The kind of these lists."""
        return "csv" if self.scale == "small" else dataset

    def source(self, dataset: str) -> dict[str, str]:
        """The flags that name a data set and its lists."""
        flag = "videos_dir" if dataset == experiments.VIVA else "annotations"
        return {"dataset": self.kind(dataset), flag: self.lists(dataset)}

    def list_of_all(self, dataset: str) -> str:
        """The list in which all videos of a data set are for training (`lists_to_write`)."""
        return str(pathlib.Path(self.output_dir, "lists", f"{self.name(dataset)}_all.csv"))

    def classes_to_add(self, dataset: str) -> str:
        """The choice of classes of a data set to add to the other; empty for the paper's 78."""
        if self.scale == "paper":
            return ""
        return str(pathlib.Path(self.output_dir, "lists", f"{self.name(dataset)}_classes.csv"))

    def splits(self, row: experiments.Row) -> tuple[int, ...]:
        """The splits that a row is the mean of; a CSV file has one."""
        return (1,) if self.scale == "small" else row.splits


@dataclasses.dataclass(frozen=True)
class Step:
    """One command of a door.

    Attributes:
        name: The path of its output in the output folder, less the suffix.
        command: The script and the flags that decide what comes out.
        output: What exists when it is done.
        after: The steps whose outputs it needs.
        result: Which line of results.json is the row's, if it fuses.
        more: Flags that only decide how it is computed: with others it is the same step.
    """

    name: str
    command: tuple[str, ...]
    output: pathlib.Path
    after: tuple["Step", ...] = ()
    result: str = ""
    more: tuple[str, ...] = ()

    @property
    def typed(self) -> tuple[str, ...]:
        """The script and all flags; of a flag given twice the last counts, which is the row's."""
        script, *flags = self.command
        return (script, *self.more, *flags)

    @property
    def line(self) -> str:
        """The command as it is typed."""
        return shlex.join(("python", *self.typed))

    @property
    def record(self) -> str:
        """The command by which a step is known again."""
        return shlex.join(("python", *self.command))


def plan(row: experiments.Row, setup: Setup) -> list[Step]:
    """Returns the last step for each split and seed of a row; the others are in `Step.after`.

    There is none for a quoted number, nor for a data set that this scale has not. The seeds of a
    split stand next to each other.
    """
    if row.what is None or not all(setup.has(n.dataset) for n in experiments.networks(row.what)):
        return []
    repeats = [(split, seed) for split in setup.splits(row) for seed in setup.seeds]
    return [_final(row.what, setup, *repeat) for repeat in repeats]


def as_flags(flags: dict[str, Any]) -> list[str]:
    """Writes flags as they are typed; those that are empty are left out."""
    written = {True: "true", False: "false"}
    return [
        f"--{name}={written[value] if isinstance(value, bool) else value}"
        for name, value in flags.items()
        if value != ""
    ]


def _final(
    what: experiments.Network | experiments.Fusion, setup: Setup, split: int, seed: int
) -> Step:
    if isinstance(what, experiments.Network):
        return _evaluate(what, "test", setup, split, seed)
    return _fuse(what, setup, split, seed)


def _train(network: experiments.Network, setup: Setup, split: int, seed: int) -> Step:
    name = f"runs/{_folder(network, setup, split, seed)}/{network.name}"
    run_dir = pathlib.Path(setup.output_dir, name)
    flags = {**_data(network, setup, split), "run_dir": str(run_dir), "seed": seed}
    if setup.scale == "small":
        tuned = bool(network.start)
        flags |= SMALL | {"num_iterations": SMALL_TUNING_ITERATIONS if tuned else SMALL_ITERATIONS}
    after: tuple[Step, ...] = ()
    if isinstance(network.start, experiments.Network):
        after = (_train(network.start, setup, split, seed),)
        flags["init_from"] = str(pathlib.Path(setup.output_dir, after[0].name))
    elif network.start == experiments.IMAGENET:
        flags["init_from"] = setup.imagenet_run or "IMAGENET_RUN"
    flags |= network.recipe
    more = shlex.split(setup.train_flags)
    again = {flag.lstrip("-").partition("=")[0] for flag in more}
    flags = {flag: value for flag, value in flags.items() if flag not in again}
    command = (f"scripts/{network.door}.py", *as_flags(flags), *more)
    return Step(name, command, run_dir / "checkpoints" / "checkpoint", after)


def _data(network: experiments.Network, setup: Setup, split: int) -> dict[str, Any]:
    """The flags that say what a network learns from."""
    own = network.dataset
    if network.all_videos:
        lists = setup.list_of_all(own)
        return {"dataset": "csv", "annotations": lists, "store": setup.store(own)}
    if not network.other:
        return {**setup.source(own), "split": split, "store": setup.store(own)}
    other = experiments.OTHER[own]
    if network.other == "task":  # The other data set is there to help, with all its videos.
        return {
            "datasets": f"{setup.kind(own)},{setup.kind(other)}",
            "names": f"{setup.name(own)},{setup.name(other)}",
            "annotations": f"{setup.lists(own)},{setup.lists(other)}",
            "splits": f"{split},1",
            "stores": f"{setup.store(own)},{setup.store(other)}",
            "train_on_all": setup.name(other),
        }
    return {
        **setup.source(own),
        "split": split,
        "store": setup.store(own),
        "add_dataset": setup.kind(other),
        "add_annotations": setup.lists(other),
        "add_store": setup.store(other),
        "add_classes": setup.classes_to_add(other),
    }


def _evaluate(network: experiments.Network, part: str, setup: Setup, split: int, seed: int) -> Step:
    train = _train(network, setup, split, seed)
    name = f"scores/{_folder(network, setup, split, seed)}/{network.name}.{part}"
    scores = pathlib.Path(setup.output_dir, f"{name}.npz")
    flags = {
        "run_dir": str(pathlib.Path(setup.output_dir, train.name)),
        "store": setup.store(network.dataset),
        "part": part,
        "scores": str(scores),
    }
    if network.other == "task":
        flags["task"] = setup.name(network.dataset)
    command = ("scripts/evaluate.py", *as_flags(flags))
    return Step(name, command, scores, (train,), more=tuple(shlex.split(setup.test_flags)))


def _fuse(fusion: experiments.Fusion, setup: Setup, split: int, seed: int) -> Step:
    pair = (fusion.spatial, fusion.temporal)
    name = (
        f"fused/{_folder(fusion.temporal, setup, split, seed)}/"
        f"{fusion.spatial.name}+{fusion.temporal.name}.{fusion.method}"
    )
    folder = pathlib.Path(setup.output_dir, name)
    tests = tuple(_evaluate(network, "test", setup, split, seed) for network in pair)
    flags: dict[str, Any] = {"scores": _files(tests), "names": "spatial,temporal"}
    trained: tuple[Step, ...] = ()
    if fusion.method == "svm":
        trained = tuple(_evaluate(network, "train", setup, split, seed) for network in pair)
        flags |= {"svm": True, "train_scores": _files(trained)}
    flags["output_dir"] = str(folder)
    command = ("scripts/fuse_scores.py", *as_flags(flags))
    return Step(name, command, folder / "results.json", tests + trained, fusion.method)


def _files(steps: Iterable[Step]) -> str:
    return ",".join(str(step.output) for step in steps)


def _folder(network: experiments.Network, setup: Setup, split: int, seed: int) -> str:
    return f"{setup.name(network.dataset)}_split{split}_seed{seed}"
