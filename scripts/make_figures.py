"""Draws the paper's Figures 2 to 6 from one's own videos, networks and scores."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("make_figures")
