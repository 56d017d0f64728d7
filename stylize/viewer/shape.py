"""The skeleton and the skin of every body that the page shows, as one value that JSON can hold."""

import base64
from typing import Any

import numpy as np

from stylize.render.body import BODY_TUBES, Tube, placed
from stylize.rotations import matrix_to_rotvec
from stylize.skeleton import CONTACT_ROLES, SKELETON_22
from stylize.viewer.mannequin import COARSE, FINE, MAX_JOINTS, Mannequin, mannequin

VERTEX_STEPS = 25_000
"""A metre, in the steps that vertices are counted in."""
LIMB_SIDES = {"left": 1.0, "right": -1.0}


def body_shape() -> dict[str, Any]:
    """What the page needs of the body, once.

    Returns:
        ``parents`` and ``offsets`` of the skeleton, ``contact_joints`` in the order of CONTACT_ROLES, ``tubes`` (those
        of the videos, for the shadow: [joint, x, y, z, radius] of both ends) and ``skins``, a fine and a coarse one.
        A skin has arrays in base64: ``vertices`` (V, 3) int16, ``normals`` (V, 4) int8 with the side (left limbs 1,
        right -1) as fourth number, ``joints`` and ``weights`` (V, 4) uint8, ``faces`` (F, 3) uint16; and the pose that
        its vertices are in: ``rotations`` (rotation vectors) and ``positions`` of the joints.
    """
    return {
        "parents": SKELETON_22.parents.tolist(),
        "offsets": SKELETON_22.offsets.round(6).tolist(),
        "contact_joints": [SKELETON_22.joint(role) for role in CONTACT_ROLES],
        "tubes": [_tube_ends(tube, side) for tube, side in BODY_TUBES],
        "skins": [_skin(mannequin(cell)) for cell in (FINE, COARSE)],
    }


def packed(values: np.ndarray, dtype: str) -> str:
    """An array's bytes in base64."""
    return base64.b64encode(np.ascontiguousarray(values, dtype).tobytes()).decode("ascii")


def _tube_ends(tube: Tube, side: str) -> list[float]:
    numbers: list[float] = []
    for anchor, radius in ((tube.start, tube.start_radius), (tube.end, tube.end_radius)):
        joint, offset = placed(anchor, side)
        numbers += [joint, *offset.tolist(), radius]
    return numbers


def _skin(body: Mannequin) -> dict[str, Any]:
    joints = np.argsort(-body.weights, axis=1)[:, :MAX_JOINTS]
    weights = np.round(np.take_along_axis(body.weights, joints, axis=1) * 255)
    weights[:, 0] += 255 - weights.sum(axis=1)
    side_of = np.array([LIMB_SIDES.get(name.partition("_")[0], 0.0) for name in SKELETON_22.names])
    normals = np.column_stack([body.normals, body.weights @ side_of])
    return {
        "vertices": packed(np.round(body.vertices * VERTEX_STEPS), "<i2"),
        "normals": packed(np.round(normals * 127), "i1"),
        "joints": packed(joints, "u1"),
        "weights": packed(weights, "u1"),
        "faces": packed(body.faces, "<u2"),
        "rotations": matrix_to_rotvec(body.rotations).round(6).tolist(),
        "positions": body.positions.round(6).tolist(),
    }
