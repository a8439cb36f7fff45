"""Makes the report: its sections, in the order in which they are read."""

import dataclasses

from tf_twostream.processes import printing
from tf_twostream.reports import data, examples, records, results
from tf_twostream.reports.document import Document, Table
from tf_twostream.reports.material import Material


def brief(report: Document) -> Document:
    """Keeps of a report what is read on a terminal: the result, its table, and what to do next."""
    accuracies, *_, steps, _ = report.sections
    tables = tuple(block for block in accuracies.blocks if isinstance(block, Table))
    sections = (dataclasses.replace(accuracies, blocks=tables), steps)
    return dataclasses.replace(report, sections=sections)


def make(material: Material) -> Document:
    """Makes a report of what was learnt.

    Args:
        material: What it is about.
    """
    sections = (
        results.accuracies(material),
        data.section(material),
        results.learning(material),
        results.classes(material),
        examples.section(material),
        records.next_steps(material),
        records.making(material),
    )
    title = f"What was learnt: {printing.count(len(material.split.class_names), 'class')}"
    return Document(title, results.lead(material), sections)
