"""The body that the video shows: tapered tubes between points that are fixed to canonical joints."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from stylize.errors import MotionError
from stylize.motion import Motion
from stylize.skeleton import CANONICAL_ROLES, SKELETON_22

Anchor = tuple[str, tuple[float, float, float]]
"""A joint's role and a point in that joint's frame, in metres; x is outward on limbs."""


@dataclass(frozen=True)
class Tube:
    """A tapered tube with round ends; radii in metres. It is drawn as ``pieces`` straight strokes."""

    start: Anchor
    end: Anchor
    start_radius: float
    end_radius: float
    pieces: int = 2


_MIDDLE = (
    Tube(("head", (0, 0.050, 0.030)), ("head", (0, 0.098, 0.008)), 0.072, 0.089, 3),
    Tube(("neck", (0, -0.030, 0)), ("head", (0, 0.010, 0)), 0.056, 0.048, 1),
    Tube(("pelvis", (0, 0.020, 0)), ("spine2", (0, 0.020, 0)), 0.112, 0.106, 3),
    Tube(("spine2", (0, 0.020, 0)), ("spine3", (0, 0.100, 0)), 0.110, 0.100, 2),
)
_SIDE = (
    Tube(("pelvis", (0.010, -0.005, 0)), ("hip", (-0.005, 0.015, 0)), 0.100, 0.090, 1),
    Tube(("spine2", (0.035, 0.010, 0)), ("spine3", (0.080, 0.085, 0)), 0.092, 0.082, 3),
    Tube(("spine3", (0.040, 0.125, 0)), ("shoulder", (0.005, -0.010, 0)), 0.066, 0.058, 2),
    Tube(("shoulder", (0.005, -0.008, 0)), ("elbow", (0, 0, 0)), 0.055, 0.041, 3),
    Tube(("elbow", (0, 0, 0)), ("wrist", (0, 0, 0)), 0.042, 0.028, 3),
    Tube(("wrist", (0.015, 0, 0)), ("wrist", (0.105, 0, 0)), 0.033, 0.026, 2),
    Tube(("hip", (0, 0, 0)), ("knee", (0, 0, 0)), 0.088, 0.059, 4),
    Tube(("knee", (0, 0, 0)), ("ankle", (0, 0, 0)), 0.058, 0.036, 3),
    Tube(("ankle", (0, -0.005, 0.005)), ("foot", (0, 0.014, -0.005)), 0.038, 0.034, 2),
    Tube(("ankle", (0, -0.038, -0.032)), ("foot", (0, 0.010, 0)), 0.035, 0.032, 2),
    Tube(("foot", (0, 0.010, 0)), ("foot", (0, 0.006, 0.062)), 0.032, 0.025, 1),
)


BODY_TUBES = tuple(
    (tube, side) for side, tubes in (("", _MIDDLE), ("left_", _SIDE), ("right_", _SIDE)) for tube in tubes
)
"""Every tube of the body with the side that it is on: "", "left_" or "right_"; see ``placed``."""


def placed(anchor: Anchor, side: str) -> tuple[int, np.ndarray]:
    """The joint and the point (3,) in its frame of one end of a tube that is on ``side``."""
    role, offset = anchor
    name = role if role in CANONICAL_ROLES else side + role
    return CANONICAL_ROLES.index(name), np.array(offset) * ([-1, 1, 1] if side == "right_" else 1)


class _Pieces:
    """All tubes cut into short strokes, as arrays over the strokes."""

    def __init__(self) -> None:
        joints, offsets, weights, radii, sides, tube_indices = [], [], [], [], [], []
        for index, (tube, side) in enumerate(BODY_TUBES):
            ends = [placed(tube.start, side), placed(tube.end, side)]
            cuts = np.linspace(0, 1, tube.pieces + 1)
            for a, b in pairwise(cuts):
                joints.append([joint for joint, _ in ends])
                offsets.append([offset for _, offset in ends])
                weights.append([a, b])
                radii.append(tube.start_radius + (tube.end_radius - tube.start_radius) * (a + b) / 2)
                sides.append({"": 0, "left_": 1, "right_": -1}[side])
                tube_indices.append(index)
        self.joints = np.array(joints)  # (P, 2): the tube's ends
        self.offsets = np.array(offsets)  # (P, 2, 3)
        self.weights = np.array(weights)[:, :, None]  # (P, 2, 1): the piece's ends along the tube
        self.radii = np.array(radii)  # (P,)
        self.sides = np.array(sides)  # (P,)
        self.tubes = np.array(tube_indices)  # (P,)


_PIECES = _Pieces()

PIECE_RADII = _PIECES.radii
"""(P,) in metres."""

PIECE_SIDES = _PIECES.sides
"""(P,) 1 on the left, -1 on the right, 0 in the middle."""

PIECE_TUBES = _PIECES.tubes
"""(P,) which tube a piece belongs to: 0, 1, ..."""


def check_showable(motion: Motion) -> None:
    """MotionError says why a motion cannot be shown: it is not canonical, has no frames or is not finite."""
    if motion.skeleton is not SKELETON_22:
        raise MotionError(f"The motion {motion.name!r} is not on the canonical skeleton; retarget it first.")
    if len(motion) == 0:
        raise MotionError(f"The motion {motion.name!r} has no frames; choose another.")
    if not np.isfinite(motion.positions).all():
        raise MotionError(f"The motion {motion.name!r} has numbers that are not finite; choose another.")


def body_pieces(motion: Motion) -> np.ndarray:
    """The ends (T, P, 2, 3) in metres of every piece of the body of a canonical motion."""
    rotations, positions = motion.global_rotations[:, _PIECES.joints], motion.positions[:, _PIECES.joints]
    ends = positions + np.einsum("tpeij,pej->tpei", rotations, _PIECES.offsets)
    start, end = ends[:, :, :1], ends[:, :, 1:]
    return start + (end - start) * _PIECES.weights
