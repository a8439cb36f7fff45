"""Makes a store of frames and flow that another tool has written as images."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("import_frames")
