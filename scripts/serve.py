"""Opens a page that labels clips, for this machine."""

from tf_twostream import commands

if __name__ == "__main__":
    commands.run("serve")
