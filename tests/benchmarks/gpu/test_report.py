"""A report is whole at any time."""

import json

from tf_twostream.benchmarks.gpu import report


def test_every_finding_is_in_the_files_at_once(tmp_path):
    kept = report.Report(tmp_path, {"GPU": "none"})
    kept.begin("Steps")
    kept.add(("Rates", {"stream": "temporal", "ms": 12.34567}))
    written = json.loads((tmp_path / "gpu.json").read_text())
    assert written["parts"][0]["tables"] == {"Rates": [{"stream": "temporal", "ms": 12.34567}]}
    assert "| temporal | 12.3 |" in (tmp_path / "gpu.md").read_text()
    assert "Steps (begun)" in kept.markdown()
    kept.end("done", 3.21)
    assert "Steps (done, 3 s)" in (tmp_path / "gpu.md").read_text()


def test_rows_may_lack_columns(tmp_path):
    kept = report.Report(tmp_path, {})
    kept.begin("Steps")
    kept.add(("Rates", {"a": 1}))
    kept.add(("Rates", {"b": 20_000.0}))
    lines = kept.markdown().splitlines()
    assert [line for line in lines if line.startswith("|")] == [
        "| a   |      b |",
        "| --- | -----: |",
        "| 1   |        |",
        "|     | 20,000 |",
    ]
