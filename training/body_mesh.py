"""A mesh of few, even triangles on a distance field: finer where it is told to be."""

from collections.abc import Callable

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree
from skimage.measure import marching_cubes  # pyright: ignore[reportMissingImports] -- the extra "body"

Field = Callable[[np.ndarray], np.ndarray]

ROUNDS = 40
NORMAL_WEIGHT = 0.8
"""How much a turned surface counts against a distance, so that two sides of a thin part are never one."""


def dense_mesh(field: Field, low: np.ndarray, high: np.ndarray, cell: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) and outward triangles (F, 3) where ``field`` is 0, on a grid of ``cell`` metres."""
    axes = [np.arange(a, b, cell) for a, b in zip(low, high, strict=True)]
    volume = np.empty([len(axis) for axis in axes], np.float32)
    for start in range(0, len(axes[0]), 16):
        points = np.stack(np.meshgrid(axes[0][start : start + 16], *axes[1:], indexing="ij"), axis=-1)
        volume[start : start + 16] = field(points)
    vertices, faces, _, _ = marching_cubes(volume, 0.0, spacing=(cell,) * 3)
    return vertices + low, faces.astype(int)


def simplified(
    vertices: np.ndarray, faces: np.ndarray, edge_length: np.ndarray, count: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """A mesh of about ``count`` vertices whose edges are as long, relative to each other, as ``edge_length`` (V,) says.

    The dense mesh is cut into patches of equal weight (Lloyd's algorithm); each patch becomes a vertex, and triangles
    are where three patches meet (the dual of Valette and Chassery, "Approximated Centroidal Voronoi Diagrams for
    Uniform Polygonal Mesh Coarsening", 2004).
    """
    rng = np.random.default_rng(seed)
    areas, normals = _areas_and_normals(vertices, faces)
    places = np.concatenate([vertices, NORMAL_WEIGHT * edge_length[:, None] * normals], axis=1)
    chance = areas / edge_length**2
    centres = places[rng.choice(len(vertices), count, replace=False, p=chance / chance.sum())]
    weights = areas / edge_length**4
    patches = np.zeros(len(vertices), int)
    for _ in range(ROUNDS):
        patches = np.asarray(KDTree(centres).query(places)[1])
        total = np.bincount(patches, weights, count)
        centres = np.stack([np.bincount(patches, weights * column, count) for column in places.T], axis=1)
        centres /= np.maximum(total, 1e-12)[:, None]
    patches = _connected(patches, vertices, faces, centres[:, :3])
    corners = patches[faces]
    is_corner = (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]) & (corners[:, 2] != corners[:, 0])
    corners = corners[is_corner]
    first = corners.argmin(1)[:, None]
    triangles = np.unique(np.take_along_axis(corners, (first + np.arange(3)) % 3, axis=1), axis=0)
    used, triangles = np.unique(triangles, return_inverse=True)
    return centres[used, :3], triangles.reshape(-1, 3)


def is_closed(faces: np.ndarray) -> bool:
    """Whether every edge has one triangle on either side, and the surface has no handles (Euler's number is 2)."""
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    both = {tuple(edge) for edge in directed.tolist()}
    if len(both) < len(directed) or any((b, a) not in both for a, b in both):
        return False
    return len(np.unique(faces)) - len(both) // 2 + len(faces) == 2


def neighbours(faces: np.ndarray, count: int) -> csr_matrix:
    """(V, V) rows that take the mean over a vertex's neighbours."""
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    pairs = np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0)
    matrix = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (count, count)).tocsr()
    return csr_matrix(matrix.multiply(1 / matrix.sum(1)))


def _areas_and_normals(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(V,) a third of the triangles around each vertex, and (V, 3) unit normals."""
    corners = vertices[faces]
    crosses = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.stack(
        [np.bincount(faces.ravel(), np.repeat(column, 3), len(vertices)) for column in crosses.T], axis=1
    )
    areas = np.bincount(faces.ravel(), np.repeat(np.linalg.norm(crosses, axis=1) / 6, 3), len(vertices))
    return areas, normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _connected(patches: np.ndarray, vertices: np.ndarray, faces: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Patches of which each is in one piece: smaller pieces go to the nearest patch beside them."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1]])
    for _ in range(10):
        inside = edges[patches[edges[:, 0]] == patches[edges[:, 1]]]
        graph = coo_matrix((np.ones(len(inside)), (inside[:, 0], inside[:, 1])), (len(vertices),) * 2)
        _, piece = connected_components(graph, directed=False)
        sizes = np.bincount(piece)
        largest = np.zeros(patches.max() + 1, int)
        np.maximum.at(largest, patches, sizes[piece])
        stray = sizes[piece] < largest[patches]
        if not stray.any():
            break
        patches = patches.copy()
        for vertex in np.flatnonzero(stray):
            beside = np.unique(patches[edges[edges[:, 0] == vertex, 1]])
            beside = beside[beside != patches[vertex]]
            if len(beside):
                patches[vertex] = beside[np.linalg.norm(centres[beside] - vertices[vertex], axis=1).argmin()]
    return patches
