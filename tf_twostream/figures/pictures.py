"""Pictures of networks and their inputs, as arrays for TensorBoard and PNG files."""

import functools
import io
import os
import unicodedata
from collections.abc import Mapping, Sequence

import cv2
import matplotlib
import numpy as np
from matplotlib import figure, font_manager, ft2font
from PIL import Image, ImageDraw, ImageFont

from tf_twostream.figures import reports
from tf_twostream.flow import color
from tf_twostream.processes import files
from tf_twostream.store import coding

_WITHIN = 0.999  # Of a scale: on it, rounding would take some displacements beyond it.
_DARK = 24  # Grey level behind text.
_BAR = (255, 170, 40)
_MOST_PIXELS = 9_000_000  # Of a rendered figure; a confusion matrix of 180 classes has them.


def render(drawing: figure.Figure) -> np.ndarray:
    """Draws a figure, with all that sticks out of its frame.

    Args:
        drawing: The figure.

    Returns:
        `[H, W, 3]` uint8 RGB, 100 pixels per inch; fewer if the figure is huge.
    """
    dpi = min(reports.DPI, float(np.sqrt(_MOST_PIXELS / drawing.get_size_inches().prod())))
    file = io.BytesIO()
    fast = {"compress_level": 1}  # It is decoded at once.
    drawing.savefig(file, format="png", dpi=dpi, bbox_inches="tight", pil_kwargs=fast)
    return coding.decode(file.getvalue())


def write_png(path: str | os.PathLike[str], picture: np.ndarray) -> None:
    """Writes a picture `[H, W, 3]` uint8 RGB as PNG; its folder is made if need be."""
    encoded = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1]
    files.write(path, encoded.tobytes())


def tile(images: np.ndarray, columns: int, *, line: int = 128) -> np.ndarray:
    """Lays images out in rows, with lines of one pixel around them.

    Args:
        images: `[N, H, W, 3]` uint8.
        columns: Images per row.
        line: Grey level of the lines, and of places without image.

    Returns:
        `[rows * (H + 1) + 1, columns * (W + 1) + 1, 3]` uint8.
    """
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + 1) + 1, columns * (width + 1) + 1, channels), line, np.uint8)
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        y, x = row * (height + 1) + 1, column * (width + 1) + 1
        sheet[y : y + height, x : x + width] = image
    return sheet


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
        columns = int(np.ceil(np.sqrt(1.5 * count)))  # Half as many again as rows: a wide sheet.
        images = _film_strips(images)
    else:
        columns = count
        images = images.transpose(3, 0, 1, 2).reshape(-1, *kernel.shape[:2], 1).repeat(3, -1)
    images = images.repeat(zoom, axis=1).repeat(zoom, axis=2)
    return tile(images, columns, line=255)  # A grey line would pass for weights of 0.


def bank(kernel: np.ndarray) -> np.ndarray:
    """Draws a bank that joins two towers: where it starts, two diagonals.

    Args:
        kernel: `[..., D + D', D]` weights; of those over time and space the sum is drawn.

    Returns:
        `[D, D + D', 3]` uint8 RGB, the D outputs from top to bottom, the spatial inputs on the left
        and the temporal ones on the right. Zero is mid-grey.
    """
    matrix = kernel.reshape(-1, *kernel.shape[-2:]).sum(axis=0).T
    return _stretch(matrix[None, ..., None], (1, 2, 3))[0].repeat(3, axis=-1)


def _stretch(images: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Rescales to [0, 255] so that zero is mid-grey and the largest magnitude is black or white."""
    largest = np.abs(images).max(axis=axes, keepdims=True)
    return np.round(127.5 + 127.5 * images / np.maximum(largest, 1e-12)).astype(np.uint8)


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
        strips = _film_strips(np.clip(np.round(inputs), 0, 255).astype(np.uint8))
        return tile(strips, len(strips))
    length = inputs.shape[-1] // 2
    fields = [
        _paint(volume[..., 2 * k : 2 * k + 2], magnitude(volume))
        for volume in inputs
        for k in range(length)
    ]
    return tile(np.stack(fields), length)


def magnitude(flow: np.ndarray) -> float:
    """Returns the 99th percentile of the length of displacements, in pixels, for a colour scale.

    The maximum would be that of a few wrong vectors, beside which all motion looks pale.

    Args:
        flow: `[..., 2L]`, channels u1 v1 ... uL vL in pixels per frame.
    """
    lengths = np.hypot(flow[..., 0::2], flow[..., 1::2])
    return max(float(np.percentile(lengths, 99)), 1e-6)  # A colour scale must be above 0.


def heated(frame: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Lays a map over a frame, which turns dark where the map is 0.

    Args:
        frame: `[H, W, 3]` uint8 RGB.
        heat: `[H, W]` float32 in [0, 1].

    Returns:
        `[H, W, 3]` uint8 RGB.
    """
    levels = np.round(255 * heat).astype(np.uint8)
    colours = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1]
    # In grey: colours of the frame would pass for heat.
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[..., None]
    return cv2.addWeighted(np.repeat(grey, 3, axis=-1), 0.5, np.ascontiguousarray(colours), 0.6, 0)


def flow_colours(fields: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Paints fields `[H, W, 2]` in the Middlebury colours, all on one scale."""
    scale = magnitude(np.stack(fields))
    return [_paint(field, scale) for field in fields]


def _paint(field: np.ndarray, scale: float) -> np.ndarray:
    """Paints a field; where it is longer than the scale, in full colour.

    The Middlebury colours turn dark there, so that a measurement shows where it leaves its range.
    In a picture of motion these would be speckles where it is fastest.
    """
    lengths = np.hypot(field[..., 0], field[..., 1])[..., None]
    most = _WITHIN * scale
    return color.colorize(field * (most / np.maximum(lengths, most)), max_magnitude=scale)


def columns(pages: Mapping[str, Sequence[np.ndarray]], text: str) -> np.ndarray:
    """Draws columns of images, each below its name, all below a line of text.

    Args:
        pages: By the name of its column as many images `[H, W, 3]` uint8 as in any other.
        text: The line; written smaller if it would be too long.

    Returns:
        uint8 RGB.
    """
    rows = [image for row in zip(*pages.values()) for image in row]
    sheet = tile(np.stack(rows), len(pages))
    height = max(20, len(rows[0]) // 8)
    names = [_line(name, height, rows[0].shape[1] + 1) for name in pages]
    names[-1] = np.pad(names[-1], ((0, 0), (0, 1), (0, 0)), mode="edge")
    bar = _line(text, height, sheet.shape[1])
    return np.concatenate([bar, np.concatenate(names, axis=1), sheet])


def labelled(
    frame: np.ndarray,
    field: np.ndarray | None,
    text: str,
    scale: float,
    heats: Sequence[np.ndarray] = (),
    bars: Sequence[tuple[str, float]] = (),
) -> np.ndarray:
    """Draws a frame and, if there is any, its flow side by side below a line of text.

    Args:
        frame: `[H, W, 3]` uint8 RGB.
        field: `[h, w, 2]` float32 in pixels per frame, of any size.
        text: The line; written smaller if it would be too long.
        scale: Displacement, in pixels, that gets the full colour.
        heats: Maps `[H, W]` float32 in [0, 1]; each is laid over the frame once more.
        bars: Names and numbers, drawn below all, one below the other: from 0, empty, to 1, full.

    Returns:
        uint8 RGB: the frame and, as large, the flow and the maps, two in a row. If its height or
        width would be odd, which video coders do not take, the last row or column comes twice.
    """
    parts = [frame]
    if field is not None:
        flow = _paint(field, scale)
        parts.append(cv2.resize(flow, frame.shape[1::-1]))
    parts += [heated(frame, heat) for heat in heats]
    if len(parts) > 2 and len(parts) % 2:
        parts.append(np.full_like(frame, _DARK))
    pairs = [np.concatenate(parts[n : n + 2], axis=1) for n in range(0, len(parts), 2)]
    height, width = max(20, frame.shape[0] // 8), pairs[0].shape[1]
    rows = [_line(text, height, width), *pairs]
    for name, value in bars:
        row = _line(f"{value:.2f}  {name}", height, width).copy()
        row[-max(2, height // 8) :, : round(width * min(max(value, 0), 1))] = _BAR
        rows.append(row)
    page = np.concatenate(rows)
    return np.pad(page, ((0, page.shape[0] % 2), (0, page.shape[1] % 2), (0, 0)), mode="edge")


def drawable_class(number: int, name: str) -> str:
    """Returns the name of a class as far as fonts can draw it, then with its number."""
    shown = drawable(name)
    return shown if shown == name else f"class {number}: {shown}"


def drawable(text: str) -> str:
    """Returns a text with a question mark for each character that no font at hand can draw."""
    known = _characters(_font_for(text))
    # Some fonts have a picture even of a line break.
    plain = (ord(sign) in known and unicodedata.category(sign)[0] != "C" for sign in text)
    return "".join(sign if shown else "?" for sign, shown in zip(text, plain))


@functools.lru_cache(maxsize=16)  # Lines are the same in many frames of a video.
def _line(text: str, height: int, width: int) -> np.ndarray:
    """Draws a line of text `[height, width, 3]`, white on dark grey."""
    image = Image.new("RGB", (width, height), 3 * (_DARK,))
    path, margin = _font_for(text), 6
    font = ImageFont.truetype(path, 0.55 * height)
    fit = min(1.0, (width - 2 * margin) / max(font.getlength(text), 1))
    font = ImageFont.truetype(path, max(1.0, 0.55 * height * fit))
    ImageDraw.Draw(image).text((margin, height / 2), text, font=font, anchor="lm")
    return np.asarray(image)


@functools.cache
def _font_for(text: str) -> str:
    """Finds a font for all characters of a text; that of Matplotlib if none has them all.

    It knows Latin, Greek, Cyrillic, Arabic, Hebrew and more. Chinese, Japanese, Korean and the
    scripts of India are drawn where the system has a font for them.
    """
    own = os.path.join(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    fonts = dict.fromkeys([own, *(font.fname for font in font_manager.fontManager.ttflist)])
    wanted = {ord(sign) for sign in text}
    # Matplotlib's list of fonts is of an earlier day.
    there = (path for path in fonts if os.path.exists(path))
    return next((path for path in there if wanted <= _characters(path)), own)


@functools.cache
def _characters(path: str) -> frozenset[int]:
    """Returns the characters that a font can draw."""
    return frozenset(ft2font.FT2Font(path).get_charmap())
