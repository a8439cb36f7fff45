"""Says which runs belong together as the two streams of one model, and how they are fused."""

from collections.abc import Sequence

from tf_twostream import runs
from tf_twostream.scores import fusion


class PairError(ValueError):
    """Two runs that are not the two streams of one model."""


def check_pair(spatial: runs.Run, temporal: runs.Run) -> None:
    """Checks that two runs are the two streams of one model.

    Args:
        spatial: A run of the spatial stream.
        temporal: A run of the temporal stream.

    Raises:
        PairError: If a run is of another stream, or the two differ in their classes.
    """
    both = (spatial, temporal)
    for run, stream in zip(both, ("spatial", "temporal")):
        if run.recipe.stream != stream:
            given = f"{run.path}, {run.recipe.stream}"
            raise PairError(f"A pair must be a spatial and a temporal run. Received: {given}.")
    # Scores are averaged class by class, so the order counts, too.
    if spatial.split.class_names != temporal.split.class_names:
        given = "; ".join(f"{run.path} with {', '.join(run.split.class_names)}" for run in both)
        raise PairError(
            f"Both streams must know the same classes in the same order. Received: {given}."
        )
    # The mean of a softmax and a sigmoid is neither.
    if spatial.split.multi_label != temporal.split.multi_label:
        given = "; ".join(f"{run.path}, trained on {run.split.name}" for run in both)
        raise PairError(
            f"Both streams must give a video one class, or both several. Received: {given}."
        )


def check_conv_fusion(run: runs.Run) -> None:
    """Checks that a run is of two joined towers.

    Raises:
        PairError: If it is of one stream.
    """
    if run.recipe.stream != "conv_fusion":
        rule = "A convolutional fusion must be a run of two joined towers"
        raise PairError(f"{rule}. Received: {run.path}, {run.recipe.stream}.")


def check_fusion(score_fusion: fusion.Fusion | None, streams: Sequence[runs.Run]) -> fusion.Fusion:
    """Checks that a fusion is of the streams of some runs and of their classes.

    Args:
        score_fusion: The fusion; None for the average, as in the paper.
        streams: The runs.

    Returns:
        The fusion, whose `streams` are those of the runs, in any order.

    Raises:
        FusionError: If it is of other streams or classes.
    """
    names = [run.recipe.stream for run in streams]
    class_names = streams[0].split.class_names
    if score_fusion is None:
        return fusion.mean(names, class_names)
    score_fusion.check_streams(names)
    score_fusion.check(len(names), class_names)
    return score_fusion
