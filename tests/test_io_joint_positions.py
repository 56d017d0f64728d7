"""Joint positions under any names: arrays with a list of names, and tables."""

import json

import numpy as np
import pytest

from stylize.errors import MotionFileError
from stylize.io import (
    ArrayOptions,
    load_motion,
    parse_joint_array,
    parse_positions_csv,
    read_joint_names,
    save_motion,
)
from stylize.motion import Motion
from stylize.rotations import yaw_to_matrix
from stylize.skeleton import CANONICAL_ROLES, SKELETON_22
from tests.conftest import walk
from tests.example_rigs import NAMES, rig
from tests.test_io_humanml3d import npy

WALK = walk(90)
H36M = {
    "Hip": "pelvis", "RHip": "right_hip", "RKnee": "right_knee", "RFoot": "right_ankle", "LHip": "left_hip",
    "LKnee": "left_knee", "LFoot": "left_ankle", "Spine": "spine2", "Thorax": "neck", "Head": "head",
    "LShoulder": "left_shoulder", "LElbow": "left_elbow", "LWrist": "left_wrist", "RShoulder": "right_shoulder",
    "RElbow": "right_elbow", "RWrist": "right_wrist",
}  # fmt: skip
COCO = {
    f"{side}_{name}": f"{side}_{role}"
    for name, role in (
        ("shoulder", "shoulder"),
        ("elbow", "elbow"),
        ("wrist", "wrist"),
        ("hip", "hip"),
        ("knee", "knee"),
    )
    for side in ("left", "right")
} | {"left_ankle": "left_ankle", "right_ankle": "right_ankle", "nose": "head"}


def points(names: dict[str, str], motion: Motion = WALK) -> np.ndarray:
    return np.stack([motion.joint_positions(role) for role in names.values()], axis=1)


def error(found: Motion, expected: Motion, roles: list[str]) -> float:
    """Largest distance in metres, start and heading of the first frame put aside."""
    joints = [SKELETON_22.joint(role) for role in roles]
    shift = (found.positions - expected.positions)[:, [1, 2]].mean((0, 1))
    return float(np.linalg.norm(found.positions - expected.positions - shift, axis=-1)[:, joints].max())


LIMBS = [
    f"{side}_{part}" for side in ("left", "right") for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
]


@pytest.mark.parametrize("names", [H36M, COCO], ids=["Human3.6M", "COCO"])
def test_bodies_of_fewer_joints_are_completed(names):
    motion = parse_joint_array(npy(points(names)), "clip.npy", tuple(names), 30)
    assert motion.skeleton is SKELETON_22 and len(motion) == 90
    assert error(motion, WALK, LIMBS) < 0.02


@pytest.mark.parametrize("family", sorted(set(NAMES) - {"nameless"}))
def test_the_names_of_the_common_rigs_are_known(family):
    source = rig(WALK, NAMES[family])
    motion = parse_joint_array(npy(source.positions), "clip.npy", source.skeleton.names, 30)
    assert error(motion, WALK, LIMBS) < 0.02


def test_unit_axes_and_handedness_are_found_from_the_body():
    expected = parse_joint_array(npy(points(H36M)), "clip.npy", tuple(H36M), 30).positions
    z_up = points(H36M)[..., [0, 2, 1]] * [1, -1, 1]
    left_handed = points(H36M) * [-1, 1, 1]
    for other in (1000 * points(H36M), z_up, left_handed, 100 * z_up * [-1, 1, 1]):
        found = parse_joint_array(npy(other), "clip.npy", tuple(H36M), 30).positions
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_canonical_body_comes_back_as_it_was(tmp_path):
    save_motion(WALK, tmp_path / "o.csv")
    assert error(load_motion(tmp_path / "o.csv"), WALK, list(CANONICAL_ROLES)) < 0.006


def test_arrays_of_other_arrangements_and_rates_are_read():
    expected = parse_joint_array(npy(points(H36M)), "clip.npy", tuple(H36M), 30).positions
    for array in (points(H36M)[None], np.moveaxis(points(H36M), 0, -1)):
        np.testing.assert_allclose(parse_joint_array(npy(array), "clip.npy", tuple(H36M), 30).positions, expected)
    slow = parse_joint_array(npy(points(H36M)[::2]), "clip.npy", tuple(H36M), 15)
    assert len(slow) == 89
    assert np.abs(slow.positions - expected[:89]).max() < 0.03


def test_a_list_of_names_comes_from_a_json_or_a_text_file(tmp_path):
    (tmp_path / "names.json").write_text(json.dumps(list(H36M)))
    (tmp_path / "names.txt").write_text("\ufeff" + "\r\n".join(H36M) + "\r\n\r\n", newline="")
    assert read_joint_names(tmp_path / "names.json") == read_joint_names(tmp_path / "names.txt") == tuple(H36M)
    np.save(tmp_path / "clip.npy", points(H36M))
    options = ArrayOptions(joint_names=tuple(H36M), fps=30)
    assert len(load_motion(tmp_path / "clip.npy", arrays=options)) == 90


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b'{"hips": 1}'), ("a.json", b"[1, 2]"), ("a.json", b"["), ("a.json", b"[" * 100_000),
        ("a.txt", b"\xff\xfe\x00"), ("a.txt", b"\n\n"),
    ],
    ids=["object", "numbers", "cut", "deep", "binary", "empty"],
)  # fmt: skip
def test_what_is_no_list_of_names_is_refused(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MotionFileError, match=f"^{name} "):
        read_joint_names(tmp_path / name)


def test_a_joint_that_is_needed_and_not_named_is_named():
    without = {name: role for name, role in H36M.items() if role != "left_knee"}
    with pytest.raises(MotionFileError, match="no joint is named for: left knee; found were the names Hip, RHip"):
        parse_joint_array(npy(points(without)), "clip.npy", tuple(without))


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (points(H36M)[:, :5], r"with 16 joint names, use \(frames, 16, 3\)"),
        (points(H36M)[:1], "1 frames"),
        (np.where(points(H36M) > 1, np.nan, points(H36M)), "not finite"),
        (points(H36M) * 0, "no body"),
    ],
    ids=["joints", "one frame", "nan", "no body"],
)
def test_arrays_that_are_no_motion_are_refused(array, reason):
    with pytest.raises(MotionFileError, match=reason):
        parse_joint_array(npy(array), "clip.npy", tuple(H36M))


def test_a_frame_rate_that_cannot_be_is_refused():
    for fps in (1e-9, 1e9, np.nan):
        with pytest.raises(MotionFileError, match="the rate is 1 to 1000"):
            parse_joint_array(npy(points(H36M)), "clip.npy", tuple(H36M), fps)


def test_two_frames_that_are_one_at_thirty_a_second_are_a_pose():
    assert len(parse_joint_array(npy(points(COCO)[:2]), "clip.npy", tuple(COCO), 120)) == 1


def test_a_table_has_a_line_of_names_and_a_line_a_frame(procedural_walk, tmp_path):
    save_motion(procedural_walk, tmp_path / "o.csv")
    lines = (tmp_path / "o.csv").read_text().splitlines()
    assert lines[0].split(",")[:4] == ["time", "pelvis.x", "pelvis.y", "pelvis.z"]
    assert len(lines) == 91 and len(lines[1].split(",")) == 1 + 66
    table = np.loadtxt(tmp_path / "o.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(table[:, 0], np.arange(90) / 30, atol=1e-6)
    np.testing.assert_allclose(table[:, 1:].reshape(90, 22, 3), procedural_walk.positions, atol=1e-6)


def test_a_table_of_another_skeleton_keeps_its_joints_and_comes_back_as_a_motion(tmp_path):
    motion = rig(WALK, NAMES["Mixamo"])
    save_motion(motion, tmp_path / "o.csv")
    header = (tmp_path / "o.csv").read_text().partition("\n")[0]
    assert header.startswith(f"time,{motion.skeleton.names[0]}.x")
    assert error(load_motion(tmp_path / "o.csv"), WALK, [role for role in LIMBS if "wrist" not in role]) < 0.03


def table(columns: str, *rows: str) -> bytes:
    return "\n".join([columns, *rows]).encode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfe", "is no text"),
        (b"", "its first line names no joints"),
        (table("time,x,y,z", "0,0,0,0"), "its first line names no joints"),
        (table("hip.x,hip.y,hip.z,hip.x"), "two of its columns have the same name"),
        (table("hip.x,hip.y,hip.z", "1,2,3"), "1 frames"),
        (table("hip.x,hip.y,hip.z", "1,2,3", "1,2"), "line 3: it is not 3 numbers"),
        (table("hip.x,hip.y,hip.z", "1,2,3", "1,2,a"), "line 3: it is not 3 numbers"),
        (table("hip.x,hip.y,hip.z", "1,2,3", "1,2,nan"), "not finite"),
        (table("time,hip.x,hip.y,hip.z", "1,1,2,3", "0,1,2,3"), "even steps"),
        (table("hip.x,hip.y,hip.z", "1,2,3", "1,2,3"), "no joint is named for"),
        (table(",".join(f"j{k}.{axis}" for k in range(600) for axis in "xyz")), "1800 columns"),
    ],
    ids=["binary", "empty", "no joints", "twice", "one frame", "short line", "text", "nan", "time", "names", "wide"],
)
def test_tables_that_are_no_motion_are_refused_in_a_sentence(content, reason):
    with pytest.raises(MotionFileError, match=reason) as caught:
        parse_positions_csv(content, "clip.csv")
    assert str(caught.value).startswith("clip.csv") and str(caught.value).endswith(".")


def test_a_turning_walk_keeps_its_knees_in_front(tmp_path):
    yaw = np.linspace(0, 2 * np.pi, 90)
    turned = WALK.local_rotations.copy()
    turned[:, 0] = yaw_to_matrix(yaw) @ turned[:, 0]
    roots = np.einsum("tij,tj->ti", yaw_to_matrix(yaw), WALK.root_positions)
    motion = Motion(SKELETON_22, turned, roots, 30)
    found = parse_joint_array(npy(points(COCO, motion)), "clip.npy", tuple(COCO), 30)
    knees = [SKELETON_22.joint(f"{side}_knee") for side in ("left", "right")]
    angles = np.degrees(
        np.arccos(np.clip((np.trace(found.local_rotations[:, knees], axis1=-2, axis2=-1) - 1) / 2, -1, 1))
    )
    expected = np.trace(WALK.local_rotations[:, knees], axis1=-2, axis2=-1)
    np.testing.assert_allclose(angles, np.degrees(np.arccos(np.clip((expected - 1) / 2, -1, 1))), atol=4)
