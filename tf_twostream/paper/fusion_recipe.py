"""The recipe of two towers that are joined within their convolutional layers (the 2016 paper)."""

import dataclasses
import re
from typing import ClassVar, Literal

from tf_twostream import cli, paper
from tf_twostream.paper import conv_fusion
from tf_twostream.paper.recipe import OTHER_DROPOUT_RATES, Kind, Recipe, TowerRecipe
from tf_twostream.paper.streams import SpatialRecipe, TemporalRecipe
from tf_twostream.paper.testing import Average, Views

Function = Literal["sum", "max", "concatenation", "conv", "bilinear"]
TemporalFusion = Literal["none", "2d_pool", "3d_pool", "3d_conv_3d_pool"]


class LayersError(ValueError):
    """Two towers that cannot be joined at the layers that were named."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConvFusionRecipe(Recipe):
    """The recipe of a network of two towers, which are trained networks of both streams.

    Attributes:
        spatial: The recipe of the spatial tower; None as long as its run has not been read.
        temporal: Likewise.
    """

    stream: ClassVar[str] = "conv_fusion"
    sees_flow: ClassVar[bool] = True
    sees_clips: ClassVar[bool] = True
    windows_at_once: ClassVar[int] = conv_fusion.TEST_CLIPS_AT_ONCE
    test_views: ClassVar[Views] = "dense"
    test_average: ClassVar[Average] = "logits"

    spatial_run: str = cli.knob(
        cli.REQUIRED, "Run folder of the spatial tower, trained on the same split.", group="network"
    )
    temporal_run: str = cli.knob(
        cli.REQUIRED, "Run folder of the temporal tower, likewise.", group="network"
    )
    fusion_layer: tuple[str, ...] = cli.knob(
        ("relu5",),
        "Where the temporal tower is joined to the spatial one: relu1 to relu5, full6, full7, "
        "logits, or a stage of another architecture. SPATIAL:TEMPORAL where the two towers call it "
        "differently; several, from the input on, separated by commas (Table 2).",
        group="network",
    )
    fusion: Function = cli.knob(
        "conv",
        "How: sum, max, concatenation, conv (concatenation and a bank of 1x1 filters), or bilinear "
        "(outer products over all places, and a linear SVM instead of layers, without iterations).",
        group="network",
    )
    fusion_init: Literal["identity", "gaussian"] = cli.knob(
        "identity",
        "Where the bank of conv starts: identity, a quarter of the spatial activations and three "
        "quarters of the temporal ones, or gaussian (Table 1).",
        group="network",
    )
    temporal_fusion: TemporalFusion = cli.knob(
        "none",
        "What joins the snippets of a clip: none, of a single one; 2d_pool, the mean of their "
        "class values; 3d_pool, the pooling after the last convolution, over time as well; or "
        "3d_conv_3d_pool, with a bank of 3x3x3 filters where the towers are joined.",
        group="network",
    )
    pool_extent: Literal["2x2xT", "3x3x3"] = cli.knob(
        "2x2xT",
        "Extent of the 3D pooling in pixels and snippets: 2x2 and the whole of time, as its "
        "authors' code, or 3x3x3 with strides of 2, as the figure of the paper.",
        group="network",
    )
    num_snippets: int | None = cli.knob(
        None,
        "T, snippets in a clip: each one frame and the volume around it. Default: "
        f"{conv_fusion.NUM_SNIPPETS}; 1 without --temporal_fusion.",
        group="network",
        at_least=1,
    )
    snippet_stride: str = cli.knob(
        ":".join(map(str, conv_fusion.STRIDES)),
        "Frames between two snippets, drawn for each clip: LEAST:MOST, or one number. "
        "In testing it is the middle (ours).",
    )
    keep_temporal_tower: bool = cli.knob(
        False,
        "Keep the temporal tower beside the joined one, with a loss of its own; in testing the "
        "class values of both are averaged.",
        group="network",
    )
    train_from_layer: str = cli.knob(
        "",
        "First layer of the towers to train, by a name as in --fusion_layer. Default: what comes "
        "after the first --fusion_layer; more brought nothing.",
    )
    num_iterations: int | None = cli.knob(
        None,
        "Length of the training; the learning rate drops tenfold after 2, 3 and 4 fifths. Default: "
        f"{conv_fusion.SCHEDULE.iterations:,} (the authors' code).",
        above=0,
    )
    batch_size: int = cli.knob_of(Recipe, "batch_size", conv_fusion.BATCH_SIZE)
    learning_rate: float | None = cli.knob(
        conv_fusion.LEARNING_RATE, "Initial learning rate.", above=0
    )
    dropout_rate: float | None = cli.knob(
        None,
        "Share of the outputs of the fully connected layers of every tower that is set to zero. "
        f"Default: {conv_fusion.DROPOUT_RATE}; 0.5 of EfficientNet (ours).",
        at_least=0,
        below=1,
    )
    spatial: SpatialRecipe | None = None
    temporal: TemporalRecipe | None = None

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if not re.fullmatch(r"[1-9][0-9]*(:[1-9][0-9]*)?", self.snippet_stride):
            rule = "`snippet_stride` must be a number of frames, or two with a colon between"
            raise ValueError(f"{rule}. Received: {self.snippet_stride}.")
        least, most = self.strides
        if least > most:
            raise ValueError(
                f"`snippet_stride` must be LEAST:MOST. Received: {self.snippet_stride}."
            )
        if self.temporal_fusion == "none" and self.snippets > 1:
            rule = "`num_snippets` must be 1 where `temporal_fusion` is none"
            raise ValueError(f"{rule}. Received: num_snippets={self.num_snippets}.")
        if not self.fusion_layer:
            raise ValueError("`fusion_layer` must name a layer. Received: none.")
        if self.fusion == "bilinear":
            self._check_bilinear()
        if self.temporal_fusion == "3d_conv_3d_pool" and self.fusion != "conv":
            rule = "`temporal_fusion` of 3d_conv_3d_pool must go with `fusion` of conv"
            raise ValueError(f"{rule}. Received: fusion={self.fusion}.")

    def _check_bilinear(self) -> None:
        """Checks that nothing is asked for that follows the outer products: no layer does."""
        given = {
            "temporal_fusion": self.temporal_fusion not in ("none", "2d_pool"),
            "keep_temporal_tower": self.keep_temporal_tower,
            "fusion_layer": len(self.fusion_layer) > 1,
            "train_from_layer": self.train_from_layer != "",
        }
        if wrong := [name for name, is_wrong in given.items() if is_wrong]:
            rule = (
                "`fusion` of bilinear must be at one layer, without 3D pooling, a second tower or "
                "training of the towers"
            )
            raise ValueError(f"{rule}. Received: {', '.join(wrong)}.")

    @property
    def towers(self) -> tuple[SpatialRecipe, TemporalRecipe]:
        """The recipes of both towers."""
        if self.spatial is None or self.temporal is None:
            raise ValueError("A fusion must know its towers. Received: none yet.")
        return self.spatial, self.temporal

    @property
    def strides(self) -> tuple[int, int]:
        """The least and the greatest number of frames between two snippets."""
        least, _, most = self.snippet_stride.partition(":")
        return int(least), int(most or least)

    @property
    def snippets(self) -> int:
        """T."""
        if self.num_snippets is not None:
            return self.num_snippets
        return 1 if self.temporal_fusion == "none" else conv_fusion.NUM_SNIPPETS

    @property
    def crop_size(self) -> int:
        """The side of both inputs in pixels."""
        return self.towers[0].crop_size

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of flow records of a store that a clip is made of."""
        return self.towers[1].kinds

    @property
    def window_length(self) -> int:
        """L."""
        return self.towers[1].window_length

    @property
    def dropout(self) -> float:
        """The dropout ratio of the spatial tower, whose layers follow the fusion."""
        return self.dropout_of(self.towers[0])

    def dropout_of(self, tower: TowerRecipe) -> float:
        """Returns the dropout ratio of a tower within the joined network."""
        if self.dropout_rate is not None:
            return self.dropout_rate
        return OTHER_DROPOUT_RATES.get(tower.architecture, conv_fusion.DROPOUT_RATE)

    @property
    def _schedule(self) -> paper.Schedule:
        return conv_fusion.SCHEDULE
