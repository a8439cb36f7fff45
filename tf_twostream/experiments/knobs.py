"""Where data and results lie, and at which scale the tables are reproduced."""

import dataclasses
import pathlib
from typing import ClassVar, Literal

from tf_twostream import cli
from tf_twostream.experiments import command_lines, scales


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setup(cli.Knobs):
    """The knobs that turn the rows of the tables into commands."""

    group: ClassVar[str] = "training"

    data_root: str = cli.knob(
        cli.REQUIRED,
        "Folder with stores/ucf101, stores/hmdb51, lists/ucfTrainTestlist and "
        "lists/testTrainMulti_7030_splits; for --table=other with stores/charades, stores/viva, "
        "lists/charades and videos/viva; for --scale=small with stores/first, stores/second, "
        "lists/first.csv and lists/second.csv (path,label,split[,group]).",
        group="data",
    )
    output_dir: str = cli.knob(
        "results",
        "Folder for runs/, scores/, fused/, steps/ and tables/; one per scale.",
        group="output",
    )
    scale: Literal["paper", "small"] = cli.knob(
        "paper",
        "paper, or small: the same rows on two data sets of your own, for two cores: "
        f"{scales.SMALL_IN_WORDS}.",
    )
    seeds: tuple[int, ...] = cli.knob((0,), "Seeds to repeat each row with, separated by commas.")
    imagenet_run: str = cli.knob(
        "",
        "Run folder of a spatial network trained on ImageNet; rows that need it wait for it. For "
        "networks of two architectures a run of each, separated by commas. Or imagenet: the "
        "published weights of --train_flags='--architecture=efficientnet_lite0'.",
    )
    train_flags: str = cli.knob(
        "",
        "More flags for every training, as in --train_flags='--chunk_size=64 --jit_compile'; none "
        "that a row itself sets. The tables name them.",
    )
    test_flags: str = cli.knob(
        "",
        "More flags for every evaluation, as in --test_flags='--frames_per_batch=5'.",
        group="machine",
    )

    def __post_init__(self) -> None:
        """Checks that the seeds differ and that the other flags are flags."""
        super().__post_init__()
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"`seeds` must be distinct numbers. Received: seeds={self.seeds}.")
        # They are needed later, step by step, but a mistake shows before the first of them.
        for text in (self.train_flags, self.test_flags):
            command_lines.parse_flags(text)

    @property
    def size(self) -> scales.Scale:
        """The data sets and the size of the networks that belong to `scale`."""
        return scales.SCALES[self.scale]

    def has(self, dataset: str) -> bool:
        """Says whether this scale has such a data set, or one that takes its place."""
        return dataset in self.size.data_sets

    def data_set(self, dataset: str) -> scales.Location:
        """Returns a data set of this scale, with the paths of its store and its lists."""
        own = self.size.data_sets[dataset]
        store, lists = (str(pathlib.Path(self.data_root, path)) for path in (own.store, own.lists))
        return dataclasses.replace(own, store=store, lists=lists)

    def own_list(self, dataset: str, what: str) -> str:
        """Returns the path of a list of a data set that `needs` makes and its lists do not hold.

        Args:
            dataset: The data set.
            what: "all" for one in which all its videos are for training, "classes" for the choice
                of its classes to add to the other data set.
        """
        name = self.size.data_sets[dataset].name
        return str(pathlib.Path(self.output_dir, "lists", f"{name}_{what}.csv"))
