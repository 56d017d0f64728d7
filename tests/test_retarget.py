"""Retargeting: rigs of many families, made from one procedural walk whose canonical rotations are known."""

import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stylize.errors import RetargetError
from stylize.io.bvh import parse_bvh, read_bvh
from stylize.motion import Motion
from stylize.retarget import Retargeter
from stylize.rotations import geodesic_distance, yaw_to_matrix
from stylize.skeleton import CANONICAL_ROLES, SKELETON_22, Skeleton
from tests.example_rigs import (
    NAMES,
    Z_UP,
    about,
    above_a_fixed_root,
    along_x_frames,
    random_frames,
    rig,
    walk,
    with_extra_joint,
    with_spine_of_four,
)

LIMB_BONES = [
    (f"{side}_{start}", f"{side}_{end}")
    for side in ("left", "right")
    for start, end in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
]
FAMILIES = {"Mixamo, numbered": "Mixamo", "nameless": "unknown humanoid"}


def rotation_errors_deg(motion: Motion, expected: Motion) -> np.ndarray:
    """(J,) mean angles between global rotations."""
    return np.degrees(geodesic_distance(motion.global_rotations, expected.global_rotations)).mean(0)


def position_errors_cm(motion: Motion, expected: Motion, unit: float) -> np.ndarray:
    return 100 * unit * np.linalg.norm(motion.positions - expected.positions, axis=-1)


@pytest.mark.parametrize("family", NAMES)
@pytest.mark.parametrize(("world", "unit"), [(np.eye(3), 0.01), (Z_UP, 1.0), (Z_UP, 0.0254)])
def test_every_naming_gives_the_original_rotations_back(family: str, world: np.ndarray, unit: float) -> None:
    original = walk()
    source = rig(original, NAMES[family], world, unit)
    retargeter = Retargeter.fit(source)
    result = retargeter.to_canonical(source)
    assert retargeter.family == FAMILIES.get(family, family)
    assert set(retargeter.roles) == set(CANONICAL_ROLES)
    assert rotation_errors_deg(result, original).max() < 0.01
    assert position_errors_cm(result, original, 1.0).max() < 0.5
    assert retargeter.scale == pytest.approx(unit)


@pytest.mark.parametrize("seed", range(5))
def test_random_joint_axes_are_found_from_the_clip(seed: int) -> None:
    original = walk()
    source = rig(original, NAMES["SMPL"], Z_UP, 0.01, random_frames(seed))
    result = Retargeter.fit(source).to_canonical(source)
    errors = dict(zip(CANONICAL_ROLES, rotation_errors_deg(result, original), strict=True))
    assert max(errors.values()) < 2.0, errors


def test_an_unnamed_rig_with_random_joint_axes_is_told_left_from_right() -> None:
    original = walk()
    source = rig(original, NAMES["nameless"], np.eye(3), 1.0, random_frames(7))
    result = Retargeter.fit(source).to_canonical(source)
    assert rotation_errors_deg(result, original).max() < 2.0


def test_the_alignment_belongs_to_the_rig_and_not_to_the_clip() -> None:
    fits = []
    for seed, frames in ((1, 60), (2, 90), (3, 45)):
        source = rig(walk(frames, seed=seed), NAMES["LaFAN"], frames=along_x_frames())
        fits.append(Retargeter.fit(source).alignments)
    for role in CANONICAL_ROLES:
        assert np.allclose(fits[0][role], fits[1][role], atol=2e-3), role
        assert np.allclose(fits[0][role], fits[2][role], atol=2e-3), role


def test_bones_along_x_give_the_original_rotations_back() -> None:
    original = walk()
    source = rig(original, NAMES["LaFAN"], np.eye(3), 0.01, along_x_frames())
    assert rotation_errors_deg(Retargeter.fit(source).to_canonical(source), original).max() < 2.0


def test_other_proportions_keep_rotations_and_put_the_feet_on_the_ground() -> None:
    original = walk()
    source = rig(original, NAMES["Mixamo"], Z_UP, 0.01, stretch=1.2).translate(np.array([300.0, -200.0, 55.0]))
    result = Retargeter.fit(source).to_canonical(source)
    assert rotation_errors_deg(result, original).max() < 0.01
    ankles = result.positions[:, [SKELETON_22.joint("left_ankle"), SKELETON_22.joint("right_ankle")], 1]
    assert ankles.min() == pytest.approx(0.075, abs=0.003)


def test_the_first_frame_is_at_the_origin_and_heads_forward() -> None:
    source = rig(walk(yaw_deg=130.0), NAMES["Xsens"]).translate(np.array([500.0, 0.0, -900.0]))
    result = Retargeter.fit(source).to_canonical(source)
    assert result.root_positions[0, [0, 2]] == pytest.approx([0.0, 0.0])
    assert result.root_positions[-1, 2] > 2.0
    assert abs(result.root_positions[-1, 0]) < 0.02


def test_a_raised_left_hand_is_the_left_one() -> None:
    original = walk()
    rotations = original.local_rotations.copy()
    rotations[:, SKELETON_22.joint("left_shoulder")] = about("z", np.full(len(original), 80.0))
    source = rig(replace(original, local_rotations=rotations), NAMES["nameless"], Z_UP)
    result = Retargeter.fit(source).to_canonical(source)
    assert (result.joint_positions("left_wrist") - result.joint_positions("right_wrist"))[:, 1].min() > 0.4


@pytest.mark.parametrize("fps", [30.0, 60.0, 120.0])
@pytest.mark.parametrize("frames", [None, random_frames(3)])
def test_there_and_back_is_the_same_motion(fps: float, frames: np.ndarray | None) -> None:
    source = rig(walk(yaw_deg=40.0), NAMES["SMPL"], Z_UP, 0.01, frames, stretch=1.1).resample(fps)
    retargeter = Retargeter.fit(source)
    back = retargeter.to_source(retargeter.to_canonical(source))
    assert len(back) == len(source)
    assert back.fps == source.fps
    assert back.skeleton is source.skeleton
    assert position_errors_cm(back, source, 0.01).mean() < 0.05
    assert rotation_errors_deg(back, source).max() < 0.5


def test_an_edited_motion_of_another_length_comes_back_on_the_source_skeleton() -> None:
    source = rig(walk(), NAMES["Mixamo"], Z_UP, 0.01, stretch=1.1).resample(60.0)
    retargeter = Retargeter.fit(source)
    longer = rig(walk(120), NAMES["Mixamo"], Z_UP, 0.01, stretch=1.1).resample(60.0)
    back = retargeter.to_source(retargeter.to_canonical(longer))
    assert back.fps == 60.0
    assert len(back) == len(longer)
    assert position_errors_cm(back, longer, 0.01).max() < 0.5


def test_fingers_keep_their_pose() -> None:
    plain = rig(walk(), NAMES["Mixamo"])
    curl = about("z", np.linspace(10, 50, len(plain)))
    source = with_extra_joint(plain, "mixamorig:LeftHandIndex1", "mixamorig:LeftHand", np.array([8.0, 0, 0]), curl)
    retargeter = Retargeter.fit(source)
    canonical = retargeter.to_canonical(source)
    assert np.allclose(retargeter.to_source(canonical).local_rotations[:, -1], curl)
    shorter = retargeter.to_source(canonical.with_frames(slice(0, 20)))
    assert np.allclose(shorter.local_rotations[:, -1], about("z", np.full(20, 30.0)), atol=1e-6)


def test_a_spine_of_four_joints_is_shared_out_and_comes_back() -> None:
    original = walk()
    source = with_spine_of_four(rig(original, NAMES["Mixamo"]))
    retargeter = Retargeter.fit(source)
    result = retargeter.to_canonical(source)
    assert rotation_errors_deg(result, original).max() < 6.0
    for role in ("spine3", "neck", "head", "left_wrist", "right_wrist"):
        assert rotation_errors_deg(result, original)[SKELETON_22.joint(role)] < 0.01
    assert position_errors_cm(retargeter.to_source(result), source, 0.01).max() < 0.1


def test_travel_on_the_hips_stays_on_the_hips() -> None:
    source = above_a_fixed_root(rig(walk(), NAMES["Unity"]))
    retargeter = Retargeter.fit(source)
    canonical = retargeter.to_canonical(source)
    assert canonical.root_positions[-1, 2] > 2.0
    for edited, count in ((canonical, len(source)), (canonical.with_frames(slice(0, 31)), 31)):
        back = retargeter.to_source(edited)
        assert back.local_positions is not None
        assert np.allclose(back.root_positions, 0.0)
        assert np.allclose(back.local_positions[:, 2:], source.skeleton.offsets[2:])
        assert position_errors_cm(back, source.with_frames(slice(0, count)), 0.01).max() < 0.01


def test_a_rig_without_toes_collars_neck_and_head_still_works() -> None:
    original = walk()
    source = rig(original, NAMES["Xsens"])
    gone = {"left_foot", "right_foot", "left_collar", "right_collar", "neck", "head"}
    keep = [j for j, role in enumerate(CANONICAL_ROLES) if role not in gone]
    parents = SKELETON_22.parents.copy()
    local, offsets = source.local_rotations.copy(), source.skeleton.offsets.copy()
    for side in ("left", "right"):
        collar, shoulder = SKELETON_22.joint(f"{side}_collar"), SKELETON_22.joint(f"{side}_shoulder")
        parents[shoulder] = parents[collar]
        local[:, shoulder] = local[:, collar] @ local[:, shoulder]
        offsets[shoulder] += offsets[collar]
    skeleton = Skeleton(
        tuple(source.skeleton.names[j] for j in keep),
        np.array([-1 if parents[j] < 0 else keep.index(parents[j]) for j in keep]),
        offsets[keep],
    )
    bare = replace(source, skeleton=skeleton, local_rotations=local[:, keep])
    retargeter = Retargeter.fit(bare)
    errors = rotation_errors_deg(retargeter.to_canonical(bare), original)
    assert all(errors[SKELETON_22.joint(role)] < 0.01 for role in CANONICAL_ROLES if role not in gone)
    assert any("toes" in warning for warning in retargeter.warnings)
    assert any("head" in warning for warning in retargeter.warnings)


def test_swapped_side_names_are_noticed() -> None:
    original = walk()
    swapped = {
        role: NAMES["Mixamo"][role.replace("left", "RIGHT").replace("right", "left").replace("RIGHT", "right")]
        for role in CANONICAL_ROLES
    }
    source = rig(original, swapped)
    retargeter = Retargeter.fit(source)
    assert rotation_errors_deg(retargeter.to_canonical(source), original).max() < 0.01
    assert any("sides were swapped" in warning for warning in retargeter.warnings)


def test_a_first_frame_of_rest_pose_is_held_over() -> None:
    source = rig(walk(), NAMES["Mixamo"])
    rotations = source.local_rotations.copy()
    rotations[0] = np.eye(3)
    led_in = replace(source, local_rotations=rotations)
    retargeter = Retargeter.fit(led_in)
    result = retargeter.to_canonical(led_in)
    assert len(result) == len(source)
    assert rotation_errors_deg(result, walk().with_frames(np.maximum(np.arange(90), 1))).max() < 0.01
    assert any("rest pose" in warning for warning in retargeter.warnings)


def test_one_frame_is_enough() -> None:
    source = rig(walk().with_frames(slice(0, 1)), NAMES["Mixamo"])
    result = Retargeter.fit(source).to_canonical(source)
    assert len(result) == 1
    assert np.isfinite(result.positions).all()


def chain(names: list[str], parents: list[int], offsets: list[tuple[float, float, float]]) -> Motion:
    skeleton = Skeleton(tuple(names), np.array(parents), np.array(offsets, float))
    return Motion(skeleton, np.tile(np.eye(3), (10, len(names), 1, 1)), np.zeros((10, 3)), 30.0)


def test_a_prop_is_refused_with_what_is_missing() -> None:
    sword = chain(["handle", "blade", "tip"], [-1, 0, 1], [(0, 0, 0), (0, 10, 0), (0, 80, 0)])
    with pytest.raises(RetargetError, match="no two legs"):
        Retargeter.fit(sword)


def test_hips_at_one_place_are_refused_by_name() -> None:
    source = rig(walk(), NAMES["Mixamo"])
    offsets = source.skeleton.offsets.copy()
    offsets[[SKELETON_22.joint("left_hip"), SKELETON_22.joint("right_hip")]] = 0.0
    skeleton = replace(source.skeleton, offsets=offsets)
    with pytest.raises(RetargetError, match="same place"):
        Retargeter.fit(replace(source, skeleton=skeleton))


def test_legs_alone_are_refused() -> None:
    legs = chain(
        ["root", "a1", "a2", "a3", "b1", "b2", "b3"],
        [-1, 0, 1, 2, 0, 4, 5],
        [(0, 90, 0), (10, 0, 0), (0, -40, 0), (0, -40, 0), (-10, 0, 0), (0, -40, 0), (0, -40, 0)],
    )
    with pytest.raises(RetargetError, match="one pair of limbs"):
        Retargeter.fit(legs)


def quadruped(limb_names: tuple[tuple[str, ...], ...]) -> Motion:
    """Two pairs of legs under a level spine, with a tail."""
    names, parents = ["rump", "chest", "skull"], [-1, 0, 1]
    offsets: list[tuple[float, float, float]] = [(0, 70, 0), (0, 0, 80), (0, 30, 30)]
    for limb, (node, side) in zip(limb_names, ((0, 15), (0, -15), (1, 15), (1, -15)), strict=True):
        first = len(names)
        names += limb
        parents += [node, first, first + 1, first + 2]
        offsets += [(side, 0, 0), (0, -10, 0), (0, -30, 0), (0, -30, 0)]
    return chain([*names, "Tail1"], [*parents, 0], [*offsets, (0, 0, -20)])


@pytest.mark.parametrize(
    "limb_names",
    [
        [tuple(f"{limb}{i}" for i in range(4)) for limb in "pqrs"],
        [
            *((f"{s}HipBone", f"{s}UpLeg", f"{s}Leg", f"{s}Foot") for s in ("Left", "Right")),
            *((f"{s}Shoulder", f"{s}Arm", f"{s}ForeArm", f"{s}Hand") for s in ("Left", "Right")),
        ],
    ],
)
def test_a_quadruped_is_refused(limb_names: tuple[tuple[str, ...], ...]) -> None:
    with pytest.raises(RetargetError, match="quadruped"):
        Retargeter.fit(quadruped(limb_names))


def limb_angles_deg(motion: Motion, retargeter: Retargeter) -> np.ndarray:
    """(bones,) mean angles between the source's limb directions in the world and the retargeted ones."""
    source, result = retargeter.source.resample(30), retargeter.to_canonical(motion)
    turn = yaw_to_matrix(np.array([-retargeter.placement.yaw]))[0] @ retargeter.world
    angles = []
    for start, end in LIMB_BONES:
        of_source = source.positions[:, retargeter.roles[end]] - source.positions[:, retargeter.roles[start]]
        of_result = result.joint_positions(end) - result.joint_positions(start)
        of_source = of_source @ turn.T
        cos = (of_source * of_result).sum(-1) / np.linalg.norm(of_source, axis=-1) / np.linalg.norm(of_result, axis=-1)
        angles.append(np.degrees(np.arccos(np.clip(cos, -1, 1))).mean())
    return np.array(angles)


def check_real_clip(motion: Motion, family: str) -> None:
    retargeter = Retargeter.fit(motion)
    result = retargeter.to_canonical(motion)
    assert retargeter.family == family
    assert limb_angles_deg(motion, retargeter).max() < 3.0
    for side, bend in (("left", -1.0), ("right", 1.0)):
        # Local axes of the canonical skeleton: knees bend about +x, left elbows about -y, right ones about +y.
        knee = result.local_rotations[:, SKELETON_22.joint(f"{side}_knee")]
        elbow = result.local_rotations[:, SKELETON_22.joint(f"{side}_elbow")]
        assert np.degrees(np.arctan2(knee[:, 2, 1], knee[:, 2, 2])).mean() > -8
        assert bend * np.degrees(np.arctan2(elbow[:, 0, 2], elbow[:, 0, 0])).mean() > -8
        foot = result.joint_positions(f"{side}_foot") - result.joint_positions(f"{side}_ankle")
        assert (foot * result.global_rotations[:, 0, :, 2]).sum(-1).mean() > 0.05
    toes = result.positions[:, [SKELETON_22.joint("left_foot"), SKELETON_22.joint("right_foot")], 1]
    assert -0.01 < np.percentile(toes.min(1), 20) < 0.06
    source = retargeter.source
    back = retargeter.to_source(result)
    assert position_errors_cm(back, source, retargeter.scale).mean() < 1.0


@pytest.mark.parametrize(
    ("file", "family"),
    [
        ("xia/neutral_01_000.bvh", "Xia"),
        ("xia/old_13_000.bvh", "Xia"),
        ("animated-drawings/zombie.bvh", "MotionBuilder"),
        ("animated-drawings/jumping.bvh", "MotionBuilder"),
    ],
)
def test_samples_of_real_files_are_retargeted(test_data: Path, file: str, family: str) -> None:
    check_real_clip(read_bvh(test_data / "samples" / file)[0], family)


@pytest.mark.parametrize(
    ("archive", "folder", "family"),
    [
        ("bandai-namco.tar.xz", "dataset-1/data/", "Bandai-Namco"),
        ("cmu.tar.xz", "cgspeed31/", "CMU"),
        ("cmu.tar.xz", "daz43/02", "CMU Daz-friendly"),
    ],
)
def test_archived_real_files_are_retargeted(test_data: Path, archive: str, folder: str, family: str) -> None:
    checked = 0
    with tarfile.open(test_data / archive, "r|xz") as members:
        for member in members:
            if folder in member.name and member.name.endswith(".bvh"):
                content = members.extractfile(member)
                assert content is not None
                check_real_clip(parse_bvh(content.read(), member.name)[0], family)
                checked += 1
            if checked == 3:
                break
    assert checked == 3
