"""Draws scenes in which a frame tells only what an object is, and the flow only how it moves.

An object of one of two appearances (amber stripes, azure dots) makes one of three motions (sways
sideways, bobs up and down, turns to and fro) on a textured ground under a moving camera.

- A single frame tells the appearance only. A pose has three phases, all drawn uniformly; the
  motion says which of them runs. So in any one frame poses are distributed alike for all motions,
  and there is no motion blur.
- The flow tells the motion only. Appearances differ in chroma; their luminance, from which flow is
  computed, is the same in every pixel. The camera moves the whole scene, so subtracting the mean
  flow (paper, section 3.1) removes it.
- No random number depends on the class: appearance and motion are arguments of a scene already
  drawn.

Lengths are in shorter sides of the frame, so that scenes look alike at any size; times in frames.
"""

import dataclasses
import functools
import math
from collections.abc import Iterator

import cv2
import numpy as np

MOTIONS = ("sway", "bob", "turn")  # Which part of a pose runs: x, y or the angle.
# Two chromas (Cr, Cb) each, so small that RGB hardly clips in the dark and in the light: where it
# clips, the luminance changes, and the flow would tell the appearances apart.
APPEARANCES = {
    "amber": ((0.18, -0.13), (0.03, -0.17)),
    "azure": ((-0.12, 0.18), (-0.18, 0.02)),
}

MARGIN = 0.09  # Background beyond the frame, more than the camera ever moves.
_OVERSAMPLING = 2  # Frames are drawn this much larger, then shrunk: smooth edges at any place.
# Amplitude, period, phase. In a frame of 96 pixels the camera moves by at most 1.2 pixels per
# frame, an object by 3 to 7 at its fastest: the object's motion is the one that counts.
_CAMERA = np.array([(0.02, 0.06), (30, 60), (0, 2 * math.pi)])
# Half the side of the object's square, in radii of the object. The shadow reaches 1.66.
_SPRITE_RADII = 1.7


@dataclasses.dataclass(frozen=True)
class Group:
    """What the clips of a group share.

    Attributes:
        height: Of the frames, in pixels.
        width: Of the frames, in pixels.
        background: `[H', W', 3]` float32 luminance in [0, 1], Cr, Cb (about 0), H' W' oversampled.
        texture: `[S, S]` float32, luminance of the object.
        silhouette: `[S, S]` float32 in [0, 1], 1 where the object is.
        waves: Waves of the chroma pattern per radius of the object.
    """

    height: int
    width: int
    background: np.ndarray
    texture: np.ndarray
    silhouette: np.ndarray
    waves: float


@dataclasses.dataclass(frozen=True)
class Clip:
    """What is drawn anew for each clip, alike for all classes.

    Attributes:
        home: `[3]` middle of the pose: x, y from the frame's centre in shorter sides, radians.
        swing: `[3]` how far the pose goes to either side of its middle.
        phases: `[3]` radians, of x, y and the angle.
        period: Frames after which the motion repeats.
        camera: `[3, 2]` amplitude (shorter sides), period (frames), phase (radians) in x and y.
        radius: Of the object, in shorter sides.
        contrast: Factor on the luminance's distance to mid-grey.
        brightness: Added to the luminance.
    """

    home: np.ndarray
    swing: np.ndarray
    phases: np.ndarray
    period: float
    camera: np.ndarray
    radius: float
    contrast: float
    brightness: float


def _draw_noise(
    rng: np.random.Generator, shape: tuple[int, int], *, sigmas: tuple[float, ...]
) -> np.ndarray:
    """Draws a random texture of several grain sizes (`sigmas`, in pixels).

    Returns:
        `[H, W]` float32 of mean 0 and standard deviation 1.
    """
    total = np.zeros(shape, np.float32)
    for sigma in sigmas:  # Weighted alike, so that all textures are about as good to track.
        noise = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), sigma)
        total += rng.uniform(0.5, 1.0) * (noise - noise.mean()) / noise.std()
    return total / total.std()


def _draw_background(rng: np.random.Generator, *, height: int, width: int) -> np.ndarray:
    """Draws a background of muted colour, `[H', W', 3]` float32 luminance, Cr, Cb."""
    side = _OVERSAMPLING * min(height, width)
    border = 2 * round(MARGIN * side)
    shape = (_OVERSAMPLING * height + border, _OVERSAMPLING * width + border)
    # Grains of several sizes, so that each level of a flow method's pyramid finds structure.
    luminance = _draw_noise(rng, shape, sigmas=(0.014 * side, 0.04 * side, 0.12 * side))
    tint = _draw_noise(rng, shape, sigmas=(0.2 * side,))
    hue = rng.uniform(0, 2 * np.pi) + 2 * tint  # All hues in all groups: no group is amber.
    chroma = rng.uniform(0.02, 0.04)  # Less than a quarter of the object's.
    planes = [0.48 + 0.11 * luminance, chroma * np.cos(hue), chroma * np.sin(hue)]
    return np.stack(planes, axis=-1).astype(np.float32)


def _sprite_grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns x and y, each `[S, S]` float32 in radii of the object, of a sprite of S pixels."""
    axis = np.linspace(-_SPRITE_RADII, _SPRITE_RADII, side, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    return x, y


def draw_group(rng: np.random.Generator, *, height: int, width: int) -> Group:
    """Draws what the clips of a group share.

    Args:
        rng: Source of randomness.
        height: Of the frames, in pixels.
        width: Of the frames, in pixels.
    """
    background = _draw_background(rng, height=height, width=width)
    # Of an object of radius 0.2; clips have 0.16 to 0.21, so that sprites are hardly enlarged.
    side = round(2 * _SPRITE_RADII * 0.2 * _OVERSAMPLING * min(height, width))
    x, y = _sprite_grid(side)
    texture = 0.52 + 0.12 * _draw_noise(rng, (side, side), sigmas=(0.03 * side, 0.07 * side))
    lobes = rng.integers(3, 7)  # The edge of a disc would not show that it turns.
    edge = 1 + rng.uniform(0.07, 0.14) * np.cos(lobes * np.arctan2(y, x))
    softness = 2 * _SPRITE_RADII / side  # One oversampled pixel, in radii.
    silhouette = np.clip(0.5 + (edge - np.hypot(x, y)) / softness, 0, 1).astype(np.float32)
    return Group(height, width, background, texture, silhouette, rng.uniform(1.0, 1.4))


def draw_clip(rng: np.random.Generator) -> Clip:
    """Draws place, speed, camera and light of a clip.

    Args:
        rng: Source of randomness.
    """
    distance = rng.uniform(0.08, 0.12)  # The same to the side and down: only the direction tells.
    # No object leaves the frame, half a side from its middle, as that would tell the motion: home
    # 0.08, swing 0.12, camera 0.06 and radius with lobes 1.14 * 0.21 add up to less than 0.5.
    return Clip(
        home=rng.uniform(-1, 1, 3) * (0.08, 0.08, np.pi),
        swing=np.array([distance, distance, rng.uniform(0.5, 0.7)]),
        phases=rng.uniform(0, 2 * np.pi, 3),
        period=rng.uniform(10, 18),  # A stack of ten fields sees more than half of it.
        camera=rng.uniform(_CAMERA[:, :1], _CAMERA[:, 1:], (3, 2)),
        radius=rng.uniform(0.16, 0.21),
        contrast=rng.uniform(0.85, 1.15),
        brightness=rng.uniform(-0.06, 0.06),
    )


def trace_poses(clip: Clip, motion: str, num_frames: int) -> np.ndarray:
    """Computes where the object is: one phase runs, the others stand still.

    As every phase starts uniformly distributed, a single frame's pose is distributed alike for all
    motions.

    Args:
        clip: Gives the middle, the swing and the period of the pose.
        motion: One of `MOTIONS`.
        num_frames: T.

    Returns:
        `[T, 3]` x, y from the scene's centre in shorter sides (right, down), angle in radians.
    """
    runs = np.array([motion == name for name in MOTIONS])
    turned = 2 * np.pi * np.arange(num_frames)[:, None] / clip.period * runs
    return clip.home + clip.swing * np.sin(clip.phases + turned)


def trace_camera(clip: Clip, num_frames: int) -> np.ndarray:
    """Computes how far the camera has shifted the scene.

    Args:
        clip: Gives the amplitude, the period and the phase.
        num_frames: T.

    Returns:
        `[T, 2]` x, y in shorter sides (right, down).
    """
    amplitude, period, phase = clip.camera
    return amplitude * np.sin(2 * np.pi * np.arange(num_frames)[:, None] / period + phase)


def _paint_sprite(group: Group, appearance: str) -> np.ndarray:
    """Paints the object: the group's luminance, the appearance's chroma pattern.

    Returns:
        `[S, S, 4]` float32 luminance, Cr, Cb, opacity.
    """
    x, y = _sprite_grid(len(group.texture))
    waves = 2 * np.pi * group.waves
    stripes = np.sin(waves * x)
    pattern = stripes if appearance == "amber" else 2 * stripes * np.sin(waves * y)
    share = (0.5 + 0.5 * np.tanh(4 * pattern))[..., None]
    first, second = np.array(APPEARANCES[appearance], np.float32)
    chroma = share * first + (1 - share) * second
    return np.dstack([group.texture, chroma, group.silhouette]).astype(np.float32)


@functools.cache  # All objects of a size have the same light.
def _draw_light(side: int) -> np.ndarray:
    """Draws the light on and below the object, which does not turn with it.

    Returns:
        `[S, S, 2]` float32: what is added to the object's luminance (light from the upper left on
        a dome), and the darkness of the shadow on the background in [0, 1].
    """
    x, y = _sprite_grid(side)
    dome = np.sqrt(np.clip(1.4 - x * x - y * y, 0, None))
    shade = 0.16 * (dome - 0.75) - 0.11 * (x + y)
    shadow = np.clip(1.35 - np.hypot(x - 0.18, y - 0.25), 0, 0.6) / 0.6
    # s²(3 - 2s) begins and ends without a slope: the shadow has no rim that flow could follow.
    return np.dstack([shade, 0.4 * shadow * shadow * (3 - 2 * shadow)]).astype(np.float32)


def _place_sprite(
    sprite: np.ndarray, shape: tuple[int, ...], *, centre: np.ndarray, angle: float, zoom: float
) -> np.ndarray:
    """Puts a turned and scaled sprite on an empty patch.

    Args:
        sprite: `[S, S, C]` float32.
        shape: (H, W, ...) of the patch in pixels.
        centre: `[2]` x, y of the sprite's centre on the patch in pixels.
        angle: Radians from x to y (clockwise on the screen).
        zoom: Patch pixels per sprite pixel.

    Returns:
        `[H, W, C]` float32, 0 outside the sprite.
    """
    cosine, sine = zoom * math.cos(angle), zoom * math.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    # Centres of pixels have whole coordinates, so that the middle of S pixels is (S - 1) / 2.
    shift = centre - turn @ np.full(2, (len(sprite) - 1) / 2)
    return cv2.warpAffine(sprite, np.column_stack([turn, shift]), shape[1::-1])


def _develop(planes: np.ndarray, clip: Clip) -> np.ndarray:
    """Turns `[H, W, 3]` luminance, Cr, Cb into an RGB frame (uint8) in the clip's light.

    The tone curve acts on luminance alone, and chroma fades towards black and white so that
    channels hardly clip: frames that differ in chroma keep the same luminance.
    """
    tone = clip.contrast * (planes[..., 0] - 0.5) + clip.brightness
    # Between 0.08 and 0.92: at black and white nothing could be coloured.
    luminance = 0.5 + 0.42 * np.tanh(tone / 0.42)
    chroma = planes[..., 1:] * (4 * luminance * (1 - luminance))[..., None]
    rgb = cv2.cvtColor(np.dstack([luminance, 0.5 + chroma]), cv2.COLOR_YCrCb2RGB)
    return np.clip(np.rint(255 * rgb), 0, 255).astype(np.uint8)


def _paint_object(
    scene: np.ndarray, sprite: np.ndarray, *, centre: np.ndarray, angle: float, radius: float
) -> None:
    """Paints the object with its light and shadow onto the scene, in place.

    Args:
        scene: `[H', W', 3]` float32 luminance, Cr, Cb.
        sprite: `[S, S, 4]` float32 of `_paint_sprite`.
        centre: `[2]` x, y in oversampled pixels.
        angle: Radians.
        radius: Oversampled pixels.
    """
    reach = _SPRITE_RADII * radius
    # The shadow may reach beyond the frame, and a negative index would count from the other side.
    left, top = np.maximum(np.floor(centre - reach), 0).astype(int)
    right, bottom = np.ceil(centre + reach).astype(int)
    patch = scene[top:bottom, left:right]
    centre = centre - (left, top)
    zoom = 2 * reach / (len(sprite) - 1)
    light = _draw_light(len(sprite))
    light = _place_sprite(light, patch.shape, centre=centre, angle=0.0, zoom=zoom)
    body = _place_sprite(sprite, patch.shape, centre=centre, angle=angle, zoom=zoom)
    # The shadow comes first: it falls on the ground, and the object covers a part of it.
    patch[..., 0] *= 1 - light[..., 1]
    body[..., 0] += light[..., 0]
    patch += body[..., 3:] * (body[..., :3] - patch)


def draw_frames(
    group: Group, clip: Clip, *, appearance: str, motion: str, num_frames: int
) -> Iterator[np.ndarray]:
    """Draws the frames of one video.

    Args:
        group: Background and object; they give the frame's size.
        clip: Place, speed, camera and light.
        appearance: One of `APPEARANCES`.
        motion: One of `MOTIONS`.
        num_frames: T.

    Yields:
        `[H, W, 3]` uint8 RGB, T times.
    """
    size = np.array([group.width, group.height])
    canvas = _OVERSAMPLING * size
    side = canvas.min()
    sprite = _paint_sprite(group, appearance)
    middle = (canvas - 1) / 2
    far_middle = (np.array(group.background.shape[1::-1]) - 1) / 2
    poses = trace_poses(clip, motion, num_frames)
    for pose, camera in zip(poses, trace_camera(clip, num_frames)):
        # Ground and object move with the same camera, or the mean flow would not be the camera's.
        origin = middle + side * camera
        offset = np.column_stack([np.eye(2), origin - far_middle])
        scene = cv2.warpAffine(group.background, offset, canvas.tolist())
        centre = origin + side * pose[:2]
        _paint_object(scene, sprite, centre=centre, angle=pose[2], radius=side * clip.radius)
        yield _develop(cv2.resize(scene, size.tolist(), interpolation=cv2.INTER_AREA), clip)
