"""Folders of images as other tools leave them."""

import cv2
import numpy as np
import pytest

from tf_twostream import datasets, store
from tf_twostream.flow import exchange
from tf_twostream.precompute import frame_folders
from tf_twostream.store import layout

BOUND = 20.0
TEXTURE = cv2.GaussianBlur(
    np.random.default_rng(0).integers(0, 255, (24, 48, 3)).astype(np.uint8), (5, 5), 2
)
FIELD = np.stack(np.meshgrid(np.linspace(-9, 9, 32), np.linspace(4, -4, 24)), axis=2)


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)


def write_video(top, name, layout, num_frames=4, suffix="jpg"):
    """Writes T frames and T - 1 fields, under the names that a tool gives them."""
    frame, u, v = layout
    for n in range(1, num_frames + 1):
        write(top / frame.format(name, n, suffix), TEXTURE[:, n : n + 32])
        if n < num_frames:
            for pattern, codes in zip((u, v), exchange.to_bounded(FIELD * n / 3, BOUND)):
                write(top / pattern.format(name, n, suffix), codes)


TSN = tuple("{0}/" + name + "_{1:05}.{2}" for name in ("img", "flow_x", "flow_y"))
LAYOUTS = {
    "TSN, dense_flow": TSN,
    "mmaction2": tuple("{0}/" + name + "_{1:05}.{2}" for name in ("img", "x", "y")),
    "u and v": ("{0}/frame{1:06}.{2}", "u/{0}/frame{1:06}.{2}", "v/{0}/frame{1:06}.{2}"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_frames_and_flow_come_back(tmp_path, layout, suffix):
    write_video(tmp_path / "in", "a/clip", LAYOUTS[layout], suffix=suffix)
    videos = frame_folders.find(str(tmp_path / "in"), str(tmp_path / "in"))
    path = str(tmp_path / "store")
    done, skipped, failed = frame_folders.fill(
        videos, path=path, bounded=frame_folders.Bounded(BOUND), fps=30.0
    )
    assert (len(done), skipped, failed) == (1, [], {})
    reader = store.Reader(path)
    assert reader.num_frames(done[0]) == 4 and reader.size(done[0]) == (24, 32)
    assert reader.fps(done[0]) == 30.0
    for n, (frame, field) in enumerate(zip(reader.frames(done[0]), reader.fields(done[0])), 1):
        assert np.abs(frame[..., ::-1].astype(int) - TEXTURE[:, n : n + 32]).mean() < 5
        # Half a step of the code, 20 / 255 pixels, and what JPEG costs, twice in the JPEG layout.
        assert np.abs(field - FIELD * n / 3).mean() < 2 * BOUND / 255
    assert frame_folders.fill(videos, path=path, bounded=frame_folders.Bounded(BOUND))[1] == done


def test_jpeg_frames_are_kept_byte_for_byte(tmp_path):
    write_video(tmp_path / "in", "clip", TSN)
    path = str(tmp_path / "store")
    frame_folders.fill(frame_folders.find(str(tmp_path / "in")), path=path, bounded=None)
    reader = store.Reader(path)
    assert reader.settings.kinds == ("rgb",)
    data = (tmp_path / "in/clip/img_00002.jpg").read_bytes()
    wanted = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(next(reader.frames("clip", 1)), wanted)


@pytest.mark.parametrize("zero", [127, 128])
def test_rest_is_rest_wherever_its_code_is(tmp_path, zero):
    for n in (1, 2):
        write(tmp_path / f"in/clip/img_{n}.png", TEXTURE)
        for name in "xy":
            write(tmp_path / f"in/clip/{name}_{n}.png", np.full((24, 48), zero, np.uint8))
    videos = frame_folders.find(str(tmp_path / "in"), str(tmp_path / "in"))
    path = str(tmp_path / "store")
    frame_folders.fill(videos, path=path, bounded=frame_folders.Bounded(BOUND, zero))
    assert np.abs(next(store.Reader(path).fields("clip"))).max() < 1e-5


def test_numbers_are_counted_not_spelled(tmp_path):
    for n in (2, 10, 1):
        write(tmp_path / f"clip/{n}.png", np.full((8, 8, 3), n, np.uint8))
    images = frame_folders.find(str(tmp_path))["clip"]
    assert [path.name for path in images.frames] == ["1.png", "2.png", "10.png"]


def test_a_video_that_does_not_fit_is_listed_and_the_others_are_done(tmp_path):
    write_video(tmp_path / "in", "good", TSN)
    write_video(tmp_path / "in", "odd", TSN)
    write_video(tmp_path / "in", "zz bad", TSN)
    write(tmp_path / "in/odd/img_00003.jpg", TEXTURE[:20])
    (tmp_path / "in/a").mkdir()  # The first of all, of which nothing can be read.
    for name in ("img", "flow_x", "flow_y"):
        (tmp_path / f"in/a/{name}_1.jpg").write_bytes(b"no image")
    (tmp_path / "in/zz bad/flow_x_00002.jpg").write_bytes(b"")
    videos = frame_folders.find(str(tmp_path / "in"), str(tmp_path / "in"))
    path = str(tmp_path / "store")
    done, _, failed = frame_folders.fill(videos, path=path, bounded=frame_folders.Bounded(BOUND))
    assert done == ["good"] and "one size" in failed["odd"]
    assert "one that OpenCV reads" in failed["zz bad"]
    assert store.read_failed(path).keys() == failed.keys()


def test_folders_are_named_as_in_the_lists(tmp_path):
    write_video(tmp_path, "PushUps/v_a", TSN)
    write_video(tmp_path, "v_b", TSN)
    listed = [datasets.Video(f"PushUps/v_{n}.avi", 0) for n in "abc"]
    named = frame_folders.name_as_listed(frame_folders.find(str(tmp_path)), listed)
    assert list(named) == ["PushUps/v_a.avi", "PushUps/v_b.avi"]
    with pytest.raises(frame_folders.NoFoldersError, match="not listed"):
        frame_folders.name_as_listed(frame_folders.find(str(tmp_path)), listed[2:])


def test_a_folder_without_images_or_flow_is_refused(tmp_path):
    with pytest.raises(frame_folders.NoFoldersError, match="numbered images"):
        frame_folders.find(str(tmp_path))
    write(tmp_path / "clip/1.png", TEXTURE)
    with pytest.raises(frame_folders.NoFoldersError, match="none for 'clip'"):
        frame_folders.find(str(tmp_path), str(tmp_path))


def test_the_sample_of_mmaction2_is_read(shared_data, tmp_path):
    folder = str(shared_data / "flow_jpeg")
    path = str(tmp_path / "store")
    videos = frame_folders.find(folder, folder)
    done, _, failed = frame_folders.fill(videos, path=path, bounded=frame_folders.Bounded(20.0))
    assert done == ["mmaction2_tsn_layout"] and not failed
    reader = store.Reader(path)
    assert reader.num_frames(done[0]) == 6  # Five fields lead from the first six frames.
    for number, field in enumerate(reader.fields(done[0]), start=1):
        names = [f"{folder}/{done[0]}/{axis}_{number:05d}.jpg" for axis in "xy"]
        codes = np.stack([cv2.imread(name, cv2.IMREAD_GRAYSCALE) for name in names], axis=-1)
        wanted = (codes / 255.0 * 2 - 1) * 20  # Pixels; the codes are its authors' own.
        assert np.abs(field - wanted).mean() < 40 / 255 / 2


def test_a_folder_of_two_listed_videos_is_refused(tmp_path):
    write(tmp_path / "1/1.png", TEXTURE)
    listed = [datasets.Video(f"{name}/1.avi", 0) for name in ("walk", "run")]
    with pytest.raises(frame_folders.NoFoldersError, match="'walk/1.avi' and 'run/1.avi'"):
        frame_folders.name_as_listed(frame_folders.find(str(tmp_path)), listed)


def test_the_folder_of_a_video_itself_is_refused(tmp_path):
    write(tmp_path / "1.png", TEXTURE)
    with pytest.raises(frame_folders.NoFoldersError, match="a folder of numbered images"):
        frame_folders.find(str(tmp_path))


def test_classes_may_be_called_u_and_v(tmp_path):
    for letter in "uv":
        write_video(tmp_path, f"{letter}/clip", TSN)
    videos = frame_folders.find(str(tmp_path), str(tmp_path))
    assert sorted(videos) == ["u/clip", "v/clip"] and len(videos["u/clip"].u) == 3


def test_flow_that_does_not_fit_leaves_the_frames_that_are_there(tmp_path):
    for name in ("a", "b"):
        write_video(tmp_path / "in", name, TSN)
    path, bounded = str(tmp_path / "store"), frame_folders.Bounded(BOUND)
    frame_folders.fill(frame_folders.find(str(tmp_path / "in")), path=path, bounded=None)
    write(tmp_path / "in/b/flow_x_00003.jpg", np.zeros((20, 32), np.uint8))
    both = frame_folders.find(str(tmp_path / "in"), str(tmp_path / "in"))
    done, _, failed = frame_folders.fill(both, path=path, bounded=bounded)
    assert done == ["a"] and "one size" in failed["b"]
    assert layout.find_videos(path) == (("a", "b"), ())
    assert layout.read_video(path, "b").lengths.keys() == {"rgb"}
