"""Which joint plays which role: by the names that the common rigs use."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from stylize.skeleton import Skeleton

LEG_PARTS = ("hip", "knee", "ankle", "foot")
ARM_PARTS = ("shoulder", "elbow", "wrist")
OPTIONAL_PARTS = ("foot", "wrist")

LEG_SCHEMES: dict[str, tuple[str, ...]] = {
    "upleg": ("upleg", "leg", "foot", "toebase|toe|toes"),
    "upperleg": ("upperleg|upleg", "lowerleg|lowleg|knee", "foot|ankle", "toes|toe|toebase|ball"),
    "thigh": ("thigh|upthigh", "shin|calf|shank|crus|knee", "foot|ankle", "toe|toe0|ball|toes|toebase"),
    "hip": ("hip", "knee", "ankle", "toe|foot|toes|toebase"),
    "femur": ("femur", "tibia", "foot|ankle", "toes|toe"),
}
"""Names (alternatives by |) of thigh, shank, foot and toes without their side; each names the joint at its start."""

ARM_SCHEMES: dict[str, tuple[str, ...]] = {
    "arm": ("arm", "forearm", "hand|wrist"),
    "upperarm": ("upperarm|uparm", "lowerarm|forearm|lowarm|elbow", "hand|wrist|palm|fist"),
    "shldr": ("shldr", "forearm", "hand"),
    "shoulder": ("shoulder", "elbow", "wrist|hand"),
    "humerus": ("humerus", "radius|ulna", "hand|wrist"),
}

SIDES = {"l": "left", "left": "left", "r": "right", "right": "right", "lft": "left", "rgt": "right", "rt": "right"}


@dataclass(frozen=True)
class Family:
    """What is known of a rig beyond its joints.

    Attributes:
        name: to show a person.
        elbow_rolls_deg: how far the elbow's axis may be turned about the lateral axis in the T-pose; the
            one nearest to the clip is taken, the first without a bent elbow.
        foot_slope_deg: how far the bone from ankle to toe points down when the foot is flat.
        toe_slope_deg: the same for the toe joint's own axis.
        head_pitch_deg: how far the head is pitched forward in the rig's own neutral stance.
        hinges: role without its side -> axis of the hinge at the bone's end, in the joint's frame.
        is_canonical: whether the T-pose is the canonical one whatever slant its bones have, as SMPL's is.
    """

    name: str
    elbow_rolls_deg: tuple[float, ...] = (0.0,)
    foot_slope_deg: float | None = None
    toe_slope_deg: float | None = None
    head_pitch_deg: float = 0.0
    hinges: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    is_canonical: bool = False


@dataclass(frozen=True)
class NamedJoints:
    """Limb joints by role, and the family that their names belong to."""

    roles: dict[str, int] = field(default_factory=dict)
    family: Family = field(default_factory=lambda: Family("unknown"))


def name_tokens(name: str) -> list[str]:
    """``mixamorig1:LeftUpLeg`` -> ``[left, up, leg]``: lower-case words, without the rig's prefix."""
    name = re.split(r"[:|]", name)[-1]
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    words = re.split(r"[^a-z0-9]+", name.lower())
    return [word for word in words if word and not re.fullmatch(r"mixamorig\d*|bip\d*|character\d*|def|jnt|j", word)]


def split_side(name: str, known: frozenset[str]) -> tuple[str, str]:
    """The side ("left", "right" or "") and the rest of a joint's name as one word."""
    tokens = name_tokens(name)
    for token in tokens:
        if token in SIDES:
            rest = [other for other in tokens if other not in SIDES and other != "c"]
            return SIDES[token], "".join(rest)
    word = "".join(tokens)
    for prefix, side in (("left", "left"), ("right", "right"), ("l", "left"), ("r", "right")):
        if word.startswith(prefix) and word[len(prefix) :] in known:
            return side, word[len(prefix) :]
    return "", word


def _alternatives(schemes: Iterable[tuple[str, ...]]) -> frozenset[str]:
    return frozenset(word for scheme in schemes for part in scheme for word in part.split("|"))


KNOWN_WORDS = _alternatives([*LEG_SCHEMES.values(), *ARM_SCHEMES.values()])


def is_ancestor(skeleton: Skeleton, ancestor: int, joint: int) -> bool:
    """Whether ``ancestor`` is ``joint`` or above it."""
    while joint > ancestor:
        joint = int(skeleton.parents[joint])
    return joint == ancestor


def _match(
    skeleton: Skeleton, words: dict[tuple[str, str], int], parts: tuple[str, ...], scheme: tuple[str, ...]
) -> dict[str, int] | None:
    """Both sides' joints of one naming scheme, or None if one is missing or not below the one before it."""
    found: dict[str, int] = {}
    for side in ("left", "right"):
        above = 0
        for part, alternatives in zip(parts, scheme, strict=True):
            candidates = [words[side, word] for word in alternatives.split("|") if (side, word) in words]
            candidates = [joint for joint in candidates if joint > above and is_ancestor(skeleton, above, joint)]
            if candidates:
                found[f"{side}_{part}"] = above = candidates[0]
            elif part not in OPTIONAL_PARTS:
                return None
    return found


def match_names(skeleton: Skeleton) -> NamedJoints | None:
    """The limb joints (``left_hip`` ... ``right_wrist``) and ``head`` by name; None if legs or arms are not named."""
    words: dict[tuple[str, str], int] = {}
    for joint, name in enumerate(skeleton.names):
        words.setdefault(split_side(name, KNOWN_WORDS), joint)
    roles: dict[str, int] = {}
    chosen = []
    for parts, schemes in ((LEG_PARTS, LEG_SCHEMES), (ARM_PARTS, ARM_SCHEMES)):
        matches = {key: _match(skeleton, words, parts, scheme) for key, scheme in schemes.items()}
        best = max(matches, key=lambda key: len(matches[key] or ()))
        if not matches[best]:
            return None
        roles |= matches[best] or {}
        chosen.append(best)
    if ("", "head") in words:
        roles["head"] = words["", "head"]
    return NamedJoints(roles, _family(skeleton, chosen[0], chosen[1], {word for _, word in words}))


def _family(skeleton: Skeleton, legs: str, arms: str, words: set[str]) -> Family:
    names = {name.lower() for name in skeleton.names}
    if "joint_root" in names and "upperleg_l" in names:
        y, minus_y = (0.0, 1.0, 0.0), (0.0, -1.0, 0.0)
        hinges = {"hip": y, "knee": y, "shoulder": minus_y, "elbow": minus_y}
        return Family("Bandai-Namco", foot_slope_deg=39.6, toe_slope_deg=23.0, hinges=hinges)
    if {"lhipjoint", "lowerback"} <= names:
        if not any(np.any(tip) for tip in skeleton.end_sites.values()):
            return Family("Xia")
        return Family("CMU", elbow_rolls_deg=(-30.0, 0.0), head_pitch_deg=10.0)
    if {"abdomen", "rthigh", "rshldr"} <= names:
        return Family("CMU Daz-friendly", elbow_rolls_deg=(-28.0, 0.0))
    if any("mixamorig" in name for name in names):
        return Family("Mixamo")
    if any(re.match(r"bip\d", name) for name in names):
        return Family("Biped")
    if legs == "hip" and "pelvis" in words:
        return Family("SMPL", is_canonical=True)
    by_scheme = {"hip": "Xsens", "upperleg": "Unity", "femur": "Acclaim"}
    if legs == "upleg":
        return Family("LaFAN" if "lefttoe" in names and "lefttoebase" not in names else "MotionBuilder")
    if legs == "thigh":
        return Family("Unreal" if "thigh_l" in names else "thigh and shin")
    return Family(by_scheme.get(legs, f"{legs} and {arms}"))
