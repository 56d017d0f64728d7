"""AMASS and smplx files: axes, models, what comes back with a result, and files that are refused."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from stylize.errors import MotionFileError
from stylize.io import load_motion, parse_amass, read_amass, save_motion
from stylize.io.smpl_joints import JOINT_NAMES, smpl_skeleton
from stylize.rotations import matrix_to_rotvec, rotvec_to_matrix
from stylize.skeleton import CANONICAL_ROLES, SKELETON_22
from stylize.source import load_source
from tests.conftest import walk

UP_TO_Z = Rotation.from_euler("x", 90, degrees=True)
"""From +Y up to +Z up."""


def npz(**arrays: object) -> bytes:
    stream = BytesIO()
    np.savez(stream, **arrays)  # pyright: ignore[reportArgumentType]
    return stream.getvalue()


def walk_arrays(columns: int = 156, is_z_up: bool = True) -> dict[str, np.ndarray]:
    """The procedural walk as AMASS has it, written with scipy alone."""
    motion = walk(90)
    rotvec = np.zeros((90, columns // 3, 3))
    rotvec[:, :22] = matrix_to_rotvec(motion.local_rotations)
    trans = motion.root_positions.copy()
    if is_z_up:
        rotvec[:, 0] = (UP_TO_Z * Rotation.from_rotvec(rotvec[:, 0])).as_rotvec()
        trans = UP_TO_Z.apply(trans)
    return {"poses": rotvec.reshape(90, -1), "trans": trans, "mocap_framerate": np.array(30.0)}


def as_parts(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """AMASS's arrays by the names of smplx."""
    poses = arrays["poses"]
    return {"global_orient": poses[:, :3], "body_pose": poses[:, 3:66], "transl": arrays["trans"]}


def read_back(tmp_path: Path, content: bytes):
    (tmp_path / "clip.npz").write_bytes(content)
    return load_source(tmp_path / "clip.npz")


def test_a_z_up_t_pose_is_the_canonical_rest_pose_and_stands_on_the_ground(tmp_path):
    poses = np.zeros((40, 156))
    poses[:, 0] = np.pi / 2
    poses[:, 3 * CANONICAL_ROLES.index("left_elbow")] = 0.5
    source = read_back(tmp_path, npz(poses=poses, trans=np.tile([3.0, 4.0, 1.1], (40, 1)), mocap_framerate=60.0))
    expected = np.tile(np.eye(3), (22, 1, 1))
    expected[CANONICAL_ROLES.index("left_elbow")] = Rotation.from_rotvec([0.5, 0, 0]).as_matrix()
    np.testing.assert_allclose(source.motion.local_rotations[5], expected, atol=1e-6)
    np.testing.assert_allclose(source.motion.root_positions[0, [0, 2]], 0, atol=1e-9)
    assert source.motion.joint_positions("right_ankle")[0, 1] == pytest.approx(0.075, abs=1e-6)
    assert (source.family, source.source.fps, source.motion.fps) == ("SMPL-H", 60, 30)


@pytest.mark.parametrize(
    ("columns", "model"), [(66, "SMPL body"), (72, "SMPL"), (156, "SMPL-H"), (165, "SMPL-X")], ids=str
)
@pytest.mark.parametrize("is_z_up", [True, False], ids=["z up", "y up"])
def test_local_rotations_carry_over_from_every_model_and_both_up_axes(columns, model, is_z_up, tmp_path):
    source = read_back(tmp_path, npz(**walk_arrays(columns, is_z_up)))
    assert source.family == model
    original = walk(90)
    np.testing.assert_allclose(source.motion.local_rotations[:, 1:], original.local_rotations[:, 1:], atol=1e-6)
    way, original_way = (m.root_positions[-1] - m.root_positions[0] for m in (source.motion, original))
    assert way[2] == pytest.approx(original_way[2], rel=0.03)  # scaled by the legs
    assert source.motion.joint_positions("left_foot")[:, 1].min() == pytest.approx(0.02, abs=0.01)


def test_smplx_parts_and_other_names_give_the_same_motion(tmp_path):
    arrays = walk_arrays(165)
    whole = read_back(tmp_path, npz(**arrays)).motion
    parts = as_parts(arrays)
    spellings = [
        {**parts, "mocap_frame_rate": 30},
        {**parts, "fps": 30, "jaw_pose": np.zeros((90, 3)), "left_hand_pose": np.zeros((90, 45))},
        {**parts, "fps": 30, "left_hand_pose": np.zeros((90, 12))},
        {**parts, "fps": 30, "body_pose": arrays["poses"][:, 3:66].reshape(90, 21, 3)},
        {
            "root_orient": arrays["poses"][:, :3], "pose_body": arrays["poses"][:, 3:66], "trans": arrays["trans"],
            "pose_hand": np.zeros((90, 90)), "mocap_frame_rate": 30,
        },
    ]  # fmt: skip
    for spelling, joints in zip(spellings, (22, 55, 52, 22, 52), strict=True):
        source = read_back(tmp_path, npz(**spelling))
        assert len(source.source.skeleton) == joints
        np.testing.assert_allclose(source.motion.positions, whole.positions, atol=1e-6)


def test_a_missing_frame_rate_is_a_warning(tmp_path):
    source = read_back(tmp_path, npz(**as_parts(walk_arrays())))
    assert "frame rate" in source.warnings[0]
    assert source.motion.fps == 30


def test_hands_as_principal_components_are_a_warning(tmp_path):
    arrays = {**as_parts(walk_arrays()), "fps": 30}
    source = read_back(tmp_path, npz(**arrays, left_hand_pose=np.zeros((90, 12)), right_hand_pose=np.zeros((90, 12))))
    assert source.family == "SMPL-H" and "principal components" in source.warnings[0]
    whole = read_back(tmp_path, npz(**arrays, left_hand_pose=np.zeros((90, 45)), right_hand_pose=np.zeros((90, 15, 3))))
    assert whole.warnings == ()


def test_a_canonical_motion_is_written_as_amass_has_it(procedural_walk, tmp_path):
    save_motion(procedural_walk, tmp_path / "o.npz")
    with np.load(tmp_path / "o.npz") as arrays:
        written = dict(arrays)
    assert written["poses"].shape == (90, 156) and written["trans"].shape == (90, 3)
    assert (str(written["gender"]), float(written["mocap_framerate"])) == ("neutral", 30.0)
    assert written["betas"].shape == (16,) and not written["betas"].any()
    assert 0.8 < np.ptp(written["trans"][:, 1]) / np.ptp(procedural_walk.root_positions[:, 2]) < 1.2
    root = Rotation.from_rotvec(written["poses"][:, :3])
    np.testing.assert_allclose(root.as_matrix(), UP_TO_Z.as_matrix() @ procedural_walk.local_rotations[:, 0], atol=1e-6)
    assert np.abs(written["poses"][:, 66:]).max() < 1e-6
    back = load_source(tmp_path / "o.npz").motion
    np.testing.assert_allclose(back.local_rotations, procedural_walk.local_rotations, atol=1e-5)
    assert np.abs(np.diff(back.positions - procedural_walk.positions, axis=0)).max() < 1e-4


def test_a_twist_along_a_bone_survives(procedural_walk, tmp_path):
    twisted = procedural_walk.local_rotations.copy()
    wrist = SKELETON_22.joint("left_wrist")
    twisted[:, wrist] = twisted[:, wrist] @ rotvec_to_matrix(np.array([1.2, 0.0, 0.0]))
    save_motion(type(procedural_walk)(SKELETON_22, twisted, procedural_walk.root_positions, 30), tmp_path / "o.npz")
    np.testing.assert_allclose(
        load_source(tmp_path / "o.npz").motion.local_rotations[:, wrist], twisted[:, wrist], atol=1e-5
    )


def test_a_result_comes_back_with_the_files_fingers_shape_gender_rate_and_place(tmp_path):
    arrays = walk_arrays(156)
    arrays["poses"] = np.repeat(arrays["poses"], 2, axis=0)[:179]
    arrays["trans"] = np.repeat(arrays["trans"], 2, axis=0)[:179] + [5.0, -2.0, 0.3]
    arrays["poses"][:, 66:] = 0.1 * np.random.default_rng(0).normal(size=(179, 90))
    extra = {"betas": np.arange(16.0), "gender": np.array("female"), "mocap_framerate": 60.0}
    source = read_back(tmp_path, npz(**{**arrays, **extra}))
    source.write_back(source.motion, tmp_path / "back.npz")
    with np.load(tmp_path / "back.npz") as back:
        np.testing.assert_allclose(back["poses"][::2, 66:], arrays["poses"][::2, 66:], atol=1e-5)
        np.testing.assert_allclose(back["trans"][::2], arrays["trans"][::2], atol=2e-3)
        np.testing.assert_allclose(back["betas"], np.arange(16.0))
        assert (str(back["gender"]), float(back["mocap_framerate"])) == ("female", 60.0)


def test_fingers_go_into_bvh(tmp_path):
    motion, document = read_amass_of(walk_arrays(156), tmp_path)
    save_motion(motion, tmp_path / "o.bvh", document)
    assert len(load_motion(tmp_path / "o.bvh").skeleton) == 52


def read_amass_of(arrays: dict[str, np.ndarray], tmp_path: Path):
    (tmp_path / "clip.npz").write_bytes(npz(**arrays))
    return read_amass(tmp_path / "clip.npz")


def test_the_skeletons_are_people_of_an_adults_size():
    for model, names in JOINT_NAMES.items():
        skeleton = smpl_skeleton(model)
        assert skeleton.names == names
        assert 0.74 < skeleton.leg_length < 0.82
        left, right = skeleton.offsets[skeleton.joint("left_elbow")], skeleton.offsets[skeleton.joint("right_elbow")]
        np.testing.assert_allclose(left, right * [-1, 1, 1])
    hands = smpl_skeleton("SMPL-H")
    index = hands.names.index("left_index2")
    assert hands.names[hands.parents[index]] == "left_index1"


GOOD = walk_arrays(66)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"trans": GOOD["trans"]}, "it needs AMASS's arrays poses and trans"),
        ({**GOOD, "poses": GOOD["poses"][:, :60]}, r"\(90, 60\)"),
        ({**GOOD, "poses": GOOD["poses"][:1]}, "1 frames"),
        ({**GOOD, "poses": np.array(1.0)}, "0 frames"),
        ({**GOOD, "poses": GOOD["poses"].astype(int)}, "type int64"),
        ({**GOOD, "poses": np.full((90, 66), np.nan)}, "not finite"),
        ({**GOOD, "poses": np.array([{"a": 1}] * 66, dtype=object)}, "pickled Python objects"),
        ({**GOOD, "trans": GOOD["trans"][:5]}, r"\(5, 3\)"),
        ({**GOOD, "trans": GOOD["trans"] * 1e6}, "far too large"),
        ({**GOOD, "mocap_framerate": np.array(0.0)}, "frame rate is 0"),
        ({**GOOD, "mocap_framerate": np.array(np.nan)}, "frame rate is nan"),
        ({**GOOD, "mocap_framerate": np.array("fast")}, "frame rate is 0"),
        ({"global_orient": GOOD["poses"][:, :3], "body_pose": GOOD["poses"][:9, 3:]}, "different numbers of frames"),
        ({"global_orient": GOOD["poses"][:, :3], "body_pose": GOOD["poses"][:, :30]}, "body_pose 30"),
    ],
    ids=[
        *("no poses", "columns", "one frame", "no frames", "integers", "nan", "pickled", "translation", "far", "rate"),
        *("rate nan", "rate text", "parts differ", "part columns"),
    ],
)  # fmt: skip
def test_what_is_no_motion_is_refused_in_a_sentence_with_the_files_name(arrays, reason):
    with pytest.raises(MotionFileError, match=reason) as error:
        parse_amass(npz(**arrays), "clip.npz")
    assert str(error.value).startswith("clip.npz") and str(error.value).endswith(".")


def test_shape_and_gender_that_cannot_be_used_are_left_out():
    for gender in (np.array({"a": 1}, dtype=object), np.array(3), np.array(["male", "female"])):
        assert parse_amass(npz(**GOOD, gender=gender))[1].gender == "neutral"
    assert parse_amass(npz(**GOOD, gender=np.array(b"male")))[1].gender == "male"
    assert parse_amass(npz(**GOOD, betas=np.zeros((90, 10))))[1].betas.shape == (10,)
