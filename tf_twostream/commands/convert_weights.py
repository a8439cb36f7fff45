r"""Turns a network of MatConvNet, Caffe, Keras or PyTorch into a run folder.

    twostream convert-weights --weights=imagenet-vgg-m-2048.mat --run_dir=runs/imagenet
    twostream convert-weights --weights=VGG_CNN_M_2048.caffemodel \
        --mean=VGG_mean.binaryproto --class_names=synset_words.txt --run_dir=runs/imagenet

    twostream train-spatial ... --init_from=runs/imagenet --train_last_layer_only

The network is CNN-M-2048 or VGG-16, by the number of its layers. Three input channels make a
spatial network, 2L make a temporal one, with a normalisation after conv2 if the file has one. The
last line that is printed is the command that trains from it. Files are parsed without executing
anything in them, and a network that does not compute the same as ours is refused. Give --dataset,
--annotations and --split for a network that was trained on one of our data sets: twostream evaluate
can then test it, on stores made with --method and --shorter_side.
"""

import dataclasses
import shlex
from typing import ClassVar, Literal

from tf_twostream import cli, datasets
from tf_twostream.commands.precompute_flow import FlowFlags
from tf_twostream.foreign_weights.knobs import ForeignFile
from tf_twostream.paper import recipes
from tf_twostream.processes import files, printing


@dataclasses.dataclass(frozen=True)
class UseFlags(cli.Knobs):
    """How large the network is, and which data set and which stores it is to be used with."""

    group: ClassVar[str] = "data"

    width: float = cli.knob_of(recipes.TowerRecipe, "width")
    crop_size: int = cli.knob_of(recipes.TowerRecipe, "crop_size")
    dataset: Literal["", datasets.Name] = cli.knob_of(datasets.Source, "dataset", default="")
    videos_dir: str = cli.knob_of(datasets.Source, "videos_dir")
    annotations: str = cli.knob_of(datasets.Source, "annotations")
    split: int = cli.knob_of(datasets.Source, "split")
    method: str = cli.knob_of(FlowFlags, "method")
    shorter_side: int = cli.knob_of(FlowFlags, "shorter_side")

    def load_split(self) -> datasets.Split | None:
        """Reads the data set that the network was trained on; None if none is named."""
        if not self.dataset:
            return None
        names = ("dataset", "videos_dir", "annotations", "split")
        return datasets.load(datasets.Source(**{name: getattr(self, name) for name in names}))


def main(file: ForeignFile, use: UseFlags) -> None:
    """Converts what the flags name and says how to go on."""
    files.check_new_folder(file.run_dir, "run_dir")  # Before TensorFlow, which takes seconds.
    from tf_twostream import store
    from tf_twostream.foreign_weights import conversion

    converted = conversion.convert(
        file,
        shape=recipes.SpatialRecipe(width=use.width, crop_size=use.crop_size),
        settings=store.Settings.of(use.method, shorter_side=use.shorter_side),
        split=use.load_split(),
    )
    run, names = converted.run, converted.run.split.class_names
    # A flow network has a mean for each of its 2L channels, usually the same one.
    means = ", ".join(f"{level:.2f}" for level in converted.mean[:3])
    more = " ..." if len(converted.mean) > 3 else ""
    print(
        f"{run.recipe.stream} network, {printing.count(len(names), 'class')}: "
        f"{names[0]} ... {names[-1]}"
    )
    print(f"subtracted mean: {means}{more}, folded into the first layer")
    for note in converted.notes:
        print(f"note: {note}")
    print(f"{run.path}: ready for {_training(run.recipe, str(run.path))}")


def _training(recipe: recipes.Recipe, run_dir: str) -> str:
    """Returns the command that trains a network of the same form from the converted one."""
    # Training makes a network of its own flags, and refuses weights of another form.
    others = [
        f"--{field.name}={getattr(recipe, field.name)}"
        for field in dataclasses.fields(recipe)
        if getattr(recipe, field.name) != field.default
    ]
    return shlex.join(["twostream", f"train-{recipe.stream}", f"--init_from={run_dir}", *others])
