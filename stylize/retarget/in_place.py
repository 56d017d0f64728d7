"""Walks on the spot, as games keep them: under the feet the ground moves, and the body stays."""

import numpy as np

from stylize.motion import Motion
from stylize.retarget.placement import sole_heights
from stylize.skeleton import SKELETON_22

LEAST_SPEED = 0.25
"""Metres a second; slower than that may be a shuffle."""
LARGEST_SPREAD = 0.35
"""How much, relative to its speed, the ground under the feet may change its speed (the median over the frames)."""
LARGEST_TRAVEL = 0.15
"""How much, relative to the ground's speed, the body may travel all the same."""


def ground_velocity(motion: Motion) -> np.ndarray | None:
    """How fast the ground moves under a canonical motion that walks on the spot: (3,) in metres a second.

    None for one that does not: its planted feet stand still, or it gets somewhere.
    """
    if len(motion) < motion.fps / 2:
        return None
    joints = [SKELETON_22.joint(f"{side}_{part}") for part in ("ankle", "foot") for side in ("left", "right")]
    heights = sole_heights(motion)
    lowest = heights.argmin(1)
    velocities = np.gradient(motion.positions[:, joints], axis=0) * motion.fps
    planted = heights.min(1) < np.median(heights.min(1)) + 0.02
    under_feet = velocities[np.arange(len(motion)), lowest][planted] * [1, 0, 1]
    ground = np.median(under_feet, axis=0)
    speed = float(np.linalg.norm(ground))
    spread = float(np.median(np.linalg.norm(under_feet - ground, axis=1)))
    way = (motion.root_positions[-1] - motion.root_positions[0]) * [1, 0, 1]
    travel = float(np.linalg.norm(way)) / motion.duration
    is_on_the_spot = speed > LEAST_SPEED and spread < LARGEST_SPREAD * speed and travel < LARGEST_TRAVEL * speed
    return ground if is_on_the_spot else None


def with_travel(motion: Motion, velocity: np.ndarray) -> Motion:
    """The motion moved on at a velocity (3,) in metres a second."""
    return motion.translate(np.arange(len(motion))[:, None] / motion.fps * velocity)


def on_the_spot(motion: Motion) -> Motion:
    """The motion without its mean velocity over the ground."""
    seconds = max(len(motion) - 1, 1) / motion.fps
    way = (motion.root_positions[-1] - motion.root_positions[0]) * [1, 0, 1]
    return with_travel(motion, -way / seconds)
