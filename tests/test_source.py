"""Files as sources of motions and as characters that wear them."""

from dataclasses import replace

import numpy as np
import pytest

from stylize.errors import MotionError, MotionFileError
from stylize.io import GltfCharacter, load_motion, read_bvh, read_gltf, save_motion
from stylize.retarget.in_place import ground_velocity, on_the_spot, with_travel
from stylize.skeleton import SKELETON_22
from stylize.source import load_rig, load_source
from tests.example_gltf import BONES, humanoid, quat_about, waving, with_joint_frames, with_vrm
from tests.example_rigs import NAMES, rig, walk


@pytest.fixture
def hero(tmp_path):
    """A character at rest, as VRM files come."""
    path = tmp_path / "hero.vrm"
    path.write_bytes(with_vrm(humanoid()).glb())
    return path


@pytest.fixture
def waving_hero(tmp_path):
    path = tmp_path / "waving.glb"
    path.write_bytes(waving(humanoid()).glb())
    return path


def directions(motion, *pairs):
    """(T, N, 3) of bones between pairs of roles."""
    steps = np.stack([motion.joint_positions(end) - motion.joint_positions(start) for start, end in pairs], axis=1)
    return steps / np.linalg.norm(steps, axis=-1, keepdims=True)


LIMBS = [
    (f"{side}_{start}", f"{side}_{end}")
    for side in ("left", "right")
    for start, end in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
]


def test_a_mannequin_file_is_the_motion_that_was_saved(tmp_path):
    original = walk()
    save_motion(original, tmp_path / "walk.glb")
    loaded = load_source(tmp_path / "walk.glb").motion
    assert loaded.skeleton is SKELETON_22
    np.testing.assert_allclose(loaded.global_rotations, original.global_rotations, atol=1e-5)
    shift = loaded.positions - original.positions
    np.testing.assert_allclose(shift, np.broadcast_to(shift[0, 0], shift.shape), atol=1e-4)


@pytest.mark.parametrize("family", ["Mixamo", "Unity", "Unreal", "Biped"])
def test_twist_is_kept_through_a_file_of_another_rig(family, tmp_path):
    original = walk()
    motion = rig(original, NAMES[family], unit=1.0)
    save_motion(motion, tmp_path / "rig.glb")
    source = load_source(tmp_path / "rig.glb")
    assert source.family == family
    np.testing.assert_allclose(source.motion.global_rotations, original.global_rotations, atol=1e-4)
    source.write_back(source.motion, tmp_path / "back.glb")
    back = read_gltf(tmp_path / "back.glb", "restyled")[0]
    order = [back.skeleton.names.index(name) for name in motion.skeleton.names]
    np.testing.assert_allclose(back.positions[:, order], motion.positions, atol=1e-3)
    np.testing.assert_allclose(back.global_rotations[:, order], motion.global_rotations, atol=1e-4)


def test_a_result_is_written_back_on_the_file_s_own_character(waving_hero, tmp_path):
    source = load_source(waving_hero, "wave")
    assert source.animations == ("wave",)
    assert isinstance(source.rig.document, GltfCharacter)
    turned = source.motion.mirror()
    source.write_back(turned, tmp_path / "out.glb")
    again = load_source(tmp_path / "out.glb")
    assert again.animations == ("restyled", "wave")
    np.testing.assert_allclose(directions(again.motion, *LIMBS), directions(turned, *LIMBS), atol=0.01)


def test_what_can_be_written_back_depends_on_the_format(waving_hero, tmp_path):
    source = load_source(waving_hero)
    assert source.can_write_back("a.glb")
    assert not source.can_write_back("a.vrm")
    assert source.can_write_back("a.bvh")
    source.write_back(source.motion, tmp_path / "out.bvh")
    motion, hierarchy = read_bvh(tmp_path / "out.bvh")
    assert set(hierarchy.names) == set(BONES)
    left = hierarchy.names.index("leftHand")
    expected = source.source.positions[:, source.source.skeleton.names.index("leftHand")] * 100
    np.testing.assert_allclose(motion.positions[:, left], expected, atol=0.1)
    bvh = load_source(tmp_path / "out.bvh")
    assert not bvh.can_write_back("a.glb")
    with pytest.raises(MotionFileError, match=r"^a.glb cannot hold the skeleton of a .bvh file; use .bvh\.$"):
        bvh.write_back(bvh.motion, tmp_path / "a.glb")


def test_a_file_without_a_skeleton_of_its_own_has_nothing_to_write_on(tmp_path):
    np.save(tmp_path / "joints.npy", walk().positions.astype(np.float32))
    source = load_source(tmp_path / "joints.npy")
    assert source.rig is None
    assert not source.can_write_back("a.bvh")
    with pytest.raises(MotionError, match="has no skeleton of its own"):
        source.write_back(source.motion, tmp_path / "a.bvh")
    with pytest.raises(MotionFileError, match="has no skeleton of its own; choose a BVH file or a glTF character"):
        load_rig(tmp_path / "joints.npy")


def test_which_of_several_animations_was_taken_is_said(tmp_path):
    example = waving(humanoid())
    example.turn("nod", list(BONES).index("neck"), np.arange(40) / 30, quat_about("x", *np.arange(40)))
    (tmp_path / "a.glb").write_bytes(example.glb())
    assert any("2 animations: 'a wave' was taken" in warning for warning in load_source(tmp_path / "a.glb").warnings)
    named = load_source(tmp_path / "a.glb", "nod")
    assert named.motion.name == "a nod"
    assert not any("animations" in warning for warning in named.warnings)
    (tmp_path / "a.bvh").write_text("")
    with pytest.raises(MotionFileError, match=r"^a.bvh has one motion only; leave out the animation 'nod'\.$"):
        load_source(tmp_path / "a.bvh", "nod")


def test_a_character_at_rest_wears_any_motion(hero, tmp_path):
    motion = walk()
    assert load_rig(hero).can_write("a.VRM")
    load_rig(hero).write(motion, tmp_path / "out.vrm")
    worn = load_source(tmp_path / "out.vrm")
    np.testing.assert_allclose(directions(worn.motion, *LIMBS), directions(motion, *LIMBS), atol=0.01)
    ankle = worn.source.positions[:, worn.source.skeleton.names.index("leftFoot"), 1]
    assert ankle.min() == pytest.approx(0.07, abs=0.01)  # as high as at rest
    np.testing.assert_allclose(worn.source.root_positions[0, [0, 2]], [0, 0], atol=0.02)


def test_a_character_that_faces_the_other_way_walks_where_it_faces(tmp_path):
    example = humanoid()
    example.json["nodes"].append({"name": "turned", "children": [0], "rotation": quat_about("y", 180)[0].tolist()})
    (tmp_path / "hero.vrm").write_bytes(with_vrm(example, version=0).glb())
    load_rig(tmp_path / "hero.vrm").write(walk(), tmp_path / "out.vrm")
    worn = load_motion(tmp_path / "out.vrm")
    assert worn.root_positions[-1, 2] - worn.root_positions[0, 2] < -1.5
    left, right = (worn.positions[:, worn.skeleton.names.index(f"{side}Foot"), 0] for side in ("left", "right"))
    assert (left < right).all()


@pytest.mark.parametrize("seed", range(3))
def test_however_the_joints_own_axes_lie_the_motion_is_the_same(seed, waving_hero, tmp_path):
    (tmp_path / "turned.glb").write_bytes(with_joint_frames(waving(humanoid()), seed).glb())
    expected, found = (load_source(path).motion for path in (waving_hero, tmp_path / "turned.glb"))
    np.testing.assert_allclose(found.global_rotations, expected.global_rotations, atol=1e-4)
    np.testing.assert_allclose(found.positions, expected.positions, atol=1e-3)
    load_rig(tmp_path / "turned.glb").write(walk(), tmp_path / "out.glb")
    worn = load_source(tmp_path / "out.glb", "restyled").motion
    np.testing.assert_allclose(directions(worn, *LIMBS), directions(walk(), *LIMBS), atol=0.01)


def test_a_character_in_no_t_pose_is_understood_from_its_animation_or_refused(tmp_path):
    def curled(example):
        for bone, angle in (("leftUpperArm", -85), ("rightUpperArm", 85)):
            example.json["nodes"][list(BONES).index(bone)]["rotation"] = quat_about("z", angle)[0].tolist()
        return example.glb()

    (tmp_path / "still.glb").write_bytes(curled(humanoid(skin=False)))
    with pytest.raises(MotionFileError, match="no skin and no animation"):
        load_rig(tmp_path / "still.glb")
    example = humanoid()
    example.json["skins"][0].pop("inverseBindMatrices")
    (tmp_path / "still.glb").write_bytes(curled(example))
    with pytest.raises(MotionFileError, match="neither stands in a T- or A-pose nor is animated"):
        load_rig(tmp_path / "still.glb")
    example = waving(humanoid())
    example.json["skins"][0].pop("inverseBindMatrices")
    (tmp_path / "moving.glb").write_bytes(curled(example))
    load_rig(tmp_path / "moving.glb").write(walk(), tmp_path / "out.glb")
    worn = load_source(tmp_path / "out.glb").motion
    np.testing.assert_allclose(directions(worn, *LIMBS[:2]), directions(walk(), *LIMBS[:2]), atol=0.05)


def with_loose_feet():
    """As some rigs have it: the feet hang from the root, and inverse kinematics makes the legs follow them."""
    names = {
        f"{side}{bone}": f"{bone}.{side[0].upper()}" for side in ("left", "right") for bone in ("LowerLeg", "Foot")
    }
    example = humanoid(names)
    nodes, order = example.json["nodes"], list(BONES)
    for side, x in (("left", 0.09), ("right", -0.09)):
        foot, leg = order.index(f"{side}Foot"), order.index(f"{side}LowerLeg")
        del nodes[leg]["children"]
        nodes[foot]["translation"] = [x, 0.07, 0]
    nodes.append({"name": "root", "children": [0, order.index("leftFoot"), order.index("rightFoot")]})
    return example


def test_feet_that_hang_from_the_root_stay_with_the_legs(tmp_path):
    (tmp_path / "loose.glb").write_bytes(with_loose_feet().glb())
    rig_of_file = load_rig(tmp_path / "loose.glb")
    names = rig_of_file.document.skeleton.names
    assert names[rig_of_file.retargeter.roles["left_ankle"]] == "Foot.L"
    rig_of_file.write(walk(), tmp_path / "out.glb")
    worn = load_source(tmp_path / "out.glb")
    places = {name: worn.source.positions[:, i] for i, name in enumerate(worn.source.skeleton.names)}
    for side in "LR":
        shank = np.linalg.norm(places[f"Foot.{side}"] - places[f"LowerLeg.{side}"], axis=-1)
        np.testing.assert_allclose(shank, 0.4, atol=1e-4)
    assert np.ptp(places["Foot.L"][:, 2]) > 1.5
    np.testing.assert_allclose(directions(worn.motion, *LIMBS), directions(walk(), *LIMBS), atol=0.01)


def test_a_bvh_file_lends_its_skeleton_too(tmp_path):
    save_motion(rig(walk(seed=3), NAMES["Mixamo"], unit=1.0), tmp_path / "rig.bvh")
    load_rig(tmp_path / "rig.bvh").write(walk(), tmp_path / "out.bvh")
    worn = load_source(tmp_path / "out.bvh")
    assert worn.source.skeleton.names == read_bvh(tmp_path / "rig.bvh")[1].names
    np.testing.assert_allclose(directions(worn.motion, *LIMBS), directions(walk(), *LIMBS), atol=0.01)


def test_a_walk_on_the_spot_travels_here_and_is_on_the_spot_again_in_its_file(tmp_path):
    travelling = walk()
    spot = on_the_spot(travelling)
    assert ground_velocity(travelling) is None
    np.testing.assert_allclose(ground_velocity(spot), [0, 0, -0.7], atol=0.05)
    save_motion(spot, tmp_path / "spot.glb")
    source = load_source(tmp_path / "spot.glb")
    assert source.is_on_the_spot
    assert any("walks on the spot" in warning for warning in source.warnings)
    way = source.motion.root_positions[-1] - source.motion.root_positions[0]
    np.testing.assert_allclose(way, [0, 0, 0.7 * 89 / 30], atol=0.15)
    source.write_back(source.motion, tmp_path / "back.glb")
    back = load_motion(tmp_path / "back.glb", "restyled")
    np.testing.assert_allclose(back.root_positions, load_motion(tmp_path / "spot.glb").root_positions, atol=0.02)


def test_standing_and_stepping_on_the_spot_is_no_walk():
    motion = walk()
    still = motion.with_frames(np.zeros(60, int))
    assert ground_velocity(still) is None
    up_and_down = with_travel(motion, np.zeros(3))
    lifted = up_and_down.local_rotations.copy()
    lifted[:, SKELETON_22.joint("left_hip")] = np.eye(3)
    lifted[:, SKELETON_22.joint("left_knee")] = np.eye(3)
    lifted[:, SKELETON_22.joint("left_ankle")] = np.eye(3)
    assert ground_velocity(on_the_spot(replace(motion, local_rotations=lifted))) is None


def test_samples_wear_their_own_motion_again(test_data, tmp_path):
    for file, animation in (("mesh2motion_base.glb", "Walk_Loop"), ("kaykit_movement_basic.glb", "Jump_Full_Long")):
        source = load_source(test_data / "samples" / "glb" / file, animation)
        source.write_back(source.motion, tmp_path / file)
        again = load_source(tmp_path / file, "restyled")
        assert (len(again.source), again.source.fps) == (len(source.source), source.source.fps)
        np.testing.assert_allclose(directions(again.motion, *LIMBS), directions(source.motion, *LIMBS), atol=0.02)


def test_a_sample_character_wears_the_motion_of_another_file(test_data, tmp_path):
    folder = test_data / "samples"
    walking = load_source(folder / "xia" / "neutral_01_000.bvh").motion
    for file in ("mesh2motion_base.glb", "kaykit_movement_basic.glb"):
        load_rig(folder / "glb" / file).write(walking, tmp_path / file)
        worn = load_source(tmp_path / file, "restyled").motion
        count = min(len(worn), len(walking))
        error = directions(worn, *LIMBS)[:count] - directions(walking, *LIMBS)[:count]
        assert np.abs(error).max() < 0.06
