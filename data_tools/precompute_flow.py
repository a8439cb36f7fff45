"""Decodes videos, estimates their optical flow and keeps both in a store (paper, Sect. 5)."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("precompute_flow")
