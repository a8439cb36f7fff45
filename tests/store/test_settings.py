"""What all videos of a store share."""

import dataclasses
import json
import pathlib

import pytest

from tf_twostream import flow, store
from tf_twostream.store import settings


def test_settings_survive_json():
    for kept in (
        store.Settings.of("dis", directions=("forward", "backward"), shorter_side=99),
        store.Settings(method="x", parameters={}, directions=("forward",), shorter_side=64),
    ):
        text = json.dumps(kept.to_json())
        assert store.Settings.from_json(json.loads(text), "here") == kept


def test_what_a_later_version_adds_is_passed_over():
    kept = store.Settings.of("farneback")
    assert store.Settings.from_json({**kept.to_json(), "codec": "av1"}, "here") == kept


def test_each_choice_is_in_the_settings():
    default = store.Settings.of("brox")
    assert default.parameters == flow.parameters("brox") and default.shorter_side == 256
    for other in (
        store.Settings.of("tvl1"),
        store.Settings.of("brox", directions=("forward", "backward")),
        store.Settings.of("brox", shorter_side=99),
    ):
        assert other != default


def test_a_line_says_how_the_flow_was_computed():
    words = store.Settings.of("dis", directions=("forward", "backward")).describe()
    assert words.startswith("dis, OpenCV ")
    assert words.endswith(", shorter side 256, forward, backward")  # No number of the method.
    plain = store.Settings(method="x", parameters={}, directions=("forward",), shorter_side=64)
    assert plain.describe() == "x, shorter side 64, forward"


def test_the_file_is_that_of_the_schema(tmp_path):
    kept = store.Settings.of("dis")
    settings.write(str(tmp_path), kept)
    content = json.loads(pathlib.Path(tmp_path, "store.json").read_text())
    assert set(content) == {
        "schema_version", "method", "parameters", "directions", "shorter_side", "rgb_quality",
        "flow_quality",
    }  # fmt: skip
    assert list(content) == sorted(content) and content["schema_version"] == 2
    assert settings.read(str(tmp_path)) == kept


def test_settings_that_differ_are_told_by_name():
    kept = store.Settings.of("dis")
    kept.check_continues(kept, "store.json")
    with pytest.raises(store.OtherSettingsError, match="shorter_side: 9 there, 256 asked"):
        kept.check_continues(dataclasses.replace(kept, shorter_side=9), "store.json")


def test_flow_may_be_added_but_not_taken_away():
    frames, forward, both = (
        store.Settings.of(method, directions=directions)
        for method, directions in (
            ("none", ("forward",)), ("dis", ("forward",)), ("dis", ("forward", "backward")),
        )
    )  # fmt: skip
    assert [kept.kinds for kept in (frames, forward)] == [("rgb",), ("rgb", "forward")]
    assert frames.describe() == "frames without flow, shorter side 256"
    for more, less in ((forward, frames), (both, frames), (both, forward)):
        more.check_continues(less, "store.json")
        with pytest.raises(store.OtherSettingsError):
            less.check_continues(more, "store.json")


@pytest.mark.parametrize("text", ["{", '{"schema_version": 0}', '{"schema_version": 1}'])
def test_a_damaged_file_is_told_from_a_missing_one(tmp_path, text):
    with pytest.raises(store.NoStoreError, match="must hold store.json"):
        settings.read(str(tmp_path))
    (tmp_path / "store.json").write_text(text)
    with pytest.raises(store.DamagedStoreError, match=r"Received"):
        settings.read(str(tmp_path))


def test_a_rate_is_kept_and_said_and_older_stores_have_none():
    kept = store.Settings.of("none", shorter_side=64, fps=12.5)
    assert store.Settings.from_json(kept.to_json(), "here") == kept
    assert kept.describe() == "frames without flow, shorter side 64, 12.5 frames/s"
    assert "one of 3 frames" in store.Settings.of("dis", frame_step=3).describe()
    assert not {"fps", "frame_step"} & store.Settings.of("dis").to_json().keys()


def test_the_coding_of_flow_is_told_only_where_it_is_not_jpeg(tmp_path):
    raw = store.Settings.of("dis", flow_coding="raw")
    assert raw.flow_quality is None and raw.describe().endswith("forward, raw codes")
    settings.write(str(tmp_path), raw)
    assert settings.read(str(tmp_path)) == raw
    assert "flow_coding" not in store.Settings.of("dis").to_json()
    assert store.Settings.of("none", flow_coding="raw") == store.Settings.of("none")
    raw.check_continues(store.Settings.of("none"), "store.json")
    with pytest.raises(store.OtherSettingsError, match="flow_coding: jpeg there, raw asked"):
        raw.check_continues(store.Settings.of("dis"), "store.json")


def test_a_coding_that_is_not_known_is_refused(tmp_path):
    kept = store.Settings.of("dis").to_json()
    with pytest.raises(ValueError, match="`flow_coding` must be .*'lz4'"):
        store.Settings.from_json(kept | {"flow_coding": "lz4"}, "store.json")
