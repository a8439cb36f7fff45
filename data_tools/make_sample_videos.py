"""Draws a small labelled data set on which neither stream suffices and both together do."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("make_sample_videos")
