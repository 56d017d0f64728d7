from dataclasses import replace

import numpy as np
import pytest

from stylize.contacts import foot_contacts
from stylize.motion import Motion
from stylize.postprocess import clean_feet, lowest_foot, move_ankle, plant_feet
from stylize.skeleton import SKELETON_22, TOE_HEIGHT
from training.metrics import bone_length_deviation, foot_sliding, penetration


@pytest.fixture
def standing() -> Motion:
    rotations = np.broadcast_to(np.eye(3), (60, 22, 3, 3)).copy()
    return Motion(SKELETON_22, rotations, np.tile([0, 0.935, 0.0], (60, 1)), 30)


def test_a_standing_person_touches_with_both_feet(standing):
    assert foot_contacts(standing).all()


def test_a_person_in_the_air_touches_nothing(standing):
    assert not foot_contacts(standing.translate(np.array([0, 0.3, 0]))).any()


def test_a_foot_that_drifts_is_held_in_place_and_bones_keep_their_length(standing):
    sway = 0.02 * np.sin(np.linspace(0, 6, 60))
    swaying = standing.translate(np.stack([sway, -0.04 + 0 * sway, sway], axis=1))
    planted = plant_feet(swaying, np.ones((60, 4), bool))
    assert foot_sliding(swaying) > 0.02
    assert foot_sliding(planted) < 1e-3
    assert penetration(planted) < 1e-3
    assert bone_length_deviation(planted) < 1e-9
    np.testing.assert_allclose(planted.root_positions, swaying.root_positions)


@pytest.mark.parametrize("floating", [-0.012, 0.014, 0.05])
def test_somebody_who_floats_over_the_ground_is_put_on_it_without_bending_the_knees(procedural_walk, floating):
    planted = np.ones((len(procedural_walk), 4), bool)
    walks = [procedural_walk.translate(np.array([0, height, 0])) for height in (0.0, floating)]
    on_ground, put_back = (clean_feet(each, planted, lowest_foot(each)) for each in walks)
    np.testing.assert_allclose(put_back.positions, on_ground.positions, atol=1e-6)
    assert lowest_foot(put_back).min() > TOE_HEIGHT - 1e-6


def test_somebody_who_stands_on_something_stays_there(procedural_walk):
    planted = np.ones((len(procedural_walk), 4), bool)
    on_a_step = procedural_walk.translate(np.array([0, 0.3, 0]))
    np.testing.assert_allclose(
        clean_feet(on_a_step, planted, lowest_foot(on_a_step)).root_positions[:, 1].mean(),
        on_a_step.root_positions[:, 1].mean(),
        atol=1e-6,
    )


def test_the_ankle_comes_to_its_target_the_knee_bends_forward_and_the_foot_keeps_its_direction(standing):
    target = standing.joint_positions("left_ankle") + [0.03, 0.12, 0.05]
    moved = move_ankle(standing, "left", target)
    np.testing.assert_allclose(moved.joint_positions("left_ankle"), target, atol=1e-6)
    hip, knee, ankle = (moved.joint_positions(f"left_{part}") for part in ("hip", "knee", "ankle"))
    assert (knee[:, 2] > (hip[:, 2] + ankle[:, 2]) / 2 + 0.05).all()
    foot = SKELETON_22.joint("left_ankle")
    np.testing.assert_allclose(moved.global_rotations[:, foot], standing.global_rotations[:, foot], atol=1e-9)


def test_a_target_out_of_reach_stretches_the_leg_and_no_further(standing):
    moved = move_ankle(standing, "right", standing.joint_positions("right_ankle") - [0, 0.5, 0])
    assert np.isfinite(moved.local_rotations).all()
    assert bone_length_deviation(moved) < 1e-9


def test_between_steps_the_correction_fades_without_a_jump(procedural_walk):
    contacts = foot_contacts(procedural_walk)
    planted = plant_feet(replace(procedural_walk), contacts)
    change = planted.joint_positions("left_ankle") - procedural_walk.joint_positions("left_ankle")
    assert np.abs(np.diff(change, axis=0)).max() < 0.06
