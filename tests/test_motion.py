import numpy as np
import pytest

from stylize.errors import MotionError
from stylize.motion import Motion
from stylize.rotations import geodesic_distance, yaw_to_matrix
from stylize.skeleton import SKELETON_22


def test_resampling_up_and_down_gives_the_motion_back(procedural_walk):
    back = procedural_walk.resample(90).resample(30)
    np.testing.assert_allclose(back.positions, procedural_walk.positions, atol=1e-9)


def test_resampling_keeps_the_moments(procedural_walk):
    slow = procedural_walk.resample(20)
    assert len(slow) == 60
    np.testing.assert_allclose(slow.positions[2], procedural_walk.positions[3], atol=1e-9)


def test_smooth_resampling_of_a_turning_circle_cuts_no_corners():
    def circling(fps: int, frames: int):
        angles = 3.0 * np.arange(frames) / fps
        rotations = np.tile(np.eye(3), (frames, 22, 1, 1))
        rotations[:, 0] = yaw_to_matrix(angles)
        roots = np.stack([np.sin(angles), 0 * angles, np.cos(angles)], axis=-1)
        return Motion(SKELETON_22, rotations, roots, fps)

    smooth, plain = (circling(24, 61).resample(120, smooth=smooth) for smooth in (True, False))
    expected = circling(120, 301)
    np.testing.assert_allclose(smooth.positions, expected.positions, atol=1e-4)
    assert np.abs(plain.positions - expected.positions).max() > 1e-3


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_short_motions_are_resampled_smoothly_too(frames, procedural_walk):
    short = procedural_walk.with_frames(slice(0, frames))
    smooth = short.resample(60, smooth=True)
    assert len(smooth) == 2 * frames - 1
    np.testing.assert_allclose(smooth.positions[::2], short.positions, atol=1e-9)


def test_smooth_resampling_runs_on_for_a_frame_where_somebody_walks(procedural_walk):
    walk = procedural_walk.with_frames(slice(0, 40))
    last = (len(walk) - 1) / walk.fps
    later = walk.at_times(np.array([last, last + 0.5 / walk.fps, last + 9.0]), walk.fps, smooth=True)
    step = np.linalg.norm(walk.root_positions[-1] - walk.root_positions[-2])
    ways = np.linalg.norm(later.root_positions - walk.root_positions[-1], axis=1)
    assert ways[0] < 1e-9 and ways[1] == pytest.approx(step / 2, rel=0.1) and ways[2] == pytest.approx(step, rel=0.2)


def test_mirroring_reflects_positions_and_swaps_sides(random_motion):
    mirrored = random_motion.mirror()
    expected = random_motion.positions[:, SKELETON_22.mirrored_joints] * [-1, 1, 1]
    np.testing.assert_allclose(mirrored.positions, expected, atol=1e-12)
    assert geodesic_distance(mirrored.mirror().local_rotations, random_motion.local_rotations).max() < 1e-6


def test_cropping_takes_the_time_between(procedural_walk):
    part = procedural_walk.crop(1.0, 2.0)
    assert len(part) == 30
    np.testing.assert_allclose(part.root_positions, procedural_walk.root_positions[30:60])


def test_a_crop_of_nothing_says_what_to_do(procedural_walk):
    with pytest.raises(MotionError, match="choose an end after the start"):
        procedural_walk.crop(2.0, 1.0)


def test_an_unknown_role_lists_the_known():
    with pytest.raises(KeyError, match=r"left_toe.*head"):
        SKELETON_22.joint("left_toe")
