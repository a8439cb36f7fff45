"""The page: what it offers to a browser; tests/commands/test_serve.py clicks at it."""

import importlib.util
import subprocess
import sys

import pytest

# In a process of its own: gradio warns of what it does itself.
CHECK = """
import os
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
import asyncio, json, types
import gradio, pytest
from tf_twostream.evaluation import page
for decisions in (False, True):
    answerer = types.SimpleNamespace(gives_decisions=decisions, can_explain=True)
    made = page.Page(answerer, "folder", ["/secret/clip.avi"])
    blocks = made.build()
    config = blocks.get_config_file()
    text = json.dumps(config, default=str)
    assert '"share"' not in text and "/secret" not in text and "googleapis" not in text
    called = [d for d in config["dependencies"] if d["targets"][0][1] != "unload"]
    assert len(called) == 3 and {d["api_visibility"] for d in called} == {"private"}
    queued = [d for d in called if d["queue"] is not False]
    assert len(queued) == 2 and blocks._queue.default_concurrency_limit == 1
    [clip] = [b for b in blocks.blocks.values() if getattr(b, "elem_id", "") == "clip"]
    with pytest.raises(gradio.Error, match="must be uploaded"):
        asyncio.run(clip.async_move_resource_to_block_cache("http://127.0.0.1:9/clip.mp4"))
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("gradio") is None, reason="needs gradio")
def test_nothing_is_shared_published_or_fetched(root):
    subprocess.run([sys.executable, "-c", CHECK], check=True, cwd=root)
