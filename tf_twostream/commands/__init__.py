"""The commands: one module each, with the dataclasses of its flags and its `main`.

`scripts/` and `data_tools/` have a file of the same name for each, `twostream NAME` calls them from
anywhere. A module imports nothing that takes long before its `main` runs, so that --help comes at
once; `advice` says what the user can do about an error.
"""

import difflib
import importlib
import sys
from collections.abc import Sequence

from tf_twostream import cli

NAMES = (  # In the order of use.
    "learn",
    "make_sample_videos",
    "precompute_flow",
    "join_stores",
    "verify_store",
    "import_frames",
    "export_flow",
    "convert_weights",
    "pretrain_imagenet",
    "train_spatial",
    "train_temporal",
    "train_slow_fusion",
    "train_multitask",
    "train_conv_fusion",
    "evaluate",
    "fuse_scores",
    "predict",
    "serve",
    "extract_features",
    "export_model",
    "make_figures",
    "make_report",
    "reproduce_table",
    "benchmark",
)


def run(name: str, argv: Sequence[str] | None = None) -> None:
    """Runs a command and ends the process.

    Args:
        name: One of `NAMES`.
        argv: How the command was called, and its arguments; by default those of this process.
    """
    from tf_twostream.commands import advice

    module = importlib.import_module(f"tf_twostream.commands.{name}")
    cli.run(module.main, argv, advise=advice.advise)


def twostream() -> None:
    """Runs the command that the first argument names; lists them where there is none."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help", "help"):
        print(_list_commands())
        sys.exit(0)
    known = [_spelled(kept) for kept in NAMES]
    if _spelled(name) not in known:
        close = difflib.get_close_matches(name, known, cutoff=0.4)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        rule = "A command must be one that `twostream --help` lists"
        print(f"error: {rule}. Received: {name!r}.{hint}", file=sys.stderr)
        sys.exit(2)
    run(name.replace("-", "_"), [f"twostream {name}", *arguments])


def _spelled(name: str) -> str:
    return name.replace("_", "-")


def _list_commands() -> str:
    lines = ["usage: twostream COMMAND [--flag=value ...]   (twostream COMMAND --help)", ""]
    for name in NAMES:
        module = importlib.import_module(f"tf_twostream.commands.{name}")
        [first, *_] = (module.__doc__ or "").splitlines()
        lines.append(f"  {_spelled(name):20}{first}")
    return "\n".join(lines)
