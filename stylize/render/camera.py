"""A perspective camera that stands before a person and glides along with them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import gaussian_filter1d

from stylize.motion import Motion
from stylize.rotations import heading_yaw

THREE_QUARTER_YAW = np.radians(-38.0)
"""From the person's front towards their right, so that who walks forward also goes from left to right."""

ELEVATION = np.radians(13.0)
FIELD_OF_VIEW = np.radians(24.0)
TARGET_HEIGHT = 0.90
SMOOTHING_SECONDS = 0.5

_BODY_MARGIN = 0.13  # metres from a joint to the skin, the crown of the head and the fingertips
_STANDING_HEIGHT = 1.86  # a smaller motion (a crouch) is not blown up to fill the picture
_DISTANCES = (4.6, 14.0)  # one frame that flies off must not turn the person into an ant


@dataclass(frozen=True)
class Camera:
    """Looks at a moving target from a fixed direction.

    Pixels have their origin at the lower left corner and y upward, as matplotlib's display has it.

    Attributes:
        yaw: the direction from the target to the camera about +Y, in radians; 0 is +Z.
        distance: from the target to the camera, in metres.
        size: width and height of the picture in pixels.
    """

    yaw: float
    distance: float
    size: int

    @cached_property
    def axes(self) -> np.ndarray:
        """(3, 3) rows: to the right in the picture, up in the picture, towards the camera."""
        sin, cos = np.sin(self.yaw), np.cos(self.yaw)
        towards = np.array([sin * np.cos(ELEVATION), np.sin(ELEVATION), cos * np.cos(ELEVATION)])
        right = np.array([cos, 0.0, -sin])
        return np.stack([right, np.cross(towards, right), towards])

    @property
    def focal_length(self) -> float:
        """Pixels that one metre takes at a depth of one metre."""
        return self.size / (2 * np.tan(FIELD_OF_VIEW / 2))

    @property
    def centre(self) -> np.ndarray:
        """(2,) where the target appears: the middle of the part of the picture that is free of labels."""
        left, right, bottom, top = _free_area(self.size)
        return np.array([left + right, bottom + top]) / 2

    def project(self, points: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Project ``points`` (T, ..., 3) of T frames, seen while the camera looks at ``targets`` (T, 3).

        Returns:
            pixels (T, ..., 2), and the depths (T, ...) in metres in front of the camera.
        """
        targets = targets.reshape(len(targets), *[1] * (points.ndim - 2), 3)
        in_camera = (points - targets) @ self.axes.T
        depth = self.distance - in_camera[..., 2]
        return self.centre + self.focal_length * in_camera[..., :2] / depth[..., None], depth

    def ground_at_pixels(self) -> np.ndarray:
        """(size, size, 2) where each pixel's ray, top row first, meets the ground: x and z from the target.

        Rays that never meet it give infinity.
        """
        pixel = np.arange(self.size) + 0.5
        x, y = np.meshgrid(pixel - self.centre[0], pixel[::-1] - self.centre[1])
        rays = np.stack([x, y, np.full_like(x, -self.focal_length)], axis=-1) @ self.axes
        down = np.where(rays[..., 1] < -1e-6, -rays[..., 1], np.nan)
        eye = self.axes[2] * self.distance
        ground = eye[[0, 2]] + rays[..., [0, 2]] * ((eye[1] + TARGET_HEIGHT) / down)[..., None]
        return np.nan_to_num(ground, nan=np.inf)


def _free_area(size: int) -> tuple[float, float, float, float]:
    """Left, right, bottom and top, in pixels, of what labels and the time line leave to the body."""
    return 0.06 * size, 0.94 * size, 0.09 * size, 0.86 * size


def start_facing(motion: Motion) -> float:
    """The yaw in radians in which a canonical motion's person looks in its first half second."""
    yaw = heading_yaw(motion.local_rotations[: max(1, round(motion.fps / 2)), 0])
    return float(np.arctan2(np.sin(yaw).mean(), np.cos(yaw).mean()))


def follow(root_positions: np.ndarray, fps: float) -> np.ndarray:
    """Camera targets (T, 3) for the root's track (T, 3): the same way over the ground, without its shaking.

    A Gaussian looks ahead as much as back, so the camera does not lag behind. Its ends are continued by
    point reflection, so that a steady walk stays in the middle from the first frame to the last.
    """
    sigma = SMOOTHING_SECONDS * fps
    ground = root_positions[:, [0, 2]].astype(float)
    pad = int(4 * sigma) + 1
    if len(ground) > 1:
        padded = np.pad(ground, ((pad, pad), (0, 0)), mode="reflect", reflect_type="odd")
        ground = gaussian_filter1d(padded, sigma, axis=0)[pad:-pad]
    return np.insert(ground, 1, TARGET_HEIGHT, axis=1)


def fitting_distance(points: np.ndarray, targets: np.ndarray, yaw: float) -> float:
    """The least distance in metres from which all joints ``points`` (T, J, 3) stay in the picture."""
    camera = Camera(yaw, distance=0.0, size=1)
    left, right, bottom, top = np.array(_free_area(1)) / camera.focal_length
    half_width, half_height = (right - left) / 2, (top - bottom) / 2
    standing = np.array([[0.0, -TARGET_HEIGHT, 0.0], [0.0, _STANDING_HEIGHT - TARGET_HEIGHT - _BODY_MARGIN, 0.0]])
    relative = np.concatenate([(points - targets[:, None]).reshape(-1, 3), standing]) @ camera.axes.T
    sideways, upward, nearer = relative.T
    needed = [(np.abs(sideways) + _BODY_MARGIN) / half_width, (np.abs(upward) + _BODY_MARGIN) / half_height]
    return float(np.clip(np.max(nearer + np.maximum(*needed)), *_DISTANCES))
