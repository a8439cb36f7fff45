"""Figures 2 and 3 of the paper, drawn from a video of a store."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import cv2
import matplotlib
import numpy as np
from matplotlib import axes, figure, patches

from tf_twostream import store
from tf_twostream.flow import codec, color

_OUTLINE = "cyan"  # As in the paper.
_ARROWS = 14  # Along a side of the close-up.
_POINTS = 12  # Paths that Fig. 3 follows, at most.
# Share of the strongest point's motion (at tau, times its mean) that another point needs. Without
# it noise in a background at rest makes Fig. 3 show the whole frame, with arrows too small to see.
_MOVES = 0.25
_CANDIDATES = 8  # Videos that a clip is chosen from; their flow is read in a tenth of a second.
# Of arrows: in pixels of the frame, so that an arrow ends where the displacement does.
_TRUE_LENGTH: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.003}


@dataclasses.dataclass(frozen=True, eq=False)
class Clip:
    """Some successive frames with the fields between them, as a store holds them.

    Attributes:
        frames: `[L + 1, H, W, 3]` uint8 RGB.
        codes: `[L, 2, H, W]` uint8, u above v.
        ranges: `[L, 2, 2]` float32, (min, max) of u and of v in pixels.
    """

    frames: np.ndarray
    codes: np.ndarray
    ranges: np.ndarray

    @property
    def fields(self) -> np.ndarray:
        """`[L, H, W, 2]` float32 in pixels per frame, (u right, v down)."""
        return codec.restore(self.codes, self.ranges)


def find_motion(
    reader: store.Reader, video_ids: Sequence[str], length: int
) -> tuple[str, int] | None:
    """Finds a video whose middle shows motion, the strongest of a few, evenly drawn ones.

    Args:
        reader: The store.
        video_ids: The videos to choose from.
        length: L, how many fields the clip shall have.

    Returns:
        The video and the first frame of the L + 1 in its middle; None if all videos are shorter.
    """
    long = [video_id for video_id in video_ids if reader.num_frames(video_id) > length]
    candidates = long[:: max(1, -(-len(long) // _CANDIDATES))]
    firsts = {name: (reader.num_frames(name) - 1 - length) // 2 for name in candidates}

    def motion(found: tuple[str, int]) -> float:
        deviations = _deviations(np.stack(list(reader.fields(*found, length))))
        # The median over time: a jump from one scene to another is large, but a single field.
        return float(np.median(deviations.mean((1, 2))))

    return max(firsts.items(), key=motion, default=None)


def read_clip(reader: store.Reader, video_id: str, first_frame: int, length: int) -> Clip:
    """Reads frames and forward fields of a video.

    Args:
        reader: The store.
        video_id: The video.
        first_frame: Its first frame to read, tau, counted from 0.
        length: L, how many fields.

    Returns:
        The clip, L + 1 frames.

    Raises:
        ValueError: If the store has no such video, or the video ends before.
    """
    num_frames = reader.num_frames(video_id)
    if length < 1 or not 0 <= first_frame < num_frames - length:
        rule = f"A clip of 1 field or more must lie in {video_id}, which has {num_frames} frames"
        raise ValueError(f"{rule}. Received: first_frame={first_frame}, length={length}.")
    frames = np.stack(list(reader.frames(video_id, first_frame, length + 1)))
    codes, ranges = zip(*reader.coded_fields(video_id, first_frame, length))
    return Clip(frames, np.stack(codes), np.stack(ranges))


def trajectories(clip: Clip, starts: np.ndarray) -> np.ndarray:
    """Follows points through a clip as trajectory stacking does (paper, eq. 2).

    Args:
        clip: The clip.
        starts: `[P, 2]` points (x, y) in pixels.

    Returns:
        `[P, L + 1, 2]` points p_1 ... p_{L+1}, not clipped at the border of the frame.
    """
    import tensorflow as tf  # Only where paths are followed.

    from tf_twostream.inputs import volumes

    # By the op that makes the networks' input, so that Fig. 3 shows what they see.
    ranges = tf.constant(clip.ranges)[None]
    codes = volumes.stack_trajectories(
        tf.constant(clip.codes)[None], ranges, tf.constant(starts, tf.float32)[None]
    )
    steps = volumes.restore(codes, ranges).numpy()[0].reshape(len(starts), -1, 2)
    return np.cumsum(np.concatenate([starts[:, None], steps], axis=1), axis=1)


def draw_flow(clip: Clip) -> figure.Figure:
    """Draws a pair of frames and the field between them (paper, Fig. 2), with its colour code.

    Args:
        clip: A clip; its first field is drawn.

    Returns:
        (a), (b) the frames, a moving area outlined; (c) the displacements there; (d), (e) the
        components, the brighter the larger; (f) the field in colours, with their key.
    """
    field = clip.fields[0]
    left, top, side = _moving_area(field)
    drawing, panels = _page(clip, columns=3, rows=2)
    for panel, frame, title in zip(panels, clip.frames, ("(a) frame τ", "(b) frame τ + 1")):
        panel.imshow(frame)
        panel.add_patch(
            patches.Rectangle((left, top), side, side, fill=False, color=_OUTLINE, linewidth=1.5)
        )
        panel.set_title(title)
    _draw_close_up(panels[2], clip.frames[0], field, (left, top, side))
    # One scale for both components, around a mid-grey zero, or a still one would look like noise.
    largest = float(np.abs(field).max())
    for k, (panel, title) in enumerate(zip(panels[3:5], ("(d) $d^x$", "(e) $d^y$"))):
        image = panel.imshow(field[..., k], cmap="gray", vmin=-largest, vmax=largest)
        panel.set_title(title)
        drawing.colorbar(image, ax=panel, shrink=0.7, label="pixels per frame")
    longest = float(np.linalg.norm(field, axis=-1).max())
    panels[5].imshow(color.colorize(field))
    panels[5].set_title(f"(f) in colours; key: up to {longest:.1f} pixels")
    _draw_key(panels[5])
    return drawing


def draw_sampling(clip: Clip) -> figure.Figure:
    """Draws where both ways of stacking read the fields of a clip (paper, Fig. 3).

    Args:
        clip: The clip, L fields.

    Returns:
        Left, stacking (1): the L displacements read at each point, one after the other from there.
        Right, stacking (2): each read where the point has got to. A colour is a field.
    """
    starts = _moving_points(clip)
    fields = clip.fields
    columns, rows = starts.astype(int).T
    fixed = np.moveaxis(fields[:, rows, columns], 0, 1)  # [P, L, 2]
    paths = trajectories(clip, starts)
    drawing, panels = _page(clip, columns=2, rows=1, width=6.5)
    titles = ("stacking (1): read at the same point", "stacking (2): read along the trajectory")
    for panel, title in zip(panels, titles):
        panel.imshow(clip.frames[0], alpha=0.45)
        panel.set_title(title)
        _zoom(panel, paths, clip.frames.shape[1:3])
    colors = matplotlib.colormaps["plasma"](np.linspace(0, 0.9, len(fields)))
    for k, tint in enumerate(colors):
        steps = paths[:, k + 1] - paths[:, k]
        panels[0].quiver(*starts.T, *fixed[:, k].T, color=tint, **_TRUE_LENGTH)
        panels[1].quiver(*paths[:, k].T, *steps.T, color=tint, **_TRUE_LENGTH)
        panels[1].scatter(paths[:, k, 0], paths[:, k, 1], s=6, color=[tint], zorder=3)
    panels[0].scatter(starts[:, 0], starts[:, 1], s=10, color="black", zorder=3)
    scale = matplotlib.colors.BoundaryNorm(range(len(fields) + 1), len(fields))
    mappable = matplotlib.cm.ScalarMappable(scale, matplotlib.colors.ListedColormap(colors))
    bar = drawing.colorbar(mappable, ax=panels, shrink=0.8, label="field k")
    numbers = range(len(fields))
    bar.set_ticks([k + 0.5 for k in numbers], labels=[str(k + 1) for k in numbers])
    return drawing


def _deviations(fields: np.ndarray) -> np.ndarray:
    """`[L, H, W]` lengths in pixels of what moves against the mean of its field.

    That mean is mostly the motion of the camera.
    """
    return np.linalg.norm(fields - fields.mean((1, 2), keepdims=True), axis=3)


def _page(
    clip: Clip, *, columns: int, rows: int, width: float = 4.0
) -> tuple[figure.Figure, list[axes.Axes]]:
    """Opens a page of panels without axes; `width` is that of a panel in inches."""
    height = width * clip.frames.shape[1] / clip.frames.shape[2] + 0.4  # Inches for the title.
    drawing = figure.Figure(figsize=(columns * width, rows * height), layout="compressed")
    panels = list(np.ravel(drawing.subplots(rows, columns)))
    for panel in panels:
        panel.set_axis_off()
    return drawing, panels


def _moving_area(field: np.ndarray) -> tuple[int, int, int]:
    """Returns (left, top, side) in pixels of the square, a quarter as high, that moves most."""
    height, width = field.shape[:2]
    side = height // 4
    motion = _deviations(field[None])[0]
    # A blurred pixel is the mean of the square around it; those whose square sticks out are cut.
    blurred = cv2.blur(motion, (side, side))[side // 2 : height - side, side // 2 : width - side]
    top, left = np.unravel_index(blurred.argmax(), blurred.shape)
    return int(left), int(top), side


def _moving_points(clip: Clip) -> np.ndarray:
    """Chooses `[P, 2]` points (x, y) on what moves most, apart from each other.

    What moves must be there at tau; a point of the background that it will pass does not do.
    """
    deviations = _deviations(clip.fields)
    motion = deviations[0] * deviations.mean(axis=0)
    apart = max(2, min(motion.shape) // 16)
    motion = cv2.blur(motion, (apart, apart))
    enough = _MOVES * motion.max()
    points: list[tuple[float, float]] = []
    while len(points) < _POINTS:
        y, x = np.unravel_index(motion.argmax(), motion.shape)
        if points and motion[y, x] <= enough:
            break
        points.append((float(x), float(y)))
        motion[max(0, y - apart) : y + apart + 1, max(0, x - apart) : x + apart + 1] = -1
    return np.array(points)


def _draw_close_up(
    panel: axes.Axes, frame: np.ndarray, field: np.ndarray, area: tuple[int, int, int]
) -> None:
    left, top, side = area
    panel.imshow(frame, alpha=0.4)
    step = max(1, side // _ARROWS)
    y, x = np.mgrid[top : top + side : step, left : left + side : step]
    u, v = np.moveaxis(field[y, x], -1, 0)
    # Matplotlib chooses the scale: at true length most arrows would be too short to see.
    panel.quiver(x, y, u, v, angles="xy", color="tab:blue", width=0.004)
    panel.set_xlim(left - 0.5, left + side - 0.5)
    panel.set_ylim(top + side - 0.5, top - 0.5)
    panel.set_title("(c) displacements in the outlined area")


def _draw_key(panel: axes.Axes) -> None:
    """Draws the colours of all displacements up to the longest into the corner of a panel."""
    v, u = np.mgrid[-1:1:101j, -1:1:101j]
    disc = color.colorize(np.stack([u, v], axis=-1), max_magnitude=1.0)
    disc[np.hypot(u, v) > 1] = 255
    key = panel.inset_axes((0.0, 0.0, 0.25, 0.25 * panel.bbox.width / panel.bbox.height))
    key.imshow(disc)
    key.set_axis_off()


def _zoom(panel: axes.Axes, paths: np.ndarray, size: tuple[int, ...]) -> None:
    """Shows what paths run through, with a margin, as a part of the frame of the same shape."""
    low, high = paths.min((0, 1)), paths.max((0, 1))
    margin = 0.3 * max(*(high - low), 20.0)
    whole = np.array(size[::-1])  # Width and height.
    shown = whole * min(1.0, float(((high - low + 2 * margin) / whole).max()))
    left, top = np.clip((low + high - shown) / 2, 0, whole - shown) - 0.5
    panel.set_xlim(left, left + shown[0])
    panel.set_ylim(top + shown[1], top)
