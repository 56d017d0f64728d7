"""All roles of a source skeleton: limbs by name or topology, spine and neck by the paths between them."""

import re
from dataclasses import dataclass
from itertools import pairwise

from stylize.errors import RetargetError
from stylize.motion import Motion
from stylize.retarget.families import (
    ARM_PARTS,
    LEG_PARTS,
    OPTIONAL_PARTS,
    Family,
    NamedJoints,
    is_ancestor,
    match_names,
    name_tokens,
)
from stylize.retarget.topology import check_upright, front_score, head_between_arms, match_topology
from stylize.skeleton import Skeleton


@dataclass(frozen=True)
class InBetween:
    """A source joint of the spine or neck without a role, ``weight`` of the way from ``above`` to ``below``."""

    joint: int
    above: int
    below: int
    weight: float


@dataclass(frozen=True)
class JointRoles:
    """Which source joint plays which canonical role.

    Attributes:
        roles: canonical role -> source joint, as far as the source has one.
        in_betweens: further joints of spine and neck.
        family: the rig.
        warnings: what is odd about the names.
    """

    roles: dict[str, int]
    in_betweens: tuple[InBetween, ...]
    family: Family
    warnings: tuple[str, ...] = ()


def find_roles(motion: Motion) -> JointRoles:
    """The roles in a motion's skeleton; RetargetError names what is missing."""
    skeleton = motion.skeleton
    named = _told(skeleton) or match_names(skeleton)
    if named is None:
        limbs, family = match_topology(motion), Family("unknown humanoid")
    else:
        limbs, family = named.roles, named.family
        if any(re.fullmatch(r"tail\d*", token) for name in skeleton.names for token in name_tokens(name)):
            pairs = [[limbs[f"{side}_{part}"] for side in ("left", "right")] for part in ("hip", "shoulder", "ankle")]
            check_upright(motion, *pairs)
    roles, warnings = dict(limbs), ()
    if named is not None and front_score(motion, *(_leg(roles, side) for side in ("left", "right"))) < -0.3:
        roles = {_other_side(role): joint for role, joint in roles.items()}
        warnings = ("left and right: feet and knees point backwards by the joint names, so the sides were swapped",)
    pelvis = common_ancestor(skeleton, roles["left_hip"], roles["right_hip"])
    chest = common_ancestor(skeleton, roles["left_shoulder"], roles["right_shoulder"])
    if not _is_below(skeleton, chest, pelvis):
        raise RetargetError(
            f"The arms of this skeleton do not hang from its pelvis ({skeleton.names[pelvis]!r}); "
            "a humanoid with its root at or above the pelvis is needed."
        )
    roles["pelvis"] = pelvis
    spine = path_below(skeleton, pelvis, chest)
    roles |= _spread(spine)
    in_betweens = _in_betweens([pelvis, *spine], set(roles.values()))
    for side in ("left", "right"):
        shoulder_path = path_below(skeleton, chest, roles[f"{side}_shoulder"])
        if len(shoulder_path) > 1:
            roles[f"{side}_collar"] = shoulder_path[-2]
    head = roles.get("head", head_between_arms(skeleton, chest, roles["left_shoulder"], roles["right_shoulder"]))
    if head is not None and _is_below(skeleton, head, chest) and head != chest:
        roles["head"] = head
        neck = path_below(skeleton, chest, head)[:-1]
        if neck:
            roles["neck"] = neck[-1]
            in_betweens += _in_betweens([chest, *neck], {chest, neck[-1]})
    else:
        roles.pop("head", None)
        warnings += ("no head: it follows the chest",)
    return JointRoles(roles, tuple(in_betweens), family, warnings)


def _told(skeleton: Skeleton) -> NamedJoints | None:
    """The limb joints where the file itself tells them, as VRM files do; None if it tells too few or odd ones."""
    chains = [
        [f"{side}_{part}" for part in parts if part not in OPTIONAL_PARTS or f"{side}_{part}" in skeleton.roles]
        for side in ("left", "right")
        for parts in (LEG_PARTS, ARM_PARTS)
    ]
    if not {role for chain in chains for role in chain} <= set(skeleton.roles):
        return None
    roles = {role: skeleton.roles[role] for chain in chains for role in chain}
    for chain in chains:
        for upper, lower in pairwise(chain):
            if roles[upper] == roles[lower] or not is_ancestor(skeleton, roles[upper], roles[lower]):
                return None
    if "head" in skeleton.roles:
        roles["head"] = skeleton.roles["head"]
    return NamedJoints(roles, Family("VRM"))


def _leg(roles: dict[str, int], side: str) -> tuple[int, ...]:
    parts = [f"{side}_{part}" for part in ("hip", "knee", "ankle", "foot")]
    return tuple(roles[part] for part in parts if part in roles)


def _other_side(role: str) -> str:
    if role.startswith("left_"):
        return role.replace("left_", "right_")
    return role.replace("right_", "left_")


def common_ancestor(skeleton: Skeleton, joint_a: int, joint_b: int) -> int:
    """The lowest joint above both."""
    while joint_a != joint_b:
        if joint_a > joint_b:
            joint_a = int(skeleton.parents[joint_a])
        else:
            joint_b = int(skeleton.parents[joint_b])
    return joint_a


def path_below(skeleton: Skeleton, ancestor: int, joint: int) -> list[int]:
    """The joints from below ``ancestor`` down to ``joint``."""
    path = []
    while joint != ancestor:
        path.append(joint)
        joint = int(skeleton.parents[joint])
    return path[::-1]


def _is_below(skeleton: Skeleton, joint: int, ancestor: int) -> bool:
    return common_ancestor(skeleton, joint, ancestor) == ancestor


def _spread(spine: list[int]) -> dict[str, int]:
    """Which joints of a spine of any length are the canonical three; the last one carries neck and arms."""
    if len(spine) == 1:
        return {"spine3": spine[0]}
    if len(spine) == 2:
        return {"spine1": spine[0], "spine3": spine[1]}
    return {f"spine{k}": spine[round(k * len(spine) / 3) - 1] for k in (1, 2, 3) if spine}


def _in_betweens(chain: list[int], anchors: set[int]) -> list[InBetween]:
    found = []
    for i, joint in enumerate(chain):
        if joint in anchors:
            continue
        above = max(k for k in range(i) if chain[k] in anchors)
        below = min(k for k in range(i + 1, len(chain)) if chain[k] in anchors)
        found.append(InBetween(joint, chain[above], chain[below], (i - above) / (below - above)))
    return found
