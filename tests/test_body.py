"""The bundled body: what it is made of, and how it is posed."""

import contextlib
import io

import numpy as np
import pytest
import smplx
import torch
from smplx.utils import Struct

from stylize.errors import MotionError
from stylize.io.body_models import load_body
from stylize.motion import Motion
from stylize.rotations import rotvec_to_matrix
from stylize.skeleton import SKELETON_22, Skeleton
from stylize.skinned_mesh import BUNDLED_BODY, rest_positions

ONE_JOINT = Skeleton(("a",), np.array([-1]), np.zeros((1, 3)))


@pytest.fixture(scope="module")
def body(tmp_path_factory):
    return load_body(folder=tmp_path_factory.mktemp("empty"))[0]


def bent(**degrees: tuple[float, float, float]) -> Motion:
    """One frame with some joints turned, as rotation vectors in degrees."""
    rotvec = np.zeros((1, 22, 3))
    for role, turn in degrees.items():
        rotvec[0, SKELETON_22.joint(role)] = np.radians(turn)
    return Motion(SKELETON_22, rotvec_to_matrix(rotvec), np.zeros((1, 3)), fps=30)


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    return float(np.linalg.det(vertices[faces].astype(float)).sum() / 6)


def test_it_has_the_size_that_smpl_has_in_small(body):
    assert 1800 <= len(body.template) <= 2200
    assert body.num_joints == 24
    assert body.shape_directions.shape[-1] == 10


def test_the_skin_is_closed_and_faces_outward(body):
    directed = np.concatenate([body.faces[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
    edges = {tuple(edge) for edge in directed.tolist()}
    assert len(edges) == len(directed)
    assert all((b, a) in edges for a, b in edges)
    assert len(body.template) - len(edges) // 2 + len(body.faces) == 2  # one piece without handles
    assert 0.05 < volume(body.template, body.faces) < 0.08  # cubic metres


def test_weights_sum_to_one_over_at_most_four_joints(body):
    np.testing.assert_allclose(body.weights.sum(1), 1, atol=1e-6)
    assert (body.weights >= 0).all()
    assert ((body.weights > 0).sum(1) <= 4).all()


def test_weights_are_smooth_over_the_skin(body):
    edges = body.faces[:, :2]
    change = np.abs(body.weights[edges[:, 0]] - body.weights[edges[:, 1]]).sum(1) / 2
    assert change.max() < 0.6


def test_its_joints_are_the_canonical_ones(body):
    joints = body.at_rest()[1]
    np.testing.assert_allclose(joints[:22], rest_positions(SKELETON_22), atol=1e-4)


def test_it_is_as_broad_on_the_left_as_on_the_right(body):
    for axis, tolerance in ((0, 0.004), (1, 0.01), (2, 0.01)):
        left, right = body.template[body.template[:, 0] > 0], body.template[body.template[:, 0] < 0]
        assert np.abs(left[:, axis]).max() == pytest.approx(np.abs(right[:, axis]).max(), abs=tolerance)


@pytest.mark.parametrize(
    ("number", "axis", "least"), [(0, 1, 0.05), (2, 1, 0.03), (3, 0, 0.03), (4, 1, 0.02), (5, 0, 0.01)]
)
def test_shape_numbers_change_the_length_that_they_are_named_after(body, number, axis, least):
    betas = np.zeros(10)
    betas[number] = 1
    taller, shorter = body.at_rest(betas)[0], body.at_rest(-betas)[0]
    assert np.ptp(taller[:, axis]) - np.ptp(shorter[:, axis]) > least


def test_every_shape_number_does_something_of_its_own(body):
    flat = body.shape_directions.reshape(-1, 10)
    assert np.linalg.matrix_rank(flat / np.linalg.norm(flat, axis=0), tol=0.05) == 10


def test_girth_makes_room_and_keeps_the_height(body):
    betas = np.array([0.0, 2.0])
    vertices = body.at_rest(betas)[0]
    assert volume(vertices, body.faces) > 1.15 * volume(body.template, body.faces)
    assert np.ptp(vertices[:, 1]) == pytest.approx(np.ptp(body.template[:, 1]), abs=0.02)


def test_longer_legs_take_longer_steps_on_the_same_ground(body, procedural_walk):
    betas = np.zeros(10)
    betas[2] = 3
    short, long = (body.of_motion(procedural_walk, numbers) for numbers in (None, betas))
    assert long[..., 1].max() > short[..., 1].max() + 0.05
    lowest = [vertices[..., 1].min(axis=1) for vertices in (short, long)]
    np.testing.assert_allclose(*lowest, atol=0.015)
    way = [np.linalg.norm(vertices[-1].mean(0) - vertices[0].mean(0)) for vertices in (short, long)]
    assert way[1] > 1.1 * way[0]


def test_standing_still_the_soles_are_on_the_ground(body):
    standing = bent()
    height = -rest_positions(SKELETON_22)[SKELETON_22.joint("left_ankle"), 1] + 0.075
    vertices = body.of_motion(standing.translate(np.array([0, height, 0])))
    assert vertices[0, :, 1].min() == pytest.approx(0, abs=1e-3)


def test_smplx_loads_it_and_poses_it_alike(body):
    with np.load(BUNDLED_BODY) as file:
        arrays = dict(file)
    names = smplx.vertex_ids.vertex_ids["smplh"]
    marks = dict(zip(names, arrays.pop("landmarks").tolist(), strict=True))
    with contextlib.redirect_stdout(io.StringIO()):  # it tells how many shape numbers there are
        model = smplx.SMPL("", data_struct=Struct(**arrays), vertex_ids=marks, batch_size=1)
    rng = np.random.default_rng(3)
    pose, betas = rng.normal(0, 0.4, (1, 24, 3)), rng.normal(0, 1, 10)
    with torch.no_grad():
        expected = model(
            betas=torch.tensor(betas[None], dtype=torch.float32),
            global_orient=torch.tensor(pose[:, 0], dtype=torch.float32),
            body_pose=torch.tensor(pose[:, 1:].reshape(1, -1), dtype=torch.float32),
            transl=torch.tensor([[0.1, 0.2, 0.3]]),
        )
    posed = body.posed(rotvec_to_matrix(pose), np.array([[0.1, 0.2, 0.3]]), betas)
    np.testing.assert_allclose(posed[0], expected.vertices[0].numpy(), atol=2e-5)
    np.testing.assert_allclose(body.at_rest()[1], model.J_regressor @ model.v_template, atol=1e-5)


@pytest.mark.parametrize(
    "pose",
    [
        {"left_shoulder": (0, 0, -75), "right_shoulder": (0, 0, 75)},
        {"left_shoulder": (0, 0, 60), "left_collar": (0, 0, 20)},
        {"left_shoulder": (0, -85, 0), "left_elbow": (0, -100, 0)},
        {"left_shoulder": (70, 0, 0), "left_wrist": (60, 0, 0)},
        {"left_hip": (-95, 0, 0), "left_knee": (115, 0, 0), "right_hip": (20, 0, 0)},
        {"spine1": (25, 0, 0), "spine2": (20, 0, 0), "spine3": (15, 0, 0), "head": (0, 50, 0)},
    ],
    ids=["arms down", "arm up", "elbow", "twist", "knee", "bow"],
)
def test_bending_a_joint_does_not_make_the_body_thin(body, pose):
    vertices = body.of_motion(bent(**pose))[0]
    assert volume(vertices, body.faces) > 0.94 * volume(body.template, body.faces)


def test_a_motion_of_another_skeleton_is_refused(body):
    stick = Motion(ONE_JOINT, np.eye(3)[None, None], np.zeros((1, 3)), 30)
    with pytest.raises(MotionError, match="not on the canonical skeleton"):
        body.of_motion(stick)


def test_long_motions_are_posed_in_pieces_that_fit_together(body, procedural_walk):
    frames = np.arange(130) % len(procedural_walk)
    whole = body.of_motion(procedural_walk.with_frames(frames))
    last = body.of_motion(procedural_walk.with_frames(frames[120:]))
    np.testing.assert_allclose(whole[120:], last, atol=1e-5)
