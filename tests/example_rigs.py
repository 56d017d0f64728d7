"""Rigs for the retargeting tests: one procedural walk, as files of many families would have it."""

from dataclasses import replace

import numpy as np

from stylize.motion import Motion
from stylize.rotations import rotvec_to_matrix, slerp, yaw_to_matrix
from stylize.skeleton import CANONICAL_ROLES, SKELETON_22, Skeleton

THIGH, SHANK = 0.390, 0.395
Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""From +Y up to +Z up."""


def about(axis: str, angle_deg: np.ndarray) -> np.ndarray:
    """(T,) angles to (T, 3, 3) rotations about one axis."""
    rotvec = np.zeros((len(angle_deg), 3))
    rotvec[:, "xyz".index(axis)] = np.radians(angle_deg)
    return rotvec_to_matrix(rotvec)


def leg_angles(height: np.ndarray, forward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hip and knee angles about X, in degrees, that bring the ankle ``height`` below and ``forward`` of the hip."""
    reach = np.hypot(height, forward)
    knee = np.pi - np.arccos((THIGH**2 + SHANK**2 - reach**2) / (2 * THIGH * SHANK))
    lift = np.arcsin(np.clip(SHANK * np.sin(knee) / reach, -1, 1))
    return -np.degrees(np.arctan2(forward, height) + lift), np.degrees(knee)


def walk(frames: int = 90, yaw_deg: float = 0.0, seed: int = 0) -> Motion:
    """A walk with planted flat feet, swinging arms, bent elbows and a moving head and trunk, 30 frames a second."""
    rng = np.random.default_rng(seed)
    phase = 2 * np.pi * np.arange(frames) / 30 + rng.uniform(0, 0.5)
    rotations = np.tile(np.eye(3), (frames, 22, 1, 1))
    joint = SKELETON_22.joint
    for i, part in enumerate(("spine1", "spine2", "spine3", "neck", "head")):
        rotations[:, joint(part)] = about("y", 4 * np.sin(phase + i)) @ about("x", 3 * np.cos(phase + i))
    pelvis_height, stride = 0.84, 0.7
    for side, offset, sign in (("left", 0.0, 1.0), ("right", np.pi, -1.0)):
        fraction = (phase + offset) / (2 * np.pi) % 1.0
        swing = np.clip((fraction - 0.6) / 0.4, 0, 1)  # on the ground for the first 60% of a cycle of one second
        ease = swing - np.sin(2 * np.pi * swing) / (2 * np.pi)
        ankle_height = 0.075 + 0.10 * np.sin(np.pi * swing) ** 2
        hip, knee = leg_angles(pelvis_height - 0.075 - ankle_height, stride * (ease - fraction + 0.3))
        pitch = 25 * np.sin(np.pi * swing) ** 2
        rotations[:, joint(f"{side}_hip")] = about("x", hip)
        rotations[:, joint(f"{side}_knee")] = about("x", knee)
        rotations[:, joint(f"{side}_ankle")] = about("x", pitch - hip - knee)
        arm = 25 * np.sin(phase + offset)
        rotations[:, joint(f"{side}_collar")] = about("z", sign * 4 * np.sin(phase))
        rotations[:, joint(f"{side}_shoulder")] = about("x", arm) @ about("z", -sign * 70 * np.ones(frames))
        rotations[:, joint(f"{side}_elbow")] = about("y", -sign * (40 + 20 * np.sin(phase + offset)))
        rotations[:, joint(f"{side}_wrist")] = about("z", 15 * np.sin(phase)) @ about("x", 10 * np.cos(phase))
    root = np.stack([np.zeros(frames), np.full(frames, pelvis_height), stride * np.arange(frames) / 30], axis=1)
    turn = yaw_to_matrix(np.array([np.radians(yaw_deg)]))[0]
    rotations[:, 0] = turn @ rotations[:, 0]
    return Motion(SKELETON_22, rotations, root @ turn.T, 30.0, name="walk")


SIDED = ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist")


def sided_names(pattern: str, parts: tuple[str, ...], left: str, right: str) -> dict[str, str]:
    """Role -> name for the limbs; ``pattern`` has {side} and {part}."""
    return {
        f"{side}_{role}": pattern.format(side=word, part=part)
        for side, word in (("left", left), ("right", right))
        for role, part in zip(SIDED, parts, strict=True)
    }


def trunk_names(*names: str) -> dict[str, str]:
    return dict(zip(("pelvis", "spine1", "spine2", "spine3", "neck", "head"), names, strict=True))


MIXAMO_PARTS = ("UpLeg", "Leg", "Foot", "ToeBase", "Shoulder", "Arm", "ForeArm", "Hand")
MIXAMO = trunk_names("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head") | sided_names(
    "{side}{part}", MIXAMO_PARTS, "Left", "Right"
)
NAMES = {
    "SMPL": trunk_names("Pelvis", "Spine1", "Spine2", "Spine3", "Neck", "Head")
    | sided_names("{side}_{part}", ("Hip", "Knee", "Ankle", "Foot", "Collar", "Shoulder", "Elbow", "Wrist"), "L", "R"),
    "Mixamo": {role: f"mixamorig:{name}" for role, name in MIXAMO.items()},
    "Mixamo, numbered": {role: f"mixamorig1:{name}" for role, name in MIXAMO.items()},
    "Xsens": trunk_names("Hips", "Chest", "Chest2", "Chest3", "Neck", "Head")
    | sided_names(
        "{side}{part}", ("Hip", "Knee", "Ankle", "Toe", "Collar", "Shoulder", "Elbow", "Wrist"), "Left", "Right"
    ),
    "LaFAN": trunk_names("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head")
    | sided_names("{side}{part}", ("UpLeg", "Leg", "Foot", "Toe", *MIXAMO_PARTS[4:]), "Left", "Right"),
    "Unreal": trunk_names("pelvis", "spine_01", "spine_02", "spine_03", "neck_01", "head")
    | sided_names(
        "{part}_{side}",
        ("thigh", "calf", "foot", "ball", "clavicle", "upperarm", "lowerarm", "hand"),
        "l",
        "r",
    ),
    "Unity": trunk_names("J_Bip_C_Hips", "J_Bip_C_Spine", "J_Bip_C_Chest", "J_Bip_C_UpperChest", "J_Bip_C_Neck", "H")
    | sided_names(
        "J_Bip_{side}_{part}",
        ("UpperLeg", "LowerLeg", "Foot", "ToeBase", "Shoulder", "UpperArm", "LowerArm", "Hand"),
        "L",
        "R",
    ),
    "Biped": trunk_names("Bip01 Pelvis", "Bip01 Spine", "Bip01 Spine1", "Bip01 Spine2", "Bip01 Neck", "Bip01 Head")
    | sided_names(
        "Bip01 {side} {part}",
        ("Thigh", "Calf", "Foot", "Toe0", "Clavicle", "UpperArm", "Forearm", "Hand"),
        "L",
        "R",
    ),
    "nameless": {role: f"joint{i}" for i, role in enumerate(CANONICAL_ROLES)},
}


def rig(
    canonical: Motion,
    names: dict[str, str],
    world: np.ndarray = np.eye(3),  # noqa: B008
    unit: float = 0.01,
    frames: np.ndarray | None = None,
    stretch: float = 1.0,
) -> Motion:
    """The same motion as another rig's file has it.

    Args:
        world: from +Y up to the file's axes.
        unit: metres in one unit of the file.
        frames: (22, 3, 3) each joint's axes in the T-pose; by default the world's, so that zero is the T-pose.
        stretch: how much longer the trunk and the arms are than the canonical ones.
    """
    frames = np.tile(world.T, (22, 1, 1)) if frames is None else frames
    rotations = world @ canonical.global_rotations @ frames
    parents = SKELETON_22.parents
    local_rotations = rotations.copy()
    local_rotations[:, 1:] = np.swapaxes(rotations[:, parents[1:]], -1, -2) @ rotations[:, 1:]
    lengths = np.array(
        [1.0 if role.endswith(("hip", "knee", "ankle", "foot")) else stretch for role in CANONICAL_ROLES]
    )
    offsets = SKELETON_22.offsets * lengths[:, None] / unit
    offsets[1:] = np.einsum("jba,jb->ja", frames[parents[1:]], offsets[1:])
    skeleton = Skeleton(tuple(names[role] for role in CANONICAL_ROLES), parents, offsets)
    return Motion(skeleton, local_rotations, canonical.root_positions @ world.T / unit, canonical.fps, name="rig")


def random_frames(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rotvec_to_matrix(rng.normal(size=(22, 3)) * 2)


def along_x_frames() -> np.ndarray:
    """Joint axes as LaFAN and Bandai-Namco have them: x along the bone, the right angles of the T-pose."""
    bones = {"hip": (0, -1, 0), "knee": (0, -1, 0), "foot": (0, 0, 1), "ankle": (0, 0, 1)}
    frames = []
    for role in CANONICAL_ROLES:
        side, _, part = role.rpartition("_")
        arm = (1, 0, 0) if side == "left" else (-1, 0, 0)
        x = np.array(bones.get(part, arm if side else (0, 1, 0)), float)
        y = np.array([0.0, 0.0, 1.0]) if abs(x[2]) < 0.5 else np.array([0.0, 1.0, 0.0])
        frames.append(np.stack([x, y, np.cross(x, y)], axis=1))
    return np.array(frames)


def with_extra_joint(motion: Motion, name: str, parent: str, offset: np.ndarray, rotations: np.ndarray) -> Motion:
    """The motion with one more leaf."""
    old = motion.skeleton
    skeleton = Skeleton(
        (*old.names, name),
        np.append(old.parents, old.names.index(parent)),
        np.concatenate([old.offsets, offset[None]]),
    )
    return replace(
        motion, skeleton=skeleton, local_rotations=np.concatenate([motion.local_rotations, rotations[:, None]], axis=1)
    )


def with_spine_of_four(motion: Motion) -> Motion:
    """A fourth spine joint half-way from spine1 to spine2, which takes half of spine2's rotation."""
    old, joint = motion.skeleton, SKELETON_22.joint
    spine1, spine2 = joint("spine1"), joint("spine2")
    order = [*range(spine2), len(old), *range(spine2, len(old))]
    parents = np.append(old.parents, spine1)
    parents[spine2] = len(old)
    rank = np.argsort(order)
    whole = motion.local_rotations[:, spine2]
    part = slerp(np.broadcast_to(np.eye(3), whole.shape).copy(), whole, np.full(len(whole), 0.5))
    local = np.concatenate([motion.local_rotations, part[:, None]], axis=1)
    local[:, spine2] = part
    offsets = np.concatenate([old.offsets, old.offsets[spine2][None] / 2])
    offsets[spine2] /= 2
    names = (*old.names, "SpineHalf")
    skeleton = Skeleton(
        tuple(names[i] for i in order),
        np.array([-1 if parents[i] < 0 else rank[parents[i]] for i in order]),
        offsets[order],
    )
    return replace(motion, skeleton=skeleton, local_rotations=local[:, order])


def above_a_fixed_root(motion: Motion) -> Motion:
    """Bandai-Namco's way: a root that stays, and travel in the position channels of the hips below it."""
    old = motion.skeleton
    skeleton = Skeleton(
        ("joint_Root", *old.names),
        np.concatenate([[-1], old.parents + 1]),
        np.concatenate([np.zeros((1, 3)), old.offsets]),
    )
    skeleton.offsets[1] = motion.root_positions[0]
    frames = len(motion)
    local_positions = np.tile(skeleton.offsets, (frames, 1, 1))
    local_positions[:, 1] = motion.root_positions
    still = np.tile(np.eye(3), (frames, 1, 1, 1))
    return Motion(
        skeleton,
        np.concatenate([still, motion.local_rotations], axis=1),
        np.zeros((frames, 3)),
        motion.fps,
        local_positions,
    )
