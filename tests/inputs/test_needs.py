"""What a test is said to read is what it reads."""

import numpy as np
import pytest

from tf_twostream import datasets, inputs, store
from tf_twostream.paper import recipes

SPATIAL = recipes.SpatialRecipe(crop_size=41)
TEMPORAL = recipes.TemporalRecipe(crop_size=41, stack_length=3)
NETWORKS = {
    "spatial": SPATIAL,
    "temporal": TEMPORAL,
    "both directions": recipes.TemporalRecipe(crop_size=41, stack_length=4, bidirectional=True),
    "slow fusion": recipes.SlowFusionRecipe(crop_size=41),
    "clips": recipes.ConvFusionRecipe(
        spatial_run="s",
        temporal_run="t",
        spatial=SPATIAL,
        temporal=TEMPORAL,
        temporal_fusion="3d_pool",
        num_snippets=3,
    ),
}


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """Videos of 2, 5 and 30 frames; what their records hold does not matter."""
    directions = ("forward", "backward")
    settings = store.Settings(method="x", parameters={}, directions=directions, shorter_side=48)
    writer = store.Writer(str(tmp_path_factory.mktemp("store")), settings)
    for num_frames in (2, 5, 30):
        with writer.video(f"{num_frames}.avi") as video:
            for t in range(num_frames):
                video.add_rgb(b"x" * t)
                for direction in directions if t else ():
                    video.add_flow(direction, b"y" * t, np.zeros((2, 2)), np.zeros(2))
            video.finish(height=48, width=64, promised_frames=num_frames, fps=25.0)
    writer.write_index()
    return store.Reader(writer.path)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("count", [1, 3])
def test_what_is_said_is_what_is_read(name, count, reader):
    for video_id in reader.video_ids:
        num_frames = reader.num_frames(video_id)
        said = inputs.records_to_test(NETWORKS[name], count, num_frames, shorter_side=48)
        read = {kind: set() for kind in said}
        videos = [datasets.Video(video_id, 0)]
        places = inputs.find(reader, videos, NETWORKS[name]).places_to_test(count)
        for part in [places[n] for n in ("flow", "frame") if n in places] or [places]:
            columns = (np.ravel(part[n]) for n in ("path", "record", "count"))
            for path, start, length in zip(*columns):
                kind = path.decode().rpartition("/")[2].partition(".")[0]
                read[kind] |= {*range(start, start + length)}
        assert {kind: {*mask.nonzero()[0].tolist()} for kind, mask in said.items()} == read
