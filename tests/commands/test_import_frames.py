"""The command that makes a store of images."""

import numpy as np
import pytest

from tf_twostream import store


def test_what_was_exported_is_imported(here, tiny_store, tmp_path, capsys):
    ids = [video.id for video in tiny_store[1].test]
    out = tmp_path / "out"
    flags = (f"--store={tiny_store[0]}", f"--output_dir={out}", "--format=jpeg", "--flow_bound=8")
    assert here("export_flow", *flags, ids[0]) == 0
    flags = (f"--frames_dir={out}", f"--flow_dir={out}", "--flow_bound=8", "--fps=25")
    assert here("import_frames", *flags, f"--store={tmp_path / 'store'}") == 0
    assert "1 video done, 0 complete before, 0 failed." in capsys.readouterr().out
    before, after = (store.Reader(path) for path in (tiny_store[0], str(tmp_path / "store")))
    for old, new in zip(before.fields(ids[0]), after.fields(ids[0]), strict=True):
        # The flow of this store is mostly noise, which JPEG keeps badly.
        assert np.abs(np.clip(old, -8, 8) - new).mean() < 0.3


@pytest.mark.parametrize(
    ("flag", "words"),
    [("--flow_dir=x", "must have a --flow_bound"), ("--flow_zero=129", "127, 127.5 or 128")],
)
def test_flow_must_say_what_its_codes_mean(here, tmp_path, flag, words):
    with pytest.raises(ValueError, match=words):
        here("import_frames", f"--frames_dir={tmp_path}", f"--store={tmp_path}/s", flag)
