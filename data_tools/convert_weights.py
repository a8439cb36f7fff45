"""Turns a CNN-M-2048 network of MatConvNet or Caffe into a run folder."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("convert_weights")
