"""The one on-disk schema of frames and displacement fields (see `layout` for the files).

`Writer` is used by one process, `Reader` by everyone, `JoinedReader` where videos lie in several
stores. `records` has the ops that a `tf.data` graph reads with, `checking` verifies and removes.
TensorFlow is imported where records are written or read, not by importing this package.
"""

from tf_twostream.store.failures import read as read_failed
from tf_twostream.store.index import NoStoreError
from tf_twostream.store.joined import JoinedReader, added_id, is_added
from tf_twostream.store.layout import DamagedStoreError, Kind, num_records
from tf_twostream.store.reader import MissingVideoError, Reader
from tf_twostream.store.settings import OtherSettingsError, Settings
from tf_twostream.store.writer import VideoWriter, Writer

__all__ = [
    "DamagedStoreError",
    "JoinedReader",
    "Kind",
    "MissingVideoError",
    "NoStoreError",
    "OtherSettingsError",
    "Reader",
    "Settings",
    "VideoWriter",
    "Writer",
    "added_id",
    "is_added",
    "num_records",
    "read_failed",
]
