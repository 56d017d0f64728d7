import numpy as np
import torch

from stylize.kinematics import forward_kinematics, velocities
from stylize.skeleton import SKELETON_22


def positions_by_transforms(motion):
    """An independent implementation: 4 x 4 matrices along each joint's chain."""
    result = np.zeros((len(motion), 22, 3))
    for frame in range(len(motion)):
        for joint in range(22):
            chain, at = [], joint
            while at >= 0:
                chain.append(at)
                at = int(SKELETON_22.parents[at])
            transform = np.eye(4)
            for at in reversed(chain):
                step = np.eye(4)
                step[:3, :3] = motion.local_rotations[frame, at]
                step[:3, 3] = SKELETON_22.offsets[at] if at else motion.root_positions[frame]
                transform = transform @ step
            result[frame, joint] = transform[:3, 3]
    return result


def test_positions_match_chained_transforms(random_motion):
    short = random_motion.with_frames(slice(0, 10))
    np.testing.assert_allclose(short.positions, positions_by_transforms(short), atol=1e-12)


def test_torch_with_gradients_matches_numpy(random_motion):
    rotations = torch.tensor(random_motion.local_rotations, requires_grad=True)
    roots, offsets = torch.tensor(random_motion.root_positions), torch.tensor(SKELETON_22.offsets)
    turned, posed = forward_kinematics(rotations, roots, offsets, SKELETON_22.parents)
    np.testing.assert_allclose(posed.detach(), random_motion.positions, atol=1e-12)
    np.testing.assert_allclose(turned.detach(), random_motion.global_rotations, atol=1e-12)
    posed.sum().backward()
    assert rotations.grad is not None
    assert torch.isfinite(rotations.grad).all()


def test_the_canonical_person_stands_on_the_ground_one_metre_seventy_tall():
    _, posed = forward_kinematics(
        np.broadcast_to(np.eye(3), (22, 3, 3)).copy(), np.array([0, 0.935, 0]), SKELETON_22.offsets, SKELETON_22.parents
    )
    assert np.isclose(posed[SKELETON_22.joint("left_foot"), 1], 0.02)
    assert np.isclose(posed[SKELETON_22.joint("left_ankle"), 1], 0.075)
    assert posed[SKELETON_22.joint("left_wrist"), 0] > 0.6
    assert np.isclose(posed[SKELETON_22.joint("head"), 1], 1.52)


def test_velocities_are_per_second():
    np.testing.assert_allclose(velocities(np.array([[0.0], [0.1], [0.3]]), 30)[:, 0], [3, 6, 6])
    assert velocities(np.ones((1, 3)), 30).tolist() == [[0, 0, 0]]
