"""Measures the error of a pre-trained network on still images (Sect. 5, "Pre-training")."""

import numpy as np

from tf_twostream import runs
from tf_twostream.evaluation import scoring
from tf_twostream.processes import progress
from tf_twostream.scores import metrics
from tf_twostream.training.imagenet import data, labelled_images, pixels
from tf_twostream.training.imagenet.knobs import ImageSource


def measure(run: runs.Run, val: labelled_images.Found, source: ImageSource) -> tuple[float, float]:
    """Computes the errors of a trained network, with ten views of each image (paper, Sect. 5).

    Args:
        run: The run of the network.
        val: The images to measure on.
        source: The shorter side of rescaled images, and how many images the device holds at once.

    Returns:
        The top-1 error and the top-5 error in [0, 1].

    Raises:
        NoCheckpointError: If the run has no weights yet.
        DamagedImageError: If an image is damaged or its label is wrong.
        OSError: If a file cannot be read.
    """
    scorer = scoring.make_scorer(runs.load_model(run)[0], run.recipe)
    stream = pixels.evaluation(
        val, run.recipe, shorter_side=source.shorter_side, batch_size=source.images_per_batch
    )
    scores, labels = [], []
    # Nobody knows how many images shards hold before all have been read.
    total = len(val.paths) if isinstance(val, labelled_images.Folders) else None
    with progress.bar(total, "image", "testing") as bar:
        for batch in data.explain_errors(iter(stream), val):
            scores.append(scorer(batch)[:, 0].numpy())
            labels.append(batch["label"].numpy())
            bar.update(len(labels[-1]))
    table, truth = np.concatenate(scores), np.concatenate(labels)
    return metrics.top_k_error(table, truth, 1), metrics.top_k_error(table, truth, 5)
