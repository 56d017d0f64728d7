"""What can be measured of a result without knowing what it should have been: clean feet, and a movement kept."""

import numpy as np

from stylize.motion import Motion
from stylize.rotations import heading_yaw, yaw_to_matrix
from stylize.skeleton import ANKLE_HEIGHT, SKELETON_22, TOE_HEIGHT

DOWN_MARGINS = (0.03, 0.04)
"""Metres over their resting heights at which toe and ankle no longer count as down at all."""
SLIDING_SPEED = 0.3
"""Metres a second over which a foot that is down is plainly seen to slide."""
LIMBS = tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("wrist", "elbow", "ankle", "knee"))


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


def heading_positions(motion: Motion) -> np.ndarray:
    """(T, J, 3) joint positions in metres in the root's ground frame: where it stands, the way it faces."""
    to_heading = yaw_to_matrix(-heading_yaw(motion.local_rotations[:, 0]))
    ground = motion.root_positions * np.array([1.0, 0.0, 1.0])
    return np.einsum("tij,tkj->tki", to_heading, motion.positions - ground[:, None])


def movement_kept(content: Motion, result: Motion) -> float:
    """How alike hands, elbows, feet and knees move in two canonical motions, 1 at most, wherever they are held.

    The correlation of their paths in the root's ground frame, those that move far counting more; the result is
    stretched to the content's length, since a style changes the tempo.
    """
    return paths_alike(heading_positions(content), heading_positions(stretched(result, len(content))))


def paths_alike(before: np.ndarray, after: np.ndarray) -> float:
    """The correlation of the paths of hands, elbows, feet and knees in joint positions (T, 22, 3)."""
    joints = [SKELETON_22.joint(role) for role in LIMBS]
    before, after = before[:, joints], after[:, joints]
    before, after = before - before.mean(0), after - after.mean(0)
    size = np.sqrt(np.square(before).sum() * np.square(after).sum())
    return float((before * after).sum() / max(size, 1e-9))


def stretched(motion: Motion, frames: int) -> Motion:
    """The motion in another number of frames, evenly; its first and last stay."""
    if len(motion) == frames:
        return motion
    return motion.at_times(np.linspace(0, (len(motion) - 1) / motion.fps, frames), motion.fps)
