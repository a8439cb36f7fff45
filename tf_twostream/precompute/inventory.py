"""What a store holds of some videos before it is filled, and whether it is still of their files."""

import dataclasses
import os
from collections.abc import Mapping

from absl import logging

from tf_twostream import store
from tf_twostream.precompute import frames
from tf_twostream.processes import files, printing
from tf_twostream.store import index, layout
from tf_twostream.store import settings as store_settings


@dataclasses.dataclass(frozen=True)
class Inventory:
    """What there is of the videos that are asked for; of all others nothing.

    Attributes:
        complete: Ids of those with all kinds of records.
        partial: What there is of those that lack a kind, by id.
        is_current: Whether nothing is left to do: all are complete and in the index.
        replaced: Ids of those whose file is another one now.
        num_unknown: How many have no hash of their file.
    """

    complete: frozenset[str] = frozenset()
    partial: Mapping[str, layout.VideoInfo] = dataclasses.field(default_factory=dict)
    is_current: bool = False
    replaced: tuple[str, ...] = ()
    num_unknown: int = 0

    def warn(self, path: str) -> None:
        """Logs what is done anew, and of how many videos of a store nobody can tell."""
        for video_id in self.replaced:
            logging.warning("%s is another file than before, and is done anew.", video_id)
        if self.num_unknown:
            count = printing.count(self.num_unknown, "video")
            words = (
                "A version that kept no hash of files made %s of %s: if one was replaced since, "
            )
            logging.warning(words + "nobody can tell.", count, path)


def take(path: str, settings: store.Settings, videos: Mapping[str, str]) -> Inventory:
    """Looks up which videos are in a store, without writing to it.

    A video whose file has changed since counts as absent.

    Args:
        path: The store, which need not exist.
        settings: What its videos shall be.
        videos: The file of each video, by id.

    Raises:
        OtherSettingsError: If the store holds videos of other settings.
        DamagedStoreError: If a file of the store is damaged.
    """
    try:
        found = store_settings.read(path)
    except store.NoStoreError:
        return Inventory()
    settings.check_continues(found, files.join(path, layout.SETTINGS))
    listed = _read_index(path)
    complete, partial, replaced, unknown = set(), {}, [], 0
    for video_id, file in videos.items():
        # A file of the index is read instead of one per video.
        if not files.exists(layout.video_path(path, video_id)):
            continue
        if video_id in listed:
            kinds, source = {*map(str, found.kinds)}, listed[video_id]
        else:
            info = layout.read_video(path, video_id)
            kinds, source = {*info.lengths}, info.source
        unknown += not source
        if source and _is_replaced(file, source, layout.video_path(path, video_id)):
            replaced.append(video_id)
        elif kinds >= set(settings.kinds):
            complete.add(video_id)
        else:
            partial[video_id] = layout.read_video(path, video_id)
    is_current = found == settings and complete == set(videos) and complete <= listed.keys()
    return Inventory(frozenset(complete), partial, is_current, tuple(replaced), unknown)


def _read_index(path: str) -> dict[str, str]:
    """Returns the source of each video of the index; none if it is missing or damaged."""
    try:
        listed = index.read(path)
    except (store.NoStoreError, store.DamagedStoreError):
        return {}  # It is made anew of the videos.
    return dict(zip(listed.video_ids.tolist(), listed.sources.tolist()))


def _is_replaced(file: str, source: str, made: str) -> bool:
    """Says whether a file is another one than when its records were made.

    Args:
        file: The video file.
        source: Its size and hash at that time.
        made: The file that was written then.
    """
    # What is gone or empty now is no reason to throw away what was made of it.
    if not os.path.exists(file) or not os.path.getsize(file):
        return False
    if os.path.getsize(file) != int(source.partition(":")[0]):
        return True
    # To hash all videos of a large data set takes minutes, and those of before are the same.
    return files.modified(file) >= files.modified(made) and frames.fingerprint(file) != source
