"""HumanML3D files: positions out of features, rotations out of positions, and files that are refused."""

import struct
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline

from stylize.errors import MotionFileError, RetargetError
from stylize.io import load_motion, parse_humanml3d, read_humanml3d, save_motion
from stylize.io.humanml3d_features import positions_from_features
from stylize.motion import Motion
from stylize.retarget.from_positions import SMPL_REST, motion_from_positions
from stylize.retarget.placement import sole_heights
from stylize.rotations import geodesic_distance, nearest_rotation, rotvec_to_matrix, yaw_to_matrix
from stylize.skeleton import SKELETON_22, Skeleton
from tests.conftest import walk

LIMB_ENDS = [f"{side}_{part}" for side in ("left", "right") for part in ("knee", "ankle", "elbow", "wrist")]


def npy(array: np.ndarray) -> bytes:
    stream = BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def smpl_like(local_rotations: np.ndarray, fps: float = 30) -> Motion:
    """Canonical rotations on a body with the slants of SMPL's joints at rest, 1.3 times as large."""
    offsets = 1.3 * SKELETON_22.offsets
    for joint, role in enumerate(SKELETON_22.names):
        side, _, part = role.rpartition("_")
        slant = SMPL_REST.get(part)
        if slant is not None:
            direction = np.array(slant) * ([-1, 1, 1] if side == "right" else 1)
            offsets[joint] = np.linalg.norm(offsets[joint]) * direction / np.linalg.norm(direction)
    body = Skeleton(SKELETON_22.names, SKELETON_22.parents, offsets, roles=SKELETON_22.roles)
    roots = np.tile([0.0, 1.2, 0.0], (len(local_rotations), 1))
    return Motion(body, local_rotations, roots, fps)


def hanging_arms(frames: int) -> np.ndarray:
    """Rotations (T, 22, 3) as vectors of someone who stands with both arms straight down."""
    rotvec = np.zeros((frames, 22, 3))
    rotvec[:, SKELETON_22.joint("left_shoulder"), 2] = -1.4
    rotvec[:, SKELETON_22.joint("right_shoulder"), 2] = 1.4
    return rotvec


def error_deg(motion: Motion, expected: np.ndarray, roles: list[str]) -> float:
    joints = [SKELETON_22.joint(role) for role in roles]
    return float(np.degrees(geodesic_distance(motion.local_rotations[:, joints], expected[:, joints])).max())


def test_the_rotations_of_a_walk_come_back_from_its_joints_alone():
    expected = walk(60).local_rotations.copy()
    lean = np.zeros((60, 22, 3))
    lean[:, [SKELETON_22.joint("left_hip"), SKELETON_22.joint("right_hip")], 1] = 0.3  # a leg turned, not only swung
    lean[:, SKELETON_22.joint("pelvis"), 0] = 0.2
    expected = expected @ rotvec_to_matrix(lean)
    motion = motion_from_positions(smpl_like(expected).positions, 30)
    blurred = [f"{side}_{part}" for side in ("left", "right") for part in ("hip", "ankle")]
    assert error_deg(motion, expected, [role for role in SKELETON_22.names if role not in blurred]) < 0.5
    assert (
        error_deg(motion, expected, blurred) < 3.5
    )  # the foot counts for a little of the leg's twist, and is half level
    assert np.median(np.linalg.norm(np.diff(motion.positions[:, [1, 4, 7]], axis=1), axis=-1).sum(1)) == pytest.approx(
        SKELETON_22.leg_length
    )


def test_a_standing_foot_is_rather_level_and_a_carried_one_turns_with_its_shank():
    """Legs apart with level soles, of which the left one is lifted in the second half."""
    still = np.tile(np.eye(3), (60, 22, 1, 1))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        tilt = rotvec_to_matrix(np.array([0.0, 0.0, sign * 0.4]))
        still[:, SKELETON_22.joint(f"{side}_hip")] = tilt
        still[:, SKELETON_22.joint(f"{side}_ankle")] = tilt.T
    motion = motion_from_positions(smpl_like(still).positions, 30)
    lifted = still.copy()
    lifted[30:, SKELETON_22.joint("left_hip")] = rotvec_to_matrix(np.array([-0.8, 0.0, 0.4]))
    carried = motion_from_positions(smpl_like(lifted).positions, 30)

    def roll(motion: Motion, frame: int) -> float:
        """Degrees by which the left foot is not level across."""
        return float(np.degrees(np.arcsin(motion.global_rotations[frame, SKELETON_22.joint("left_ankle"), 1, 0])))

    assert 0.3 * 23 < abs(roll(motion, 10)) < 0.6 * 23
    assert abs(roll(carried, 10)) < abs(roll(carried, 50))


def test_straight_arms_turn_with_the_body():
    rotvec = hanging_arms(120)
    rotvec[:, 0, 1] = np.linspace(0, 3, 120)
    turned = rotvec_to_matrix(rotvec)
    turned[:, 0] = yaw_to_matrix(np.linspace(0, 4 * np.pi, 120))
    motion = motion_from_positions(smpl_like(turned).positions, 30)
    assert error_deg(motion, turned, [role for role in SKELETON_22.names if role != "pelvis"]) < 0.1


def test_an_elbow_that_passes_through_straight_does_not_flip():
    rotvec = hanging_arms(90)
    bend = 1.2 * np.cos(np.linspace(0, 4 * np.pi, 90)) ** 2
    rotvec[:, SKELETON_22.joint("left_elbow"), 1] = -bend
    expected = rotvec_to_matrix(rotvec)
    noise = np.random.default_rng(0).normal(size=(90, 22, 3)) * 0.001
    motion = motion_from_positions(smpl_like(expected).positions + noise, 30)
    assert error_deg(motion, expected, ["left_shoulder"]) < 10
    steps = geodesic_distance(motion.local_rotations[1:], motion.local_rotations[:-1])
    assert np.degrees(steps[:, SKELETON_22.joint("left_shoulder")]).max() < 5


def test_noise_on_straight_limbs_gives_rotations_near_rest():
    expected = rotvec_to_matrix(hanging_arms(60))
    noise = np.random.default_rng(1).normal(size=(60, 22, 3)) * 0.002
    motion = motion_from_positions(smpl_like(expected).positions + noise, 30)
    assert error_deg(motion, expected, ["left_shoulder", "right_shoulder", "left_hip", "right_hip"]) < 20


def test_feature_turns_are_half_angles_and_start_with_the_next_frame():
    features = np.zeros((3, 263))
    features[:, 3] = 0.9
    features[:, 4:7] = (0.0, 1.5, 1.0)  # one joint in front of the root
    features[0, 0] = np.pi / 8  # a quarter turn to the right by the next frame
    features[:, 2] = 0.5  # half a metre a frame forward
    positions = positions_from_features(features)
    half = np.sqrt(0.5)
    np.testing.assert_allclose(positions[:, 0], [[0, 0.9, 0], [-half / 2, 0.9, half / 2], [-half, 0.9, half]])
    np.testing.assert_allclose(positions[1, 1], [-half / 2 - half, 1.5, half / 2 + half])


def test_a_file_becomes_a_canonical_motion_that_can_be_saved(tmp_path):
    np.save(tmp_path / "012345.npy", smpl_like(walk(40).local_rotations, 20).positions.astype(np.float32))
    motion = load_motion(tmp_path / "012345.npy")
    assert (motion.skeleton, motion.fps, len(motion), motion.name) == (SKELETON_22, 30, 59, "012345")
    assert np.abs(motion.root_positions[0, [0, 2]]).max() < 1e-9
    save_motion(motion, tmp_path / "saved.bvh")
    saved = load_motion(tmp_path / "saved.bvh")
    order = [saved.skeleton.names.index(name) for name in SKELETON_22.names]
    assert np.abs(saved.positions[:, order] / 100 - motion.positions).max() < 1e-4


JOINTS = smpl_like(walk(20).local_rotations).positions.astype(np.float32)


def with_claimed_shape(array: np.ndarray, claimed: bytes) -> bytes:
    head = b"{'descr': '<f4', 'fortran_order': False, 'shape': " + claimed + b", }\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + array.tobytes()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no .npy file"),
        (b"HIERARCHY\nROOT hips", "no .npy file"),
        (b"\x93NUMPY\x03\x00" + npy(JOINTS)[8:], "no .npy file"),
        (with_claimed_shape(JOINTS, b"(" * 300), "no .npy file"),
        (with_claimed_shape(JOINTS, b"(1000000000000, 22, 3)"), "1000000000000 frames"),
        (with_claimed_shape(JOINTS, b"(-5, 22, 3)"), "no .npy file"),
        (with_claimed_shape(JOINTS, b"(5000, 22, 3)"), "in the middle"),
        (npy(np.array([{"a": 1}], dtype=object)), "pickled Python objects"),
        (npy(np.zeros((20, 22, 3), np.int64)), "of the type int64"),
        (npy(JOINTS[:, :21]), r"\(20, 21, 3\)"),
        (npy(np.zeros((20, 251), np.float32)), r"\(20, 251\)"),
        (npy(JOINTS[0]), r"\(22, 3\)"),
        (npy(JOINTS[:1]), "1 frames"),
        (npy(JOINTS)[:-4], "in the middle"),
        (npy(np.where(JOINTS > 1.5, np.nan, JOINTS)), "not finite"),
        (npy(JOINTS * 1e6), "far too large"),
        (npy(JOINTS * 0), "no body"),
        (npy(np.random.default_rng(0).normal(size=(60, 263))), "look normalised; give the Mean.npy"),
    ],
)
def test_what_is_no_motion_is_refused_in_a_sentence_with_the_files_name(content, reason):
    with pytest.raises(MotionFileError, match=reason) as error:
        parse_humanml3d(content, "clip.npy")
    assert str(error.value).startswith("clip.npy")


def test_points_at_one_place_are_no_body():
    with pytest.raises(RetargetError, match="no body"):
        motion_from_positions(np.ones((5, 22, 3)), 30)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 300), st.binary(min_size=1, max_size=8))
def test_a_damaged_file_is_refused_or_gives_true_rotations(place, damage):
    content = bytearray(npy(JOINTS))
    content[place : place + len(damage)] = damage
    try:
        motion = parse_humanml3d(bytes(content))
    except MotionFileError:
        return
    product = motion.local_rotations @ np.swapaxes(motion.local_rotations, -1, -2)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=1e-6)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def mean_jerk(positions: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(positions, 3, axis=0), axis=-1).mean())


@pytest.fixture
def real_clip(test_data) -> tuple[Motion, np.ndarray]:
    """The sample as it is read, and its joints (T, 22, 3) at 30 fps on the canonical body's scale and place."""
    path = test_data / "samples/humanml3d/012314_joints.npy"
    if not path.is_file():
        pytest.skip("the test data have no HumanML3D sample")
    motion, joints = read_humanml3d(path), np.load(path).astype(np.float64)
    joints = CubicSpline(np.arange(len(joints)) / 20, joints)(np.arange(len(motion)) / 30)
    legs = np.linalg.norm(np.diff(joints[:, [1, 4, 7]], axis=1), axis=-1).sum(1)
    joints *= SKELETON_22.leg_length / np.median(legs)
    ends = [SKELETON_22.joint(role) for role in LIMB_ENDS]
    starts = SKELETON_22.parents[ends]
    bones = [unit(positions[:, ends] - positions[:, starts]) for positions in (motion.positions, joints)]
    turn = nearest_rotation(np.einsum("tki,tkj->ij", *bones))
    joints = joints @ turn.T
    return motion, joints + (motion.positions[:, :3] - joints[:, :3]).mean((0, 1))


def test_real_joints_and_features_give_the_same_motion(test_data, real_clip):
    path = test_data / "samples/humanml3d/012314_features.npy"
    motion, features = real_clip[0], np.load(path)
    np.testing.assert_allclose(
        positions_from_features(features), np.load(path.with_name("012314_joints.npy")), atol=1e-5
    )
    assert np.abs(motion.positions - read_humanml3d(path).positions).max() < 1e-4


def test_real_limbs_point_where_their_joints_lie_and_the_body_stays_near_them(real_clip):
    motion, joints = real_clip
    ends = [SKELETON_22.joint(role) for role in LIMB_ENDS]
    starts = SKELETON_22.parents[ends]
    cosines = unit(motion.positions[:, ends] - motion.positions[:, starts]) * unit(joints[:, ends] - joints[:, starts])
    angles = np.degrees(np.arccos(np.clip(cosines.sum(-1), -1, 1)))
    assert angles.mean() < 2 and angles.max() < 5
    assert np.linalg.norm(motion.positions - joints, axis=-1).mean() < 0.06


def test_a_real_clip_is_as_smooth_as_its_joints_and_turns_without_flips(real_clip):
    motion, joints = real_clip
    assert mean_jerk(motion.positions) < 1.2 * mean_jerk(joints)
    steps = np.degrees(geodesic_distance(motion.local_rotations[1:], motion.local_rotations[:-1]))
    assert steps.max() < 60  # the throw of an arm turns it by 40 degrees in a frame


def test_real_feet_are_on_the_ground(real_clip):
    heights = sole_heights(real_clip[0]).min(1)
    assert heights.min() > -0.03
    assert abs(np.median(heights)) < 0.02
