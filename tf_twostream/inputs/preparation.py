"""Turns a batch of bytes into the input of a network, on the device that holds the batch."""

from typing import cast

import tensorflow as tf

from tf_twostream.inputs import views, volumes
from tf_twostream.inputs.windows import Element
from tf_twostream.paper import recipes


def prepare(batch: Element, recipe: recipes.Recipe) -> tf.Tensor | dict[str, tf.Tensor]:
    """Turns a batch of bytes into network inputs, on the device that holds the batch.

    Args:
        batch: What `inputs.training`, `inputs.from_features` or `inputs.evaluation` yields.
        recipe: The recipe of the network.

    Returns:
        `[B * V, crop, crop, C]` float32: volumes of flow in pixels per frame, C = 2L, or RGB in
        [0, 255], C = 3, or 3T of slow fusion. The V views of an element follow one another. Of
        clips, both as "rgb" and "volume" `[B * V, T, crop, crop, C]`. Or features, as they are.
    """
    if "rgb" in batch and "codes" in batch:
        return _clips(batch, cast(recipes.ConvFusionRecipe, recipe))
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


def _clips(batch: Element, recipe: recipes.ConvFusionRecipe) -> dict[str, tf.Tensor]:
    """Prepares the snippets of clips, each as an input of a tower alone, all with the same view."""
    count, num_views = recipe.snippets, batch["views"].shape[1]
    snippets = {
        name: tf.reshape(tensor, [-1, *tf.unstack(tf.shape(tensor))[2:]])
        for name, tensor in batch.items()
        if name in ("codes", "ranges", "means", "rgb")
    }
    for name in snippets:  # Those that are known are needed as numbers.
        snippets[name] = tf.ensure_shape(snippets[name], [None, *batch[name].shape[2:]])
    for name in ("views", "size"):
        if name in batch:
            snippets[name] = tf.repeat(batch[name], count, axis=0)

    def in_clips(x: tf.Tensor) -> tf.Tensor:
        size = tf.unstack(tf.shape(x))[1:]
        by_snippet = tf.reshape(x, [-1, count, num_views, *size])
        clips = tf.reshape(tf.transpose(by_snippet, [0, 2, 1, 3, 4, 5]), [-1, count, *size])
        return tf.ensure_shape(clips, [None, count, *x.shape[1:]])

    spatial, temporal = recipe.towers
    flow = {name: tensor for name, tensor in snippets.items() if name != "rgb"}
    frames = {name: snippets[name] for name in ("rgb", "views")}
    return {
        "rgb": in_clips(cast(tf.Tensor, prepare(frames, spatial))),
        "volume": in_clips(cast(tf.Tensor, prepare(flow, temporal))),
    }


def _frames(batch: Element, recipe: recipes.Recipe) -> tf.Tensor:
    crop, length = recipe.crop_size, recipe.window_length
    rgb = tf.cast(views.apply_views(batch["rgb"], batch["views"], crop), tf.float32)
    if "jitter" not in batch:  # The colours of a test video stay as they are.
        return rgb
    # All T frames of a stack shift alike, so to the jitter they are one wide image.
    pixels = tf.reshape(rgb, [-1, crop, crop * length, 3])
    jittered = views.jitter_rgb(pixels, batch["jitter"])
    return tf.reshape(jittered, [-1, crop, crop, 3 * length])
