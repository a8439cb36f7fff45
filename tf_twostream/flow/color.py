"""Displacement fields as colours: hue is the direction, saturation the length.

The colour wheel of Baker et al., "A Database and Evaluation Methodology for Optical Flow"
(2011): 55 hues, more of them where the eye tells more apart.
"""

import numpy as np

# From, to (RGB) and number of hues of each of the six sectors, clockwise on the screen from
# motion to the right (red).
SECTORS = (
    ((255, 0, 0), (255, 255, 0), 15),
    ((255, 255, 0), (0, 255, 0), 6),
    ((0, 255, 0), (0, 255, 255), 4),
    ((0, 255, 255), (0, 0, 255), 11),
    ((0, 0, 255), (255, 0, 255), 13),
    ((255, 0, 255), (255, 0, 0), 6),
)


def color_wheel() -> np.ndarray:
    """Returns the 55 hues, `[55, 3]` float64 RGB in [0, 1], in order of direction."""
    hues = []
    for first, last, count in SECTORS:
        steps = np.subtract(last, first) * np.arange(count)[:, None] / count
        hues.append(first + np.trunc(steps))  # Whole, as in their code.
    return np.concatenate(hues) / 255


def colorize(field: np.ndarray, max_magnitude: float | None = None) -> np.ndarray:
    """Paints a displacement field.

    Example:
        >>> import numpy as np
        >>> from tf_twostream.flow import color
        >>> field = np.zeros((2, 3, 2), np.float32)
        >>> field[0, :, 0] = 5  # The upper row moves to the right, the lower one rests.
        >>> color.colorize(field)[:, 0].tolist()  # Red and white.
        [[255, 0, 0], [255, 255, 255]]

    Args:
        field: `[H, W, 2]`, (u right, v down) in pixels.
        max_magnitude: Length in pixels that is painted in full colour, longer ones darker; by
            default the longest of the field.

    Returns:
        `[H, W, 3]` uint8 RGB: white at rest, black where the field is not finite.

    Raises:
        ValueError: If the field has another shape or `max_magnitude` is not positive.
    """
    if field.ndim != 3 or field.shape[2] != 2:
        raise ValueError(f"`field` must be [H, W, 2]. Received: shape {field.shape}.")
    if max_magnitude is not None and not max_magnitude > 0:
        raise ValueError(f"`max_magnitude` must be above 0. Received: {max_magnitude}.")
    known = np.isfinite(field).all(axis=2)
    u, v = np.moveaxis(np.where(known[..., None], field, 0).astype(np.float64), 2, 0)
    magnitude = np.hypot(u, v)
    radius = (magnitude / (max_magnitude or magnitude.max() or 1.0))[..., None]
    hue = _hue(u, v)
    # Fading to white within the range; beyond it darker, so that it is seen where colours clip.
    painted = np.where(radius <= 1, 1 - radius * (1 - hue), 0.75 * hue)
    return np.floor(255 * painted * known[..., None]).astype(np.uint8)


def _hue(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Returns the colours of directions, `[H, W, 3]` in [0, 1], between two hues linearly."""
    wheel = color_wheel()
    position = (np.arctan2(-v, -u) / np.pi + 1) / 2 * (len(wheel) - 1)  # 0 is to the right.
    below = np.floor(position).astype(np.int64)
    weight = (position - below)[..., None]
    return (1 - weight) * wheel[below] + weight * wheel[(below + 1) % len(wheel)]
