"""Writes a report to show: a page that needs nothing else, and the same as Markdown."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("make_report")
