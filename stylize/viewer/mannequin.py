"""The body that the interactive view shows: one smooth skin over the tubes of the videos, moved by the skeleton.

The tubes are grown together in a distance field, whose surface is meshed once a process; so joints have no creases.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, diags

from stylize.motion import Motion
from stylize.render.body import BODY_TUBES, placed
from stylize.rotations import rotvec_to_matrix
from stylize.skeleton import SKELETON_22

FINE, COARSE = 0.028, 0.042
"""Metres between the points that the distance field is sampled at; about the length of the mesh's edges."""
GROWN_TOGETHER = 0.5
"""How wide the flow from one tube into the next is, as a share of its radius."""
RELAXATIONS = 3
BLEND_REACH = 0.14
"""Metres over which the weights of neighbouring joints flow into each other."""
MAX_JOINTS = 4
"""That hold one vertex."""
ARMS_DOWN, LEGS_APART = np.radians(50.0), np.radians(9.0)
"""The pose that the skin is made in: between how arms and legs mostly are, so that it is stretched least."""


@dataclass(frozen=True, eq=False)
class Mannequin:
    """A skin in a pose of the canonical skeleton, every vertex held by joints.

    Attributes:
        vertices: (V, 3) metres, in the pose of ``rotations`` and ``positions``.
        normals: (V, 3) unit vectors.
        faces: (F, 3) vertices of triangles, counter-clockwise seen from outside.
        weights: (V, 22) how much each joint holds each vertex; at most MAX_JOINTS are not 0, rows sum to 1.
        rotations: (22, 3, 3) global rotations of the joints.
        positions: (22, 3) of the joints.
    """

    vertices: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    weights: np.ndarray
    rotations: np.ndarray
    positions: np.ndarray


@cache
def mannequin(cell: float = FINE) -> Mannequin:
    """The skin of the videos' body with edges of about ``cell`` metres; made at the first call."""
    pose = _making_pose()
    rotations, positions = pose.global_rotations[0], pose.positions[0]
    tubes = _Tubes(rotations, positions)
    vertices, faces = _surface(tubes, cell)
    neighbours = _neighbours(faces, len(vertices))
    vertices = tubes.onto_surface(vertices)
    for _ in range(RELAXATIONS):  # even triangles shade evenly
        vertices = tubes.onto_surface((vertices + neighbours @ vertices) / 2)
    weights = tubes.joint_weights(vertices)
    for _ in range(round(BLEND_REACH / cell)):
        weights = (weights + neighbours @ weights) / 2
    return Mannequin(vertices, tubes.normals(vertices), faces, _strongest(weights), rotations, positions)


def _making_pose() -> Motion:
    rotvec = np.zeros((1, len(SKELETON_22), 3))
    for side, sign in (("left", 1), ("right", -1)):
        rotvec[0, SKELETON_22.joint(f"{side}_shoulder"), 2] = -sign * ARMS_DOWN
        rotvec[0, SKELETON_22.joint(f"{side}_hip"), 2] = sign * LEGS_APART
    return Motion(SKELETON_22, rotvec_to_matrix(rotvec), np.zeros((1, 3)), fps=1)


class _Tubes:
    """The posed tubes as a distance field, and which joint moves what is near them."""

    def __init__(self, rotations: np.ndarray, positions: np.ndarray) -> None:
        def end(anchor, side: str) -> np.ndarray:
            joint, offset = placed(anchor, side)
            return positions[joint] + rotations[joint] @ offset

        self.starts = np.array([end(tube.start, side) for tube, side in BODY_TUBES])
        self.ends = np.array([end(tube.end, side) for tube, side in BODY_TUBES])
        self.radii = np.array([(tube.start_radius, tube.end_radius) for tube, _ in BODY_TUBES])
        self.chains = [_chain(placed(tube.start, side)[0], placed(tube.end, side)[0]) for tube, side in BODY_TUBES]
        self.positions = positions

    def _to_tube(self, points: np.ndarray, tube: int) -> tuple[np.ndarray, np.ndarray]:
        """Signed distances (N,) of ``points`` (N, 3) to one tube, and how far along it they are, from 0 to 1."""
        way, (first, last) = self.ends[tube] - self.starts[tube], self.radii[tube]
        share = np.clip((points - self.starts[tube]) @ way / (way @ way), 0, 1)
        from_axis = np.linalg.norm(points - self.starts[tube] - share[:, None] * way, axis=1)
        return from_axis - first - (last - first) * share, share

    def distances(self, points: np.ndarray) -> np.ndarray:
        """Signed distances (N,) to the body in which neighbouring tubes flow into each other (polynomial minimum)."""
        total = np.full(len(points), np.inf)
        for tube, radii in enumerate(self.radii):
            distance, _ = self._to_tube(points, tube)
            width = GROWN_TOGETHER * radii.min()
            with np.errstate(invalid="ignore"):
                overlap = np.clip(1 - np.abs(total - distance) / width, 0, None)
            total = np.minimum(total, distance) - overlap**2 * width / 4
        return total

    def normals(self, points: np.ndarray) -> np.ndarray:
        """Unit gradients (N, 3) of ``distances``."""
        step = 1e-3 * np.eye(3)
        gradient = np.stack([self.distances(points + h) - self.distances(points - h) for h in step], axis=1)
        return gradient / np.linalg.norm(gradient, axis=1, keepdims=True)

    def onto_surface(self, points: np.ndarray) -> np.ndarray:
        """``points`` moved along the gradient to where the distance is 0."""
        for _ in range(2):
            points = points - self.distances(points)[:, None] * self.normals(points)
        return points

    def joint_weights(self, points: np.ndarray) -> np.ndarray:
        """(N, 22) one-hot: the joint that moves the nearest tube where it is nearest."""
        pairs = [self._to_tube(points, tube) for tube in range(len(self.radii))]
        nearest = np.argmin([distance for distance, _ in pairs], axis=0)
        weights = np.zeros((len(points), len(SKELETON_22)))
        for tube, chain in enumerate(self.chains):
            chosen = np.flatnonzero(nearest == tube)
            way = self.ends[tube] - self.starts[tube]
            joints_at = (self.positions[chain] - self.starts[tube]) @ way / (way @ way)
            passed = (pairs[tube][1][chosen, None] >= joints_at[1:]).sum(axis=1)
            weights[chosen, np.array(chain)[passed]] = 1.0
        return weights


def _chain(start: int, end: int) -> list[int]:
    """The joints from ``start`` down to ``end``."""
    chain = [end]
    while chain[0] != start:
        chain.insert(0, int(SKELETON_22.parents[chain[0]]))
    return chain


def _surface(tubes: _Tubes, cell: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) and triangles (F, 3) of the zero level, by naive surface nets (Gibson, 1998)."""
    margin = tubes.radii.max() + 2 * cell
    ends = np.concatenate([tubes.starts, tubes.ends])
    low, high = ends.min(axis=0) - margin, ends.max(axis=0) + margin
    shape = np.ceil((high - low) / cell).astype(int) + 1
    indices = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    values = tubes.distances(low + indices.reshape(-1, 3) * cell).reshape(shape)

    crossings, counts = np.zeros((*(shape - 1), 3)), np.zeros(shape - 1)
    quads = []
    for axis in range(3):
        before = [slice(None)] * 3
        after = list(before)
        before[axis], after[axis] = slice(0, -1), slice(1, None)
        a, b = values[tuple(before)], values[tuple(after)]
        at = np.argwhere((a < 0) != (b < 0))
        first, second = a[tuple(at.T)], b[tuple(at.T)]
        points = at + (first / (first - second))[:, None] * np.eye(3)[axis]
        across = np.roll(np.eye(3, dtype=int), -axis, axis=0)[1:]
        cells = [at, at - across[0], at - across[0] - across[1], at - across[1]]
        for corner in cells:
            np.add.at(crossings, tuple(corner.T), points)
            np.add.at(counts, tuple(corner.T), 1)
        corners = np.stack([np.ravel_multi_index(tuple(corner.T), tuple(shape - 1)) for corner in cells], axis=1)
        quads.append(np.where((first < 0)[:, None], corners, corners[:, ::-1]))
    used = np.flatnonzero(counts)
    number = np.zeros(counts.size, int)
    number[used] = np.arange(len(used))
    vertices = low + cell * crossings.reshape(-1, 3)[used] / counts.ravel()[used, None]
    corners = number[np.concatenate(quads)]
    return vertices, np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])


def _neighbours(faces: np.ndarray, count: int) -> csr_matrix:
    """(V, V) rows that take the mean over the vertices at the other ends of a vertex's edges."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    rows, columns = np.concatenate([edges, edges[:, ::-1]]).T
    touching = coo_matrix((np.ones(len(rows)), (rows, columns)), (count, count)).tocsr()
    return diags(1 / np.asarray(touching.sum(axis=1)).ravel()) @ touching


def _strongest(weights: np.ndarray) -> np.ndarray:
    """The MAX_JOINTS largest weights of each row, scaled to sum to 1."""
    least = np.sort(weights, axis=1)[:, -MAX_JOINTS, None]
    kept = np.where(weights >= np.maximum(least, 1e-3), weights, 0)
    return kept / kept.sum(axis=1, keepdims=True)
