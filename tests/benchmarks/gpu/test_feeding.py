"""The input graph is timed stage by stage, then together with the step."""

from tf_twostream.benchmarks.gpu import feeding, setting


def test_stages_step_and_both_are_measured(tiny_store, tmp_path):
    given = setting.Setting(tiny_store[0], "", str(tmp_path), "", setting.TINY)
    rows = [row for _, row in feeding.measure(given, stream="temporal")]
    assert [row["what"] for row in rows] == [
        "input graph: drawing samples",
        "input graph: reading records",
        "input graph: decoding",
        "input graph: batching",
        "step on one batch",
        "both together",
    ]
    assert all(row["samples/s"] > 0 for row in rows)
    # Of a sample: the codes of two fields of at most 54 x 84, two components each, and little else.
    per_sample = 1e6 * rows[-1]["MB/s to the device"] / rows[-1]["samples/s"]
    assert 2 * 2 * 48 * 48 < per_sample < 2 * 2 * 54 * 90 + 500
    assert rows[-1]["limit"]
    assert list((tmp_path / "profile" / "temporal").rglob("*.xplane.pb"))
