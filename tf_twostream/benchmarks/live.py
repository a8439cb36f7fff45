"""How soon what comes at its own rate is labelled: a file and a server stand in for a camera."""

import contextlib
import http.server
import statistics
import threading
import time
from collections.abc import Iterator, Sequence

from tf_twostream.evaluation import over_time, sources, two_stream
from tf_twostream.paper import testing
from tf_twostream.precompute import frames
from tf_twostream.store import coding

FPS = 25
WINDOW = 1.0  # Seconds; windows follow one another.
PROTOCOL = testing.Testing(num_frames=10, test="center")
TIMEOUT = 60.0  # Seconds without a frame after which a source is given up.


def measure(model: two_stream.TwoStream, clip: str) -> list[list[str]]:
    """Labels a clip as fast as it can be read, at its own rate, and as it comes from a server.

    The server sends Motion JPEG to the loopback at the clip's rate.

    Args:
        model: The networks, which test by `PROTOCOL`.
        clip: A video of 25 frames/s.

    Returns:
        For each a name, frames/s, dropped frames, and the median and the worst latency in seconds:
        from when the last frame of a window is due to when the label of the window is known.
    """
    labeller = model.labeller(WINDOW)
    file, side = sources.Source(clip, clip), model.settings.shorter_side
    list(labeller.windows(file))  # Compiles.
    began = time.monotonic()
    count = sum(window.num_frames for window in labeller.windows(file))
    rows = [
        ["a file, as fast as it goes", f"{count / (time.monotonic() - began):.0f}", "0", "", ""]
    ]

    starts: list[float] = []
    read = paced(over_time.read(file, side, TIMEOUT), starts)
    rows.append(_row("a file at its own rate", labeller.windows_of(read, ahead=0), starts))
    jpegs = [coding.encode(image) for image in frames.read_frames(clip) if image is not None]
    with served(jpegs, starts) as address:
        camera = sources.Source(address, address, "live")
        rows.append(_row("Motion JPEG from this machine", labeller.windows(camera), starts))
    return rows


def _row(name: str, windows: Iterator[over_time.Window], starts: Sequence[float]) -> list[str]:
    """Labels a live source, whose first frame is due at the last one of `starts`."""
    count = dropped = 0
    latencies = []
    for window in windows:
        count, dropped = count + window.num_frames, dropped + window.dropped
        due = starts[-1] + (count + dropped - 1) / FPS
        latencies.append(time.monotonic() - due)
    rate = count / (time.monotonic() - starts[-1])
    numbers = [f"{value:.2f}" for value in (statistics.median(latencies), max(latencies))]
    return [name, f"{rate:.1f}", f"{dropped}", *numbers]


def paced(read: Iterator[sources.Frame], starts: list[float]) -> Iterator[sources.Frame]:
    """Yields frames when they are due, and appends the time of the first one to `starts`."""
    for number, frame in enumerate(read):
        if not number:
            starts.append(time.monotonic())
        time.sleep(max(0.0, starts[-1] + frame.seconds - time.monotonic()))
        yield frame


@contextlib.contextmanager
def served(jpegs: Sequence[bytes], starts: list[float]) -> Iterator[str]:
    """Serves frames as cameras in a network do, at 25 frames/s from when somebody connects.

    Args:
        jpegs: The frames.
        starts: Gets the time of the first frame.

    Yields:
        The address.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            starts.append(time.monotonic())
            for number, jpeg in enumerate(jpegs):
                time.sleep(max(0.0, starts[-1] + number / FPS - time.monotonic()))
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")

        def log_message(self, *_: object) -> None:
            """Says nothing of requests."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/live.mjpg"
        finally:
            server.shutdown()
