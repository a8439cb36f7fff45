r"""Turns a CNN-M-2048 network of MatConvNet or Caffe into a run folder.

    python data_tools/convert_weights.py --weights=imagenet-vgg-m-2048.mat --run_dir=runs/imagenet
    python data_tools/convert_weights.py --weights=VGG_CNN_M_2048.caffemodel \
        --mean=VGG_mean.binaryproto --class_names=synset_words.txt --run_dir=runs/imagenet

    python scripts/train_spatial.py ... --init_from=runs/imagenet --train_last_layer_only

Three input channels make a spatial network, 2L make a temporal one, with a normalisation after
conv2 if the file has one. The last line printed is the command that trains from it. Files come
from outside: they are parsed without executing anything in them, and what does not compute the
same as our network is refused. Say --dataset, --annotations and --split for a network that was
trained on one of our data sets: scripts/evaluate.py can then test it, on stores of --method and
--shorter_side.
"""

import dataclasses
import shlex

from absl import flags

from tf_twostream import cli, datasets, foreign_weights, paper
from tf_twostream.precompute import extraction

cli.define(foreign_weights.Options)
cli.define(paper.Recipe, only=("width", "crop_size"))
cli.define(datasets.Source, only=("dataset", "videos_dir", "annotations", "split"), dataset=None)
cli.define(extraction.Recipe, only=("method", "shorter_side"))


def main() -> None:
    """Converts what the flags name and says how to go on."""
    has_data_set = bool(flags.FLAGS.dataset)
    conversion = foreign_weights.convert(
        cli.parse(foreign_weights.Options),
        shape=cli.parse(paper.Recipe),
        store_settings=cli.parse(extraction.Recipe).settings(),
        split=datasets.load(cli.parse(datasets.Source)) if has_data_set else None,
    )
    run, names = conversion.run, conversion.run.split.class_names
    means = ", ".join(f"{level:.2f}" for level in conversion.mean[:3])
    more = " ..." if len(conversion.mean) > 3 else ""
    print(f"{run.recipe.stream} network, {len(names)} classes: {names[0]} ... {names[-1]}")
    print(f"subtracted mean: {means}{more}, folded into conv1")
    for note in conversion.notes:
        print(f"note: {note}")
    print(f"{run.path}: ready for {_training(run.recipe, str(run.path))}")


def _training(recipe: paper.Recipe, run_dir: str) -> str:
    """Returns the command that trains a network of the same form from the converted one."""
    others = [
        f"--{field.name}={getattr(recipe, field.name)}"
        for field in dataclasses.fields(recipe)
        if getattr(recipe, field.name) != field.default
    ]
    return shlex.join([f"scripts/train_{recipe.stream}.py", f"--init_from={run_dir}", *others])


if __name__ == "__main__":
    cli.run(main)
