"""Joins the parts of a store that several machines filled."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("join_stores")
