"""The nodes of a glTF file: a tree, and where each node is at rest."""

from dataclasses import dataclass

import numpy as np

from stylize.errors import MotionFileError
from stylize.io.gltf.values import Part
from stylize.rotations import nearest_rotation, quat_xyzw_to_matrix

MOST_NODES = 20_000
MOST_DEEP = 512
SMALLEST_SCALE = 1e-9


@dataclass(frozen=True, eq=False)
class NodeTree:
    """All nodes of a file.

    Attributes:
        names: one a node; "node 3" for one without a name.
        parents: (N,) -1 for the top ones.
        order: (N,) the nodes, each after its parent.
        translations: (N, 3) at rest, in the parent's frame.
        rotations: (N, 3, 3) likewise.
        scales: (N, 3) likewise.
    """

    names: tuple[str, ...]
    parents: np.ndarray
    order: tuple[int, ...]
    translations: np.ndarray
    rotations: np.ndarray
    scales: np.ndarray

    def path(self, node: int) -> list[int]:
        """The nodes from the top down to ``node``."""
        found = []
        while node >= 0:
            found.append(node)
            node = int(self.parents[node])
        return found[::-1]

    def global_rotations(self) -> np.ndarray:
        """(N, 3, 3) at rest: the product of the rotations alone, which scales do not change."""
        found = self.rotations.copy()
        for node in self.order:
            if self.parents[node] >= 0:
                found[node] = found[self.parents[node]] @ found[node]
        return found


def read_nodes(root: Part) -> NodeTree:
    """The nodes of a file.

    Raises:
        MotionFileError: they are no tree, too many, mirrored, or a transform is not usable.
    """
    parts = root.parts("nodes", MOST_NODES)
    parents = np.full(len(parts), -1)
    for i, part in enumerate(parts):
        for child in part.indices("children", len(parts)):
            if parents[child] >= 0 or child == i:
                part.fail(f"has the child {child}, which another node has too", "a node tree is needed")
            parents[child] = i
    translations, scales = np.zeros((len(parts), 3)), np.ones((len(parts), 3))
    quats = np.tile([0.0, 0.0, 0.0, 1.0], (len(parts), 1))
    matrices: dict[int, np.ndarray] = {}
    for i, part in enumerate(parts):
        if (matrix := part.numbers("matrix", 16)) is not None:
            matrices[i] = matrix.reshape(4, 4).T
            continue
        if (translation := part.numbers("translation", 3)) is not None:
            translations[i] = translation
        if (quat_xyzw := part.numbers("rotation", 4)) is not None:
            if np.linalg.norm(quat_xyzw) < 1e-6:
                part.fail("has a rotation of length zero")
            quats[i] = quat_xyzw
        if (scale := part.numbers("scale", 3)) is not None:
            scales[i] = scale
    rotations = quat_xyzw_to_matrix(quats)
    if matrices:
        places = list(matrices)
        translations[places], rotations[places], scales[places] = _decomposed(np.stack(list(matrices.values())))
    names = tuple(part.name(f"node {i}") for i, part in enumerate(parts))
    return NodeTree(names, parents, _order(parents, root.file), translations, rotations, scales)


def _decomposed(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Translations, rotations and scales of matrices (N, 4, 4); a mirroring one has a negative scale on x."""
    linear = matrices[:, :3, :3]
    scales = np.linalg.norm(linear, axis=1)
    has_size = scales.min(axis=1) > SMALLEST_SCALE
    unscaled = np.where(has_size[:, None, None], linear / np.maximum(scales, SMALLEST_SCALE)[:, None], np.eye(3))
    mirrors = np.linalg.det(unscaled) < 0
    unscaled[mirrors, :, 0] *= -1
    scales[mirrors, 0] *= -1
    return matrices[:, :3, 3], nearest_rotation(unscaled), scales


def _order(parents: np.ndarray, file: str) -> tuple[int, ...]:
    """The nodes, each after its parent; MotionFileError if they run in a circle or hang too deep."""
    children: list[list[int]] = [[] for _ in parents]
    level: list[int] = []
    for node, parent in enumerate(parents.tolist()):
        (children[parent] if parent >= 0 else level).append(node)
    found: list[int] = []
    for _ in range(MOST_DEEP):
        found += level
        level = [child for node in level for child in children[node]]
    if level:
        raise MotionFileError(
            f"{file}: its nodes are more than {MOST_DEEP} deep, each below the last; export it again."
        )
    if len(found) < len(parents):
        raise MotionFileError(f"{file}: its nodes run in a circle, each the parent of the next; export it again.")
    return tuple(found)
