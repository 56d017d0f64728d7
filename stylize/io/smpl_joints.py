"""The joints of SMPL, SMPL-H and SMPL-X, in the order of their pose parameters."""

from itertools import product

import numpy as np

from stylize.skeleton import CANONICAL_ROLES, SKELETON_22, Skeleton

_FINGERS = ("index", "middle", "pinky", "ring", "thumb")
_HAND_JOINTS = tuple(f"{side}_{finger}{k}" for side, finger, k in product(("left", "right"), _FINGERS, (1, 2, 3)))

JOINT_NAMES: dict[str, tuple[str, ...]] = {
    "SMPL body": CANONICAL_ROLES,
    "SMPL": (*CANONICAL_ROLES, "left_hand", "right_hand"),
    "SMPL-H": (*CANONICAL_ROLES, *_HAND_JOINTS),
    "SMPL-X": (*CANONICAL_ROLES, "jaw", "left_eye_smplhf", "right_eye_smplhf", *_HAND_JOINTS),
}
"""Body model -> its joints."""

_REST: dict[str, tuple[float, float, float]] = {
    "pelvis": (0.0, 0.0, 0.0),
    "hip": (0.070, -0.090, -0.005),
    "knee": (0.035, -0.375, -0.005),
    "ankle": (-0.015, -0.400, -0.040),
    "foot": (0.025, -0.050, 0.120),
    "spine1": (0.0, 0.110, -0.025),
    "spine2": (0.0, 0.135, 0.0),
    "spine3": (0.0, 0.055, 0.025),
    "neck": (0.0, 0.215, -0.045),
    "head": (0.0, 0.065, 0.050),
    "collar": (0.080, 0.120, -0.035),
    "shoulder": (0.090, 0.030, -0.010),
    "elbow": (0.260, -0.015, -0.025),
    "wrist": (0.250, 0.010, 0.0),
    "hand": (0.085, -0.010, -0.015),
    "jaw": (0.0, 0.005, 0.015),
    "eye": (0.030, 0.065, 0.080),
    "index1": (0.100, 0.0, 0.020),
    "middle1": (0.110, 0.0, 0.0),
    "pinky1": (0.080, -0.010, -0.040),
    "ring1": (0.090, -0.005, -0.025),
    "thumb1": (0.040, -0.015, 0.025),
    "finger": (0.030, 0.0, 0.0),
}
"""Metres to a joint from the one above it in the neutral body's rest pose, to half a centimetre; the left side's."""

SMPL_PELVIS = np.array([0.0, -0.225, 0.030])
"""Metres: where SMPL's models put the pelvis when the translation is zero; turning the body does not turn it."""

SMPL_SOLE = 0.065
"""Metres from the neutral body's ankle joint down to its sole."""


def smpl_skeleton(model: str) -> Skeleton:
    """The skeleton of a model of ``JOINT_NAMES`` with the neutral body's proportions: metres, +Y up, T-pose."""
    names = JOINT_NAMES[model]
    index = {name: i for i, name in enumerate(names)}
    parents = [index[parent] if (parent := _parent(name)) else -1 for name in names]
    offsets = np.stack([_offset(name) for name in names])
    return Skeleton(names, np.array(parents), offsets, roles={role: index[role] for role in CANONICAL_ROLES})


def _parent(name: str) -> str:
    """The joint above; empty for the root."""
    if name in CANONICAL_ROLES:
        above = SKELETON_22.parents[SKELETON_22.joint(name)]
        return CANONICAL_ROLES[above] if above >= 0 else ""
    side = name.partition("_")[0]
    if name == "jaw" or "eye" in name:
        return "head"
    if name.endswith(("hand", "1")):
        return f"{side}_wrist"
    return name[:-1] + str(int(name[-1]) - 1)


def _offset(name: str) -> np.ndarray:
    side, _, part = name.removesuffix("_smplhf").rpartition("_")
    fallback = _REST["finger"] if part[-1] in "23" and part not in _REST else None
    offset = np.array(_REST.get(part, fallback))
    return offset * ([-1, 1, 1] if side == "right" else 1)
