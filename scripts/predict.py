"""Labels videos with a trained two-stream model."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("predict")
