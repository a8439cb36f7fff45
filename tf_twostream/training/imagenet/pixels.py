"""From encoded images to batches for the spatial network: the `tf.data` graphs.

Images differ in size so much that whole ones do not make a batch: here the CPU rescales and, in
training, cuts. What is left to the device is what it does for videos, see `inputs.prepare`: cutting
(in training the whole), mirroring, colour jitter.
"""

import tensorflow as tf

from tf_twostream import inputs, paper
from tf_twostream.inputs import parallel, raw_frames, views
from tf_twostream.paper import recipes
from tf_twostream.training.imagenet import labelled_images


def decode(encoded: tf.Tensor, name: tf.Tensor) -> tf.Tensor:
    """Decodes JPEG, grey and CMYK as well, or PNG to `[H, W, 3]` uint8 RGB.

    Args:
        encoded: Scalar string, the bytes.
        name: Scalar string, for the error if they do not decode.
    """

    # Despite its name the op decodes PNG as well; the accurate method gives what OpenCV gives,
    # the default differs from it by up to four levels.
    def pixels(data: tf.Tensor) -> tf.Tensor:
        return tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")

    # An error of the decoder would not say in which file: take nothing in its place, and look.
    nothing = tf.data.Dataset.from_tensors(tf.zeros([0, 0, 3], tf.uint8))
    decoded = tf.data.Dataset.from_tensors(encoded).map(pixels).ignore_errors()
    image = decoded.concatenate(nothing).take(1).get_single_element()
    return labelled_images.checked(
        image,
        tf.size(image) > 0,
        "An image must be a JPEG or PNG file that is not damaged.",
        name,
    )


def rescale(
    image: tf.Tensor, size: tf.Tensor, *, corner: tf.Tensor | None = None, crop: int | None = None
) -> tf.Tensor:
    """Rescales an image, bilinearly and with antialiasing, and cuts a square out of the result.

    Args:
        image: `[H, W, 3]` uint8.
        size: `[2]` int32, height and width of the whole result in pixels.
        corner: `[2]` int32 (top, left) of the square in the whole result.
        crop: Its side in pixels; None for the whole. Pixels outside are not computed.

    Returns:
        `[crop, crop, 3]` or `[*size, 3]` uint8.
    """
    scale = tf.cast(size, tf.float32) / tf.cast(tf.shape(image)[:2], tf.float32)
    first = tf.zeros([2]) if corner is None else tf.cast(corner, tf.float32)
    # What tf.image.resize calls, with a translation: pixels outside of the crop are never
    # computed, which is most of them where an image is wide.
    rescaled = tf.raw_ops.ScaleAndTranslate(
        images=image[None],
        size=size if crop is None else tf.constant([crop, crop]),
        scale=scale,
        translation=-first,
        kernel_type="triangle",
        antialias=True,
    )
    return tf.cast(tf.round(rescaled[0]), tf.uint8)


def training(
    found: labelled_images.Found,
    recipe: recipes.Recipe,
    *,
    shorter_side: int,
    first_iteration: int = 0,
    shard: int = 0,
    num_shards: int = 1,
    num_replicas: int = 1,
) -> tf.data.Dataset:
    """Builds the endless stream of training batches (paper, Sect. 5, "Pre-training").

    Each sample is an image, rescaled, a view from the whole of it, a mirror and a colour jitter.
    All but which image is drawn from the iteration and the seed alone.

    Args:
        found: The images.
        recipe: The network's recipe.
        shorter_side: Of the rescaled images, in pixels.
        first_iteration: Iteration to start from.
        shard: Number of this host among the hosts that share each batch.
        num_shards: Number of hosts.
        num_replicas: Number of devices over all hosts.

    Returns:
        Batches of `batch_size / num_replicas`: `rgb` `[B, crop, crop, 3]` uint8, `views`
        `[B, 1, 3]` int32 (0, 0, flip), `jitter` `[B, 3]` float32, `label` `[B]` int32.

    Raises:
        ValueError: If the batch cannot be split evenly.
    """
    # Every host draws for the whole batch and keeps its rows: so the samples of an iteration are
    # the same however many hosts share them.
    inputs.check_split_of_batch(recipe.batch_size, num_replicas)
    share = recipe.batch_size // num_shards
    rows = slice(shard * share, (shard + 1) * share)

    def draw(iteration: tf.Tensor) -> inputs.Element:
        shape = [recipe.batch_size, 3]
        seed = inputs.random_stream(recipe.seed, iteration, inputs.VIEWS)
        view = tf.random.stateless_uniform(shape, seed, dtype=tf.float64, alg="philox")
        seed = inputs.random_stream(recipe.seed, iteration, inputs.JITTER)
        normal = tf.random.stateless_normal(shape, seed, alg="philox")
        return {"view": view[rows], "jitter": paper.JITTER_STDDEV * normal[rows]}

    def read(place: labelled_images.Place, drawn: inputs.Element) -> inputs.Element:
        file = found.read(place)
        image = decode(file["encoded"], file["name"])
        size = raw_frames.rescaled_size(tf.shape(image)[:2], shorter_side)
        view = views.random_view(
            drawn["view"][None], size[:1], size[1:], recipe.crop_size, mirroring=recipe.mirroring
        )[0]
        rgb = rescale(image, size, corner=view[0, :2], crop=recipe.crop_size)
        rgb = tf.ensure_shape(rgb, [recipe.crop_size, recipe.crop_size, 3])
        # The crop is cut already; only the mirror is left to the device.
        flip = view * [0, 0, 1]
        return {"rgb": rgb, "views": flip, "jitter": drawn["jitter"], "label": file["label"]}

    order = labelled_images.Order(
        seed=recipe.seed,
        batch_size=recipe.batch_size,
        first_iteration=first_iteration,
        shard=shard,
        num_shards=num_shards,
    )
    places = found.endless(order)
    draws = tf.data.Dataset.counter(first_iteration, dtype=tf.int64).map(draw).unbatch()
    samples = tf.data.Dataset.zip(places, draws).map(read, num_parallel_calls=parallel.CALLS)
    batches = samples.batch(recipe.batch_size // num_replicas, drop_remainder=True)
    return parallel.ahead(batches)


def evaluation(
    found: labelled_images.Found, recipe: recipes.Recipe, *, shorter_side: int, batch_size: int
) -> tf.data.Dataset:
    """Builds the stream of test batches: each image once, with all its views.

    Args:
        found: The images.
        recipe: The network's recipe.
        shorter_side: Of the rescaled images, in pixels.
        batch_size: Images per batch; the network sees V times as many inputs.

    Returns:
        Batches of `rgb` `[B, H, W, 3]` uint8, padded at the bottom and right to the largest of the
        batch, `views` `[B, V, 3]` int32, V = 10 (5 without mirroring), `label` `[B]` int32; the
        last one may be smaller.
    """

    def read(place: labelled_images.Place) -> inputs.Element:
        file = found.read(place)
        image = decode(file["encoded"], file["name"])
        size = raw_frames.rescaled_size(tf.shape(image)[:2], shorter_side)
        rgb = tf.ensure_shape(rescale(image, size), [None, None, 3])
        chosen = views.test_views(size[0], size[1], recipe.crop_size, mirroring=recipe.mirroring)
        return {"rgb": rgb, "views": chosen, "label": file["label"]}

    samples = found.once().map(read, num_parallel_calls=parallel.CALLS)
    return parallel.ahead(samples.padded_batch(batch_size))
