"""Meshes that a skeleton moves: the bundled body, and one of round-ended tubes for any skeleton."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from stylize.skeleton import SKELETON_22, Skeleton

BUNDLED_BODY = Path(__file__).resolve().parent.parent / "assets" / "body" / "smpl_body.npz"
"""In the form of SMPL's model files; ``python -m training.make_body`` makes it."""

RADII = {
    "pelvis": 0.105, "spine1": 0.105, "spine2": 0.110, "spine3": 0.100, "neck": 0.050, "head": 0.085, "hip": 0.078,
    "knee": 0.052, "ankle": 0.040, "foot": 0.034, "collar": 0.062, "shoulder": 0.050, "elbow": 0.038, "wrist": 0.032,
}  # fmt: skip
"""Part of the body -> radius of the tube that begins at its joint, in metres on a person of 1.70 m."""
TIPS = {"head": (0.0, 0.105, 0.01), "foot": (0.0, 0.01, 0.07), "left_wrist": (0.13, 0, 0), "right_wrist": (-0.13, 0, 0)}
"""Part of the body -> where the bone of a joint without children ends, in metres."""
SIDES, CAP_RINGS = 12, 3


@dataclass(frozen=True, eq=False)
class SkinnedMesh:
    """A surface in one pose of a skeleton, every vertex held by joints.

    Attributes:
        vertices: (V, 3) in metres.
        normals: (V, 3) unit vectors.
        faces: (F, 3) vertices of triangles, counter-clockwise seen from outside.
        weights: (V, J) how much each joint holds each vertex; rows sum to 1.
        rotations: (J, 3, 3) global rotations of the joints in that pose.
        positions: (J, 3) of the joints in that pose, in metres.
    """

    vertices: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    weights: np.ndarray
    rotations: np.ndarray
    positions: np.ndarray


@cache
def bundled_mannequin() -> SkinnedMesh | None:
    """The bundled body on SKELETON_22, in its T-pose; None where the library was installed without its assets."""
    if not BUNDLED_BODY.exists():
        return None
    with np.load(BUNDLED_BODY, allow_pickle=False) as file:
        vertices, faces = file["v_template"].astype(float), file["f"].astype(np.int64)
        weights, parents = file["weights"].astype(float), file["kintree_table"][0]
    count = len(SKELETON_22)
    still, rest = np.tile(np.eye(3), (count, 1, 1)), rest_positions(SKELETON_22)
    normals = smooth_normals(vertices[None], faces)[0]
    return SkinnedMesh(vertices, normals, faces, held_by_first(weights, parents, count), still, rest)


def held_by_first(weights: np.ndarray, parents: np.ndarray, count: int) -> np.ndarray:
    """(V, count) what joints beyond the first ``count`` hold of weights (V, J) is held by those that they hang from."""
    weights = weights.copy()
    for joint in range(weights.shape[1] - 1, count - 1, -1):
        weights[:, parents[joint]] += weights[:, joint]
    return weights[:, :count] / weights[:, :count].sum(1, keepdims=True)


def smooth_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(T, V, 3) unit normals of a surface in several poses: vertices (T, V, 3), faces (F, 3)."""
    corners = [vertices[:, faces[:, k]] for k in range(3)]
    crosses = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    frames, count = crosses.shape[:2]
    ones = np.ones(faces.size, vertices.dtype)
    around = csr_matrix((ones, (faces.ravel(), np.repeat(np.arange(count), 3))), (vertices.shape[1], count))
    summed = around @ crosses.transpose(1, 0, 2).reshape(count, -1)
    found = summed.reshape(-1, frames, 3).transpose(1, 0, 2)
    return found / np.maximum(np.linalg.norm(found, axis=-1, keepdims=True), 1e-12)


def tube_mannequin(skeleton: Skeleton) -> SkinnedMesh:
    """A round-ended tube for every bone of a skeleton in metres, held by the joint that it begins at."""
    positions = rest_positions(skeleton)
    size = max(float(np.ptp(positions, axis=0).max()), 1e-3)
    role_of = {joint: role for role, joint in skeleton.roles.items()}
    tubes = [
        (
            joint,
            positions[joint],
            end,
            _radius(role_of.get(joint, ""), float(np.linalg.norm(end - positions[joint])), size),
        )
        for joint in range(len(skeleton))
        for end in _ends(skeleton, positions, joint, role_of.get(joint, ""))
    ]
    vertices, normals, faces, joints, count = [], [], [], [], 0
    for joint, start, end, radius in tubes:
        points, directions, triangles = _tube(start, end, radius)
        vertices.append(points)
        normals.append(directions)
        faces.append(triangles + count)
        joints += [joint] * len(points)
        count += len(points)
    weights = np.zeros((count, len(skeleton)))
    weights[np.arange(count), joints] = 1.0
    still = np.tile(np.eye(3), (len(skeleton), 1, 1))
    surface = (np.concatenate(vertices), np.concatenate(normals), np.concatenate(faces))
    return SkinnedMesh(*surface, weights, still, positions)


def rest_positions(skeleton: Skeleton) -> np.ndarray:
    """(J, 3) of the zero pose with the first joint at the origin."""
    positions = np.zeros((len(skeleton), 3))
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0:
            positions[joint] = positions[parent] + skeleton.offsets[joint]
    return positions


def _ends(skeleton: Skeleton, positions: np.ndarray, joint: int, role: str) -> list[np.ndarray]:
    """Where the bones of a joint end; a bone without length becomes a ball."""
    children = skeleton.children(joint)
    if children:
        return [positions[child] for child in children]
    tip = TIPS.get(role, TIPS.get(role.rpartition("_")[2]))
    if joint in skeleton.end_sites:
        tip = skeleton.end_sites[joint]
    return [positions[joint] + (skeleton.offsets[joint] / 3 if tip is None else np.array(tip))]


def _radius(role: str, length: float, size: float) -> float:
    known = RADII.get(role.rpartition("_")[2])
    return known if known is not None else float(np.clip(0.16 * length, 0.006 * size, 0.05 * size))


def _tube(start: np.ndarray, end: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, normals and triangles of a tube with half a ball at either end."""
    axis = end - start
    length = float(np.linalg.norm(axis))
    axis = axis / length if length > 1e-9 else np.array([0.0, 1.0, 0.0])
    across = np.cross(axis, np.eye(3)[np.abs(axis).argmin()])
    across /= np.linalg.norm(across)
    around = np.stack([across, np.cross(axis, across)])
    latitudes = np.linspace(-np.pi / 2, np.pi / 2, 2 * CAP_RINGS + 1)
    latitudes = np.insert(latitudes, CAP_RINGS, 0.0)  # the equator twice: once at either end
    centres = np.where(np.arange(len(latitudes)) <= CAP_RINGS, 0.0, length)
    angles = 2 * np.pi * np.arange(SIDES) / SIDES
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1) @ around
    normals = np.cos(latitudes)[:, None, None] * ring + np.sin(latitudes)[:, None, None] * axis
    vertices = start + centres[:, None, None] * axis + radius * normals
    faces = []
    for row in range(len(latitudes) - 1):
        for k in range(SIDES):
            a, b = row * SIDES + k, row * SIDES + (k + 1) % SIDES
            if row < len(latitudes) - 2:
                faces.append((a, b + SIDES, a + SIDES))
            if row > 0:
                faces.append((a, b, b + SIDES))
    return vertices.reshape(-1, 3), normals.reshape(-1, 3), np.array(faces)
