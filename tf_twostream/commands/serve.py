r"""Opens a page that labels clips, for this machine.

    twostream serve --spatial_run=runs/spatial --temporal_run=runs/temporal

Open the address that it prints, and drop a clip or record one. Ctrl-C ends it. It needs gradio:
pip install 'tf_twostream[serve]'.
"""

import dataclasses
import importlib.util
import os
import socket
import tempfile
import threading

from tf_twostream import cli
from tf_twostream.commands import predict
from tf_twostream.paper import testing
from tf_twostream.precompute.limits import Limits
from tf_twostream.precompute.resources import Resources


class NoGradioError(OSError):
    """The package that makes the page is not installed."""


class BusyPortError(OSError):
    """The page cannot be where it is wanted."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PageFlags(predict.NetworkFlags):
    """The knobs of the page."""

    examples_dir: str = cli.knob("", "Folder of clips to click at.", group="data")
    host: str = cli.knob(
        "127.0.0.1",
        "Address to listen at. Any other than this default lets other machines in, without a "
        "password and unencrypted.",
        group="machine",
    )
    port: int = cli.knob(7860, "Port to listen at.", group="machine", at_least=1, below=65536)


def main(given: PageFlags, most: Limits, resources: Resources, protocol: testing.Testing) -> None:
    """Serves the page with the parsed flags, until a signal ends it."""
    if importlib.util.find_spec("gradio") is None:
        raise NoGradioError("The page is made with gradio. Received: no such package.")
    from tf_twostream.datasets import video_files

    folder = given.examples_dir
    names = sorted(video_files.find_videos(folder)) if folder else []
    if folder and not names:
        raise ValueError(f"--examples_dir must hold videos. Received: {folder}, with none.")
    _check_port(given.host, given.port)
    with tempfile.TemporaryDirectory(prefix="twostream_page_") as kept:
        # It reads them when it is imported, and would else ask its maker's servers.
        os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": kept}
        from tf_twostream.evaluation import answers, page, two_stream
        from tf_twostream.scores import fusion

        with predict.unpacked(given) as own:  # No longer than until all is loaded.
            model = two_stream.TwoStream(
                predict.load(own, protocol),
                protocol=protocol,
                score_fusion=fusion.load(own.score_fusion) if own.score_fusion else None,
            )
        with page.serve(
            answers.Answerer(model, resources, most),
            [os.path.join(folder, name) for name in names],
            host=given.host,
            port=given.port,
            megabytes=most.max_megabytes,
        ) as address:
            print(f"page: {address}   (Ctrl-C ends it)", flush=True)
            threading.Event().wait()


def _check_port(host: str, port: int) -> None:
    """Checks that a page can be at an address, before the networks are loaded for it."""
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        rule = "The page must be at a free port of an address of this machine"
        raise BusyPortError(f"{rule}. Received: {host}, {port} ({error.strerror}).") from error
