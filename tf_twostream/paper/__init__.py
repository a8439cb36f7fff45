"""The numbers of the paper, each with its section, and its table of layers.

Simonyan & Zisserman, "Two-Stream Convolutional Networks for Action Recognition in Videos",
NIPS 2014. [n] is the paper's own reference. A line that says "ours" is our choice where the
paper is silent, with the reason. `recipes` is made of these numbers.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How long a training lasts, and when its learning rate drops, in iterations."""

    iterations: int
    drops: tuple[int, ...]


# Sect. 5, "Training" and "Testing".
SHORTER_SIDE = 256  # pixels; every video is rescaled to it before anything else
CROP_SIZE = 224  # pixels; the input of both networks
STACK_LENGTH = 10  # L, fields in a volume (Sect. 6, Table 1b)
BATCH_SIZE = 256
MOMENTUM = 0.9
LEARNING_RATE = 1e-2  # initial
LEARNING_RATE_DROP = 0.1  # the factor of each drop
FROM_SCRATCH = Schedule(80_000, drops=(50_000, 70_000))
FINE_TUNING = Schedule(20_000, drops=(14_000,))
TEST_FRAMES = 25  # frames per video, with equal temporal spacing
TEST_VIEWS = 10  # four corners and the centre, each also mirrored

# Table 1: dropout ratios. From scratch 0.9 is the better one in both streams, and in the spatial
# one also for fine-tuning; where only the last layer is trained it is 0.5.
DROPOUT_RATE = 0.9
LAST_LAYER_DROPOUT_RATE = 0.5

# Sect. 6: "slow fusion" of [14], "a ConvNet to a stack of RGB frames (11 frames in our case)". In
# [14] conv1 has a temporal extent of 4 over 10 frames with a stride of 2, which gives 4 responses,
# and conv2 and conv3 each join two.
NUM_FRAMES = 11
SLOW_FUSION_STRIDE = 2  # frames
SLOW_FUSION_RESPONSES = 4
SLOW_FUSION_TEST_FRAMES = 5  # stacks at once in testing, ours: each with its views takes 0.7 GB

# [15], Krizhevsky et al. 2012, which the paper's training adapts.
WEIGHT_DECAY = 5e-4  # ours: the paper names none, [15] and Caffe use this
LRN = {"depth_radius": 2, "bias": 2.0, "alpha": 1e-4, "beta": 0.75}  # n = 5, k = 2
LAST_LAYER_STDDEV = 0.01  # of its initial weights, as all layers have in [15]
# Colour jitter of [15]: principal components of RGB in [0, 1] over ImageNet as published with
# public re-implementations of [15] (which gives the method and the 0.1, not the components).
JITTER_STDDEV = 0.1
RGB_EIGENVALUES = (0.2175, 0.0188, 0.0045)
RGB_EIGENVECTORS = (  # rows R, G, B; a column is a component
    (-0.5675, 0.7192, 0.4009),
    (-0.5808, -0.0045, -0.8140),
    (-0.5836, -0.6948, 0.4203),
)
# Ours: the mean colour of ImageNet in [0, 255] in place of the mean image of [15]; and a division
# that brings grey levels to unit variance, which a linear first layer absorbs exactly.
RGB_MEAN = (123.68, 116.779, 103.939)
RGB_STDDEV = 58.0

# Flow images of Wang et al. (2015), whose networks others convert: the codes of their dense_flow
# run from -20 to 20 pixels per frame, and 128 is subtracted from them.
FLOW_BOUND = 20.0
FLOW_CODE_MEAN = 128.0

# Pre-training (Sect. 5) on ILSVRC-2012. Ours, since the paper is silent: the "roughly 90 cycles
# through the training set of 1.2 million images" and the dropout of [15]. 450,000 x 256 are 90
# epochs of 1,281,167 images.
IMAGENET_ITERATIONS = 450_000
IMAGENET_DROPOUT_RATE = 0.5
IMAGENET_CLASSES = 1_000


@dataclasses.dataclass(frozen=True)
class ConvLayer:
    """A row of the layer table: convolution, ReLU, then normalisation and pooling if asked for."""

    name: str
    filters: int
    kernel: int
    stride: int
    padding: int
    normalise: bool = False
    pool: bool = False


# Fig. 1 and CNN-M-2048 of [3]; sizes, strides and paddings in pixels.
CONV_LAYERS = (
    ConvLayer("conv1", 96, kernel=7, stride=2, padding=0, normalise=True, pool=True),
    ConvLayer("conv2", 256, kernel=5, stride=2, padding=1, normalise=True, pool=True),
    ConvLayer("conv3", 512, kernel=3, stride=1, padding=1),
    ConvLayer("conv4", 512, kernel=3, stride=1, padding=1),
    ConvLayer("conv5", 512, kernel=3, stride=1, padding=1, pool=True),
)
POOL_SIZE, POOL_STRIDE = 3, 2  # pixels (Sect. 5: "3x3 spatial windows with stride 2")
FULL_LAYERS = (("full6", 4096), ("full7", 2048))
# Sect. 5: the temporal net goes without the second normalisation, to reduce memory consumption.
TEMPORAL_WITHOUT_NORMALISATION = "conv2"
