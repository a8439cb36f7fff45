"""Folders of empty files, for what looks at names alone."""


def make(top, *ids):
    """Makes files below a folder, and returns the folder."""
    for id in ids:
        path = top / id
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return top
