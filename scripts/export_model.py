"""Writes trained networks for other programs, or as one file for other people."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("export_model")
