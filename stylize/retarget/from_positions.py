"""The canonical motion of a body of which only the joints' positions are known."""

from collections.abc import Mapping

import numpy as np
from scipy.linalg import solveh_banded

from stylize.errors import RetargetError
from stylize.motion import Motion
from stylize.retarget.axes import LEFT, UP, limb_axes, unit
from stylize.retarget.placement import placement_of
from stylize.rotations import nearest_rotation, rot6d_to_matrix, rotation_between, slerp
from stylize.skeleton import CANONICAL_ROLES, SKELETON_22

SMPL_REST = {
    "hip": (0.60, -0.79, -0.06),
    "spine1": (0.0, 0.97, -0.23),
    "spine2": (0.0, 1.0, 0.01),
    "spine3": (0.0, 0.90, 0.43),
    "neck": (0.0, 0.98, -0.18),
    "head": (0.0, 0.83, 0.56),
    "collar": (0.53, 0.82, -0.23),
    "shoulder": (0.94, 0.32, -0.09),
    "foot": (0.27, -0.31, 0.91),
}
"""Directions, the left side's, in which SMPL's joints lie at rest from those above them: this
slant is the body's shape, not a bend. The foot's is that of HumanML3D's feet that stand flat."""

CANONICAL_REST = {
    role.removeprefix("left_"): tuple(SKELETON_22.offsets[SKELETON_22.joint(role)])
    for role in ("left_hip", "spine1", "spine2", "spine3", "neck", "head", "left_collar", "left_shoulder", "left_foot")
}
"""The same directions on the canonical body."""
LIKE_CANONICAL = 0.01
"""Up to how far the shape of pelvis and chest may differ from the canonical body's, relative to the legs, to be its."""

STRAIGHT = np.sin(np.radians(15.0))
"""Sine of the bend under which a limb's plane says nothing of its twist."""
TOE_WEIGHT = 0.3
"""How much the foot's direction counts for the leg's twist, against the sine of the knee's bend."""
SMOOTHNESS, REST_PULL = 0.05, 5e-5
"""Weights of an even twist and of none at all, against a squared sine of 1: a limb that stays straight keeps its
twist for about a second, then goes back to the shortest way from the trunk."""
NEAR_GROUND, SLOW = 0.03, 0.5
"""Metres over the ground, and metres a second, at which a foot's toes are half way from standing to being carried."""
LEVEL_WEIGHT = 0.5
"""How far a standing foot's roll, which no position shows, is level rather than in line with the shank: between them,
since some people's feet do the one and some the other."""
UNEVEN = 0.2
"""Relative deviation of the leg's bones' lengths over the clip above which the points are no body."""

Globals = dict[str, np.ndarray]
Rest = Mapping[str, tuple[float, float, float]]


def motion_from_positions(positions: np.ndarray, fps: float, name: str = "") -> Motion:
    """Find the rotations of a body from its joints.

    Bones give the swing of their joints, hips and chest a rigid fit, bend planes the twist of arms and legs.
    What positions do not show follows its parent: the forearm's roll, the wrist, the toes; the head does not turn
    against the neck.

    Args:
        positions: (T, 22, 3) in the order of CANONICAL_ROLES, +Y up, in any unit.
        fps: frames a second; the motion has the same.
        name: of the motion.

    Returns:
        The motion on SKELETON_22: metres, scaled by leg length, the ground at y = 0, the first frame at
        x = z = 0, heading to +Z.

    Raises:
        RetargetError: the points are no body: bones without a length, or that change their length.
    """
    joints = {role: positions[:, SKELETON_22.joint(role)].astype(np.float64) for role in CANONICAL_ROLES}
    scale = SKELETON_22.leg_length / _leg_length(joints)
    rest = CANONICAL_REST if _is_canonical_body(joints, scale) else SMPL_REST
    globals_ = _trunk(joints, rest)
    standing = _standing(joints, scale, fps)
    for side in ("left", "right"):
        _leg(globals_, joints, side, rest, standing[side])
        _arm(globals_, joints, side)
    rotations = np.stack([globals_[role] for role in CANONICAL_ROLES], axis=1)
    local_rotations = rotations.copy()
    parents = SKELETON_22.parents[1:]
    local_rotations[:, 1:] = np.swapaxes(rotations[:, parents], -1, -2) @ rotations[:, 1:]
    hips = (joints["left_hip"] + joints["right_hip"]) / 2
    canonical_hips = (_offset("left_hip") + _offset("right_hip")) / 2
    roots = scale * hips - rotations[:, 0] @ canonical_hips
    placement = placement_of(Motion(SKELETON_22, local_rotations, roots, fps))
    local_rotations[:, 0], roots = placement.remove(local_rotations[:, 0], roots)
    return Motion(SKELETON_22, local_rotations, roots, fps, name=name)


def _offset(role: str) -> np.ndarray:
    return SKELETON_22.offsets[SKELETON_22.joint(role)]


def _leg_length(joints: Globals) -> float:
    """Thigh and shank of a leg, in the positions' unit; RetargetError if they are no bones."""
    ends = [
        (f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in (("hip", "knee"), ("knee", "ankle"))
    ]
    lengths = np.stack([np.linalg.norm(joints[end] - joints[start], axis=-1) for start, end in ends])
    medians = np.median(lengths, axis=1)
    if not medians.min() > 0 or (lengths.std(1) / medians).mean() > UNEVEN:
        raise RetargetError(
            "the joints are no body, as its legs have no length or change it from frame to frame; "
            "features must not be normalised (multiply by Std and add Mean first)."
        )
    return float(medians.sum() / 2)


def _is_canonical_body(joints: Globals, scale: float) -> bool:
    """Whether the points are those of the canonical body, moved, rather than those of SMPL's."""
    clusters = (("pelvis", "left_hip", "right_hip", "spine1"), ("spine3", "neck", "left_collar", "right_collar"))
    for start, *ends in clusters:
        for k, end in enumerate(ends):
            for other in (start, *ends[:k]):
                own = np.median(np.linalg.norm(joints[end] - joints[other], axis=-1)) * scale
                canonical = np.linalg.norm(_offset(end) - (0.0 if other == start else _offset(other)))
                if abs(own - canonical) > LIKE_CANONICAL * SKELETON_22.leg_length:
                    return False
    return True


def _direction(role: str, rest: Rest) -> np.ndarray:
    """The direction of the bone to a joint of the trunk or to the toes at rest."""
    side, _, part = role.rpartition("_")
    return unit(np.array(rest[part]) * ([-1, 1, 1] if side == "right" else 1))


def _fit(joints: Globals, role: str, children: tuple[str, ...], rest: Rest) -> np.ndarray:
    """(T, 3, 3) the rigid turn that takes the bones to several children nearest to where they are."""
    found = np.stack([unit(joints[child] - joints[role]) for child in children], axis=1)
    at_rest = np.stack([_direction(child, rest) for child in children])
    return nearest_rotation(np.einsum("tki,kj->tij", found, at_rest))


def _swung(start: np.ndarray, joints: Globals, role: str, child: str, rest: Rest) -> np.ndarray:
    """Rotations (T, 3, 3) turned by the shortest way so that the bone to ``child`` lies where it is."""
    return rotation_between(start @ _direction(child, rest), joints[child] - joints[role]) @ start


def _trunk(joints: Globals, rest: Rest) -> Globals:
    """Pelvis, spine, neck, head and collars; the spine's twist is shared between pelvis and chest."""
    pelvis = _fit(joints, "pelvis", ("left_hip", "right_hip", "spine1"), rest)
    chest = _fit(joints, "spine3", ("neck", "left_collar", "right_collar"), rest)
    found = {"pelvis": pelvis, "spine3": chest}
    found["spine1"] = _swung(slerp(pelvis, chest, np.full(len(pelvis), 1 / 3)), joints, "spine1", "spine2", rest)
    found["spine2"] = _swung(
        slerp(found["spine1"], chest, np.full(len(pelvis), 1 / 2)), joints, "spine2", "spine3", rest
    )
    found["neck"] = found["head"] = _swung(chest, joints, "neck", "head", rest)
    for side in ("left", "right"):
        found[f"{side}_collar"] = _swung(chest, joints, f"{side}_collar", f"{side}_shoulder", rest)
    return found


def _standing(joints: Globals, scale: float, fps: float) -> Globals:
    """Side -> (T, 1) how surely that foot stands on the ground, 0 to 1: it is low and slow."""
    toes = {side: scale * joints[f"{side}_foot"] for side in ("left", "right")}
    ground = min(np.percentile(points[:, 1], 2) for points in toes.values())
    found = {}
    for side, points in toes.items():
        speed = np.linalg.norm(np.gradient(points, axis=0), axis=-1) * fps if len(points) > 1 else np.zeros(1)
        height = np.maximum(points[:, 1] - ground, 0.0)
        found[side] = (1 / (1 + (height / NEAR_GROUND) ** 4 + (speed / SLOW) ** 4))[:, None]
    return found


def _leg(found: Globals, joints: Globals, side: str, rest: Rest, standing: np.ndarray) -> None:
    """Hip, knee, ankle and toes; a foot that stands is rather level, one that is carried turns with the shank."""
    hip, knee, ankle, foot = (f"{side}_{part}" for part in ("hip", "knee", "ankle", "foot"))
    thigh, shank, sole = (joints[b] - joints[a] for a, b in ((hip, knee), (knee, ankle), (ankle, foot)))
    toes = _direction(foot, rest)
    hinge = np.cross(unit(thigh), unit(shank)) + TOE_WEIGHT * _left_of_foot(-unit(shank), unit(sole), toes)
    found[hip] = _limb(found["pelvis"], hip, thigh, hinge, straight=0.0)
    left = found[hip] @ LEFT
    found[knee] = _framed((-UP, LEFT), shank, left)
    level = unit(_left_of_foot(UP, unit(sole), toes))
    found[ankle] = found[foot] = _framed((toes, LEFT), sole, left + LEVEL_WEIGHT * standing * (level - left))


def _left_of_foot(up: np.ndarray, sole: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """(T, 3) across the shank to the left, for a foot that points as it does at rest; short for pointed toes."""
    front = sole - (sole * up).sum(-1, keepdims=True) * up
    toe_out = np.arctan2(rest[0], rest[2])
    return np.cos(toe_out) * np.cross(up, front) + np.sin(toe_out) * front


def _arm(found: Globals, joints: Globals, side: str) -> None:
    shoulder, elbow, wrist = (f"{side}_{part}" for part in ("shoulder", "elbow", "wrist"))
    upper, lower = (joints[b] - joints[a] for a, b in ((shoulder, elbow), (elbow, wrist)))
    found[shoulder] = _limb(found[f"{side}_collar"], shoulder, upper, np.cross(unit(upper), unit(lower)), STRAIGHT)
    axes = limb_axes(shoulder)
    found[elbow] = found[wrist] = _framed(axes, lower, found[shoulder] @ axes[1])


def _framed(axes: tuple[np.ndarray, np.ndarray], bones: np.ndarray, hinges: np.ndarray) -> np.ndarray:
    """(T, 3, 3) that take the first axis to the bones (T, 3), the second as near to the hinges as it can."""
    return _frames(bones, hinges) @ _frames(*axes).T


def _frames(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(..., 3, 3) columns: the first direction, the second made square to it, and square to both; always rotations."""
    return rot6d_to_matrix(np.stack([first, second], axis=-1).reshape(*first.shape[:-1], 6))


def _limb(parent: np.ndarray, role: str, bones: np.ndarray, hinges: np.ndarray, straight: float) -> np.ndarray:
    """(T, 3, 3) of an upper limb: along its bones, twisted so that its hinge axis follows ``hinges`` (T, 3).

    The longer a hinge, the more it counts; one shorter than ``straight`` does not. The twist is counted from the
    shortest way out of the parent's frame, which turns with the body.
    """
    direction, axis = limb_axes(role)
    swing = rotation_between(parent @ direction, bones) @ parent
    along, across = swing @ axis, swing @ np.cross(direction, axis)
    x, y = (hinges * along).sum(-1), (hinges * across).sum(-1)
    weights = np.maximum(np.hypot(x, y) - straight, 0.0) ** 2
    twist = _even_twist(np.arctan2(y, x), weights)
    cos, sin = np.cos(twist)[:, None], np.sin(twist)[:, None]
    return _framed((direction, axis), bones, cos * along + sin * across)


def _even_twist(angles: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Angles (T,) in radians near the measured ones where their weight says so, and even from frame to frame."""
    measured = np.flatnonzero(weights > 0)
    if not len(measured):
        return np.zeros_like(angles)
    if len(angles) == 1:
        return angles
    track = np.zeros_like(angles)
    track[measured] = np.unwrap(angles[measured])
    middle = np.average(track[measured], weights=weights[measured])
    track[measured] -= 2 * np.pi * np.round(middle / (2 * np.pi))
    diagonal = weights + REST_PULL + SMOOTHNESS * 2
    diagonal[[0, -1]] -= SMOOTHNESS
    beside = np.full_like(angles, -SMOOTHNESS)
    return solveh_banded(np.stack([beside, diagonal]), weights * track)
