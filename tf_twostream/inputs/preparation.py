"""Turns a batch of bytes into the input of a network, on the device that holds the batch."""

from typing import cast

import tensorflow as tf

from tf_twostream.inputs import views, volumes
from tf_twostream.inputs.windows import Element
from tf_twostream.paper import recipes


def prepare(batch: Element, recipe: recipes.Recipe) -> tf.Tensor:
    """Turns a batch of bytes into network inputs, on the device that holds the batch.

    Args:
        batch: What `inputs.training`, `inputs.from_features` or `inputs.evaluation` yields.
        recipe: The recipe of the network.

    Returns:
        `[B * V, crop, crop, C]` float32: volumes of flow in pixels per frame, C = 2L, or RGB in
        [0, 255], C = 3, or 3T of slow fusion. The V views of an element follow one another. Or
        features, as they are.
    """
    if "features" in batch:  # Computed before (`cache_features`): what is left takes them.
        return batch["features"]
    if not recipe.sees_flow:
        return _frames(batch, recipe)
    recipe = cast(recipes.TemporalRecipe, recipe)
    # Codes are cut first and restored afterwards. The numbers are the same as in the other order,
    # and so are the means, since a store keeps those of the whole fields; but there are fewer
    # numbers to restore: 224 x 224 of 256 x 341 in training.
    if recipe.stacking == "trajectory":
        cut = volumes.cut_trajectories(
            batch["codes"],
            batch["ranges"],
            batch["views"],
            crop=recipe.crop_size,
            size=batch.get("size"),
            directions=len(recipe.kinds),
        )
    else:
        stacked = volumes.stack_flow(batch["codes"])
        cut = views.apply_views(stacked, batch["views"], recipe.crop_size)
    num_views = tf.shape(batch["views"])[1]
    return volumes.restore(
        cut,
        tf.repeat(batch["ranges"], num_views, axis=0),
        means=tf.repeat(batch["means"], num_views, axis=0) if recipe.mean_subtraction else None,
        signs=views.flow_signs(batch["views"]),
    )


def _frames(batch: Element, recipe: recipes.Recipe) -> tf.Tensor:
    crop, length = recipe.crop_size, recipe.window_length
    rgb = tf.cast(views.apply_views(batch["rgb"], batch["views"], crop), tf.float32)
    if "jitter" not in batch:  # The colours of a test video stay as they are.
        return rgb
    # All T frames of a stack shift alike, so to the jitter they are one wide image.
    pixels = tf.reshape(rgb, [-1, crop, crop * length, 3])
    jittered = views.jitter_rgb(pixels, batch["jitter"])
    return tf.reshape(jittered, [-1, crop, crop, 3 * length])
