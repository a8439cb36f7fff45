"""Trains the temporal stream on stacks of optical flow (paper, Sect. 3 and 5)."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("train_temporal")
