"""Joint positions under any names, as the canonical 22 points that rotations are found from."""

from collections.abc import Sequence

import numpy as np

from stylize.errors import RetargetError
from stylize.retarget.axes import LEFT, UP, unit
from stylize.retarget.families import ARM_SCHEMES, LEG_SCHEMES, split_side
from stylize.retarget.placement import upright_world
from stylize.rotations import rot6d_to_matrix
from stylize.skeleton import CANONICAL_ROLES, SKELETON_22

LEGS = (
    *(scheme for key, scheme in LEG_SCHEMES.items() if key != "hip"),
    ("hip", "knee", "ankle|foot", "toe|bigtoe|footindex|foot|toes|toebase"),
)
ARMS = (*ARM_SCHEMES.values(),)
"""Names (alternatives by |) of a limb's joints without their side, from the trunk outwards."""
MIDDLE = {
    "pelvis": "pelvis|hips|hip|root|midhip|hipcenter|centerhip",
    "spine": "spine1|spinemid|torso|spine|spine2|chest|abdomen",
    "neck": "neck|neck1|upperneck|thorax",
    "head": "head|headtop|headend|site",
}
"""Names of joints in the middle; the first that is there counts."""
NEEDED = tuple(f"{side}_{part}" for part in ("hip", "knee", "ankle", "shoulder", "elbow") for side in ("left", "right"))
MIRRORED = -0.05
"""Feet and knees that point backwards, by more than this share of their length, are those of left-handed axes."""

_WORDS = frozenset(
    word
    for scheme in (*LEGS, *ARMS, *((names,) for names in MIDDLE.values()))
    for part in scheme
    for word in part.split("|")
) | {"ear", "collar", "clavicle"}


def canonical_points(positions: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The canonical joints of a body whose joints have other names.

    Joints that the file does not have are put where they are on the canonical body: those of the trunk by its hips and
    shoulders (and a joint of the spine, if there is one), the toes in front of the ankles.

    Args:
        positions: (T, J, 3) in any unit and axes, left-handed ones too.
        names: one a joint.

    Returns:
        (T, 22, 3) in the same unit, +Y up, right-handed, in the order of CANONICAL_ROLES.

    Raises:
        RetargetError: a joint that is needed was not found; the message names it.
    """
    roles = find_named_roles(names)
    upright = positions @ upright_world(positions, roles).T
    if _front(upright, roles) < MIRRORED:
        upright = upright * np.array([-1.0, 1.0, 1.0])
    if set(CANONICAL_ROLES) <= roles.keys():
        return upright[:, [roles[role] for role in CANONICAL_ROLES]]
    points = {role: upright[:, joint] for role, joint in roles.items()}
    return _completed(points)


def find_named_roles(names: Sequence[str]) -> dict[str, int]:
    """Role -> joint, by name; RetargetError names what is missing.

    Besides canonical roles, "spine" is a joint in the middle of the trunk.
    """
    words: dict[tuple[str, str], int] = {}
    for joint, name in enumerate(names):
        words.setdefault(split_side(name, _WORDS), joint)
    smpl = _all_canonical(words)
    if smpl is not None:
        return smpl
    roles: dict[str, int] = {}
    for parts, schemes in ((("hip", "knee", "ankle", "foot"), LEGS), (("shoulder", "elbow", "wrist"), ARMS)):
        roles |= max((_scheme(words, parts, scheme) for scheme in schemes), key=len)
    for role, alternatives in MIDDLE.items():
        found = next((words["", word] for word in alternatives.split("|") if ("", word) in words), None)
        if found is not None:
            roles[role] = found
    if "head" not in roles and ("left", "ear") in words and ("right", "ear") in words:
        roles["left_ear"], roles["right_ear"] = words["left", "ear"], words["right", "ear"]
    missing = [role.replace("_", " ") for role in NEEDED if role not in roles]
    if missing:
        raise RetargetError(
            f"no joint is named for: {', '.join(missing)}; found were the names {', '.join(list(names)[:30])}."
        )
    return roles


def _all_canonical(words: dict[tuple[str, str], int]) -> dict[str, int] | None:
    """All 22 roles where the names are SMPL's own."""
    found = {}
    for role in CANONICAL_ROLES:
        side, _, part = role.rpartition("_")
        joint = words.get((side, part))
        if joint is None:
            return None
        found[role] = joint
    return found


def _scheme(words: dict[tuple[str, str], int], parts: tuple[str, ...], scheme: tuple[str, ...]) -> dict[str, int]:
    """The joints that one way of naming finds; none counts for two parts."""
    found: dict[str, int] = {}
    for side in ("left", "right"):
        for part, alternatives in zip(parts, scheme, strict=True):
            joints = [words[side, word] for word in alternatives.split("|") if (side, word) in words]
            free = [joint for joint in joints if joint not in found.values()]
            if free:
                found[f"{side}_{part}"] = free[0]
    return found


def _front(positions: np.ndarray, roles: dict[str, int]) -> float:
    """How much feet point and knees bend to the front, in a body +Y up; negative if left and right are swapped."""
    points = {role: positions[:, joint] for role, joint in roles.items()}
    across = unit(points["left_hip"] - points["right_hip"])
    front = np.cross(across, UP)
    votes = []
    for side in ("left", "right"):
        hip, knee, ankle = (points[f"{side}_{part}"] for part in ("hip", "knee", "ankle"))
        bend = (knee - (hip + ankle) / 2) / np.maximum(np.linalg.norm(knee - hip, axis=-1, keepdims=True), 1e-9)
        votes.append((bend * front).sum(-1).mean())
        if f"{side}_foot" in points:
            votes.append(2 * (unit(points[f"{side}_foot"] - ankle) * front).sum(-1).mean())
    return float(np.mean(votes))


def _completed(points: dict[str, np.ndarray]) -> np.ndarray:
    """(T, 22, 3): the points that are known, and the canonical body's where they are not."""
    legs = np.linalg.norm(points["left_knee"] - points["left_hip"], axis=-1)
    legs = np.median(legs + np.linalg.norm(points["left_ankle"] - points["left_knee"], axis=-1))
    scale = float(legs) / SKELETON_22.leg_length
    hips = (points["left_hip"] + points["right_hip"]) / 2
    shoulders = (points["left_shoulder"] + points["right_shoulder"]) / 2
    middle = points.get("spine", (hips + shoulders) / 2)
    hip_line = points["left_hip"] - points["right_hip"]
    pelvis_frame = _frame_of(LEFT, hip_line, UP, middle - hips)
    chest_frame = _frame_of(UP, shoulders - middle, LEFT, points["left_shoulder"] - points["right_shoulder"])

    def offset(role: str, frame: np.ndarray) -> np.ndarray:
        return scale * frame @ SKELETON_22.offsets[SKELETON_22.joint(role)]

    found = {role: points[role] for role in CANONICAL_ROLES if role in points}
    hips_above = (offset("left_hip", pelvis_frame) + offset("right_hip", pelvis_frame)) / 2
    found["pelvis"] = hips - hips_above
    found["spine1"] = found["pelvis"] + offset("spine1", pelvis_frame)
    to_shoulders = sum(
        offset(f"{side}_{part}", chest_frame) for side in ("left", "right") for part in ("collar", "shoulder")
    )
    found["spine3"] = shoulders - to_shoulders / 2
    found["spine2"] = (2 * found["spine3"] + found["spine1"]) / 3
    found["neck"] = found["spine3"] + offset("neck", chest_frame)
    found["head"] = found["neck"] + _head_step(points, offset("head", chest_frame))
    for side in ("left", "right"):
        found[f"{side}_collar"] = found["spine3"] + offset(f"{side}_collar", chest_frame)
        shank = found[f"{side}_ankle"] - found[f"{side}_knee"]
        shank_frame = _frame_of(UP, -shank, LEFT, hip_line)
        found.setdefault(f"{side}_foot", found[f"{side}_ankle"] + offset(f"{side}_foot", shank_frame))
        upper_arm = found[f"{side}_elbow"] - found[f"{side}_shoulder"]
        found.setdefault(f"{side}_wrist", found[f"{side}_elbow"] + upper_arm)
    return np.stack([found[role] for role in CANONICAL_ROLES], axis=1)


def _head_step(points: dict[str, np.ndarray], straight: np.ndarray) -> np.ndarray:
    """(T, 3) from neck to head: as the file's own, else ``straight`` as the chest."""
    head = points.get("head")
    if head is None and "left_ear" in points:
        head = (points["left_ear"] + points["right_ear"]) / 2
    neck = points.get("neck", (points["left_shoulder"] + points["right_shoulder"]) / 2)
    return straight if head is None else head - neck


def _frame_of(first: np.ndarray, along: np.ndarray, second: np.ndarray, near: np.ndarray) -> np.ndarray:
    """(T, 3, 3) that take the axis ``first`` to ``along`` (T, 3), and ``second`` as near to ``near`` as it can."""
    wanted = rot6d_to_matrix(np.stack([along, near], axis=-1).reshape(*along.shape[:-1], 6))
    axes = np.stack([first, second, np.cross(first, second)], axis=1)
    return wanted @ axes.T
