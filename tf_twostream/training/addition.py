"""Classes of another data set, learnt along with those of the first (paper, Sect. 6, Table 2)."""

import dataclasses
from typing import ClassVar

from tf_twostream import cli, datasets
from tf_twostream.datasets import union


@dataclasses.dataclass(frozen=True, kw_only=True)
class Addition(cli.Knobs):
    """The knobs that say which classes to add, and where their videos are.

    All videos of the added classes are for training ("full (all splits combined) UCF-101 data").
    Only the first data set is tested on. The paper does not say whether an added class can win
    there; here it can, and is then wrong: a network that takes a swing at a golf ball for one with
    a baseball bat has not recognised it.
    """

    group: ClassVar[str] = "data"

    add_dataset: datasets.Name = cli.knob(
        cli.REQUIRED,
        "Also learn classes of this data set, all of whose videos are for training (Table 2, third "
        "row); none by default.",
    )
    add_store: str = cli.knob(
        cli.REQUIRED,
        "Its store, made with the same settings as --store; required with --add_dataset.",
        remote=True,
    )
    add_annotations: str = cli.knob("", "Its lists, as --annotations.")
    add_videos_dir: str = cli.knob("", "The folder of its videos, as --videos_dir.")
    add_classes: str = cli.knob(
        "",
        "CSV file class,use,counterpart,reason: the classes whose use is add. Default: the 78 of "
        "UCF-101 that HMDB-51 does not have (tf_twostream/datasets/ucf101_not_in_hmdb51.csv).",
    )

    def source(self, *, allow_missing: bool) -> datasets.Source:
        """Returns the other data set, restricted to the classes to add.

        Args:
            allow_missing: Whether to go on without listed videos that do not exist.

        Raises:
            ValueError: If the file of classes is faulty.
            OSError: If the file of classes cannot be read.
        """
        return datasets.Source(
            dataset=self.add_dataset,
            videos_dir=self.add_videos_dir,
            annotations=self.add_annotations,
            classes=union.read_choice(self.add_classes or union.UCF101_NOT_IN_HMDB51),
            allow_missing=allow_missing,
        )
