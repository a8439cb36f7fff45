"""Fuses the streams' scores of the test videos, and writes a table and figures."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("fuse_scores")
