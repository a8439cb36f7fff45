"""What an argument of a command line may name."""

import http.server
import threading

import cv2
import made_up_clips
import numpy as np
import pytest

from tf_twostream.evaluation import sources


@pytest.fixture
def clips(tmp_path):
    for name in ("b.mp4", "a.avi", "deep/c.MOV", "notes.txt.bak"):
        path = tmp_path / "clips" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "clips"


def names(*arguments):
    return [source.path for source in sources.expand(arguments)]


def test_folders_patterns_and_lists_become_files(clips):
    assert names(str(clips)) == [f"{clips}/{name}" for name in ("a.avi", "b.mp4", "deep/c.MOV")]
    assert names(f"{clips}/*.mp4", "x.avi") == [f"{clips}/b.mp4", "x.avi"]
    listed = clips / "some.txt"
    listed.write_text("b.mp4\n\ndeep/c.MOV\n", encoding="utf-8-sig")
    assert names(str(listed)) == [f"{clips}/b.mp4", f"{clips}/deep/c.MOV"]


def test_brackets_in_the_name_of_a_file_are_no_pattern(tmp_path):
    (tmp_path / "a[1].avi").touch()
    assert names(str(tmp_path / "a[1].avi")) == [str(tmp_path / "a[1].avi")]


@pytest.mark.parametrize("argument", ["0", "rtsp://camera/1", "http://localhost:1/x.mjpg"])
def test_cameras_and_streams_are_live(argument):
    [source] = sources.expand([argument])
    assert source.kind == "live"


def test_images_are_no_file():
    [source] = sources.expand(["clip/img_%05d.jpg"])
    assert source.kind == "images"


@pytest.mark.parametrize("argument", ["nothing/*.mp4", "empty"])
def test_nothing_to_label_is_said(tmp_path, monkeypatch, argument):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(sources.SourceError, match="must lead to videos"):
        names(argument)


@pytest.fixture
def stream():
    """Serves 30 frames as Motion JPEG, as cameras do."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            for t in range(30):
                jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), 8 * t, np.uint8))[1].tobytes()
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/x.mjpg"
        server.shutdown()


def test_a_stream_is_read_and_what_nobody_takes_is_counted(stream, monkeypatch):
    [source] = sources.expand([stream])
    found = list(sources.decoded(sources.Job(source, 24)))
    assert found[0].rgb.shape == (24, 32, 3)
    assert len(found) + sum(frame.dropped for frame in found) == 30
    monkeypatch.setattr(sources, "SECONDS_AHEAD", 0.0)  # Room for two frames.
    slow = sources.decoded(sources.Job(source, 24))
    first = next(slow)
    threading.Event().wait(0.5)
    rest = list(slow)
    assert len(rest) < 29 and first.dropped == 0


def test_a_stream_that_is_not_there_is_said():
    source = sources.Source("x", "http://127.0.0.1:9/x.mjpg", kind="live")
    with pytest.raises(OSError, match="camera or a stream"):
        next(sources.decoded(sources.Job(source, 24)))


def test_a_file_that_exists_is_no_pattern_of_images(tmp_path):
    for name in ("100%done.avi", "img_%05d.jpg"):
        (tmp_path / name).touch()
        [source] = sources.expand([str(tmp_path / name)])
        assert source.kind == "file"


def test_a_list_that_is_no_utf_8_is_named(tmp_path):
    (tmp_path / "some.txt").write_bytes("caf\xe9.avi".encode("latin-1"))
    with pytest.raises(ValueError, match="some.txt"):
        sources.expand([str(tmp_path / "some.txt")])


def test_a_file_of_a_server_has_the_times_of_its_frames(tmp_path):
    clip = tmp_path / "a.avi"
    made_up_clips.write(clip, [np.full((48, 64, 3), 8 * t, np.uint8) for t in range(20)])

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(tmp_path))

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/a.avi"
        [source] = sources.expand([address])
        found = list(sources.decoded(sources.Job(source, 24)))
        server.shutdown()
    np.testing.assert_allclose([frame.seconds for frame in found], np.arange(20) / 25)
