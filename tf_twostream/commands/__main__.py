"""Runs a command where `twostream` is not on the path: `python -m tf_twostream.commands NAME`."""

from tf_twostream import commands

commands.twostream()
