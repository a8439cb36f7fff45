"""Measures how fast the parts of the project are on this machine."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("benchmark")
