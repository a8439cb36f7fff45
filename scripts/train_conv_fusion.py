"""Joins two trained towers within their layers, trains what follows (Feichtenhofer, 2016)."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("train_conv_fusion")
