"""Classes with few videos and classes with many: weights of their losses."""

import numpy as np

from tf_twostream import datasets
from tf_twostream.datasets import groups
from tf_twostream.paper import recipes


def class_weights(split: datasets.Split, recipe: recipes.Recipe) -> np.ndarray | None:
    """Returns what the loss of a sample is multiplied by, by its class (`class_balance`).

    Class k of K has the weight N / (K n_k), where n_k of the N training videos show it: then the
    mean over all videos is the mean over the classes of the means over their videos.

    Args:
        split: The data set to learn.
        recipe: The recipe of the network.

    Returns:
        `[K]` float32; None where all samples count alike.

    Raises:
        ValueError: If images are learnt, or a video may show several classes.
    """
    if recipe.draws_classes:
        return None
    if not split.train:
        rule = "`class_balance` must be of a training on videos"
        raise ValueError(f"{rule}. Received: {recipe.class_balance} for still images.")
    if recipe.class_balance != "weights":
        return None
    if split.multi_label:  # Its loss is a sum over all classes.
        rule = "`class_balance` by weights must be of videos of one class each"
        raise ValueError(f"{rule}. Received: {split.name}.")
    counts = groups.count(split.train)
    sizes = np.array([counts[label] for label in range(len(split.class_names))])
    return (len(split.train) / (len(sizes) * sizes)).astype(np.float32)
