"""Writes the optical flow of videos as files of other tools, or as a coloured video."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("export_flow")
