"""What a body is made of: joints, bones and the roles that they play."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

CANONICAL_ROLES = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle",
    "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Skeleton:
    """A tree of joints.

    Attributes:
        names: one a joint, as the file has them.
        parents: (J,) integers, -1 for the root, which is joint 0; a parent comes before its children.
        offsets: (J, 3), each joint's position in its parent's frame. Metres, but for a skeleton that was
            just read from a file, which keeps the file's unit.
        end_sites: leaf joint index -> offset (3,) of the bone's tip.
        roles: role (see ``CANONICAL_ROLES``) -> joint index, as far as they are known.
    """

    names: tuple[str, ...]
    parents: np.ndarray
    offsets: np.ndarray
    end_sites: Mapping[int, np.ndarray] = field(default_factory=dict)
    roles: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.offsets.shape == (len(self.names), 3), self.offsets.shape
        assert self.parents[0] == -1 and (self.parents[1:] < np.arange(1, len(self.names))).all()

    def __len__(self) -> int:
        return len(self.names)

    def joint(self, role: str) -> int:
        """The index of the joint that plays ``role``; KeyError lists the known roles."""
        if role not in self.roles:
            raise KeyError(f"no joint has the role {role!r}; known: {', '.join(sorted(self.roles))}")
        return self.roles[role]

    def children(self, joint: int) -> list[int]:
        """The indices of a joint's direct children."""
        return np.flatnonzero(self.parents == joint).tolist()

    @cached_property
    def mirrored_joints(self) -> np.ndarray:
        """(J,) the index of each joint's partner on the other side, itself for a joint in the middle."""
        partner = np.arange(len(self))
        for role, joint in self.roles.items():
            other = role.replace("left_", "right_") if "left_" in role else role.replace("right_", "left_")
            partner[joint] = self.roles.get(other, joint)
        return partner

    @property
    def leg_length(self) -> float:
        """Hip to ankle along the bones of the left leg."""
        return float(sum(np.linalg.norm(self.offsets[self.joint(role)]) for role in ("left_knee", "left_ankle")))


def _canonical_skeleton() -> Skeleton:
    parent_and_offset = {
        "pelvis": (None, (0.0, 0.0, 0.0)),
        "hip": ("pelvis", (0.085, -0.075, 0.0)),
        "spine1": ("pelvis", (0.0, 0.100, 0.0)),
        "knee": ("hip", (0.0, -0.390, 0.0)),
        "spine2": ("spine1", (0.0, 0.130, 0.0)),
        "ankle": ("knee", (0.0, -0.395, 0.0)),
        "spine3": ("spine2", (0.0, 0.060, 0.0)),
        "foot": ("ankle", (0.0, -0.055, 0.130)),
        "neck": ("spine3", (0.0, 0.205, 0.0)),
        "collar": ("spine3", (0.075, 0.115, 0.0)),
        "head": ("neck", (0.0, 0.090, 0.015)),
        "shoulder": ("collar", (0.100, 0.040, 0.0)),
        "elbow": ("shoulder", (0.260, 0.0, 0.0)),
        "wrist": ("elbow", (0.250, 0.0, 0.0)),
    }
    index = {role: i for i, role in enumerate(CANONICAL_ROLES)}
    parents, offsets = [], []
    for role in CANONICAL_ROLES:
        side, _, part = role.rpartition("_")
        parent, (x, y, z) = parent_and_offset[part or role]
        name = f"{side}_{parent}" if f"{side}_{parent}" in index else parent
        parents.append(-1 if name is None else index[name])
        offsets.append((-x if side == "right" else x, y, z))
    return Skeleton(CANONICAL_ROLES, np.array(parents), np.array(offsets), roles=index)


SKELETON_22 = _canonical_skeleton()
"""The canonical skeleton: SMPL's body joints, T-pose at identity, +Y up, +Z forward, a person of 1.70 m."""

ANKLE_HEIGHT, TOE_HEIGHT = 0.075, 0.02
"""How far the canonical ankle and toe joints are above the ground when the foot is flat, in metres."""

CONTACT_ROLES = ("left_ankle", "left_foot", "right_ankle", "right_foot")
"""The joints of the four foot contacts, in their order."""
