"""TensorFlow is loaded without a word, unless it fails."""

import subprocess
import sys
import textwrap

import tf_twostream
from tf_twostream.processes import quiet_import


def run(code, tmp_path, **modules):
    for name, text in modules.items():
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
    start = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    start += "from tf_twostream.processes import quiet_import; quiet_import.install()\n"
    return subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True)


SAYS = """
import os, sys
os.write(2, b"I0000 from C++")
print("from Python", file=sys.stderr)
"""


def test_what_is_said_while_tensorflow_is_loaded_is_kept(tmp_path):
    code = "import tensorflow; tensorflow.os.write(2, b'later')"
    done = run(code, tmp_path, tensorflow=SAYS)
    assert (done.returncode, done.stderr) == (0, "later")


def test_an_import_that_fails_shows_all(tmp_path):
    done = run("import tensorflow", tmp_path, tensorflow=SAYS + "raise ImportError('no CPU')")
    assert done.returncode == 1
    for words in ("I0000 from C++", "from Python", "no CPU"):
        assert words in done.stderr


def test_other_modules_may_speak(tmp_path):
    done = run("import other", tmp_path, other=SAYS)
    assert "I0000 from C++" in done.stderr


def test_the_package_loads_networks_quietly(monkeypatch):
    asked = []
    monkeypatch.setattr(quiet_import, "install", lambda: asked.append(True))
    assert callable(tf_twostream.load) and asked
