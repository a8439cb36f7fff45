"""The one on-disk schema of frames and displacement fields (see `layout` for the files).

`Writer` is used by one process, `Reader` by everyone, `JoinedReader` where videos lie in several
stores; `read_records`, `parse_rgb` and
`parse_flow` are the ops that a tf.data graph reads with; `check` verifies, `remove` makes room;
`read_failed` says which videos could not be done.
"""

from tf_twostream.store.checking import Findings, check, remove
from tf_twostream.store.failures import read as read_failed
from tf_twostream.store.joined import JoinedReader
from tf_twostream.store.reader import Reader
from tf_twostream.store.records import parse_flow, parse_rgb, read_records
from tf_twostream.store.writer import VideoWriter, Writer

__all__ = [
    "Findings",
    "JoinedReader",
    "Reader",
    "VideoWriter",
    "Writer",
    "check",
    "parse_flow",
    "parse_rgb",
    "read_failed",
    "read_records",
    "remove",
]
