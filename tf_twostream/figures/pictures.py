"""Pictures of networks and their inputs, as arrays for TensorBoard and PNG files."""

import io

import cv2
import numpy as np
from matplotlib import figure

from tf_twostream.flow import color

_DPI = 100
_MOST_PIXELS = 9_000_000  # Of a rendered figure; a confusion matrix of 180 classes has them.


def render(drawing: figure.Figure) -> np.ndarray:
    """Draws a figure, with all that sticks out of its frame.

    Args:
        drawing: The figure.

    Returns:
        `[H, W, 3]` uint8 RGB, 100 pixels per inch; fewer if the figure is huge.
    """
    dpi = min(_DPI, float(np.sqrt(_MOST_PIXELS / drawing.get_size_inches().prod())))
    file = io.BytesIO()
    fast = {"compress_level": 1}
    drawing.savefig(file, format="png", dpi=dpi, bbox_inches="tight", pil_kwargs=fast)
    picture = cv2.imdecode(np.frombuffer(file.getbuffer(), np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def tile(images: np.ndarray, columns: int, *, border: int = 1) -> np.ndarray:
    """Lays images out in rows.

    Args:
        images: `[N, H, W, 3]` uint8.
        columns: Images per row.
        border: Pixels of grey between the images.

    Returns:
        `[rows * (H + border) + border, columns * (W + border) + border, 3]` uint8.
    """
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    step_y, step_x = height + border, width + border
    sheet = np.full((rows * step_y + border, columns * step_x + border, channels), 128, np.uint8)
    for number, image in enumerate(images):
        top, left = divmod(number, columns)
        y, x = top * step_y + border, left * step_x + border
        sheet[y : y + height, x : x + width] = image
    return sheet


def _stretch(images: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Rescales to [0, 255] so that zero is mid-grey and the largest magnitude is black or white."""
    largest = np.abs(images).max(axis=axes, keepdims=True)
    return np.round(127.5 + 127.5 * images / np.maximum(largest, 1e-12)).astype(np.uint8)


def first_layer_filters(kernel: np.ndarray, *, rgb: bool, zoom: int = 4) -> np.ndarray:
    """Draws the filters of conv1 (paper, Fig. 4).

    Args:
        kernel: `[h, w, C, N]` weights.
        rgb: Whether they look at RGB, C = 3, or at T stacked frames of it, C = 3T; else at flow.
        zoom: Screen pixels per weight.

    Returns:
        uint8 RGB picture. For flow N columns and C rows: each column a filter, each row an input
        channel. For RGB a coloured tile per filter, for stacked frames a strip of T, the first at
        the top. Each filter has its own scale, with zero mid-grey.
    """
    count = kernel.shape[-1]
    images = _stretch(np.moveaxis(kernel, -1, 0), (1, 2, 3))  # [N, h, w, C]
    if rgb:
        columns = int(np.ceil(np.sqrt(1.5 * count)))
        images = _film_strips(images)
    else:
        columns = count
        images = images.transpose(3, 0, 1, 2).reshape(-1, *kernel.shape[:2], 1).repeat(3, -1)
    images = images.repeat(zoom, axis=1).repeat(zoom, axis=2)
    return tile(images, columns)


def _film_strips(stacks: np.ndarray) -> np.ndarray:
    """Lays RGB frames out below each other, `[B, H, W, 3T]` to `[B, T * H, W, 3]`."""
    batch, height, width, channels = stacks.shape
    frames = stacks.reshape(batch, height, width, channels // 3, 3)
    return frames.transpose(0, 3, 1, 2, 4).reshape(batch, -1, width, 3)


def network_inputs(inputs: np.ndarray, *, rgb: bool, most: int = 4) -> np.ndarray:
    """Draws what a network sees.

    Args:
        inputs: `[B, H, W, 3T]` RGB in [0, 255], or `[B, H, W, 2L]` flow in pixels per frame.
        rgb: Whether they are RGB.
        most: Samples to draw.

    Returns:
        uint8 RGB picture: the RGB inputs side by side, T frames below each other, or a row per
        volume with its L fields in the Middlebury colours, all fields of a volume on one scale.
    """
    inputs = np.asarray(inputs[:most], np.float32)
    if rgb:
        return tile(_film_strips(np.clip(np.round(inputs), 0, 255).astype(np.uint8)), most)
    length = inputs.shape[-1] // 2
    fields = [
        color.colorize(volume[..., 2 * k : 2 * k + 2], max_magnitude=magnitude(volume))
        for volume in inputs
        for k in range(length)
    ]
    return tile(np.stack(fields), length)


def magnitude(flow: np.ndarray) -> float:
    """Returns the 99th percentile of the length of displacements, in pixels, for a colour scale.

    Args:
        flow: `[..., 2L]`, channels u1 v1 ... uL vL in pixels per frame.
    """
    lengths = np.hypot(flow[..., 0::2], flow[..., 1::2])
    return max(float(np.percentile(lengths, 99)), 1e-6)


def labelled(frame: np.ndarray, field: np.ndarray, text: str, scale: float) -> np.ndarray:
    """Draws a frame and its flow side by side below a line of text.

    Args:
        frame: `[H, W, 3]` uint8 RGB.
        field: `[H, W, 2]` float32 in pixels per frame.
        text: The line.
        scale: Displacement, in pixels, that gets the full colour.

    Returns:
        uint8 RGB of even height and width, as video coders want it.
    """
    page = np.concatenate([frame, color.colorize(field, max_magnitude=scale)], axis=1)
    bar = np.full((max(20, page.shape[0] // 8), page.shape[1], 3), 24, np.uint8)
    size = bar.shape[0] / 40
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    size *= min(1.0, (bar.shape[1] - 12) / max(width, 1))
    place = (6, (bar.shape[0] + round(height * size / (bar.shape[0] / 40))) // 2)
    cv2.putText(
        bar, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, (255, 255, 255), 1, cv2.LINE_AA
    )  # fmt: skip
    page = np.concatenate([bar, page])
    return np.pad(page, ((0, page.shape[0] % 2), (0, page.shape[1] % 2), (0, 0)), mode="edge")
