"""Measures of one canonical motion, or of two of any lengths. Each needs no network."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from stylize.motion import Motion
from stylize.quality import foot_sliding, heading_positions, sliding_share, stretched
from stylize.rotations import geodesic_distance, heading_free
from stylize.skeleton import TOE_HEIGHT

__all__ = [
    "bone_length_deviation",
    "floating",
    "foot_sliding",
    "heading_positions",
    "jerk",
    "pace",
    "penetration",
    "rotation_distance",
    "sliding_share",
    "stretched",
    "tempo",
]

MIN_PACE = 0.3
"""Metres a second of real clips under which an action stays in place, and its pace says nothing."""
TEMPO_SMOOTHING = 1.5
"""Frames; accelerations of unsmoothed positions measure noise."""


def penetration(motion: Motion) -> float:
    """Mean depth in metres by which the lowest toe is under its resting height."""
    return float(np.maximum(TOE_HEIGHT - _lowest_toe(motion), 0).mean())


def floating(motion: Motion) -> float:
    """Median height in metres of the lowest toe over its resting height."""
    return float(np.median(np.maximum(_lowest_toe(motion) - TOE_HEIGHT, 0)))


def _lowest_toe(motion: Motion) -> np.ndarray:
    return np.minimum(motion.joint_positions("left_foot")[:, 1], motion.joint_positions("right_foot")[:, 1])


def jerk(motion: Motion) -> float:
    """Mean size of the joints' third derivative in m/s^3."""
    if len(motion) < 4:
        return 0.0
    return float(np.linalg.norm(np.diff(motion.positions, n=3, axis=0), axis=-1).mean() * motion.fps**3)


def bone_length_deviation(motion: Motion) -> float:
    """The largest change in metres of any bone's length over the clip."""
    bones = motion.positions[:, 1:] - motion.positions[:, motion.skeleton.parents[1:]]
    lengths = np.linalg.norm(bones, axis=-1)
    return float((lengths.max(0) - lengths.min(0)).max())


def pace(motion: Motion) -> float:
    """Mean speed of the root along the ground in m/s."""
    return float(np.linalg.norm(np.diff(motion.root_positions[:, [0, 2]], axis=0), axis=-1).mean() * motion.fps)


def tempo(positions: np.ndarray, fps: float) -> float:
    """How quickly a body moves to and fro, whatever the size of its movements, in 1/s.

    Root mean square acceleration over root mean square velocity of all joints: of a sine, its angular frequency.

    Args:
        positions: (T, J, 3) as ``heading_positions`` gives them.
        fps: frames a second.
    """
    smooth = gaussian_filter1d(positions, TEMPO_SMOOTHING, axis=0, mode="nearest")
    velocity = np.diff(smooth, axis=0)
    acceleration = np.diff(velocity, axis=0)
    return float(np.sqrt(np.square(acceleration).mean() / (np.square(velocity).mean() + 1e-12)) * fps)


def rotation_distance(a: Motion, b: Motion) -> float:
    """Mean angle in radians between the joints' local rotations, the roots' in their headings.

    It is the geodesic distance of Guo, Mu et al. (ICLR 2024). Where the lengths differ, ``b`` is stretched to
    that of ``a``.
    """
    rotations = [heading_free(motion.local_rotations)[1] for motion in (a, stretched(b, len(a)))]
    return float(geodesic_distance(*rotations).mean())
