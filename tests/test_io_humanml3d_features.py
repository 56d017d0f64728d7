"""HumanML3D out: joints and the 263 features; arrays as other tools shape them, and normalised ones."""

from dataclasses import replace

import numpy as np
import pytest

from stylize.errors import MotionFileError
from stylize.io import ArrayOptions, FeatureStatistics, load_motion, parse_humanml3d, save_motion
from stylize.io.humanml3d import humanml3d_positions
from stylize.io.humanml3d_features import BLOCKS, features_from_positions, look_normalised, positions_from_features
from stylize.rotations import yaw_to_matrix
from stylize.skeleton import SKELETON_22
from tests.conftest import walk
from tests.test_io_humanml3d import npy

WALK = walk(60)
POSITIONS = humanml3d_positions(WALK)
FEATURES = features_from_positions(POSITIONS)


def block(name: str) -> np.ndarray:
    return FEATURES[:, BLOCKS[name]]


def test_features_of_a_walk_straight_ahead_are_what_their_names_say():
    assert FEATURES.shape == (40, 263) and FEATURES.dtype == np.float32
    speed = np.median(np.diff(POSITIONS[:, 0, 2]))
    assert np.abs(block("turn")).max() < 0.02
    np.testing.assert_allclose(np.median(block("way")[:, 1]), speed, rtol=0.02)
    np.testing.assert_allclose(block("height")[:, 0], POSITIONS[:, 0, 1], atol=1e-6)
    left_hip, right_hip = block("positions")[:, :3], block("positions")[:, 3:6]
    assert (left_hip[:, 0] > right_hip[:, 0]).all()  # left is +x when the body faces +z
    axes = block("rot6d").reshape(-1, 21, 2, 3)
    np.testing.assert_allclose(np.linalg.norm(axes, axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose((axes[:, :, 0] * axes[:, :, 1]).sum(-1), 0, atol=1e-5)
    assert set(np.unique(block("contacts"))) == {0.0, 1.0}
    assert 0.2 < block("contacts").mean() < 1


def test_a_quarter_turn_to_the_left_is_an_eighth_of_minus_pi_a_frame_for_two_frames():
    turning = np.repeat(POSITIONS[:1], 120, axis=0)
    yaw = np.linspace(0, 2 * np.pi, 120)
    turning = np.einsum("tij,tkj->tki", yaw_to_matrix(yaw), turning - turning[:, :1] * [1, 0, 1])
    turn = features_from_positions(turning)[30:-30, 0]
    np.testing.assert_allclose(turn, -(yaw[1] - yaw[0]) / 2, atol=1e-3)


@pytest.mark.parametrize("turned", [0.0, 2.0], ids=["to the front", "turned away"])
def test_features_give_the_joints_back_at_the_origin_and_heading_to_z(turned):
    turn = yaw_to_matrix(np.array([turned]))[0]
    moved = POSITIONS @ turn.T + [3.0, 0.0, -2.0]
    again = positions_from_features(features_from_positions(moved).astype(np.float64))
    expected = POSITIONS - POSITIONS[0, 0] * [1, 0, 1]
    across = expected[0, [1, 16]].sum(0) - expected[0, [2, 17]].sum(0)
    to_front = yaw_to_matrix(np.array([np.arctan2(across[2], across[0])]))[0]
    np.testing.assert_allclose(again, expected @ to_front.T, atol=1e-4)


def test_bones_on_the_data_sets_body_keep_their_length():
    ends = np.arange(1, 22)
    lengths = np.linalg.norm(POSITIONS[:, ends] - POSITIONS[:, SKELETON_22.parents[ends]], axis=-1)
    assert lengths.std(0).max() < 1e-9
    assert POSITIONS[..., 1].min() == 0


@pytest.mark.parametrize("name", ["o.npy", "o.joints.npy", "o.features.npy", "O.FEATURES.NPY"])
def test_the_end_of_the_name_tells_joints_from_features(name, tmp_path):
    save_motion(WALK, tmp_path / name)
    array = np.load(tmp_path / name)
    assert array.dtype == np.float32
    assert array.shape == ((40, 263) if "features" in name.lower() else (40, 22, 3))


@pytest.mark.parametrize("name", ["o.joints.npy", "o.features.npy"])
def test_what_is_written_comes_back_within_two_centimetres(name, tmp_path):
    save_motion(WALK, tmp_path / name)
    back = load_motion(tmp_path / name)
    shared = min(len(back), len(WALK))
    steps = back.positions[:shared] - WALK.positions[:shared]
    steps -= (back.root_positions[0] - WALK.root_positions[0]) * [1, 0, 1]
    assert np.linalg.norm(steps, axis=-1).max() < 0.02


def test_a_motion_on_another_skeleton_is_retargeted_first(tmp_path):
    save_motion(WALK, tmp_path / "o.bvh")
    save_motion(load_motion(tmp_path / "o.bvh"), tmp_path / "o.npy")
    np.testing.assert_allclose(
        np.ptp(np.load(tmp_path / "o.npy"), axis=(0, 1)), np.ptp(POSITIONS, axis=(0, 1)), atol=0.02
    )


def test_one_frame_is_too_short(tmp_path):
    with pytest.raises(MotionFileError, match="two frames"):
        save_motion(WALK.with_frames(slice(0, 1)), tmp_path / "o.npy")


@pytest.mark.parametrize(
    "arranged",
    [
        POSITIONS[None],
        np.moveaxis(POSITIONS, 0, -1),
        np.moveaxis(POSITIONS, 0, -1)[None],
        np.asfortranarray(POSITIONS),
        POSITIONS.astype(">f4"),
    ],
    ids=["1 T 22 3", "22 3 T", "1 22 3 T", "fortran", "big endian"],
)
def test_joints_are_read_however_a_tool_shapes_them(arranged):
    expected = parse_humanml3d(npy(POSITIONS))
    np.testing.assert_allclose(parse_humanml3d(npy(arranged)).positions, expected.positions, atol=1e-5)


def test_features_are_read_however_a_tool_shapes_them():
    expected = parse_humanml3d(npy(FEATURES)).positions
    for arranged in (FEATURES[None], FEATURES.T, FEATURES.T[None]):
        np.testing.assert_allclose(parse_humanml3d(npy(arranged)).positions, expected, atol=1e-6)


def test_several_motions_in_one_file_are_refused():
    for several in (np.stack([POSITIONS] * 3), np.stack([FEATURES] * 3), np.stack([np.moveaxis(POSITIONS, 0, -1)] * 3)):
        with pytest.raises(MotionFileError, match="which is 3 motions; save one of them by itself"):
            parse_humanml3d(npy(several))


def test_a_pickled_result_says_what_to_save_instead():
    results = np.array({"motion": np.zeros((1, 22, 3, 60))}, dtype=object)
    with pytest.raises(MotionFileError, match=r"pickled Python objects.*save the array of joints"):
        parse_humanml3d(npy(results), "results.npy")


STATISTICS = FeatureStatistics(FEATURES.mean(0) + 0.01, FEATURES.std(0) + 0.05)
NORMALISED = (FEATURES - STATISTICS.mean) / STATISTICS.std


def test_normalised_features_are_recognised_and_restored_with_their_statistics(tmp_path):
    assert look_normalised(NORMALISED) and not look_normalised(FEATURES)
    expected = parse_humanml3d(npy(FEATURES)).positions
    found = parse_humanml3d(npy(NORMALISED), statistics=STATISTICS).positions
    np.testing.assert_allclose(found, expected, atol=1e-4)
    plain = parse_humanml3d(npy(FEATURES), statistics=STATISTICS).positions
    np.testing.assert_array_equal(plain, expected)
    np.save(tmp_path / "clip.npy", NORMALISED)
    np.save(tmp_path / "Mean.npy", STATISTICS.mean)
    np.save(tmp_path / "Std.npy", STATISTICS.std)
    statistics = FeatureStatistics.read(tmp_path / "Mean.npy", tmp_path / "Std.npy")
    read = load_motion(tmp_path / "clip.npy", arrays=ArrayOptions(statistics=statistics))
    np.testing.assert_allclose(read.positions, expected, atol=1e-4)
    with pytest.raises(MotionFileError, match=r"look normalised; give the Mean\.npy"):
        load_motion(tmp_path / "clip.npy")


def test_statistics_of_other_features_are_refused(tmp_path):
    other = replace(STATISTICS, mean=STATISTICS.mean + 1)
    with pytest.raises(MotionFileError, match="give the right ones"):
        parse_humanml3d(npy(NORMALISED), statistics=other)
    np.save(tmp_path / "Mean.npy", np.zeros(251))
    with pytest.raises(MotionFileError, match=r"Mean\.npy: its shape is \(251,\)"):
        FeatureStatistics.read(tmp_path / "Mean.npy", tmp_path / "Mean.npy")


def test_the_data_sets_own_features_follow_from_its_joints(test_data):
    folder = test_data / "samples/humanml3d"
    if not folder.is_dir():
        pytest.skip("the test data have no HumanML3D sample")
    joints, features = (np.load(folder / f"012314_{form}.npy") for form in ("joints", "features"))
    ours = features_from_positions(joints.astype(np.float64))
    # The data set computed them with one more frame at the end, which its smoothed heading still feels.
    assert np.abs(ours - features)[:80].max() < 1e-4
    assert np.abs(ours - features)[:-1].max() < 0.02
    np.testing.assert_array_equal(ours[:-1, BLOCKS["contacts"]], features[:-1, BLOCKS["contacts"]])


def test_the_data_sets_normalised_features_are_recognised(test_data):
    folder = test_data / "samples/humanml3d"
    if not folder.is_dir():
        pytest.skip("the test data have no HumanML3D sample")
    features = np.load(folder / "012314_features.npy")
    statistics = FeatureStatistics.read(folder / "Mean.npy", folder / "Std.npy")
    assert look_normalised((features - statistics.mean) / statistics.std)
    assert not look_normalised(features)
