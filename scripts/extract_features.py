"""Writes what a layer of a trained network gives for videos: features."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("extract_features")
