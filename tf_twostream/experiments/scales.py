"""The two scales at which the tables can be reproduced: the paper's, and one for two cores."""

import dataclasses
from typing import Any

from tf_twostream.experiments.rows import CHARADES, HMDB, UCF, VIVA


@dataclasses.dataclass(frozen=True)
class Location:
    """Where a data set lies, or the one that takes its place at a small scale.

    Attributes:
        name: What it is called in the paths of results and in a network of several tasks.
        kind: The kind of its lists, a value of `datasets.Name`.
        store: Its store.
        lists: Its lists.
        flag: The flag that names the lists.
    """

    name: str
    kind: str
    store: str
    lists: str
    flag: str = "annotations"

    @property
    def source(self) -> dict[str, str]:
        """The flags that name the data set and its lists."""
        return {"dataset": self.kind, self.flag: self.lists}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scale:
    """Which data there are, and how large the networks on them.

    Attributes:
        data_sets: For each data set of the paper that this scale has, where it lies in the data
            root.
        training: Flags of every training in which the scale departs from the paper's recipe, but
            for those that join two towers.
        fine_tuning: Flags that replace those in `training` when a network is fine-tuned.
        fusing: The flags of the trainings that join two towers (2016 paper).
        precomputing: Flags for making a store.
        num_splits: How many splits its data sets have; None for those of the paper.
        has_choice: Whether the choice of 78 classes to add that `datasets` holds fits its data.
        note: What a reader of the tables has to know about it.
    """

    data_sets: dict[str, Location]
    training: dict[str, Any] = dataclasses.field(default_factory=dict)
    fine_tuning: dict[str, Any] = dataclasses.field(default_factory=dict)
    fusing: dict[str, Any] = dataclasses.field(default_factory=dict)
    precomputing: dict[str, Any] = dataclasses.field(default_factory=dict)
    num_splits: int | None = None
    has_choice: bool = True
    note: str = ""


PAPER = Scale(
    data_sets={
        UCF: Location(UCF, UCF, "stores/ucf101", "lists/ucfTrainTestlist"),
        HMDB: Location(HMDB, HMDB, "stores/hmdb51", "lists/testTrainMulti_7030_splits"),
        CHARADES: Location(CHARADES, CHARADES, "stores/charades", "lists/charades"),
        # The names of VIVA's videos say what lists would.
        VIVA: Location(VIVA, VIVA, "stores/viva", "videos/viva", flag="videos_dir"),
    }
)

# Ours, for two cores: the networks of the demo and of docs/experiments.md. A dropout of 0.9 leaves
# networks of a quarter of the width at chance; rows whose subject it is (Table 1a) keep theirs.
_SMALL = {"width": 0.25, "crop_size": 112, "batch_size": 32, "dropout_rate": 0.5}
_ITERATIONS, _TUNING_ITERATIONS = 600, 150  # A quarter, as 20,000 is of the paper's 80,000.
# Two towers that are joined have their sizes from their runs. With few videos, few iterations do,
# at a learning rate that shows in them.
_FUSING = {
    "batch_size": _SMALL["batch_size"],
    "num_iterations": 100,
    "learning_rate": 0.01,
    "dropout_rate": _SMALL["dropout_rate"],
}
SMALL_IN_WORDS = (
    f"width {_SMALL['width']}, crops of {_SMALL['crop_size']} pixels, batches of "
    f"{_SMALL['batch_size']}, {_ITERATIONS} iterations, {_TUNING_ITERATIONS} when fine-tuning; "
    f"dropout {_SMALL['dropout_rate']} instead of 0.9 or 0.85, except where Table 1a says it; "
    f"two towers are joined in {_FUSING['num_iterations']} iterations at a learning rate of "
    f"{_FUSING['learning_rate']}"
)

SMALL = Scale(
    data_sets={
        UCF: Location("first", "csv", "stores/first", "lists/first.csv"),
        HMDB: Location("second", "csv", "stores/second", "lists/second.csv"),
    },
    training={**_SMALL, "num_iterations": _ITERATIONS},
    fine_tuning={"num_iterations": _TUNING_ITERATIONS},
    fusing=_FUSING,
    precomputing={"shorter_side": 128},  # Pixels: 112 is as much of it as 224 is of 256.
    num_splits=1,  # A CSV file says of each video only whether it is for training or testing.
    has_choice=False,
    note="Scale: small. Two data sets of your own take the places of UCF-101 and HMDB-51; "
    f"{SMALL_IN_WORDS}. The differences compare other data, other networks and one split: they "
    "show what runs, not what is reproduced.",
)

SCALES = {"paper": PAPER, "small": SMALL}
