"""Measures of one canonical motion, or of two of any lengths. Each needs no network."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from stylize.motion import Motion
from stylize.rotations import geodesic_distance, heading_yaw, yaw_to_matrix
from stylize.skeleton import ANKLE_HEIGHT, TOE_HEIGHT

DOWN_MARGINS = (0.03, 0.04)
"""Metres over their resting heights at which toe and ankle no longer count as down at all."""
SLIDING_SPEED = 0.3
"""Metres a second over which a foot that is down is plainly seen to slide."""
TEMPO_SMOOTHING = 1.5
"""Frames; accelerations of unsmoothed positions measure noise."""


def foot_sliding(motion: Motion) -> float:
    """Horizontal speed of the toes in m/s while the foot is flat on the ground.

    Frames are weighted by the heights of toe and ankle (1 at rest, 0 over DOWN_MARGINS), not by a contact
    label, which a motion that slides would not get. The weight is that of Zhang et al., "Mode-adaptive neural
    networks for quadruped motion control", 2018. Both joints count, since a toe swings low through every step.
    """
    speed, weight = _speed_while_down(motion)
    return float((speed * weight).sum() / weight.sum())


def sliding_share(motion: Motion) -> float:
    """Share of the frames with a foot down in which that foot is faster than SLIDING_SPEED, weighted alike."""
    speed, weight = _speed_while_down(motion)
    return float(((speed > SLIDING_SPEED) * weight).sum() / weight.sum())


def _speed_while_down(motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """Horizontal speeds of both toes (2, T - 1) in m/s and how far each foot is down, 1 to 0."""
    speeds, weights = [], []
    for side in ("left", "right"):
        toe, ankle = motion.joint_positions(f"{side}_foot"), motion.joint_positions(f"{side}_ankle")
        speeds.append(np.linalg.norm(np.diff(toe[:, [0, 2]], axis=0), axis=-1) * motion.fps)
        raised = np.maximum(
            (toe[1:, 1] - TOE_HEIGHT) / DOWN_MARGINS[0], (ankle[1:, 1] - ANKLE_HEIGHT) / DOWN_MARGINS[1]
        )
        weights.append(2 - 2 ** np.clip(raised, 0, 1) + 1e-9)
    return np.stack(speeds), np.stack(weights)


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


def heading_positions(motion: Motion) -> np.ndarray:
    """(T, J, 3) joint positions in metres in the root's ground frame: where it stands, the way it faces."""
    to_heading = yaw_to_matrix(-heading_yaw(motion.local_rotations[:, 0]))
    ground = motion.root_positions * np.array([1.0, 0.0, 1.0])
    return np.einsum("tij,tkj->tki", to_heading, motion.positions - ground[:, None])


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


def stretched(motion: Motion, frames: int) -> Motion:
    """The motion in another number of frames, evenly; its first and last stay."""
    if len(motion) == frames:
        return motion
    return motion.at_times(np.linspace(0, (len(motion) - 1) / motion.fps, frames), motion.fps)


def rotation_distance(a: Motion, b: Motion) -> float:
    """Mean angle in radians between the joints' local rotations, the roots' in their headings.

    It is the geodesic distance of Guo, Mu et al. (ICLR 2024). Where the lengths differ, ``b`` is stretched to
    that of ``a``.
    """
    rotations = []
    for motion in (a, stretched(b, len(a))):
        local = motion.local_rotations.copy()
        local[:, 0] = yaw_to_matrix(-heading_yaw(local[:, 0])) @ local[:, 0]
        rotations.append(local)
    return float(geodesic_distance(*rotations).mean())
