"""Where a source motion is: its up axis, its unit, its ground, its start."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stylize.motion import Motion
from stylize.retarget.axes import UP, unit
from stylize.rotations import geodesic_distance, heading_yaw, yaw_to_matrix
from stylize.skeleton import ANKLE_HEIGHT, SKELETON_22

HEEL = np.array([0.0, -ANKLE_HEIGHT, -0.05])
"""From the canonical ankle, in its frame, in metres."""
SOLE_BELOW_TOE = np.array([0.0, -(ANKLE_HEIGHT - 0.055), 0.0])
PLANTED_SPEED = 0.35
"""Metres a second under which the lowest point of the feet carries the body."""

LEAD_IN = 6
"""How many frames at most may be a jump out of the rest pose."""

UP_AXES = {"+Y": (UP, 0.15), "+Z": (np.array([0.0, 0.0, 1.0]), 0.05)}
"""Up axes that files use, with how much each is preferred when the posture says little."""


@dataclass(frozen=True)
class Placement:
    """What was taken out of a motion to put it at the origin, facing +Z, on the ground y = 0.

    Attributes:
        yaw: the first frame's heading in radians, in the upright world.
        start: (3,) what was subtracted: the first frame's x and z, and the ground's height, in metres.
    """

    yaw: float
    start: np.ndarray

    def remove(self, rotations: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """World (T, 3, 3) and (T, 3) to placed ones."""
        turn = yaw_to_matrix(np.array([-self.yaw]))[0]
        return turn @ rotations, (positions - self.start) @ turn.T

    def restore(self, rotations: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The inverse of ``remove``."""
        turn = yaw_to_matrix(np.array([self.yaw]))[0]
        return turn @ rotations, positions @ turn.T + self.start


UpAxes = Mapping[str, tuple[np.ndarray, float]]


def upright_world(positions: np.ndarray, roles: Mapping[str, int], up_axes: UpAxes = UP_AXES) -> np.ndarray:
    """(3, 3) from the axes of positions (T, J, 3) to +Y up: the axis along which the body stands over the clip."""
    shoulders = positions[:, [roles["left_shoulder"], roles["right_shoulder"]]].mean(1)
    hips = positions[:, [roles["left_hip"], roles["right_hip"]]].mean(1)
    ankles = positions[:, [roles["left_ankle"], roles["right_ankle"]]].mean(1)
    posture = (unit(shoulders - hips) + unit(hips - ankles)).mean(0) / 2
    scores = {name: posture @ axis + preference for name, (axis, preference) in up_axes.items()}
    for i, name in enumerate("XYZ"):
        for sign in (1, -1):
            scores.setdefault(f"{'+' if sign > 0 else '-'}{name}", sign * posture[i] - 0.3)
    best = max(scores, key=lambda name: scores[name])
    axis = np.zeros(3)
    axis["XYZ".index(best[1])] = 1.0 if best[0] == "+" else -1.0
    if best == "+Y":
        return np.eye(3)
    # Turn about a file axis, so that axes stay axes: Z up becomes Y up with X kept.
    about = np.eye(3)[0] if abs(axis[0]) < 0.5 else np.eye(3)[2]
    if axis @ UP < -0.5:
        return np.diag([1.0, -1.0, -1.0])
    third = np.cross(about, axis)
    return np.stack([about, axis, third]) if abs(axis[0]) < 0.5 else np.stack([np.cross(axis, about), axis, about])


def skip_lead_in(motion: Motion, roles: dict[str, int]) -> Motion:
    """The motion with its first frames held at the first true one, where it jumps out of the rest pose.

    Many files begin with one frame of rest pose, which resampling spreads over a few; the number of frames
    and their times stay.
    """
    if len(motion) < 2 * LEAD_IN:
        return motion
    joints = [joint for role, joint in roles.items() if role != "pelvis"]
    start = motion.local_rotations[: 2 * LEAD_IN, joints]
    steps = np.degrees(geodesic_distance(start[:-1], start[1:])).mean(1)
    identity = np.broadcast_to(np.eye(3), start.shape).copy()
    from_rest = geodesic_distance(start, identity).mean(1)
    usual = float(np.median(steps[LEAD_IN:]))
    jump = int(steps[:LEAD_IN].argmax())
    if steps[jump] < max(3.0, 3 * usual) or from_rest[0] > 0.5 * np.median(from_rest[LEAD_IN:]):
        return motion
    first = jump + int((steps[jump:] < max(1.0, 2 * usual)).argmax())
    return motion.with_frames(np.maximum(np.arange(len(motion)), first))


def sole_heights(motion: Motion) -> np.ndarray:
    """(T, 4) heights of heels and balls of both feet of a canonical motion, in metres."""
    heights = []
    for role, below in (("ankle", HEEL), ("foot", SOLE_BELOW_TOE)):
        for side in ("left", "right"):
            joint = SKELETON_22.joint(f"{side}_{role}")
            heights.append((motion.positions[:, joint] + motion.global_rotations[:, joint] @ below)[:, 1])
    return np.stack(heights, axis=1)


def ground_height(motion: Motion) -> float:
    """Height of the ground under a canonical motion, in metres: where the lowest points of the feet stand still."""
    joints = [SKELETON_22.joint(f"{side}_{part}") for part in ("ankle", "foot") for side in ("left", "right")]
    points = motion.positions[:, joints]
    heights = sole_heights(motion)
    if len(motion) < 2:
        return float(heights.min())
    speeds = np.linalg.norm(np.gradient(points, axis=0), axis=-1) * motion.fps
    lowest = heights.argmin(1)
    rows = np.arange(len(motion))
    planted = heights[rows, lowest][speeds[rows, lowest] < PLANTED_SPEED]
    if len(planted) >= 3:
        return float(np.median(planted[planted <= np.percentile(planted, 10) + 0.02]))
    return float(np.percentile(heights.min(1), 5))


def placement_of(motion: Motion) -> Placement:
    """Where a canonical motion, still in its own place, starts, faces and stands."""
    start = motion.root_positions[0].copy()
    start[1] = ground_height(motion)
    return Placement(float(heading_yaw(motion.local_rotations[:1, 0])[0]), start)
