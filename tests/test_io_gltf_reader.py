"""Reading glTF: what stands in the file, against values that scipy or plain arithmetic gives."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline
from scipy.spatial.transform import Rotation, Slerp

from stylize.errors import MotionFileError
from stylize.io import load_motion, parse_gltf, read_character, read_gltf
from stylize.io.gltf import parse_character
from stylize.retarget import Retargeter
from tests.example_gltf import BONES, Example, humanoid, quat_about, split, turning_chain, waving, with_vrm


def tip_angles_deg(content: bytes, name: str = "a.glb") -> tuple[np.ndarray, float]:
    """(T,) by how far the chain's tip is turned about z, and the frame rate."""
    motion, _ = parse_gltf(content, name)
    tip = motion.positions[:, 1]
    return np.degrees(np.arctan2(-tip[:, 0], tip[:, 1])), motion.fps


def test_linear_rotations_are_slerped_between_the_keys():
    angles, fps = tip_angles_deg(turning_chain().glb())
    expected = Slerp([0, 1, 2], Rotation.from_quat(quat_about("z", 0, 0, 90)))(np.arange(61) / 30)
    assert fps == 30
    np.testing.assert_allclose(angles, expected.as_euler("zyx", degrees=True)[:, 0], atol=1e-4)


def test_steps_hold_until_the_next_key():
    angles, _ = tip_angles_deg(turning_chain("STEP").glb())
    np.testing.assert_allclose(angles, [0] * 60 + [90], atol=1e-4)


def test_rotations_take_the_shorter_way_whatever_the_signs_of_the_quaternions():
    example = Example([{"children": [1]}, {"translation": [0, 2, 0]}])
    quats = quat_about("z", 0, 40)
    quats[1] *= -1
    example.turn("turn", 0, [0, 1], quats)
    np.testing.assert_allclose(tip_angles_deg(example.glb())[0], np.linspace(0, 40, 31), atol=1e-4)


def test_cubic_splines_have_their_tangents_scaled_by_the_time_between_keys():
    rng = np.random.default_rng(0)
    times, values = np.array([0.0, 0.5, 2.0]), rng.normal(size=(3, 3, 3))
    example = Example([{"name": "root"}, {"name": "other"}])
    example.animate(
        "path", [(0, "translation", example.accessor(times), example.accessor(values.reshape(9, 3)), "CUBICSPLINE")]
    )
    motion, _ = parse_gltf(example.glb())
    at = np.arange(61) / 30
    expected = np.stack(
        [
            np.where(
                at[:, None] < 0.5,
                CubicHermiteSpline(times[:2], values[:2, 1], [values[0, 2], values[1, 0]])(at),
                CubicHermiteSpline(times[1:], values[1:, 1], [values[1, 2], values[2, 0]])(at),
            )
        ]
    )[0]
    np.testing.assert_allclose(motion.root_positions, expected, atol=1e-5)


@pytest.mark.parametrize(("dtype", "largest"), [("int8", 127), ("int16", 32767), ("uint8", 255), ("uint16", 65535)])
def test_whole_numbers_that_are_normalised_are_fractions(dtype, largest):
    example = Example([{"children": [1]}, {"translation": [0, 2, 0]}])
    quats = np.round(quat_about("z", 0, 90) * largest)
    output = example.accessor(quats, dtype, normalized=True)
    example.animate("turn", [(0, "rotation", example.accessor([0, 1]), output, "LINEAR")])
    np.testing.assert_allclose(tip_angles_deg(example.glb())[0], np.linspace(0, 90, 31), atol=0.5)


def test_sparse_entries_replace_those_of_the_buffer_view_or_zeros():
    for has_view in (True, False):
        example = Example([{"name": "root"}])
        output = example.accessor(np.zeros((4, 3)))
        if not has_view:
            del example.json["accessors"][output]["bufferView"]
        example.json["accessors"][output]["sparse"] = {
            "count": 2,
            "indices": {"bufferView": example.view(np.array([1, 3], "uint16").tobytes()), "componentType": 5123},
            "values": {"bufferView": example.view(np.array([[1, 2, 3], [4, 5, 6]], "float32").tobytes())},
        }
        example.animate("path", [(0, "translation", example.accessor(np.arange(4) / 30), output, "LINEAR")])
        motion, _ = parse_gltf(example.glb())
        np.testing.assert_allclose(motion.root_positions, [[0, 0, 0], [1, 2, 3], [0, 0, 0], [4, 5, 6]], atol=1e-6)


def test_keys_and_values_may_stand_side_by_side_in_one_buffer_view():
    example = Example([{"name": "root"}])
    rows = np.array([[0, 1, 2, 3], [1 / 30, 4, 5, 6]], "float32")
    view = example.view(rows.tobytes(), byteStride=16)
    example.json["accessors"] = [
        {"bufferView": view, "componentType": 5126, "count": 2, "type": "SCALAR"},
        {"bufferView": view, "byteOffset": 4, "componentType": 5126, "count": 2, "type": "VEC3"},
    ]
    example.animate("path", [(0, "translation", 0, 1, "LINEAR")])
    np.testing.assert_allclose(parse_gltf(example.glb())[0].root_positions, [[1, 2, 3], [4, 5, 6]], atol=1e-5)


def test_a_matrix_is_taken_apart_into_translation_rotation_and_scale():
    example, plain = turning_chain(), turning_chain()
    rotation = Rotation.from_euler("xyz", [20, 30, 40], degrees=True)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation.as_matrix() * [1, 2, 3], [4, 5, 6]
    parts = {"translation": [4, 5, 6], "rotation": rotation.as_quat().tolist(), "scale": [1, 2, 3]}
    for target, top in ((example, {"matrix": matrix.T.reshape(-1).tolist()}), (plain, parts)):
        target.json["nodes"].append({"name": "top", "children": [0], **top})
    expected = parse_gltf(plain.glb())[0]
    found = parse_gltf(example.glb())[0]
    np.testing.assert_allclose(found.positions, expected.positions, atol=1e-6)
    np.testing.assert_allclose(found.positions[0, 1], matrix[:3, :3] @ [0, 2, 0] + [4, 5, 6], atol=1e-6)


@pytest.mark.parametrize("rate", [24, 25, 30, 60, 120, 30000 / 1001])
def test_keys_at_an_even_rate_keep_it(rate):
    example = Example([{"children": [1]}, {"translation": [0, 2, 0]}])
    frames = np.arange(91)
    example.turn("turn", 0, 0.5 + frames / rate, quat_about("z", *frames))
    angles, fps = tip_angles_deg(example.glb())
    assert fps == pytest.approx(rate, abs=1e-6)
    np.testing.assert_allclose(angles, frames, atol=1e-3)


def test_uneven_keys_come_at_thirty_frames_a_second():
    example = Example([{"children": [1]}, {"translation": [0, 2, 0]}])
    times = np.array([0, 0.123, 0.7771, 1.5])
    example.turn("turn", 0, times, quat_about("z", *(40 * times)))
    angles, fps = tip_angles_deg(example.glb())
    assert fps == 30
    np.testing.assert_allclose(angles, 40 * np.arange(46) / 30, atol=1e-3)


def test_embedded_gltf_reads_like_glb():
    example = turning_chain()
    np.testing.assert_array_equal(tip_angles_deg(example.gltf(), "a.gltf")[0], tip_angles_deg(example.glb())[0])


def test_what_moves_the_nodes_over_the_character_moves_it():
    example = humanoid()
    example.json["nodes"].append({"name": "armature", "children": [0], "scale": [2, 2, 2]})
    top = len(example.json["nodes"]) - 1
    at = example.accessor([0, 1])
    example.animate("go", [(top, "translation", at, example.accessor([[0, 0, 0], [0, 0, 3]]), "LINEAR")])
    motion, character = parse_gltf(example.glb())
    assert len(character.joints) == len(BONES)
    np.testing.assert_allclose(motion.root_positions[[0, -1]], [[0, 1.8, 0], [0, 1.8, 3]], atol=1e-6)
    left = motion.skeleton.names.index("leftHand")
    np.testing.assert_allclose(motion.positions[0, left], [1.4, 2 * 1.4, 0], atol=1e-6)


def test_the_animation_is_picked_by_its_name():
    example = turning_chain()
    example.turn("Armature|Back", 0, [0, 1], quat_about("z", 0, -45))
    for name in ("Armature|Back", "armature|back", "Back"):
        motion, character = parse_gltf(example.glb(), "a.glb", name)
        assert len(motion) == 31
        assert motion.name == "a Armature|Back"
    assert character.animations == ("turn", "Armature|Back")
    with pytest.raises(
        MotionFileError, match=r"^a.glb has no animation 'Fly'; choose one of: 'turn', 'Armature\|Back'\.$"
    ):
        parse_gltf(example.glb(), "a.glb", "Fly")


def test_without_a_name_the_first_animation_that_moves_is_taken():
    example = Example([{"children": [1]}, {"translation": [0, 2, 0]}])
    example.turn("T-Pose", 0, [0, 1], quat_about("z", 0, 0))
    example.turn("Swing", 0, [0, 1], quat_about("z", 0, 30))
    assert parse_gltf(example.glb(), "a.glb")[0].name == "a Swing"


def test_a_character_without_animation_is_no_motion(tmp_path):
    (tmp_path / "hero.vrm").write_bytes(humanoid().glb())
    with pytest.raises(MotionFileError, match=r"^hero.vrm has a character but no animation, .*as the character"):
        load_motion(tmp_path / "hero.vrm")
    assert len(read_character(tmp_path / "hero.vrm").joints) == len(BONES)


def test_without_a_skin_all_that_hangs_from_the_animated_nodes_is_the_character():
    motion, _ = parse_gltf(waving(humanoid(skin=False)).glb())
    assert set(motion.skeleton.names) == set(BONES)


def test_an_animation_of_something_else_is_no_motion():
    example = humanoid()
    example.json["nodes"].append({"name": "door"})
    example.turn("open", len(BONES), [0, 1], quat_about("y", 0, 90))
    with pytest.raises(MotionFileError, match="no animation moves the joints of the character"):
        parse_gltf(example.glb())


def test_the_zero_pose_is_the_one_that_the_mesh_was_bound_in():
    straight, posed = waving(humanoid()), waving(humanoid())
    for bone, angle in (("leftUpperArm", -80), ("spine", 20), ("rightLowerLeg", 60)):
        posed.json["nodes"][list(BONES).index(bone)]["rotation"] = quat_about("x", angle)[0].tolist()
    expected, found = (parse_character(e.glb(), "a.glb").skeleton for e in (straight, posed))
    np.testing.assert_allclose(found.offsets, expected.offsets, atol=1e-6)


@pytest.mark.parametrize("unit", [1.0, 0.01])
def test_a_character_bound_lying_down_and_in_centimetres_stands_in_metres(unit):
    """As Blender has it: the mesh's space is Z up, and the armature's node turns and scales it."""
    example = waving(humanoid())
    for node in example.json["nodes"]:
        node["translation"] = (np.array(node["translation"]) / unit).tolist()
    armature = Rotation.from_euler("x", -90, degrees=True)
    hips = example.json["nodes"][0]
    hips["rotation"] = armature.inv().as_quat().tolist()
    hips["translation"] = armature.inv().apply(hips["translation"]).tolist()
    example.json["nodes"].append(
        {"name": "Armature", "children": [0], "rotation": armature.as_quat().tolist(), "scale": [unit] * 3}
    )
    expected = parse_gltf(waving(humanoid()).glb())[0]
    matrices = np.tile(np.eye(4), (len(BONES), 1, 1))
    bound = armature.inv().as_matrix()
    matrices[:, :3, :3] = np.eye(3) @ bound.T
    rest = expected.positions[0] * 0
    for joint, parent in enumerate(expected.skeleton.parents):
        rest[joint] = expected.skeleton.offsets[joint] + (rest[parent] if parent >= 0 else [0, 0.9, 0])
    matrices[:, :3, 3] = -np.einsum("ij,nj->ni", bound.T, rest @ bound.T / unit)
    example.json["skins"][0]["inverseBindMatrices"] = example.accessor(matrices.transpose(0, 2, 1).reshape(-1, 16))
    found = parse_gltf(example.glb())[0]
    order = [found.skeleton.names.index(name) for name in expected.skeleton.names]
    np.testing.assert_allclose(found.positions[:, order], expected.positions, atol=1e-5)
    np.testing.assert_allclose(found.global_rotations[:, order], expected.global_rotations, atol=1e-5)


def test_of_several_characters_the_one_that_moves_is_taken_with_what_hangs_from_it():
    example = humanoid()
    count = len(BONES)
    other = humanoid({bone: f"other {bone}" for bone in BONES})
    for node in other.json["nodes"]:
        example.json["nodes"].append({**node, "children": [child + count for child in node.get("children", [])]})
        if not node.get("children"):
            del example.json["nodes"][-1]["children"]
    hair = len(example.json["nodes"])
    example.json["nodes"] += [{"name": "hair", "children": [hair + 1]}, {"name": "tip", "translation": [0, -0.3, 0]}]
    example.json["nodes"][count + list(BONES).index("head")]["children"] = [hair]
    example.json["skins"] += [{"joints": list(range(count, 2 * count))}, {"joints": [hair + 1]}]
    example.turn("nod", count + list(BONES).index("neck"), [0, 1], quat_about("x", 0, 20))
    motion, _ = parse_gltf(example.glb())
    assert set(motion.skeleton.names) == {f"other {bone}" for bone in BONES} | {"hair", "tip"}


@pytest.mark.parametrize("version", [0, 1])
def test_vrm_bones_give_the_roles_whatever_the_nodes_are_called(version):
    example = with_vrm(waving(humanoid({bone: f"node_{i}" for i, bone in enumerate(BONES)})), version)
    motion, character = parse_gltf(example.glb(), "hero.vrm")
    assert character.is_vrm
    retargeter = Retargeter.fit(motion)
    assert retargeter.family == "VRM"
    found = {role: motion.skeleton.names[joint] for role, joint in retargeter.roles.items()}
    order = list(BONES)
    assert found["left_elbow"] == f"node_{order.index('leftLowerArm')}"
    assert found["right_foot"] == f"node_{order.index('rightToes')}"
    assert found["pelvis"] == "node_0"


def test_a_wave_on_a_vrm_body_is_the_same_wave_on_the_canonical_one():
    motion, _ = parse_gltf(waving(humanoid()).glb())
    canonical = Retargeter.fit(motion).to_canonical(motion)
    left, right = canonical.joint_positions("left_shoulder"), canonical.joint_positions("right_shoulder")
    assert (left[:, 0] > right[:, 0] + 0.2).all()
    knee, hip, ankle = (canonical.joint_positions(f"left_{part}") for part in ("knee", "hip", "ankle"))
    assert (knee[:, 2] > (hip[:, 2] + ankle[:, 2]) / 2 + 0.02).all()
    upper, fore = (
        canonical.joint_positions(f"left_{end}") - canonical.joint_positions(f"left_{start}")
        for start, end in (("shoulder", "elbow"), ("elbow", "wrist"))
    )
    cos = (upper * fore).sum(-1) / np.linalg.norm(upper, axis=-1) / np.linalg.norm(fore, axis=-1)
    expected = 60 + 30 * np.sin(2 * np.pi * np.arange(61) / 30)
    np.testing.assert_allclose(np.degrees(np.arccos(cos)), expected, atol=0.1)
    assert abs(canonical.joint_positions("left_foot")[:, 1].min()) < 0.03


def test_vrm_bones_that_do_not_hang_together_are_not_believed():
    example = waving(humanoid({"leftUpperLeg": "thigh.L", "rightUpperLeg": "thigh.R"}))
    bones = {bone: {"node": i} for i, bone in enumerate(BONES)}
    bones["leftLowerLeg"], bones["leftUpperLeg"] = bones["leftUpperLeg"], bones["leftLowerLeg"]
    example.json["extensions"] = {"VRMC_vrm": {"humanoid": {"humanBones": bones}}}
    assert Retargeter.fit(parse_gltf(example.glb())[0]).family != "VRM"


def test_meshes_may_be_compressed_since_they_are_not_read():
    example = waving(humanoid())
    draco = {"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {"POSITION": 0}}}
    example.json["meshes"] = [{"primitives": [{"attributes": {"POSITION": 999}, "extensions": draco}]}]
    assert len(parse_gltf(example.glb())[0]) == 61


def test_images_in_other_files_are_not_opened_and_do_not_hinder():
    example = waving(humanoid())
    example.json["images"] = [{"uri": "/etc/passwd"}]
    assert len(parse_gltf(example.glb())[0]) == 61


def test_lengths_and_names_of_the_samples(test_data):
    folder = test_data / "samples" / "glb"
    walk, character = read_gltf(folder / "mesh2motion_base.glb", "Walk_Loop")
    assert (walk.fps, len(walk), len(character.joints), len(character.animations)) == (24, 33, 53, 44)
    jump, character = read_gltf(folder / "kaykit_movement_basic.glb")
    assert (jump.fps, len(jump), len(character.joints), len(character.animations)) == (30, 71, 23, 11)


@pytest.mark.parametrize(
    ("file", "animation"),
    [
        ("mesh2motion_base.glb", "Walk_Loop"),
        ("kaykit_movement_basic.glb", "Walking_A"),
        ("mesh2motion_base.glb", "Punch_Cross"),
    ],
)
def test_samples_stand_on_their_feet_with_left_on_the_left(test_data, file, animation):
    motion, _ = read_gltf(test_data / "samples" / "glb" / file, animation)
    canonical = Retargeter.fit(motion).to_canonical(motion)
    names = [motion.skeleton.names[Retargeter.fit(motion).roles[f"left_{part}"]] for part in ("hip", "elbow", "ankle")]
    assert all(name.lower().endswith(".l") for name in names)
    feet = [canonical.joint_positions(f"{side}_{part}") for side in ("left", "right") for part in ("ankle", "foot")]
    assert -0.03 < np.min(feet, axis=(0, 1))[1] < 0.1
    for side in ("left", "right"):
        hip, knee, ankle = (canonical.joint_positions(f"{side}_{part}") for part in ("hip", "knee", "ankle"))
        front = canonical.global_rotations[:, canonical.skeleton.joint(f"{side}_hip"), :, 2]
        bend = ((knee - (hip + ankle) / 2) * front).sum(-1)
        assert bend.mean() > 0.01
    left, right = (canonical.joint_positions(f"{side}_shoulder")[:, 0] for side in ("left", "right"))
    assert (left - right).mean() > 0.2


def test_a_file_of_json_alone_reads_like_the_one_with_a_binary_chunk(tmp_path):
    example = turning_chain()
    document = json.loads(example.gltf())
    assert "uri" in document["buffers"][0]
    assert "uri" not in split(example.glb())[0]["buffers"][0]
    (tmp_path / "a.gltf").write_bytes(b"\xef\xbb\xbf" + example.gltf())
    assert replace(load_motion(tmp_path / "a.gltf"), name="").fps == 30
