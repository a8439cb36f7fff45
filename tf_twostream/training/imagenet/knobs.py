"""What to pre-train on, and the recipe for it."""

import dataclasses
from typing import ClassVar

from tf_twostream import cli, paper
from tf_twostream.paper import recipes


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageSource(cli.Knobs):
    """The knobs that name the images."""

    group: ClassVar[str] = "data"

    train_images: str = cli.knob(
        cli.REQUIRED,
        "Images to learn from: the folder of the class folders (n01440764/*.JPEG ...), or TFRecord "
        "shards by a pattern in quotes, 'shards/train-*-of-*'.",
        remote=True,
    )
    val_images: str = cli.knob(
        "",
        "Images to measure the error on, when training is over; likewise. Empty: none.",
        remote=True,
    )
    val_labels: str = cli.knob(
        "",
        "For a --val_images folder without class folders: a text file with the class name "
        "(n01440764) of an image per line, in the order of the file names, or file and class name.",
    )
    first_label: int = cli.knob(
        1,
        "Of shards: image/class/label of the first class. Usually 1, where 0 is background.",
        at_least=0,
    )
    num_classes: int = cli.knob(
        paper.IMAGENET_CLASSES, "Of shards: the number of classes.", at_least=1
    )
    shorter_side: int = cli.knob(
        paper.SHORTER_SIDE, "Shorter side of the rescaled images, in pixels (Sect. 5).", at_least=1
    )
    images_per_batch: int = cli.knob(
        paper.TEST_FRAMES,
        "Images that the device holds at once in testing, with ten views each.",
        group="machine",
        at_least=1,
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if self.val_labels and not self.val_images:
            raise ValueError("`val_labels` must come with `val_images`. Received: labels alone.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PretrainingRecipe(recipes.SpatialRecipe):
    """The spatial network as it is trained on ImageNet; its run is that of a spatial network."""

    num_iterations: int | None = cli.knob(
        paper.IMAGENET_ITERATIONS,
        "Length of the training; the learning rate drops tenfold after 5/8 and 7/8 of it, as in "
        "the paper's training from scratch. The default is 90 epochs of ILSVRC-2012, as in [15].",
        above=0,
    )
    dropout_rate: float | None = cli.knob(
        paper.IMAGENET_DROPOUT_RATE,
        "Share of the outputs of full6 and full7 set to zero ([15]).",
        at_least=0,
        below=1,
    )
    init_from: str = ""  # No flags: the paper trains on ImageNet from scratch, mirrored.
    train_last_layer_only: bool = False
    mirroring: bool = True
