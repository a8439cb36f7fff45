"""The source with its label of the moment."""

import os
import types
import weakref

import cv2
import made_up_clips
import numpy as np
import pytest

from tf_twostream import store
from tf_twostream.evaluation import explanation, over_time, segment_video, sources
from tf_twostream.figures import pictures
from tf_twostream.precompute.resources import Resources
from tf_twostream.scores import segments

CORNERS = np.array([0.25, 0.75])


class FakeModel:
    """Scores windows; its map of class k of the n-th window is n + k / 10 everywhere."""

    resources = Resources(num_workers=1, timeout=20)

    class_names = ("a", "b")
    streams = tuple(types.SimpleNamespace(recipe=types.SimpleNamespace(stream=s))
                    for s in ("spatial", "temporal"))  # fmt: skip
    fused = (np.array([0.9, 0.1]), np.array([0.2, 0.8]))

    def __init__(self, method="none"):
        self.settings = store.Settings.of(method, shorter_side=24)
        self.count = 0

    def needed(self, num_frames):
        kinds = ("rgb", *self.settings.directions)
        return {kind: np.ones(store.num_records(num_frames, kind), bool) for kind in kinds}

    def scores(self, reader, videos):
        self.count += 1
        return {"spatial": self.fused[self.count - 1][None]}

    def fuse(self, scores):
        return scores["spatial"]

    def explain(self, reader, video, label):
        maps = np.full((3, 2, 2), (self.count - 1) / 2 + label / 10, np.float32)
        heat = explanation.Heat(maps, np.array([0, 5, 9]), CORNERS, CORNERS)
        return {run.recipe.stream: heat for run in self.streams}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """20 frames, 0.8 seconds, in which all moves two pixels to the right from frame to frame."""
    wide = np.kron(np.random.default_rng(0).integers(0, 255, (12, 32, 3)), np.ones((4, 4, 1)))
    images = [np.roll(wide, 2 * t, axis=1)[:, 32:96].astype(np.uint8) for t in range(20)]
    path = str(made_up_clips.write(tmp_path_factory.mktemp("clips") / "a.avi", images))
    return sources.Source(path, path)


@pytest.fixture
def drawn(monkeypatch):
    """What each page was made of."""
    pages = []
    labelled = pictures.labelled
    monkeypatch.setattr(
        segment_video.pictures, "labelled", lambda *a: pages.append(a) or labelled(*a)
    )
    return pages


def draw(model, source, path, *, explain=False, found=None, window=0.4):
    """Scores the windows of a source and draws it; returns the drawer, at its end."""
    found = found or [segments.Segment(0.0, 0.4, "a", 0.9), segments.Segment(0.4, 0.8, "b", 0.8)]
    with segment_video.Drawer(model, explain=explain) as drawer:
        labeller = over_time.Labeller(
            drawer.scores, model.settings, model.needed, window=window, step=window, num_threads=1,
            timeout=20,
        )  # fmt: skip
        windows = list(labeller.windows(source))
        drawer.write(str(path), source, windows, model.fused, found)
    return drawer


def test_each_frame_is_there_with_its_label_above_and_bars_below(source, tmp_path, drawn):
    path = tmp_path / "out.mp4"
    draw(FakeModel(), source, path)
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 20 and capture.get(cv2.CAP_PROP_FPS) == 25
    assert capture.read()[1].shape == (20 + 48 + 2 * 20, 64, 3)
    assert [page[2] for page in drawn[::19]] == ["0.0 s  a", "0.8 s  b"]
    for frame, page in enumerate(drawn):  # The bars are those of the window whose label it is.
        best = [("a", 0.9), ("b", 0.1)] if frame < 10 else [("b", 0.8), ("a", 0.2)]
        assert page[2].endswith(best[0][0]) and page[5] == best


def test_flow_stands_beside_the_frame_on_one_scale(source, tmp_path, drawn):
    path = tmp_path / "out.mp4"
    draw(FakeModel("dis"), source, path)
    assert cv2.VideoCapture(str(path)).read()[1].shape == (20 + 48 + 2 * 20, 2 * 64, 3)
    for page in drawn:  # Of frames with a shorter side of 24, in which all moves one pixel.
        assert page[1].shape == (24, 32, 2)
        assert np.median(page[1][..., 0]) == pytest.approx(1, abs=0.2)
    [scale] = {page[3] for page in drawn}
    assert 0.8 < scale < 2
    np.testing.assert_array_equal(drawn[-1][1], drawn[-2][1])  # From the last frame none leads on.


def test_a_cut_does_not_make_all_other_motion_pale(source, tmp_path, drawn, monkeypatch):
    speeds = iter([1.0, 1.1, 90.0, 1.2, 1.3] * 2)  # A cut in the middle of each window.
    monkeypatch.setattr(segment_video.pictures, "magnitude", lambda _: next(speeds))
    draw(FakeModel("dis"), source, tmp_path / "out.mp4")
    assert {page[3] for page in drawn} == {1.2}


@pytest.fixture
def known_streams(monkeypatch):
    monkeypatch.setattr(explanation, "check", lambda streams: None)


def test_maps_are_of_the_window_whose_label_is_shown_and_of_its_class(
    source, tmp_path, drawn, known_streams
):
    model = FakeModel("dis")
    drawer = draw(model, source, tmp_path / "out.mp4", explain=True)
    for frame, page in enumerate(drawn):
        heats = page[4]
        assert len(heats) == 2 and heats[0].shape == (48, 64)
        np.testing.assert_allclose(heats[0], 0 if frame < 10 else 0.6, rtol=1e-5)
    assert not os.path.exists(drawer._folder.name)  # The notes are gone.


def test_a_frame_shows_the_map_of_its_own_moment(source, tmp_path, drawn, known_streams):
    class Moving(FakeModel):
        def explain(self, reader, video, label):
            maps = np.arange(reader.num_frames(video.id), dtype=np.float32)
            heat = explanation.Heat(
                maps[:, None, None] / 10, np.arange(len(maps)), CORNERS[:1], CORNERS[:1]
            )
            return {run.recipe.stream: heat for run in self.streams}

    draw(Moving(), source, tmp_path / "out.mp4", explain=True)
    shown = [page[4][0][0, 0] * 10 for page in drawn]
    np.testing.assert_allclose(shown, [*range(10), *range(10)], atol=1e-4)


def test_notes_of_one_source_are_not_those_of_the_next(source, tmp_path, drawn, known_streams):
    model = FakeModel()
    found = [segments.Segment(0.0, 0.8, "a", 0.9)]
    with segment_video.Drawer(model, explain=True) as drawer:
        for name in ("one.mp4", "two.mp4"):
            drawer.scores(None, [types.SimpleNamespace(id="window")])
            windows = [over_time.Window(0.0, 0.8, {}, 20)]
            drawer.write(str(tmp_path / name), source, windows, model.fused[:1], found)
    assert [float(page[4][0].max()) for page in drawn[::20]] == [0, pytest.approx(0.6)]


def test_few_frames_are_in_memory_however_long_the_source_is(source, tmp_path, monkeypatch):
    alive, most = weakref.WeakSet(), []
    labelled, read = pictures.labelled, over_time.read

    def watched(*given):
        for frame in read(*given):
            alive.add(frame)
            yield frame

    def look(*given):
        most.append(len(alive))
        return labelled(*given)

    model, windows = FakeModel("dis"), [over_time.Window(0.0, 0.8, {}, 20)]
    monkeypatch.setattr(over_time, "read", watched)
    monkeypatch.setattr(segment_video.pictures, "labelled", look)
    with segment_video.Drawer(model, explain=False) as drawer:
        drawer.write(str(tmp_path / "out.mp4"), source, windows, model.fused[:1], [])
    assert len(most) == 20 and max(most) <= 5


def test_images_of_another_size_are_drawn_in_that_of_the_first(tmp_path, drawn):
    for number, side in enumerate((48, 48, 60, 36)):
        cv2.imwrite(str(tmp_path / f"img_{number:05d}.jpg"), np.zeros((side, 64, 3), np.uint8))
    pattern = str(tmp_path / "img_%05d.jpg")
    images = sources.Source(pattern, pattern, "images")
    model = FakeModel("dis")
    draw(model, images, tmp_path / "out.mp4", window=1)
    assert [page[0].shape for page in drawn] == [(48, 64, 3)] * 4


def test_joined_towers_have_no_maps():
    model = FakeModel()
    model.streams = (types.SimpleNamespace(
        path="absent", recipe=types.SimpleNamespace(stream="conv_fusion")),)  # fmt: skip
    with pytest.raises(explanation.OneStreamError):
        segment_video.Drawer(model, explain=True)
