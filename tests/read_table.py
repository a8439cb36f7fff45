"""Markdown tables that commands print."""


def cells(text):
    """The cells of each line of a table, header and rule included; other lines are passed over."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
