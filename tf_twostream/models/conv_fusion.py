"""Builds the network of two towers that are joined within (Feichtenhofer et al., 2016).

Each tower is a whole network of one stream (`networks`), cut into sections where something comes
between its layers: the fusion, or a pooling over time. What follows the fusion are the layers of
the spatial tower. A layer of a section has the name that it has in its tower; the sections are
called spatial_1, spatial_2 ... and temporal_1 ....
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

import keras
import numpy as np
from keras import layers, ops

from tf_twostream.models import architectures, fusion_layers, networks
from tf_twostream.models import layers as own_layers
from tf_twostream.models.architecture import Architecture, layer_seed, without_drawing
from tf_twostream.paper import recipes

SPATIAL, TEMPORAL = TOWERS = ("spatial", "temporal")
BANK = "fusion"  # What the names of the layers that join begin with.
_FUNCTION_SEED = 60  # A number of layers as in `architecture`.


def build(
    recipe: recipes.ConvFusionRecipe, num_classes: int, *, frame: tuple[int, int] | None = None
) -> keras.Model:
    """Builds the network of a recipe; the weights of its towers are nought until they are copied.

    Args:
        recipe: The recipe, with those of its towers.
        num_classes: K.
        frame: Height and width of the inputs in pixels, for whole frames; `crop_size` by default.

    Returns:
        A model whose inputs are a dictionary of "rgb" `[B, T, H, W, 3]` in [0, 255] and "volume"
        `[B, T, H, W, 2L]` in pixels per frame. Its output is `[B, K]` float32 logits; with
        `keep_temporal_tower` a dictionary of those of both, "spatial" (the joined one) and
        "temporal".

    Raises:
        LayersError: If the towers cannot be joined as the recipe says.
    """
    check_towers(recipe)
    with networks.precision_of(recipe):
        return _build(recipe, num_classes, frame)


def _build(
    recipe: recipes.ConvFusionRecipe, num_classes: int, frame: tuple[int, int] | None
) -> keras.Model:
    with without_drawing():
        wholes = [networks.build(t, num_classes, frame=frame) for t in tower_recipes(recipe)]
    inputs = {
        seen.name: keras.Input((recipe.snippets, *seen.shape[1:]), name=seen.name)
        for seen in (whole.input for whole in wholes)
    }
    spatial, temporal = (
        _Tower(name, whole, tower, recipe)
        for name, whole, tower in zip(TOWERS, wholes, recipe.towers)
    )
    before = ["", ""]
    x, y = (ops.reshape(clips, (-1, *clips.shape[2:])) for clips in inputs.values())
    for number, (own, other) in enumerate(points(recipe)):
        x, y = spatial.advance(x, before[0], own), temporal.advance(y, before[1], other)
        before = [own, other]
        x = _join(x, y, recipe, spatial, own, number)
    if recipe.fusion == "bilinear":
        # The classes of a linear SVM, which is learnt by itself.
        head = layers.Dense(
            num_classes, kernel_initializer="zeros", dtype="float32", name=networks.LAST_LAYER
        )
        return keras.Model(inputs, _over_snippets(head(x), recipe.snippets), name=recipe.stream)
    end = networks.LAST_LAYER
    joined = _over_snippets(spatial.advance(x, before[0], end), spatial.moments)
    if not recipe.keep_temporal_tower:
        return keras.Model(inputs, joined, name=recipe.stream)
    alone = _over_snippets(temporal.advance(y, before[1], end), temporal.moments)
    return keras.Model(inputs, {SPATIAL: joined, TEMPORAL: alone}, name=recipe.stream)


def tower_recipes(recipe: recipes.ConvFusionRecipe) -> list[recipes.TowerRecipe]:
    """Returns the recipes of the towers as they are within the joined network.

    Both have its dropout and precision. Batch normalisations keep their statistics: what is below
    the fusion is not trained, and clips of a batch are too few to learn them (ours).
    """
    made: list[recipes.TowerRecipe] = []
    for number, tower in enumerate(recipe.towers):
        normalises = architectures.architecture_of(tower).normalises_batches
        made.append(
            dataclasses.replace(
                tower,
                dropout_rate=recipe.dropout_of(tower),
                batch_norm="frozen" if normalises else "auto",
                precision=recipe.precision,
                # Two towers of one seed would drop the same features.
                seed=recipe.seed + number,
            )
        )
    return made


def check_towers(recipe: recipes.ConvFusionRecipe) -> None:
    """Checks that two towers see the same part of a frame.

    Raises:
        LayersError: If they do not.
    """
    sides = [tower.crop_size for tower in recipe.towers]
    if sides[0] != sides[1]:
        rule = "Both towers must have the same `crop_size`"
        raise recipes.LayersError(f"{rule}. Received: {sides[0]} and {sides[1]}.")


def points(recipe: recipes.ConvFusionRecipe) -> list[tuple[str, str]]:
    """Finds the layers at which the towers are joined.

    Returns:
        For each fusion, from the input on, the layers of the spatial and the temporal tower.

    Raises:
        LayersError: If a tower has no such layer, or the order is not that of the towers.
    """
    found = [_layers(given, recipe, "fusion_layer") for given in recipe.fusion_layer]
    for number, tower in enumerate(recipe.towers):
        order = [_names(tower).index(point[number]) for point in found]
        if order != sorted(set(order)):
            rule = "`fusion_layer` must name layers from the input on"
            raise recipes.LayersError(f"{rule}. Received: {', '.join(recipe.fusion_layer)}.")
    if recipe.fusion == "concatenation" and found[-1][0] == networks.LAST_LAYER:
        rule = "Concatenated activations must have a layer that follows"
        raise recipes.LayersError(f"{rule}. Received: {recipe.fusion_layer[-1]}.")
    if recipe.temporal_fusion == "3d_conv_3d_pool" or recipe.fusion == "bilinear":
        for layer, tower in zip(found[0], recipe.towers):
            if layer not in _convolutions(architectures.architecture_of(tower)):
                rule = "Filters over time and outer products must be of convolutional layers"
                raise recipes.LayersError(f"{rule}. Received: {recipe.fusion_layer[0]}.")
    return found


def _layers(given: str, recipe: recipes.ConvFusionRecipe, knob: str) -> tuple[str, str]:
    """Returns the layers of both towers that one name means, or two with a colon between."""
    own, _, other = given.partition(":")
    spatial, temporal = recipe.towers
    return _layer(own, spatial, knob), _layer(other or own, temporal, knob)


def _names(tower: recipes.TowerRecipe) -> list[str]:
    """Lists the layers at which a tower may be cut, from the input on."""
    architecture = architectures.architecture_of(tower)
    full = [name for name, _ in architecture.chain.full] if architecture.chain else []
    others = full or [architecture.features]
    return [*_convolutions(architecture), *others, networks.LAST_LAYER]


def _convolutions(architecture: Architecture) -> list[str]:
    if architecture.chain:
        return [layer.name for layer in architecture.chain.convolutions]
    return list(architecture.stages)


def _layer(name: str, tower: recipes.TowerRecipe, knob: str) -> str:
    """Returns the layer of a tower by the paper's name: relu5 is the output of conv5, its ReLU."""
    architecture = architectures.architecture_of(tower)
    *others, last = _names(tower)
    known = {
        layer.replace("conv", "relu") if architecture.chain else layer: layer for layer in others
    }
    known["logits"] = last
    if architecture.chain:  # Of several convolutions of one size, the last one.
        known |= {f"relu{n}": layer for n, layer in enumerate(architecture.stages, 1)}
    if name not in known:
        rule = f"`{knob}` of {architecture.name} must be one of {', '.join(known)}"
        raise recipes.LayersError(f"{rule}. Received: {name!r}.")
    return known[name]


class _Tower:
    """One of the two towers, cut where something comes between its layers.

    Attributes:
        moments: Samples of a clip: T snippets, or what is left after they were pooled.
    """

    def __init__(
        self,
        name: str,
        whole: keras.Model,
        tower: recipes.TowerRecipe,
        recipe: recipes.ConvFusionRecipe,
    ):
        self.name = name
        self._whole, self._recipe = whole, recipe
        self._names = _names(tower)
        self.architecture = architectures.architecture_of(tower)
        self.moments = recipe.snippets
        self._count = 0

    def advance(self, x: keras.KerasTensor, start: str, end: str) -> keras.KerasTensor:
        """Adds what follows a layer, or the input, up to another one; the last pooling is 3D."""
        last = self.architecture.stages[-1]
        if self._recipe.temporal_fusion.endswith("3d_pool") and self._crosses(last, start, end):
            x = self._section(x, start, last)
            x, start = self._pool(x), self._pool_name or last
        return self._section(x, start, end)

    def _crosses(self, last: str, start: str, end: str) -> bool:
        begins = self._names.index(start) if start else -1
        return begins <= self._names.index(last) < self._names.index(end)

    @property
    def _pool_name(self) -> str:
        """The pooling after the last convolution; empty if there is none."""
        chain = self.architecture.chain
        return self.architecture.stages[-1].replace("conv", "pool") if chain else ""

    def _pool(self, x: keras.KerasTensor) -> keras.KerasTensor:
        extent = 0 if self._recipe.pool_extent == "2x2xT" else 3
        x = fusion_layers.pool_over_time(x, snippets=self._recipe.snippets, extent=extent)
        self.moments = fusion_layers.positions(self._recipe.snippets, extent)
        if chain := self.architecture.chain:
            x = fusion_layers.pool_to_grid(x, size=extent or 2, own=chain.pool_size)
        return x

    def _section(self, x: keras.KerasTensor, start: str, end: str) -> keras.KerasTensor:
        if start == end:
            return x
        self._count += 1
        first = self._whole.get_layer(start).output if start else self._whole.input
        name = f"{self.name}_{self._count}"
        section = keras.Model(first, self._whole.get_layer(end).output)
        # Made anew: after a concatenation it has more channels, and layers that nothing here
        # follows, such as the classes of a tower that ends at the fusion, would stay in memory.
        own = keras.models.clone_model(section, input_tensors=keras.Input(x.shape[1:]))
        own.name = name
        return own(x)


def _join(
    x: keras.KerasTensor,
    y: keras.KerasTensor,
    recipe: recipes.ConvFusionRecipe,
    spatial: _Tower,
    layer: str,
    number: int,
) -> keras.KerasTensor:
    """Joins the activations of both towers at a layer of the spatial one."""
    channels = x.shape[-1]
    y = fusion_layers.fit_grid(y, x)
    if recipe.fusion in ("sum", "max") and y.shape[-1] != channels:
        rule = f"Towers must have as many channels as each other for a {recipe.fusion}"
        given = f"{channels} and {y.shape[-1]} at {recipe.fusion_layer[number]}"
        raise recipes.LayersError(f"{rule}. Received: {given}.")
    if recipe.fusion != "conv":
        return fusion_layers.fuse(x, y, recipe.fusion)
    convolutional = layer in _convolutions(spatial.architecture)
    over_time = recipe.temporal_fusion == "3d_conv_3d_pool" and convolutional
    return fusion_layers.convolve(
        fusion_layers.fuse(x, y, "concatenation"),
        channels,
        start=recipe.fusion_init,
        snippets=recipe.snippets if over_time else 0,
        # Class values are negative, too, and so are the projections of EfficientNet.
        rectified=layer.startswith(("conv", "full", "relu")),
        name=f"{BANK}_{layer}",
        seed=layer_seed(recipe.seed, _FUNCTION_SEED + number),
    )


def _over_snippets(logits: keras.KerasTensor, moments: int) -> keras.KerasTensor:
    """Averages the class values of the samples of a clip: `[B * T, K]` to `[B, K]`."""
    return ops.mean(ops.reshape(logits, (-1, moments, logits.shape[-1])), axis=1)


def sections(model: keras.Model, tower: str) -> Iterator[keras.Model]:
    """Lists the sections of a tower, from the input on."""
    numbered = [layer for layer in model.layers if layer.name.startswith(f"{tower}_")]
    return iter(sorted(numbered, key=lambda layer: int(layer.name.rpartition("_")[2])))


def copy_tower(model: keras.Model, tower: str, weights: Mapping[str, Sequence[np.ndarray]]) -> None:
    """Gives the layers of a tower the weights that they have in the trained one.

    A layer that sees more channels here keeps its weights for those of its own tower; those for the
    channels of the other one start from zero (ours).

    Args:
        model: The joined network.
        tower: One of `TOWERS`.
        weights: Of each layer of the trained tower, by its name.
    """
    for section in sections(model, tower):
        flat = [layer for layer in section.layers if isinstance(layer, layers.Flatten)]
        places = math.prod(flat[0].input.shape[1:3]) if flat else 1
        for layer in section.layers:
            # The state of dropout masks is a weight to Keras: it stays that of this network's seed.
            if layer.weights and not isinstance(layer, own_layers.Dropout):
                mixes = isinstance(layer, layers.Conv2D | layers.Dense)
                shapes = [tuple(w.shape) for w in layer.weights]
                pairs = zip(weights[layer.name], shapes)
                layer.set_weights([_extend(w, shape, places, mixes) for w, shape in pairs])


def _extend(known: np.ndarray, shape: tuple[int, ...], places: int, mixes: bool) -> np.ndarray:
    """Extends known weights to a layer that may have more channels.

    Args:
        known: Of the trained tower.
        shape: Of the layer's weights.
        places: H * W, if the input `[H, W, D]` was flattened.
        mixes: Whether the layer sums over channels: then further ones count nothing at first. Else
            further ones have the weights of the first ones.
    """
    if known.shape == shape:
        return known
    if not mixes:
        for axis, side in enumerate(shape):
            known = np.take(known, np.arange(side) % known.shape[axis], axis=axis)
        return known
    made = np.zeros(shape, known.dtype)
    if known.ndim == 2:
        rows = made.reshape(places, -1, made.shape[-1])
        rows[:, : len(known) // places] = known.reshape(places, -1, made.shape[-1])
    else:
        made[tuple(slice(side) for side in known.shape)] = known
    return made


def freeze(model: keras.Model, recipe: recipes.ConvFusionRecipe) -> None:
    """Lets only the layers be trained that the recipe names (2016 paper)."""
    named, befores = recipe.train_from_layer, points(recipe)[0]
    if named:  # A layer begins after the one before it, a stage after the stage before it.
        firsts = _layers(named, recipe, "train_from_layer")
        names = [["", *_names(tower)] for tower in recipe.towers]
        spatial, temporal = (own[own.index(first) - 1] for own, first in zip(names, firsts))
        befores = (spatial, temporal)
    for name, before in zip(TOWERS, befores):
        trained = not before
        for section in sections(model, name):
            for layer in section.layers:
                layer.trainable = trained
                trained = trained or layer.name == before
