"""Trains the spatial stream on single RGB frames (paper, Sect. 2 and 5)."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("train_spatial")
