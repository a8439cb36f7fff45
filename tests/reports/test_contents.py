"""The whole of a report."""


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
