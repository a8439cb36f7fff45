"""Reads every record of a store and reports what is damaged, half-done or missing."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("verify_store")
