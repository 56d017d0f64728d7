"""Physical measures of a canonical motion. Each needs no network."""

import numpy as np

from stylize.motion import Motion
from stylize.skeleton import ANKLE_HEIGHT, TOE_HEIGHT

DOWN_MARGINS = (0.03, 0.04)
"""Metres over their resting heights at which toe and ankle no longer count as down at all."""


def foot_sliding(motion: Motion) -> float:
    """Horizontal speed of the toes in m/s while the foot is flat on the ground.

    Frames are weighted by the heights of toe and ankle (1 at rest, 0 over DOWN_MARGINS), not by a contact
    label, which a motion that slides would not get. The weight is that of Zhang et al., "Mode-adaptive neural
    networks for quadruped motion control", 2018. Both joints count, since a toe swings low through every step.
    """
    total, weights = 0.0, 1e-9
    for side in ("left", "right"):
        toe, ankle = motion.joint_positions(f"{side}_foot"), motion.joint_positions(f"{side}_ankle")
        speed = np.linalg.norm(np.diff(toe[:, [0, 2]], axis=0), axis=-1) * motion.fps
        raised = np.maximum(
            (toe[1:, 1] - TOE_HEIGHT) / DOWN_MARGINS[0], (ankle[1:, 1] - ANKLE_HEIGHT) / DOWN_MARGINS[1]
        )
        weight = 2 - 2 ** np.clip(raised, 0, 1)
        total += float((speed * weight).sum())
        weights += float(weight.sum())
    return total / weights


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
