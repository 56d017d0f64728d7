"""Body model files of the official layouts, with made-up numbers."""

import pickle
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import scipy.sparse

SHAPE_NUMBERS = 10
LAYOUTS = {"SMPL": (6890, 24), "SMPL-H": (6890, 52), "SMPL-X": (10475, 55)}
"""Family -> vertices and joints."""
NO_PARENT = 2**32 - 1
"""As the official files have it, in unsigned integers."""


def parents_of(joints: int) -> np.ndarray:
    """The official trees: 22 joints of the body, then hands (SMPL), fingers (SMPL-H), or face and fingers (SMPL-X)."""
    body = [NO_PARENT, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19]
    if joints == 24:
        return np.array([*body, 20, 21])
    face = [15, 15, 15] if joints == 55 else []
    first = len(body) + len(face)
    fingers = [parent for hand in range(2) for finger in range(5) for parent in _finger(hand, finger, first)]
    return np.array([*body, *face, *fingers])


def _finger(hand: int, finger: int, first: int) -> tuple[int, int, int]:
    knuckle = first + 15 * hand + 3 * finger
    return 20 + hand, knuckle, knuckle + 1


def body_arrays(family: str, seed: int = 0) -> dict[str, np.ndarray]:
    """The arrays of a model file; the vertices are strewn around joints that stand about as a person's do."""
    vertices, joints = LAYOUTS[family]
    rng = np.random.default_rng(seed)
    parents = parents_of(joints)
    places = np.zeros((joints, 3))
    steps = {1: (0.07, -0.09, 0), 2: (-0.07, -0.09, 0), 3: (0, 0.11, 0), 4: (0.03, -0.38, 0), 5: (-0.03, -0.38, 0),
             6: (0, 0.13, 0), 7: (0, -0.4, -0.04), 8: (0, -0.4, -0.04), 9: (0, 0.05, 0), 10: (0, -0.05, 0.12),
             11: (0, -0.05, 0.12), 12: (0, 0.21, 0), 13: (0.08, 0.12, 0), 14: (-0.08, 0.12, 0), 15: (0, 0.07, 0.05),
             16: (0.09, 0.03, 0), 17: (-0.09, 0.03, 0), 18: (0.26, 0, 0), 19: (-0.26, 0, 0), 20: (0.25, 0, 0),
             21: (-0.25, 0, 0)}  # fmt: skip
    for joint in range(1, joints):
        step = steps.get(joint, rng.normal(0, 0.02, 3))
        places[joint] = places[parents[joint]] + step
    holder = np.arange(vertices) % joints
    template = places[holder] + rng.normal(0, 0.03, (vertices, 3))
    weights = np.zeros((vertices, joints))
    weights[np.arange(vertices), holder] = 0.75
    weights[np.arange(vertices), np.where(holder > 0, parents[holder] % joints, 1)] += 0.25
    regressor = np.zeros((joints, vertices))
    for joint in range(joints):
        regressor[joint, holder == joint] = 1 / (holder == joint).sum()
    faces = np.stack([np.arange(vertices), np.roll(np.arange(vertices), 1), np.roll(np.arange(vertices), 2)], axis=1)
    arrays = {
        "v_template": template,
        "f": faces.astype(np.uint32),
        "weights": weights,
        "J_regressor": regressor,
        "kintree_table": np.stack([parents, np.arange(joints)]).astype(np.uint32),
        "shapedirs": rng.normal(0, 0.003, (vertices, 3, SHAPE_NUMBERS)),
        "posedirs": rng.normal(0, 0.0005, (vertices, 3, 9 * (joints - 1))).astype(np.float32),
    }
    if joints > 24:
        arrays |= {name: rng.normal(0, 0.2, 45) for name in ("hands_meanl", "hands_meanr")}
    return arrays


def write_npz(family: str, path: Path, **changes: np.ndarray) -> Path:
    """An .npz file as SMPL-H and SMPL-X come."""
    np.savez(path, **(body_arrays(family) | changes))
    return path


def write_pickle(family: str, path: Path, protocol: int = 2) -> Path:
    """A .pkl file as SMPL comes: the regressor a sparse matrix, the shape directions an array of chumpy."""
    arrays = body_arrays(family)
    chumpy, module = ModuleType("chumpy"), ModuleType("chumpy.ch")
    array_type = type("Ch", (), {"__module__": "chumpy.ch"})
    module.Ch = array_type
    sys.modules |= {"chumpy": chumpy, "chumpy.ch": module}
    try:
        directions = array_type()
        directions.__dict__ |= {"x": arrays["shapedirs"], "_dirty_vars": set(), "_itr": None}
        table = dict(arrays, shapedirs=directions, J_regressor=scipy.sparse.csc_matrix(arrays["J_regressor"]))
        table |= {"bs_style": "lbs", "bs_type": "lrotmin"}
        path.write_bytes(pickle.dumps(table, protocol=protocol))
    finally:
        del sys.modules["chumpy"], sys.modules["chumpy.ch"]
    return path
