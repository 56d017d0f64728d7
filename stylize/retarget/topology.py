"""Limb joints of an unnamed humanoid, from the shape of its tree and from where its joints are."""

from dataclasses import dataclass

import numpy as np

from stylize.errors import RetargetError
from stylize.motion import Motion
from stylize.skeleton import Skeleton

SYMMETRY = 0.10
"""How far, relative to their length, the bones of two limbs of a pair may differ."""


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
    starts = [[limb[0] for limb in pair.limbs] for pair in (legs, arms)]
    check_upright(motion, *starts, ankles=[limb[2] for limb in legs.limbs])
    roles = _sided(motion, legs, arms)
    head = head_between_arms(skeleton, arms.node, *(limb[0] for limb in arms.limbs))
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
                if limb_a and limb_b and _alike(skeleton, node, limb_a, limb_b):
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
    """(upper, middle, end, next...) of the limb that begins at ``start``: its two bones are the last long ones."""
    chain = [start]
    while children := skeleton.children(chain[-1]):
        chain.append(max(children, key=lambda c: reach[c] + np.linalg.norm(skeleton.offsets[c])))
    bones = [float(np.linalg.norm(skeleton.offsets[joint])) for joint in chain[1:]]
    long = [i for i, bone in enumerate(bones) if bone > 0.5 * max(bones)]
    if len(long) < 2 or long[-1] != long[-2] + 1:
        return None
    return tuple(chain[long[-2] :])


def _length(skeleton: Skeleton, limb: tuple[int, ...]) -> float:
    return float(sum(np.linalg.norm(skeleton.offsets[joint]) for joint in limb[1:3]))


def _alike(skeleton: Skeleton, node: int, limb_a: tuple[int, ...], limb_b: tuple[int, ...]) -> bool:
    """Whether both bones, and the way from the node to where they begin, are about as long."""
    lengths = []
    for limb in (limb_a, limb_b):
        lead, joint = 0.0, limb[0]
        while joint != node:
            lead += float(np.linalg.norm(skeleton.offsets[joint]))
            joint = int(skeleton.parents[joint])
        lengths.append([lead, *np.linalg.norm(skeleton.offsets[list(limb[1:3])], axis=1)])
    slack = SYMMETRY * _length(skeleton, limb_a)
    return bool(np.allclose(lengths[0], lengths[1], atol=slack, rtol=0)) and min(lengths[0][1:]) > 0


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


def check_upright(motion: Motion, hip_joints: list[int], shoulder_joints: list[int], ankles: list[int]) -> None:
    """A biped's legs go on where its spine ends, in its rest pose or most of the time; a quadruped's go across.

    Raises:
        RetargetError: it stands like a quadruped.
    """
    rest = rest_positions(motion.skeleton)
    for positions in (rest[None], motion.positions):
        hips, shoulders, feet = (positions[:, joints].mean(1) for joints in (hip_joints, shoulder_joints, ankles))
        spine, leg = shoulders - hips, hips - feet
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
    legs_ordered = front_score(motion, *legs.limbs) > 0
    positions = motion.positions
    shoulders, hips = (positions[:, [limb[0] for limb in pair.limbs]] for pair in (arms, legs))
    same_order = ((shoulders[:, 0] - shoulders[:, 1]) * _unit(hips[:, 0] - hips[:, 1])).sum(-1).mean() > 0
    leg_sides = legs.limbs if legs_ordered else legs.limbs[::-1]
    arm_sides = arms.limbs if same_order == legs_ordered else arms.limbs[::-1]
    roles = {}
    for side, leg, arm in zip(("left", "right"), leg_sides, arm_sides, strict=True):
        roles |= {f"{side}_{part}": j for part, j in zip(("hip", "knee", "ankle", "foot"), leg, strict=False)}
        roles |= {f"{side}_{part}": j for part, j in zip(("shoulder", "elbow", "wrist"), arm, strict=False)}
    return roles


def front_score(motion: Motion, left_leg: tuple[int, ...], right_leg: tuple[int, ...]) -> float:
    """How much feet point and knees bend to the front if these are the left and the right leg; negative if swapped.

    Each leg is (hip, knee, ankle) or (hip, knee, ankle, toe).
    """
    positions = motion.positions
    hips = positions[:, [left_leg[0], right_leg[0]]]
    ankles = positions[:, [left_leg[2], right_leg[2]]]
    across = _unit(hips[:, 0] - hips[:, 1])
    up = _unit(hips.mean(1) - ankles.mean(1))
    front = np.cross(across, up)
    votes = []
    for leg in (left_leg, right_leg):
        hip, knee, ankle = np.moveaxis(positions[:, list(leg[:3])], 1, 0)
        bend = knee - (hip + ankle) / 2
        length = np.maximum(np.linalg.norm(knee - hip, axis=-1, keepdims=True), 1e-9)
        votes.append((bend / length * front).sum(-1).mean())
        toe = _toe(motion, leg)
        if toe is not None:
            votes.append(2 * (_unit(toe - ankle) * front).sum(-1).mean())
    return float(np.mean(votes))


def _toe(motion: Motion, leg: tuple[int, ...]) -> np.ndarray | None:
    """(T, 3) positions of the joint after the ankle, or of the ankle's tip."""
    if len(leg) > 3:
        return motion.positions[:, leg[3]]
    ankle = list(leg)[2]
    if ankle not in motion.skeleton.end_sites:
        return None
    return motion.positions[:, ankle] + motion.global_rotations[:, ankle] @ motion.skeleton.end_sites[ankle]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def head_between_arms(skeleton: Skeleton, chest: int, *shoulders: int) -> int | None:
    """The last joint with a bone of its own on the chain between the arms, or the one after the neck."""
    within = [_subtree_root(skeleton, chest, shoulder) for shoulder in shoulders]
    others = [child for child in skeleton.children(chest) if child not in within]
    if not others:
        return None
    reach = _reach(skeleton)
    chain = [max(others, key=lambda c: reach[c] + np.linalg.norm(skeleton.offsets[c]))]
    while len(children := skeleton.children(chain[-1])) == 1:
        chain.append(children[0])
    with_bone = [joint for joint in chain[1:] if reach[joint] > 0]
    return with_bone[-1] if with_bone else chain[min(1, len(chain) - 1)]


def _subtree_root(skeleton: Skeleton, node: int, joint: int) -> int:
    """The child of ``node`` above (or at) ``joint``."""
    while skeleton.parents[joint] != node:
        joint = int(skeleton.parents[joint])
    return joint
