import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from stylize import rotations


@pytest.fixture
def scipy_rotations() -> Rotation:
    return Rotation.random(50, rng=np.random.default_rng(3))


@pytest.mark.parametrize("order", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
def test_euler_angles_match_scipy_in_every_order(order, scipy_rotations):
    angles = scipy_rotations.as_euler(order, degrees=True)
    np.testing.assert_allclose(rotations.euler_deg_to_matrix(angles, order), scipy_rotations.as_matrix(), atol=1e-9)
    back = rotations.matrix_to_euler_deg(scipy_rotations.as_matrix(), order)
    np.testing.assert_allclose(rotations.euler_deg_to_matrix(back, order), scipy_rotations.as_matrix(), atol=1e-9)


def test_quaternions_and_rotation_vectors_match_scipy(scipy_rotations):
    matrix = scipy_rotations.as_matrix()
    np.testing.assert_allclose(rotations.quat_xyzw_to_matrix(3 * scipy_rotations.as_quat()), matrix, atol=1e-9)
    np.testing.assert_allclose(rotations.matrix_to_rotvec(matrix), scipy_rotations.as_rotvec(), atol=1e-7)
    np.testing.assert_allclose(rotations.rotvec_to_matrix(scipy_rotations.as_rotvec()), matrix, atol=1e-9)


def test_six_numbers_give_the_rotation_back(scipy_rotations):
    matrix = scipy_rotations.as_matrix()
    np.testing.assert_allclose(rotations.rot6d_to_matrix(rotations.matrix_to_rot6d(matrix)), matrix, atol=1e-12)


@pytest.mark.parametrize("rot6d", [np.zeros(6), np.array([1.0, 1, 0, 0, 0, 0]), np.array([0.0, 1, 0, 0, 0, 0])])
def test_degenerate_six_numbers_give_a_rotation_and_finite_gradients(rot6d):
    tensor = torch.tensor(rot6d, requires_grad=True)
    matrix = rotations.rot6d_to_matrix(tensor)
    np.testing.assert_allclose((matrix @ matrix.T).detach(), np.eye(3), atol=1e-9)
    assert torch.linalg.det(matrix).item() == pytest.approx(1)
    matrix.sum().backward()
    assert tensor.grad is not None
    assert torch.isfinite(tensor.grad).all()


def test_slerp_goes_halfway(scipy_rotations):
    quarter_turn = Rotation.from_rotvec([0, np.pi / 2, 0]).as_matrix()
    halfway = rotations.slerp(np.eye(3)[None], quarter_turn[None], np.array([0.5]))[0]
    np.testing.assert_allclose(halfway, Rotation.from_rotvec([0, np.pi / 4, 0]).as_matrix(), atol=1e-9)


def test_heading_is_the_turn_about_up_whatever_the_lean():
    lean = Rotation.from_rotvec([0.7, 0, -0.3])
    for yaw in (-3.0, -1.0, 0.0, 2.5):
        turned = Rotation.from_rotvec([0, yaw, 0]) * lean
        twist = rotations.heading_yaw(turned.as_matrix()[None])[0]
        assert np.angle(np.exp(1j * (twist - yaw))) == pytest.approx(0, abs=1e-9)


def test_rotation_between_turns_one_direction_into_the_other_even_the_opposite():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 20, 3))
    b[0], b[1] = -2 * a[0], 3 * a[1]
    turned = np.einsum("nij,nj->ni", rotations.rotation_between(a, b), a)
    cosine = (turned * b).sum(-1) / np.linalg.norm(turned, axis=-1) / np.linalg.norm(b, axis=-1)
    np.testing.assert_allclose(cosine, 1, atol=1e-9)
