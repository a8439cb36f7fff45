r"""Trains the spatial network on ImageNet ILSVRC-2012 (paper, Sect. 5, "Pre-training").

    python scripts/pretrain_imagenet.py --train_images=ILSVRC2012/train \
        --val_images=ILSVRC2012/val --run_dir=runs/imagenet
    python scripts/pretrain_imagenet.py --train_images='shards/train-*-of-*' \
        --val_images='shards/validation-*-of-*' --run_dir=runs/imagenet

    python scripts/train_spatial.py ... --init_from=runs/imagenet --train_last_layer_only

When training is over, the error of --val_images is measured with ten views: the same command
measures a trained network again. The paper has 13.5 % top-5 error.
"""

from tf_twostream import cli, training
from tf_twostream.training import imagenet

cli.define(imagenet.Source)
cli.define(
    imagenet.Recipe,
    only=(
        "num_iterations", "batch_size", "learning_rate", "momentum", "weight_decay",
        "dropout_rate", "width", "crop_size", "precision", "seed",
    ),
)  # fmt: skip
cli.define(training.Effort)


def main() -> None:
    """Trains and measures with the parsed flags."""
    imagenet.train(
        cli.parse(imagenet.Source), cli.parse(imagenet.Recipe), cli.parse(training.Effort)
    )


if __name__ == "__main__":
    cli.run(main)
