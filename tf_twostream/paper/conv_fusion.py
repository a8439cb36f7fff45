"""The numbers of the second paper, each with where it is from.

Feichtenhofer, Pinz & Zisserman, "Convolutional Two-Stream Network Fusion for Video Action
Recognition", CVPR 2016. [P] is said by the paper, [C] by its authors' code (commit a098f08), where
the paper is silent or says otherwise. A line that says "ours" is our choice where both are silent.
"""

from tf_twostream import paper

NUM_SNIPPETS = 5  # T, snippets in a clip: each one RGB frame and one volume around it [P]
STRIDES = (1, 10)  # tau, frames between two snippets, drawn for each clip [P]; 5 to 15 in [C]
BATCH_SIZE = 96  # clips [P]
LEARNING_RATE = 1e-3  # "divided by 10 when validation saturates" [P]
# [C]: ten passes each at 1e-3, 1e-3, 1e-4, 1e-5 and 1e-6. A pass through the 9,537 training videos
# of UCF-101 is about 100 batches.
SCHEDULE = paper.Schedule(5_000, drops=(2_000, 3_000, 4_000))
DROPOUT_RATE = 0.85  # of both fully connected layers of every tower [P, C]

# Where the bank of "conv" starts: temporal activations are about three times smaller [P].
SPATIAL_SHARE, TEMPORAL_SHARE = 0.25, 0.75
BANK_STDDEV = 0.01  # of the Gaussian start [C]
KERNEL = 3  # of the bank over time and space, in snippets and pixels [P]
KERNEL_STDDEV = 1.0  # of the Gaussian by which its identity is spread, in the same units [P]

# Training views: sides of the crop within 25 % of the network's, at most 25 % of the frame from the
# border [P].
CROP_JITTER = 0.25
BORDER_DISTANCE = 0.25

TEST_CLIPS = 10  # of each video, each also mirrored [C]
TEST_CLIPS_AT_ONCE = 5  # ours: a clip of VGG-16 takes 1 GB
