"""Small video files, which tests write with OpenCV itself, or byte by byte."""

import struct

import cv2
import numpy as np


def write(path, frames, code="MJPG"):
    """Writes frames `[H, W, 3]` uint8 BGR, 25 a second; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = frames[0].shape[1::-1]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), 25, size)
    for frame in frames:
        writer.write(np.ascontiguousarray(frame))
    writer.release()
    return path


def write_uncompressed(path, frames):
    """Writes frames `[H, W, 3]` uint8 BGR as AVI of 24 bits a pixel, the lowest row first.

    OpenCV 5.1 ends the process when it decodes it.
    """

    def chunk(name, data):
        return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)

    count, (height, width) = len(frames), frames[0].shape[:2]
    rows = ((0, 0), (0, -3 * width % 4))  # Filled up to whole words.
    images = [np.pad(f[::-1].reshape(height, -1), rows).tobytes() for f in frames]
    size = len(images[0])
    main = struct.pack("<14I", 40000, 25 * size, 0, 0, count, 0, 1, size, width, height, *[0] * 4)
    stream = struct.pack(
        "<IHHIIIIIIII4H", *[0] * 4, 1, 25, 0, count, size, 0, 0, 0, 0, width, height
    )
    form = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, size, 0, 0, 0, 0)
    parts = chunk(b"strh", b"vidsDIB " + stream) + chunk(b"strf", form)
    lists = chunk(b"avih", main) + chunk(b"LIST", b"strl" + parts)
    movie = b"".join(chunk(b"00db", image) for image in images)
    whole = chunk(b"LIST", b"hdrl" + lists) + chunk(b"LIST", b"movi" + movie)
    path.write_bytes(chunk(b"RIFF", b"AVI " + whole))
    return path
