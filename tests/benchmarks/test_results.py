"""Tables for people are read as rows for programs."""

from tf_twostream.benchmarks import results
from tf_twostream.figures import reports


def test_each_table_has_its_title_and_numbers_are_numbers():
    tables = [
        reports.markdown_table(
            ["", "stacks/s", "a|b"], [["graph", "9,189", "1.00"], ["|", "-3", ""]]
        ),
        reports.markdown_table(["method"], [["dis"]]),
    ]
    assert results.from_text(f"2 cores,\nidle\n{tables[0]}\nflow\n\n{tables[1]}") == [
        {
            "title": "2 cores, idle",
            "rows": [
                {"": "graph", "stacks/s": 9189.0, r"a\|b": 1.0},
                {"": r"\|", "stacks/s": -3.0, r"a\|b": ""},
            ],
        },
        {"title": "flow", "rows": [{"method": "dis"}]},
    ]
