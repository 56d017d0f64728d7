"""Make the body that is shown where there is no other: ``python -m training.make_body`` writes it to assets/body.

It has the form of SMPL's model files (Loper et al., 2015): a template in a T-pose, 24 joints, weights, ten directions
of shape, and pose directions that are all zero. Nothing of it comes from SMPL's data: the form is in
``training/body_shape.py``, and its first 22 joints are the canonical skeleton's. Needs ``pip install -e ".[body]"``.
"""

from collections.abc import Callable

import numpy as np

from stylize.io.smpl_joints import JOINT_NAMES
from stylize.skeleton import SKELETON_22
from stylize.skinned_mesh import BUNDLED_BODY as BUNDLED
from stylize.skinned_mesh import rest_positions
from training.body_mesh import dense_mesh, is_closed, neighbours, simplified
from training.body_shape import SOLE, distance, gradient, onto_skin

VERTICES, CELL = 2000, 0.006
LOW, HIGH = np.array([-0.93, -0.96, -0.20]), np.array([0.93, 0.80, 0.24])
RELAXATIONS, WEIGHT_ROUNDS, MOST_JOINTS = 4, 3, 4
RING = 40
"""Vertices that a joint's place is read off."""
HAND = 0.085
"""Metres from the wrist to the knuckles."""

LANDMARKS = {
    "nose": (0.0, 0.632, 0.125), "reye": (-0.03, 0.67, 0.10), "leye": (0.03, 0.67, 0.10),
    "rear": (-0.075, 0.65, 0.0), "lear": (0.075, 0.65, 0.0),
    "rthumb": (-0.79, 0.43, 0.075), "rindex": (-0.86, 0.43, 0.026), "rmiddle": (-0.87, 0.43, 0.009),
    "rring": (-0.865, 0.43, -0.008), "rpinky": (-0.845, 0.43, -0.025),
    "lthumb": (0.79, 0.43, 0.075), "lindex": (0.86, 0.43, 0.026), "lmiddle": (0.87, 0.43, 0.009),
    "lring": (0.865, 0.43, -0.008), "lpinky": (0.845, 0.43, -0.025),
    "LBigToe": (0.07, -0.92, 0.20), "LSmallToe": (0.12, -0.92, 0.17), "LHeel": (0.085, -0.92, -0.07),
    "RBigToe": (-0.07, -0.92, 0.20), "RSmallToe": (-0.12, -0.92, 0.17), "RHeel": (-0.085, -0.92, -0.07),
}  # fmt: skip
"""The 21 points that smplx reads off a body, in its order, near which a vertex is chosen."""

SPLITS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float], float]] = {
    "spine1": ((0, 0.090, 0), (0, 1, 0), 0.15),
    "spine2": ((0, 0.215, 0), (0, 1, 0), 0.13),
    "spine3": ((0, 0.300, 0), (0, 1, 0), 0.12),
    "neck": ((0, 0.490, 0), (0, 1, -0.2), 0.09),
    "head": ((0, 0.580, 0.01), (0, 1, 0.3), 0.07),
    "hip": ((0.085, -0.085, 0), (0.30, -0.95, 0), 0.17),
    "knee": ((0.085, -0.465, 0), (0, -1, 0), 0.13),
    "ankle": ((0.085, -0.855, 0), (0, -1, 0.2), 0.08),
    "foot": ((0.085, -0.915, 0.125), (0, 0, 1), 0.06),
    "collar": ((0.085, 0.395, 0), (0.80, 0.60, 0), 0.14),
    "shoulder": ((0.168, 0.432, 0), (0.95, 0.30, 0), 0.13),
    "elbow": ((0.435, 0.445, 0), (1, 0, 0), 0.10),
    "wrist": ((0.685, 0.445, 0), (1, 0, 0), 0.055),
    "hand": ((0.770, 0.440, 0), (1, 0, 0), 0.03),
}
"""Part -> a point, a direction and a width: what lies beyond that plane moves with the joint, by half on the plane."""


def edge_lengths(points: np.ndarray) -> np.ndarray:
    """(V,) metres that the edges near points (V, 3) shall be long: short where there is detail, or where it bends."""
    x, y = np.abs(points[:, 0]), points[:, 1]
    lengths = np.full(len(points), 0.036)
    nose = np.linalg.norm(points - np.array(LANDMARKS["nose"]), axis=1)
    for length, away, reach in (
        (0.028, np.abs(x - 0.435), 0.08),
        (0.030, np.abs(y + 0.465), 0.09),
        (0.022, np.maximum(0.56 - y, 0), 0.06),
        (0.012, np.maximum(nose - 0.02, 0), 0.06),
        (0.020, np.maximum(y + 0.86, 0), 0.06),
        (0.0125, np.maximum(0.70 - x, 0), 0.06),
    ):
        share = _smooth(1 - away / reach)
        lengths = lengths * (1 - share) + length * share
    return lengths


def surface() -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) and faces (F, 3) of the skin, closed and even."""
    dense, dense_faces = dense_mesh(distance, LOW, HIGH, CELL)
    for seed in range(20):
        vertices, faces = simplified(dense, dense_faces, edge_lengths(dense), VERTICES, seed)
        if is_closed(faces):
            break
    else:
        raise RuntimeError("no seed gives a closed surface; use a smaller CELL")
    beside = neighbours(faces, len(vertices))
    for _ in range(RELAXATIONS):
        vertices = onto_skin(vertices, 3)
        normals, step = gradient(vertices), beside @ vertices - vertices
        vertices = vertices + 0.5 * (step - (step * normals).sum(1, keepdims=True) * normals)
    return onto_skin(vertices), faces


def joints() -> tuple[np.ndarray, np.ndarray]:
    """(24, 3) places of the joints and (24,) their parents: the canonical 22, and the knuckles."""
    places, parents = rest_positions(SKELETON_22), SKELETON_22.parents.tolist()
    wrists = [SKELETON_22.joint(f"{side}_wrist") for side in ("left", "right")]
    knuckles = places[wrists] + np.array([[HAND, -0.005, 0.0], [-HAND, -0.005, 0.0]])
    return np.concatenate([places, knuckles]), np.array([*parents, *wrists])


def skin_weights(vertices: np.ndarray, faces: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """(V, 24): from the pelvis outwards, each joint takes its share of what its parent has."""
    names = JOINT_NAMES["SMPL"]
    taken = np.zeros((len(vertices), len(names)))
    taken[:, 0] = 1.0
    weights, of_neck = taken.copy(), np.zeros(len(vertices))
    for joint, name in enumerate(names[1:], 1):
        side, _, part = name.rpartition("_")
        points = vertices * np.array([-1.0 if side == "right" else 1.0, 1.0, 1.0])
        origin, direction, width = SPLITS[part]
        normal = np.array(direction) / np.linalg.norm(direction)
        share = _smooth((points - np.array(origin)) @ normal / width + 0.5)
        if side:
            share = share * _smooth(points[:, 0] / 0.03 + 0.5)
        if part == "neck":  # the shoulders rise as high as where it begins
            share = share * _smooth((0.11 - np.abs(points[:, 0])) / 0.06 + 0.5)
        if part == "collar":
            share = share * (1 - of_neck)
        of_neck = share if part == "neck" else of_neck
        taken[:, joint] = taken[:, parents[joint]] * share
    for joint in range(len(names)):
        below = np.flatnonzero(parents == joint)
        weights[:, joint] = np.maximum(taken[:, joint] - taken[:, below].sum(1), 0)
    beside = neighbours(faces, len(vertices))
    for _ in range(WEIGHT_ROUNDS):
        weights = (weights + beside @ weights) / 2
    weakest_kept = -np.sort(-weights, axis=1)[:, MOST_JOINTS - 1 : MOST_JOINTS]
    weights[weights < weakest_kept] = 0
    return weights / weights.sum(1, keepdims=True)


def joint_regressor(vertices: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(24, V) rows that give each joint from the vertices around it, and move with them under any affine change."""
    regressor = np.zeros((len(places), len(vertices)))
    for joint, place in enumerate(places):
        ring = np.linalg.norm(vertices - place, axis=1).argsort()[:RING]
        system = np.concatenate([(vertices[ring] - place).T, np.ones((1, RING))])
        even = np.full(RING, 1 / RING)
        wanted = np.array([0.0, 0.0, 0.0, 1.0]) - system @ even
        regressor[joint, ring] = even + np.linalg.pinv(system) @ wanted
    return regressor


def shape_directions(vertices: np.ndarray) -> np.ndarray:
    """(V, 3, 10) metres by which one unit of each shape number moves each vertex; see ``SHAPES``."""
    return np.stack([shape(vertices) for shape in SHAPES.values()], axis=-1)


def _smooth(share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)


def _move(points: np.ndarray, axis: int, amount: np.ndarray) -> np.ndarray:
    moved = np.zeros_like(points)
    moved[:, axis] = amount
    return moved


def _bump(points: np.ndarray, height: float, reach: float) -> np.ndarray:
    """(V,) 1 at a height of the trunk, 0 from ``reach`` above and below it on, and on the arms."""
    on_trunk = 1 - _smooth((np.abs(points[:, 0]) - 0.15) / 0.08)
    return _smooth(1 - np.abs(points[:, 1] - height) / reach) * on_trunk


def _girth(points: np.ndarray) -> np.ndarray:
    limits = np.stack([(0.66 - np.abs(points[:, 0])) / 0.2, (points[:, 1] + 0.86) / 0.25, (0.56 - points[:, 1]) / 0.2])
    return 0.014 * _smooth(limits.min(0))[:, None] * gradient(points)


SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "height": lambda p: 0.045 * p,
    "girth": _girth,
    "leg length": lambda p: _move(p, 1, 0.06 * np.minimum(p[:, 1] + 0.075, 0)),
    "arm length": lambda p: _move(p, 0, 0.06 * np.sign(p[:, 0]) * np.maximum(np.abs(p[:, 0]) - 0.175, 0)),
    "trunk length": lambda p: _move(p, 1, 0.06 * np.clip(p[:, 1], 0, 0.495)),
    "shoulder width": lambda p: _move(
        p, 0, 0.014 * np.sign(p[:, 0]) * _smooth(np.abs(p[:, 0]) / 0.17) * _smooth((p[:, 1] - 0.2) / 0.2)
    ),
    "hip width": lambda p: _move(
        p, 0, 0.010 * np.sign(p[:, 0]) * _smooth(np.abs(p[:, 0]) / 0.09) * _smooth((0.14 - p[:, 1]) / 0.18)
    ),
    "belly": lambda p: _move(p, 2, 0.022 * _bump(p, 0.09, 0.20) * _smooth(p[:, 2] / 0.10 + 0.3)),
    "chest": lambda p: _move(p, 2, 0.014 * _bump(p, 0.32, 0.15) * _smooth(p[:, 2] / 0.08 + 0.2)),
    "head size": lambda p: 0.05 * _smooth((p[:, 1] - 0.47) / 0.10)[:, None] * (p - np.array([0.0, 0.52, 0.0])),
}
"""What one unit of each shape number changes."""


def main() -> None:
    """Write the file."""
    vertices, faces = surface()
    places, parents = joints()
    marks = [int(np.linalg.norm(vertices - np.array(mark), axis=1).argmin()) for mark in LANDMARKS.values()]
    parts = {
        "v_template": vertices.astype(np.float32),
        "f": faces.astype(np.uint32),
        "weights": skin_weights(vertices, faces, parents).astype(np.float32),
        "J_regressor": joint_regressor(vertices, places).astype(np.float32),
        "J": places.astype(np.float32),
        "kintree_table": np.stack([parents, np.arange(len(parents))]).astype(np.int64),
        "shapedirs": shape_directions(vertices).astype(np.float32),
        "posedirs": np.zeros((len(vertices), 3, 9 * (len(parents) - 1)), np.float32),
        "landmarks": np.array(marks),
    }
    BUNDLED.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(BUNDLED, **parts)
    lowest = vertices[:, 1].min() - SOLE
    print(f"{BUNDLED.name}: {len(vertices)} vertices, {len(faces)} faces, soles {1000 * lowest:.1f} mm off the ground")


if __name__ == "__main__":
    main()
