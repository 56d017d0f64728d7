import os
from pathlib import Path

import numpy as np
import pytest

from stylize.motion import Motion
from stylize.rotations import rotvec_to_matrix
from stylize.skeleton import SKELETON_22


def walk(frames: int = 90, cadence: float = 1.6, speed: float = 1.2) -> Motion:
    """A procedural canonical walk along +Z: swinging legs and arms, bent knees and elbows, feet near the ground."""
    time = np.arange(frames) / 30
    phase = 2 * np.pi * cadence / 2 * time
    rotvec = np.zeros((frames, 22, 3))
    for side, shift in (("left", 0.0), ("right", np.pi)):
        sign = 1 if side == "left" else -1
        swing = np.sin(phase + shift)
        rotvec[:, SKELETON_22.joint(f"{side}_hip"), 0] = -0.45 * swing - 0.1
        knee = 0.2 + 0.5 * np.clip(np.cos(phase + shift), 0, None)
        rotvec[:, SKELETON_22.joint(f"{side}_knee"), 0] = knee
        rotvec[:, SKELETON_22.joint(f"{side}_ankle"), 0] = 0.45 * swing + 0.1 - knee
        rotvec[:, SKELETON_22.joint(f"{side}_shoulder"), 2] = -sign * 1.2
        rotvec[:, SKELETON_22.joint(f"{side}_elbow"), 1] = -sign * (0.4 + 0.2 * swing)
    local_rotations = rotvec_to_matrix(rotvec)
    root = np.stack([0.02 * np.sin(phase), np.full(frames, 0.9), speed * time], axis=1)
    motion = Motion(SKELETON_22, local_rotations, root, 30, name="procedural walk")
    lowest = np.minimum(motion.joint_positions("left_foot")[:, 1], motion.joint_positions("right_foot")[:, 1])
    return motion.translate(np.stack([lowest * 0, 0.02 - lowest, lowest * 0], axis=1))


@pytest.fixture
def procedural_walk() -> Motion:
    return walk()


@pytest.fixture
def random_motion() -> Motion:
    rng = np.random.default_rng(0)
    rotvec = np.cumsum(rng.normal(size=(120, 22, 3)) * 0.04, axis=0)
    root = np.cumsum(rng.normal(size=(120, 3)) * 0.02, axis=0) + [0, 0.9, 0]
    return Motion(SKELETON_22, rotvec_to_matrix(rotvec), root, 30, name="random")


@pytest.fixture
def test_data() -> Path:
    """The folder of real motion data, for tests that can use it."""
    folder = os.environ.get("STYLIZE_TEST_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("STYLIZE_TEST_DATA names no folder of motion data")
    return Path(folder)
