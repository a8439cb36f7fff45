"""Trains the control of the paper on stacks of RGB frames, "slow fusion" of [14] (Sect. 6)."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("train_slow_fusion")
