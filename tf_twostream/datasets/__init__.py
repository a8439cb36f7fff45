"""Data sets: which videos there are, what they show, and which are for testing.

The official lists of UCF-101, HMDB-51 and Charades, the file names of VIVA, class folders, and CSV
files all become a `Split`. `drawn_scenes` draws the videos of the demo. Nothing here opens a video
or imports TensorFlow.
"""

from tf_twostream.datasets.availability import (
    MissingVideosError,
    UnlearntClassError,
    available_videos,
    keep_available,
)
from tf_twostream.datasets.lists import MissingListError
from tf_twostream.datasets.source import ListsError, Name, Source, list_videos, load
from tf_twostream.datasets.splits import (
    Split,
    SplitFileError,
    Video,
    all_videos,
    check_id,
    describe,
    label_array,
    load_split,
    save_split,
    select_classes,
)
from tf_twostream.datasets.video_files import find_videos

__all__ = [
    "ListsError",
    "MissingListError",
    "MissingVideosError",
    "Name",
    "Source",
    "Split",
    "SplitFileError",
    "UnlearntClassError",
    "Video",
    "all_videos",
    "available_videos",
    "check_id",
    "describe",
    "find_videos",
    "keep_available",
    "label_array",
    "list_videos",
    "load",
    "load_split",
    "save_split",
    "select_classes",
]
