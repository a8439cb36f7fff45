"""Small video files, which tests write with OpenCV itself."""

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
