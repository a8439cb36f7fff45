r"""Trains the spatial network on ImageNet ILSVRC-2012 (paper, Sect. 5, "Pre-training").

    twostream pretrain-imagenet --train_images=ILSVRC2012/train \
        --val_images=ILSVRC2012/val --run_dir=runs/imagenet
    twostream pretrain-imagenet --train_images='shards/train-*-of-*' \
        --val_images='shards/validation-*-of-*' --run_dir=runs/imagenet

    twostream train-spatial ... --init_from=runs/imagenet --train_last_layer_only

When training is over, the error of --val_images is measured with ten views: the same command
measures a trained network again. The paper has 13.5 % top-5 error.
"""

from tf_twostream.processes import files
from tf_twostream.training.execution import Execution
from tf_twostream.training.imagenet.knobs import ImageSource, PretrainingRecipe


def main(source: ImageSource, recipe: PretrainingRecipe, execution: Execution) -> None:
    """Trains with the parsed flags, then measures."""
    files.check_folder(execution.run_dir, "run_dir")  # Before TensorFlow, which takes seconds.
    from tf_twostream.evaluation import images
    from tf_twostream.training import train
    from tf_twostream.training.imagenet import data

    run = train.train(data.Images(source), recipe, execution)
    _, val = data.find(source)
    if val:
        errors = images.measure(run, val, source)
        print(f"top-1 error  {100 * errors[0]:6.2f} %\ntop-5 error  {100 * errors[1]:6.2f} %")
