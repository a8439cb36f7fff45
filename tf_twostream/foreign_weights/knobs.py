"""The knobs that name a file to convert; TensorFlow is not imported, so that --help is quick."""

import dataclasses
from typing import ClassVar

from tf_twostream import cli, paper


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForeignFile(cli.Knobs):
    """A file of another program, and what it does not say of itself."""

    group: ClassVar[str] = "network"

    weights: str = cli.knob(
        cli.REQUIRED,
        "The .mat file of MatConvNet, the .caffemodel of Caffe or, of VGG-16, the .h5 file of "
        "Keras or the .pth file of torchvision; told by its content.",
    )
    run_dir: str = cli.knob(
        cli.REQUIRED, "Run folder to write; it must not exist yet.", group="output"
    )
    mean: str = cli.knob(
        "",
        "Mean image of the network: a .mat file with the variable image_mean, or a .binaryproto of "
        "Caffe, with channels in the network's order. Default: the one in the .mat file of the "
        "network; with Caffe the mean colour of ImageNet, or 128 for flow.",
    )
    class_names: str = cli.knob(
        "", "Text file with one class a line. Default: those in the file, or class 0, class 1 ..."
    )
    # None, not 1, because it decides whether the user is told that the file leaves k out.
    lrn_k: float | None = cli.knob(
        None,
        "k of the normalisations where the .caffemodel leaves it out. Default: that of Caffe, 1; "
        "VGG's own networks were trained with 2.",
        above=0,
    )
    # Tools that write flow images use 15, 20 or 32, and no file says which.
    flow_bound: float = cli.knob(
        paper.FLOW_BOUND,
        "Displacement in pixels per frame that the flow images of a temporal network code as 255 "
        "(and its negative as 0).",
        above=0,
    )
