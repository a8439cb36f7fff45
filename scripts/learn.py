"""Learns from a folder of videos: flow, both streams, fusion, an exported model and a report."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("learn")
