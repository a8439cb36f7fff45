"""Tests a trained stream on whole videos and writes their scores (paper, Sect. 5, "Testing")."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("evaluate")
