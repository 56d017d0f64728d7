"""Writing glTF: read again by pygltflib and by our own reader, and checked by the Khronos validator."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pygltflib
import pytest
from scipy.spatial.transform import Rotation

from stylize.errors import MotionFileError
from stylize.io import load_motion, parse_gltf, read_gltf, save_motion, write_gltf
from stylize.io.gltf.mannequin import quantised_weights
from stylize.skeleton import SKELETON_22
from stylize.skinned_mesh import SkinnedMesh, bundled_mannequin, tube_mannequin
from tests.example_gltf import BONES, humanoid, quat_about, split, waving, with_vrm
from tests.khronos import validator_messages

TYPES = {5120: "i1", 5121: "u1", 5122: "i2", 5123: "u2", 5125: "u4", 5126: "f4"}
SIZES = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def array_of(gltf: pygltflib.GLTF2, index: int) -> np.ndarray:
    """(count, size) the numbers of an accessor as another implementation finds them."""
    accessor = gltf.accessors[index]
    view = gltf.bufferViews[accessor.bufferView]
    content = (
        gltf.get_data_from_buffer_uri(gltf.buffers[view.buffer].uri)
        if gltf.buffers[view.buffer].uri
        else gltf.binary_blob()
    )
    start = (view.byteOffset or 0) + (accessor.byteOffset or 0)
    assert start % 4 == 0
    count = accessor.count * SIZES[accessor.type]
    return np.frombuffer(content, TYPES[accessor.componentType], count, start).reshape(accessor.count, -1)


def posed_by(gltf: pygltflib.GLTF2, animation: int, frame: int) -> dict[int, np.ndarray]:
    """Node -> global matrix (4, 4) at a frame of an animation: plain scene-graph arithmetic."""
    local = {}
    for i, node in enumerate(gltf.nodes):
        assert node.matrix is None
        local[i] = [
            node.translation or [0, 0, 0],
            node.rotation or [0, 0, 0, 1],
            node.scale or [1, 1, 1],
        ]
    for channel in gltf.animations[animation].channels:
        sampler = gltf.animations[animation].samplers[channel.sampler]
        slot = ["translation", "rotation", "scale"].index(channel.target.path)
        local[channel.target.node][slot] = array_of(gltf, sampler.output)[frame]
    found: dict[int, np.ndarray] = {}

    def visit(node: int, above: np.ndarray) -> None:
        translation, quat, scale = local[node]
        matrix = np.eye(4)
        matrix[:3, :3] = Rotation.from_quat(quat).as_matrix() * scale
        matrix[:3, 3] = translation
        found[node] = above @ matrix
        for child in gltf.nodes[node].children or ():
            visit(child, found[node])

    for root in gltf.scenes[gltf.scene or 0].nodes:
        visit(root, np.eye(4))
    return found


@pytest.mark.parametrize("suffix", [".glb", ".gltf"])
def test_mannequin_comes_back_as_it_was_saved(random_motion, suffix, tmp_path):
    path = tmp_path / f"out{suffix}"
    save_motion(random_motion, path)
    again = load_motion(path)
    order = [again.skeleton.names.index(name) for name in random_motion.skeleton.names]
    assert (again.fps, len(again)) == (30, len(random_motion))
    np.testing.assert_allclose(again.positions[:, order], random_motion.positions, atol=1e-5)
    np.testing.assert_allclose(again.global_rotations[:, order], random_motion.global_rotations, atol=1e-5)


def test_pygltflib_poses_the_mannequin_alike(random_motion, tmp_path):
    save_motion(random_motion, tmp_path / "out.glb")
    gltf = pygltflib.GLTF2().load(str(tmp_path / "out.glb"))
    joints = gltf.skins[0].joints
    assert [gltf.nodes[node].name for node in joints] == list(SKELETON_22.names)
    for frame in (0, 57, 119):
        matrices = posed_by(gltf, 0, frame)
        found = np.stack([matrices[node] for node in joints])
        np.testing.assert_allclose(found[:, :3, 3], random_motion.positions[frame], atol=1e-5)
        np.testing.assert_allclose(found[:, :3, :3], random_motion.global_rotations[frame], atol=1e-5)


def skinned(gltf: pygltflib.GLTF2, matrices: dict[int, np.ndarray]) -> np.ndarray:
    """(V, 3) the vertices where the joints' matrices put them: glTF's own formula."""
    attributes = gltf.meshes[0].primitives[0].attributes
    vertices, joints, weights = (
        array_of(gltf, getattr(attributes, name)) for name in ("POSITION", "JOINTS_0", "WEIGHTS_0")
    )
    inverse = array_of(gltf, gltf.skins[0].inverseBindMatrices).reshape(-1, 4, 4).transpose(0, 2, 1)
    moves = np.stack([matrices[node] for node in gltf.skins[0].joints]) @ inverse
    placed = np.einsum("vkij,vj->vki", moves[joints], np.pad(vertices, ((0, 0), (0, 1)), constant_values=1.0))
    return (placed[..., :3] * (weights / 255)[..., None]).sum(1)


def test_the_skin_goes_with_the_motion(procedural_walk, tmp_path):
    save_motion(procedural_walk, tmp_path / "out.glb")
    gltf = pygltflib.GLTF2().load(str(tmp_path / "out.glb"))
    for frame in (0, 50):
        vertices = skinned(gltf, posed_by(gltf, 0, frame))
        assert -0.05 < vertices[:, 1].min() < 0.05
        assert 1.5 < vertices[:, 1].max() < 1.8
        for role in ("head", "left_wrist", "right_knee"):
            joint = procedural_walk.joint_positions(role)[frame]
            assert np.linalg.norm(vertices - joint, axis=1).min() < 0.12, role


def test_the_tubes_of_other_skeletons_face_outwards():
    mesh = tube_mannequin(SKELETON_22)
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces], 1, 0)
    assert ((np.cross(b - a, c - a) * mesh.normals[mesh.faces].mean(1)).sum(-1) > -1e-12).all()
    np.testing.assert_allclose(mesh.weights.sum(1), 1)


def test_the_bundled_mannequin_is_in_the_zero_pose_and_as_tall_as_the_skeleton_says():
    mesh = bundled_mannequin()
    assert mesh is not None
    np.testing.assert_allclose(
        mesh.positions[1:] - mesh.positions[SKELETON_22.parents[1:]], SKELETON_22.offsets[1:], atol=1e-6
    )
    np.testing.assert_allclose(mesh.rotations, np.tile(np.eye(3), (22, 1, 1)))
    assert np.ptp(mesh.vertices, axis=0) == pytest.approx([1.65, 1.68, 0.3], abs=0.12)
    np.testing.assert_allclose(mesh.weights.sum(1), 1)
    assert ((mesh.weights > 0).sum(1) <= 4).all()


def test_a_mesh_may_be_bound_in_any_pose(random_motion, tmp_path):
    plain = tube_mannequin(SKELETON_22)
    pose = random_motion.with_frames(slice(7, 8))
    turns, places = pose.global_rotations[0], pose.positions[0]
    holder = plain.weights.argmax(1)
    bent = SkinnedMesh(
        np.einsum("vij,vj->vi", turns[holder], plain.vertices - plain.positions[holder]) + places[holder],
        np.einsum("vij,vj->vi", turns[holder], plain.normals),
        plain.faces,
        plain.weights,
        turns,
        places,
    )
    for name, mesh in (("plain.glb", plain), ("bent.glb", bent)):
        write_gltf(random_motion, tmp_path / name, mesh=mesh)
    found = [pygltflib.GLTF2().load(str(tmp_path / name)) for name in ("plain.glb", "bent.glb")]
    plain_skin, bent_skin = (skinned(gltf, posed_by(gltf, 0, 60)) for gltf in found)
    np.testing.assert_allclose(bent_skin, plain_skin, atol=1e-5)


def test_every_vertex_is_held_whole_and_the_skin_faces_outwards(procedural_walk, tmp_path):
    save_motion(procedural_walk, tmp_path / "out.glb")
    gltf = pygltflib.GLTF2().load(str(tmp_path / "out.glb"))
    primitive = gltf.meshes[0].primitives[0]
    weights = array_of(gltf, primitive.attributes.WEIGHTS_0)
    assert weights.dtype == np.uint8
    assert (weights.sum(1, dtype=int) == 255).all()
    vertices, normals = (array_of(gltf, getattr(primitive.attributes, name)) for name in ("POSITION", "NORMAL"))
    a, b, c = np.moveaxis(vertices[array_of(gltf, primitive.indices).reshape(-1, 3)], 1, 0)
    outwards = normals[array_of(gltf, primitive.indices).reshape(-1, 3)].mean(1)
    areas = np.cross(b - a, c - a)
    inwards = (areas * outwards).sum(-1) < 0
    assert np.linalg.norm(areas[inwards], axis=1).sum() < 1e-3 * np.linalg.norm(areas, axis=1).sum()


def test_weights_keep_the_largest_four_and_round_to_a_sum_of_255():
    weights = np.array([[0.4, 0.3, 0.2, 0.06, 0.04], [0, 0, 1, 0, 0], [1 / 3, 1 / 3, 1 / 3, 0, 0]])
    joints, rounded = quantised_weights(weights)
    assert joints.tolist() == [[0, 1, 2, 3], [2, 0, 0, 0], [0, 1, 2, 0]]
    assert rounded.tolist() == [[106, 80, 53, 16], [255, 0, 0, 0], [85, 85, 85, 0]]


def test_quaternions_never_jump_to_the_other_sign(tmp_path, procedural_walk):
    turns = procedural_walk.local_rotations.copy()
    turns[:, 0] = Rotation.from_euler("y", np.arange(90)[:, None] * 13, degrees=True).as_matrix()
    save_motion(replace(procedural_walk, local_rotations=turns), tmp_path / "out.glb")
    gltf = pygltflib.GLTF2().load(str(tmp_path / "out.glb"))
    for channel in gltf.animations[0].channels:
        if channel.target.path == "rotation":
            quats = array_of(gltf, gltf.animations[0].samplers[channel.sampler].output)
            np.testing.assert_allclose(np.linalg.norm(quats, axis=1), 1, atol=1e-6)
            assert all(a @ b > 0 for a, b in pairwise(quats))


@pytest.mark.parametrize("suffix", [".glb", ".gltf"])
def test_the_validator_has_nothing_against_the_mannequin(random_motion, suffix, tmp_path):
    save_motion(random_motion, tmp_path / f"out{suffix}")
    assert validator_messages(tmp_path / f"out{suffix}") == []


def test_a_skeleton_of_another_kind_gets_a_mannequin_too(tmp_path):
    motion, _ = parse_gltf(waving(humanoid()).glb())
    save_motion(motion, tmp_path / "out.glb")
    again = load_motion(tmp_path / "out.glb")
    order = [again.skeleton.names.index(name) for name in motion.skeleton.names]
    np.testing.assert_allclose(again.positions[:, order], motion.positions, atol=1e-5)
    assert validator_messages(tmp_path / "out.glb") == []


def dressed() -> bytes:
    """A character with a bit of everything that must stay."""
    example = waving(humanoid())
    example.json |= {
        "materials": [{"name": "cloth", "extras": {"nested": [1.5, None, "ü"]}}],
        "images": [{"name": "face", "mimeType": "image/png", "bufferView": example.view(b"no real picture")}],
        "extensionsUsed": ["VRM"],
        "extensions": {"VRM": {"meta": {"title": "hero"}, "humanoid": {"humanBones": []}}},
    }
    example.json["nodes"][0]["extras"] = {"keep": True}
    return example.glb()


def test_the_character_keeps_all_but_the_new_animation(tmp_path):
    content = dressed()
    motion, character = parse_gltf(content, "hero.glb")
    write_gltf(motion, tmp_path / "out.glb", character)
    (before, binary), (after, longer) = split(content), split((tmp_path / "out.glb").read_bytes())
    assert longer.startswith(binary)
    for key in before.keys() - {"animations", "accessors", "bufferViews", "buffers"}:
        assert after[key] == before[key], key
    assert after.keys() == before.keys()
    for key in ("accessors", "bufferViews"):
        assert after[key][: len(before[key])] == before[key]
    assert [animation["name"] for animation in after["animations"]] == ["restyled", "wave"]
    assert after["animations"][1] == before["animations"][0]
    assert after["buffers"] == [{"byteLength": len(longer)}]


def test_the_character_wears_the_new_animation(tmp_path):
    motion, character = parse_gltf(waving(humanoid()).glb(), "hero.glb")
    rng = np.random.default_rng(0)
    spins = Rotation.from_rotvec(rng.normal(size=(20 * len(BONES), 3)) * 0.8).as_matrix()
    root = np.cumsum(rng.normal(size=(20, 3)) * 0.1, axis=0)
    other = replace(
        motion, local_rotations=spins.reshape(20, len(BONES), 3, 3), root_positions=root, local_positions=None, fps=24
    )
    write_gltf(other, tmp_path / "out.glb", character)
    gltf = pygltflib.GLTF2().load(str(tmp_path / "out.glb"))
    names = [node.name for node in gltf.nodes]
    for frame in (0, 19):
        matrices = posed_by(gltf, 0, frame)
        found = np.stack([matrices[names.index(name)] for name in motion.skeleton.names])
        np.testing.assert_allclose(found[:, :3, 3], other.positions[frame], atol=1e-5)
        np.testing.assert_allclose(found[:, :3, :3], other.global_rotations[frame], atol=1e-5)
    again, _ = read_gltf(tmp_path / "out.glb", "restyled")
    assert again.fps == 24
    np.testing.assert_allclose(again.positions, other.positions, atol=1e-5)


def test_joints_with_scales_matrices_and_a_turned_armature_come_where_they_shall(tmp_path):
    example = waving(humanoid())
    nodes = example.json["nodes"]
    nodes[0]["scale"] = [1.1, 1.1, 1.1]
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = Rotation.from_euler("x", 20, degrees=True).as_matrix(), nodes[1]["translation"]
    nodes[1] = {"name": "spine", "children": nodes[1]["children"], "matrix": matrix.T.reshape(-1).tolist()}
    turned = quat_about("x", -90)[0].tolist()
    nodes.append(
        {"name": "Armature", "children": [0], "rotation": turned, "scale": [0.01] * 3, "translation": [1, 0, 2]}
    )
    motion, character = parse_gltf(example.glb())
    shift = np.linspace(0, 1, len(motion))[:, None] * [0.0, 0.2, 1.0]
    turns = motion.local_rotations.copy()
    turns[:, motion.skeleton.names.index("spine")] = Rotation.from_euler("y", 30, degrees=True).as_matrix()
    moved = replace(motion, local_rotations=turns).translate(shift)
    write_gltf(moved, tmp_path / "out.glb", character)
    again, _ = read_gltf(tmp_path / "out.glb", "restyled")
    np.testing.assert_allclose(again.positions, moved.positions, atol=1e-6)
    np.testing.assert_allclose(again.global_rotations, moved.global_rotations, atol=1e-5)
    assert validator_messages(tmp_path / "out.glb") == []


def test_joints_that_stay_at_rest_get_no_channel(tmp_path):
    motion, character = parse_gltf(waving(humanoid()).glb())
    write_gltf(motion, tmp_path / "out.glb", character)
    document = split((tmp_path / "out.glb").read_bytes())[0]
    targets = {(c["target"]["node"], c["target"]["path"]) for c in document["animations"][0]["channels"]}
    wave = {(c["target"]["node"], c["target"]["path"]) for c in document["animations"][1]["channels"]}
    assert targets == wave


def test_a_second_restyle_does_not_take_the_place_of_the_first(tmp_path):
    path = tmp_path / "hero.glb"
    path.write_bytes(waving(humanoid()).glb())
    for _ in range(2):
        motion, character = read_gltf(path, "wave")
        write_gltf(motion, path, character)
    assert read_gltf(path, "wave")[1].animations == ("restyled 2", "restyled", "wave")


@pytest.mark.parametrize(
    ("before", "after"), [(".gltf", ".gltf"), (".gltf", ".glb"), (".glb", ".gltf"), (".vrm", ".vrm")]
)
def test_containers_can_be_exchanged(before, after, tmp_path):
    example = with_vrm(waving(humanoid())) if before == ".vrm" else waving(humanoid())
    content = example.gltf() if before == ".gltf" else example.glb()
    motion, character = parse_gltf(content, f"hero{before}")
    path = tmp_path / f"out{after}"
    write_gltf(motion, path, character)
    np.testing.assert_allclose(read_gltf(path, "restyled")[0].positions, motion.positions, atol=1e-6)
    np.testing.assert_allclose(read_gltf(path, "wave")[0].positions, motion.positions, atol=1e-6)
    assert validator_messages(path) == []
    if before == after == ".gltf":
        kept = json.loads(path.read_bytes())
        assert kept["buffers"][0] == json.loads(content)["buffers"][0]


def test_only_a_vrm_character_can_be_a_vrm_file(procedural_walk, tmp_path):
    motion, character = parse_gltf(waving(humanoid()).glb(), "hero.glb")
    for name, document in ((motion, character), (procedural_walk, None)):
        with pytest.raises(MotionFileError, match=r"^out.vrm cannot be written: only a VRM character .*use .glb\.$"):
            save_motion(name, tmp_path / "out.vrm", document)
    assert not list(tmp_path.iterdir())


def test_a_motion_on_other_joints_or_with_infinite_numbers_is_refused(procedural_walk, tmp_path):
    motion, character = parse_gltf(waving(humanoid()).glb(), "hero.glb")
    with pytest.raises(
        MotionFileError, match=r"hero.glb cannot take the motion: it has 22 joints and the character 19"
    ):
        write_gltf(procedural_walk, tmp_path / "out.glb", character)
    broken = replace(motion, root_positions=motion.root_positions * np.nan)
    with pytest.raises(MotionFileError, match="not finite"):
        write_gltf(broken, tmp_path / "out.glb", character)
    with pytest.raises(MotionFileError, match="not finite"):
        save_motion(broken, tmp_path / "out.glb")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("file", "animation"),
    [
        ("mesh2motion_base.glb", "Walk_Loop"),
        ("mesh2motion_base.glb", "Roll"),
        ("kaykit_movement_basic.glb", "Walking_A"),
    ],
)
def test_samples_come_back_within_a_tenth_of_a_millimetre(test_data, file, animation, tmp_path):
    path = test_data / "samples" / "glb" / file
    motion, character = read_gltf(path, animation)
    write_gltf(motion, tmp_path / file, character)
    again, _ = read_gltf(tmp_path / file, "restyled")
    np.testing.assert_allclose(again.positions, motion.positions, atol=1e-4)
    np.testing.assert_allclose(again.global_rotations, motion.global_rotations, atol=1e-5)
    assert split((tmp_path / file).read_bytes())[1].startswith(split(path.read_bytes())[1])
    assert set(validator_messages(tmp_path / file)) <= set(validator_messages(path))
