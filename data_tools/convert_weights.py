"""Turns a network of MatConvNet, Caffe, Keras or PyTorch into a run folder."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("convert_weights")
