"""The whole of a report."""

from tf_twostream.reports import contents, document


def test_it_tells_the_result_first_and_how_it_was_made_last(report):
    assert report.title == "What was learnt: 3 classes"
    assert report.lead.startswith("Both streams together recognise")
    assert [section.title for section in report.sections] == [
        "How well it recognises",
        "What was learnt from what",
        "While it learnt",
        "Class by class",
        "What it is surest about, right and wrong",
        "Next steps",
        "How it was made",
    ]


def test_in_brief_it_tells_the_accuracies_and_what_to_do_next(report):
    accuracies, steps = contents.brief(report).sections
    assert [type(block) for block in accuracies.blocks] == [document.Table]
    assert steps in report.sections and steps.title == "Next steps"
