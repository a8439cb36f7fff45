"""Runs a command where `twostream` is not on the path: `python -m tf_twostream.commands NAME`."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.twostream()
