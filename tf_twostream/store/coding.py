"""RGB frames as JPEG images, by OpenCV, which has colours in the order blue, green, red."""

import cv2
import numpy as np

RGB_QUALITY = 95  # Of JPEG; ours, the paper does not say how frames were kept.


def encode(frame: np.ndarray) -> bytes:
    """Compresses a frame.

    Args:
        frame: `[H, W, 3]` uint8 RGB.

    Returns:
        A JPEG image.

    Raises:
        ValueError: If OpenCV cannot, for example because the frame is too large for JPEG.
    """
    image = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    encoded, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, RGB_QUALITY])
    if not encoded:
        raise ValueError(f"A frame must fit into a JPEG image. Received: shape {frame.shape}.")
    return jpeg.tobytes()


def decode(image: bytes) -> np.ndarray:
    """Decompresses an image.

    Args:
        image: A JPEG image, or a PNG.

    Returns:
        `[H, W, 3]` uint8 RGB.

    Raises:
        ValueError: If the bytes are no such image.
    """
    # Of no bytes at all OpenCV raises an error of its own instead of returning None.
    frame = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR) if image else None
    if frame is None:
        raise ValueError(
            f"A stored frame must be a JPEG image. Received: {len(image)} bytes that are not."
        )
    return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
