"""Runs the rows of the papers' tables and writes our numbers beside the paper's."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("reproduce_table")
