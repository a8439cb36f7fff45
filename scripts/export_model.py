"""Writes a trained two-stream model as a SavedModel that runs with TensorFlow alone."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("export_model")
