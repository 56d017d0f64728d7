"""Limb joints of an unnamed humanoid, from the shape of its tree and from where its joints are."""

from dataclasses import dataclass

import numpy as np

from stylize.errors import RetargetError
from stylize.motion import Motion
from stylize.skeleton import Skeleton

SYMMETRY = 0.10
"""How far, relative to the length, two limbs of a pair may differ."""


@dataclass(frozen=True)
class LimbPair:
    """Two limbs of the same shape that leave the trunk at ``node``: (upper, middle, end) joints of each."""

    node: int
    limbs: tuple[tuple[int, ...], tuple[int, ...]]
    length: float


def match_topology(motion: Motion) -> dict[str, int]:
    """Roles of hips, knees, ankles, feet, shoulders, elbows, wrists and head, where names say nothing.

    Raises:
        RetargetError: there are no two pairs of limbs, or they do not stand like a human's.
    """
    skeleton = motion.skeleton
    pairs = _limb_pairs(skeleton)
    if not pairs:
        raise RetargetError(
            f"This skeleton of {len(skeleton)} joints has no two legs: no pair of equal limbs with a knee was found, "
            "by name or by shape; only humanoid skeletons can be used."
        )
    longest = sorted(pairs, key=lambda pair: -pair.length)[:2]
    if len(longest) < 2:
        raise RetargetError(
            f"This skeleton of {len(skeleton)} joints has one pair of limbs only, and arms and legs are needed; "
            "only humanoid skeletons can be used."
        )
    legs, arms = _legs_first(motion, longest[0], longest[1])
    _check_upright(motion, legs, arms)
    roles = _sided(motion, legs, arms)
    head = _head(skeleton, arms)
    if head is not None:
        roles["head"] = head
    return roles


def _limb_pairs(skeleton: Skeleton) -> list[LimbPair]:
    """Every pair of limbs with at least two bones whose lengths agree, outermost (nearest the root) only."""
    reach = _reach(skeleton)
    pairs, inside = [], set()
    for node in range(len(skeleton)):
        if node in inside:
            continue
        children = skeleton.children(node)
        best = None
        for i, first in enumerate(children):
            for second in children[i + 1 :]:
                limb_a, limb_b = _limb(skeleton, reach, first), _limb(skeleton, reach, second)
                if limb_a and limb_b and _alike(skeleton, limb_a, limb_b):
                    length = _length(skeleton, limb_a)
                    if best is None or length > best[0].length:
                        best = (LimbPair(node, (limb_a, limb_b), length), first, second)
        if best is not None:
            pairs.append(best[0])
            inside |= _subtree(skeleton, best[1]) | _subtree(skeleton, best[2])
    return pairs


def _reach(skeleton: Skeleton) -> np.ndarray:
    """(J,) length of the longest chain of bones below each joint."""
    reach = np.zeros(len(skeleton))
    for joint, tip in skeleton.end_sites.items():
        reach[joint] = np.linalg.norm(tip)
    for joint in range(len(skeleton) - 1, 0, -1):
        parent = skeleton.parents[joint]
        reach[parent] = max(reach[parent], reach[joint] + np.linalg.norm(skeleton.offsets[joint]))
    return reach


def _limb(skeleton: Skeleton, reach: np.ndarray, start: int) -> tuple[int, ...] | None:
    """(upper, middle, end, next...) of the limb that begins at ``start``: its two long bones are next to each other."""
    chain = [start]
    while children := skeleton.children(chain[-1]):
        chain.append(max(children, key=lambda c: reach[c] + np.linalg.norm(skeleton.offsets[c])))
    bones = [float(np.linalg.norm(skeleton.offsets[joint])) for joint in chain[1:]]
    if len(bones) < 2:
        return None
    upper = int(np.argmax(np.minimum(bones[:-1], bones[1:])))
    if min(bones[upper], bones[upper + 1]) < 0.5 * max(bones[upper], bones[upper + 1]):
        return None
    return tuple(chain[upper:])


def _length(skeleton: Skeleton, limb: tuple[int, ...]) -> float:
    return float(sum(np.linalg.norm(skeleton.offsets[joint]) for joint in limb[1:3]))


def _alike(skeleton: Skeleton, limb_a: tuple[int, ...], limb_b: tuple[int, ...]) -> bool:
    lengths = [np.linalg.norm(skeleton.offsets[list(limb[1:3])], axis=1) for limb in (limb_a, limb_b)]
    return bool(np.allclose(lengths[0], lengths[1], rtol=SYMMETRY)) and lengths[0].min() > 0


def _subtree(skeleton: Skeleton, joint: int) -> set[int]:
    inside = {joint}
    for other in range(joint + 1, len(skeleton)):
        if skeleton.parents[other] in inside:
            inside.add(other)
    return inside


def _legs_first(motion: Motion, pair_a: LimbPair, pair_b: LimbPair) -> tuple[LimbPair, LimbPair]:
    """Legs hang from the trunk nearer to the root; from the same joint, the longer pair are the legs."""
    if pair_a.node != pair_b.node:
        return (pair_a, pair_b) if pair_a.node < pair_b.node else (pair_b, pair_a)
    return (pair_a, pair_b) if pair_a.length >= pair_b.length else (pair_b, pair_a)


def _check_upright(motion: Motion, legs: LimbPair, arms: LimbPair) -> None:
    """A biped's legs go on where its spine ends, in its rest pose or most of the time; a quadruped's go across."""
    rest = rest_positions(motion.skeleton)
    for positions in (rest[None], motion.positions):
        hips = positions[:, [limb[0] for limb in legs.limbs]].mean(1)
        shoulders = positions[:, [limb[0] for limb in arms.limbs]].mean(1)
        ankles = positions[:, [limb[2] for limb in legs.limbs]].mean(1)
        spine, leg = shoulders - hips, hips - ankles
        norms = np.linalg.norm(spine, axis=-1) * np.linalg.norm(leg, axis=-1)
        if np.median((spine * leg).sum(-1) / np.maximum(norms, 1e-9)) > 0.6:
            return
    raise RetargetError(
        f"The skeleton with root {motion.skeleton.names[0]!r} has two pairs of limbs but its legs stand across its "
        "spine, as a quadruped's do; only humanoid skeletons can be used."
    )


def rest_positions(skeleton: Skeleton) -> np.ndarray:
    """(J, 3) of the zero pose: every joint at identity."""
    positions = np.zeros((len(skeleton), 3))
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0:
            positions[joint] = positions[parent] + skeleton.offsets[joint]
    return positions


def _sided(motion: Motion, legs: LimbPair, arms: LimbPair) -> dict[str, int]:
    """Names for both sides: feet point and knees bend to the front, and left is up x front."""
    positions = motion.positions
    hips = positions[:, [limb[0] for limb in legs.limbs]]
    up = _unit(positions[:, [limb[0] for limb in arms.limbs]].mean(1) - hips.mean(1))
    across = _unit(hips[:, 0] - hips[:, 1])
    front_if_first_is_left = np.cross(across, up)
    votes = []
    for limb in legs.limbs:
        hip, knee, ankle = np.moveaxis(positions[:, list(limb[:3])], 1, 0)
        end = list(limb)[2]
        votes.append((_unit(knee - (hip + ankle) / 2, floor=0.02 * legs.length) * front_if_first_is_left).sum(-1))
        toe = positions[:, limb[3]] if len(limb) > 3 else None
        if toe is None and end in motion.skeleton.end_sites:
            toe = ankle + motion.global_rotations[:, end] @ motion.skeleton.end_sites[end]
        if toe is not None:
            votes.append(2 * (_unit(toe - ankle) * front_if_first_is_left).sum(-1))
    first_is_left = np.mean([vote.mean() for vote in votes]) > 0
    leg_sides = legs.limbs if first_is_left else legs.limbs[::-1]
    shoulders = positions[:, [limb[0] for limb in arms.limbs]]
    same_order = ((shoulders[:, 0] - shoulders[:, 1]) * across).sum(-1).mean() > 0
    arm_sides = arms.limbs if same_order == first_is_left else arms.limbs[::-1]
    roles = {}
    for side, leg, arm in zip(("left", "right"), leg_sides, arm_sides, strict=True):
        roles |= {f"{side}_{part}": j for part, j in zip(("hip", "knee", "ankle", "foot"), leg, strict=False)}
        roles |= {f"{side}_{part}": j for part, j in zip(("shoulder", "elbow", "wrist"), arm, strict=False)}
    return roles


def _unit(vectors: np.ndarray, floor: float = 1e-9) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), floor)


def _head(skeleton: Skeleton, arms: LimbPair) -> int | None:
    """The joint after the neck on the chain between the arms; the only one if there is but one."""
    within = [_subtree_root(skeleton, arms.node, limb[0]) for limb in arms.limbs]
    others = [child for child in skeleton.children(arms.node) if child not in within]
    if not others:
        return None
    reach = _reach(skeleton)
    chain = [max(others, key=lambda c: reach[c] + np.linalg.norm(skeleton.offsets[c]))]
    while len(children := skeleton.children(chain[-1])) == 1:
        chain.append(children[0])
    return chain[min(1, len(chain) - 1)]


def _subtree_root(skeleton: Skeleton, node: int, joint: int) -> int:
    """The child of ``node`` above (or at) ``joint``."""
    while skeleton.parents[joint] != node:
        joint = int(skeleton.parents[joint])
    return joint
