"""Trains the spatial network on ImageNet ILSVRC-2012 (paper, Sect. 5, "Pre-training")."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("pretrain_imagenet")
