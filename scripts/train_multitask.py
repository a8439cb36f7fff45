"""Trains one temporal network on several data sets at the same time (paper, Sect. 4)."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("train_multitask")
