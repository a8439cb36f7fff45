"""Displacement fields as 8-bit codes, and these as JPEG images or as they are (paper, Sect. 5).

"The horizontal and vertical components of the flow were linearly rescaled to a [0, 255] range
and compressed using JPEG (after decompression, the flow is rescaled back to its original
range)." The range is kept for each component of each field, so that the 8-bit step adapts to the
motion: it costs 0.012 pixels (RMS) on UCF-101, a fixed bound of 20 pixels 0.056, and clips besides.
Discarding the range, as other projects do, costs 2 % of accuracy.
"""

import dataclasses
from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np

CodingName = Literal["jpeg", "raw"]

# Ours: 11.0 kB a field at 341x256 (measured), 27 to 30 GB for UCF-101; the paper has 27 GB. All
# of coding then costs 0.025 pixels (RMS), with quality 75 0.037.
QUALITY = 90


def quantise(field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rescales each component of a field linearly to [0, 255] (paper, Sect. 5).

    `inputs.raw_frames` does the same in a graph, for exported models.

    Args:
        field: `[H, W, 2]` float32, (u right, v down) in pixels per frame.

    Returns:
        The codes `[2, H, W]` uint8, u first, and the range `[2, 2]` float32,
        ((u_min, u_max), (v_min, v_max)) in pixels. Codes err by at most half a step,
        (max - min) / 510; a constant component is coded as 0 and restored exactly.

    Raises:
        ValueError: If the field has another shape or holds NaN or infinity.
    """
    if field.ndim != 3 or field.shape[2] != 2:
        raise ValueError(f"`field` must be [H, W, 2]. Received: shape {field.shape}.")
    codes = np.empty((2, *field.shape[:2]), np.uint8)
    ranges = np.empty((2, 2), np.float32)
    for k, component in enumerate(cv2.split(field.astype(np.float32, copy=False))):
        low, high = component.min(), component.max()  # NaN if there is one.
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ValueError(f"`field` must be finite. Received: {low} to {high} in {'uv'[k]}.")
        constant = high - low < 1e-30  # Pixels; of much less, 255 / range overflows.
        steps = np.float32(0 if constant else 255 / (high - low))
        codes[k] = np.minimum(np.rint((component - low) * steps), 255)
        ranges[k] = low, high
    return codes, ranges


def restore(codes: np.ndarray, ranges: np.ndarray) -> np.ndarray:
    """Rescales codes back to the original range (paper, Sect. 5), in NumPy.

    Args:
        codes: `[..., 2, H, W]` uint8, u first.
        ranges: `[..., 2, 2]` float32, the range: (minimum, maximum) of u and of v in pixels.

    Returns:
        `[..., H, W, 2]` float32 in pixels per frame.
    """
    low, high = ranges[..., 0, None, None], ranges[..., 1, None, None]
    components = low + codes.astype(np.float32) * ((high - low) / np.float32(255))
    return np.moveaxis(components, -3, -1)


def encode(codes: np.ndarray) -> bytes:
    """Compresses codes `[2, H, W]` uint8 as one grey JPEG image `[2H, W]`, u above v.

    Raises:
        ValueError: If OpenCV cannot, for example because an image is too large for JPEG.
    """
    _, height, width = codes.shape
    # One image, not two: TensorFlow decodes the ten fields of a window in 4.1 instead of 5.7 ms.
    image = codes.reshape(2 * height, width)
    encoded, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not encoded:
        raise ValueError(f"A field must fit into a JPEG image. Received: [{height}, {width}, 2].")
    return jpeg.tobytes()


def decode(jpeg: bytes) -> np.ndarray:
    """Decompresses what `encode` made.

    Args:
        jpeg: A grey JPEG image, u above v.

    Returns:
        The codes `[2, H, W]` uint8.

    Raises:
        ValueError: If the bytes are no JPEG image or its height is odd.
    """
    # OpenCV uses the accurate DCT. TensorFlow's default differs by up to 4 levels of 255.
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE) if jpeg else None
    if image is None or image.shape[0] % 2:
        shape = None if image is None else image.shape
        raise ValueError(f"A coded field must be a JPEG of even height. Received: {shape}.")
    return image.reshape(2, image.shape[0] // 2, image.shape[1])


def _decode_raw(codes: bytes, size: tuple[int, int]) -> np.ndarray:
    height, width = size
    if len(codes) != 2 * height * width:
        rule = f"A raw field must have a byte per code, of {[2, height, width]}"
        raise ValueError(f"{rule}. Received: {len(codes)}.")
    return np.frombuffer(codes, np.uint8).reshape(2, height, width)


@dataclasses.dataclass(frozen=True)
class Coding:
    """How codes become bytes.

    Attributes:
        encode: Takes the codes `[2, H, W]` uint8.
        decode: Takes the bytes and (H, W), and returns the codes; a ValueError where the bytes are
            none.
        quality: Of JPEG; None where nothing but the 8-bit step is lost.
    """

    encode: Callable[[np.ndarray], bytes]
    decode: Callable[[bytes, tuple[int, int]], np.ndarray]
    quality: int | None


# Raw codes take 14 times the bytes and next to no time to decode (docs/flow.md). A graph decodes
# either in `inputs.windows`.
CODINGS: dict[CodingName, Coding] = {
    "jpeg": Coding(encode, lambda data, size: decode(data), QUALITY),
    "raw": Coding(np.ndarray.tobytes, _decode_raw, None),
}
