"""Physical measures of a canonical motion. Each needs no network."""

import numpy as np

from stylize.motion import Motion

SLIDING_HEIGHT = 0.05
"""Metres above its resting height at which a toe no longer counts as down."""
TOE_REST = 0.02


def foot_sliding(motion: Motion) -> float:
    """Horizontal speed of the toes in m/s, weighted by how near to the ground they are (1 at rest, 0 at 5 cm).

    The weight is that of Zhang et al., "Mode-adaptive neural networks for quadruped motion control", 2018.
    """
    total, weights = 0.0, 1e-9
    for side in ("left", "right"):
        toe = motion.joint_positions(f"{side}_foot")
        speed = np.linalg.norm(np.diff(toe[:, [0, 2]], axis=0), axis=-1) * motion.fps
        height = np.clip((toe[1:, 1] - TOE_REST) / SLIDING_HEIGHT, 0, 1)
        weight = 2 - 2**height
        total += float((speed * weight).sum())
        weights += float(weight.sum())
    return total / weights


def penetration(motion: Motion) -> float:
    """Mean depth in metres by which the lowest toe is under its resting height."""
    return float(np.maximum(TOE_REST - _lowest_toe(motion), 0).mean())


def floating(motion: Motion) -> float:
    """Median height in metres of the lowest toe over its resting height."""
    return float(np.median(np.maximum(_lowest_toe(motion) - TOE_REST, 0)))


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
