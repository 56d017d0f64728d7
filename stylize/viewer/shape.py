"""The skeleton and the skin of every body that the page shows, as one value that JSON can hold."""

import base64
from typing import Any

import numpy as np

from stylize.body import Person, fit_of
from stylize.io.gltf.mannequin import quantised_weights
from stylize.render.body import BODY_TUBES, Tube, placed
from stylize.skeleton import CONTACT_ROLES, SKELETON_22
from stylize.skinned_mesh import SkinnedMesh, bundled_mannequin, tube_mannequin

VERTEX_STEPS = 25_000
"""A metre, in the steps that vertices are counted in."""
LIMB_SIDES = {"left": 1.0, "right": -1.0}


def body_shape(person: Person | None = None) -> dict[str, Any]:
    """What the page needs of the body, once.

    Args:
        person: who is shown; None for the bundled body, or tubes where the library was installed without its assets.

    Returns:
        ``parents`` and ``offsets`` of the skeleton, ``contact_joints`` in the order of CONTACT_ROLES, ``tubes`` (those
        of the videos, for the shadow: [joint, x, y, z, radius] of both ends) and a ``skin``, see ``skin_shape``.
    """
    mesh = person.skin() if person is not None else bundled_mannequin() or tube_mannequin(SKELETON_22)
    return {
        "parents": SKELETON_22.parents.tolist(),
        "offsets": SKELETON_22.offsets.round(6).tolist(),
        "contact_joints": [SKELETON_22.joint(role) for role in CONTACT_ROLES],
        "tubes": [_tube_ends(tube, side) for tube, side in BODY_TUBES],
        "skin": skin_shape(mesh),
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


def skin_shape(mesh: SkinnedMesh) -> dict[str, Any]:
    """A skin in the T-pose, on joints that may be elsewhere than the canonical ones.

    Returns:
        Arrays in base64: ``vertices`` (V, 3) int16, ``normals`` (V, 4) int8 with the side (left limbs 1, right -1) as
        fourth number, ``joints`` and ``weights`` (V, 4) uint8, ``faces`` (F, 3) uint16; the ``places`` of its joints;
        and ``scale``, ``shift`` and ``lift`` by which its root follows the canonical one, see ``Fit``.
    """
    joints, weights = quantised_weights(mesh.weights)
    side_of = np.array([LIMB_SIDES.get(name.partition("_")[0], 0.0) for name in SKELETON_22.names])
    normals = np.column_stack([mesh.normals, mesh.weights @ side_of])
    fit = fit_of(mesh.vertices, mesh.positions)
    return {
        "vertices": packed(np.round(mesh.vertices * VERTEX_STEPS), "<i2"),
        "normals": packed(np.round(normals * 127), "i1"),
        "joints": packed(joints, "u1"),
        "weights": packed(weights, "u1"),
        "faces": packed(mesh.faces, "<u2"),
        "places": mesh.positions.astype(float).round(6).tolist(),
        "scale": round(fit.scale, 6),
        "shift": fit.shift.astype(float).round(6).tolist(),
        "lift": round(fit.lift, 6),
    }
