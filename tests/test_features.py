import numpy as np

from stylize import features
from stylize.features import BLOCKS
from stylize.rotations import heading_yaw, yaw_to_matrix


def test_there_are_272_numbers_without_gaps():
    assert features.NUM_FEATURES == 272
    ends = [0] + [block.stop for block in BLOCKS.values()]
    assert [block.start for block in BLOCKS.values()] == ends[:-1]


def test_encoding_and_decoding_stays_under_a_tenth_of_a_millimetre(random_motion):
    yaw = float(heading_yaw(random_motion.local_rotations[:1, 0])[0])
    start = random_motion.root_positions[0, [0, 2]]
    decoded = features.decode(features.encode(random_motion), yaw, tuple(start))
    assert np.abs(decoded.positions - random_motion.positions).max() < 1e-4


def test_features_do_not_change_when_the_world_turns(procedural_walk):
    from dataclasses import replace

    turn = yaw_to_matrix(np.array(1.1))
    rotations = procedural_walk.local_rotations.copy()
    rotations[:, 0] = turn @ rotations[:, 0]
    turned = replace(
        procedural_walk, local_rotations=rotations, root_positions=procedural_walk.root_positions @ turn.T + [3, 0, -2]
    )
    np.testing.assert_allclose(features.encode(turned), features.encode(procedural_walk), atol=1e-4)


def test_a_walk_along_z_has_its_speed_in_the_planar_block(procedural_walk):
    planar = features.encode(procedural_walk)[:, BLOCKS["root_planar_velocity"]]
    np.testing.assert_allclose(planar[:, 1].mean(), 1.2, atol=0.02)
