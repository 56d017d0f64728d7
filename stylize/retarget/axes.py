"""Directions and frames of joints: what calibration is made of."""

from itertools import permutations, product

import numpy as np

from stylize.retarget.topology import rest_positions
from stylize.skeleton import Skeleton

LEFT, UP, FRONT = np.eye(3)
SNAP_DEG = 20.0
RIGHT_ANGLED = np.stack(
    [
        matrix
        for order in permutations(range(3))
        for signs in product((1.0, -1.0), repeat=3)
        if np.linalg.det(matrix := np.eye(3)[list(order)] * np.array(signs)) > 0
    ]
)
"""(24, 3, 3) every rotation that takes coordinate axes to coordinate axes."""


def unit(vectors: np.ndarray) -> np.ndarray:
    """(..., 3) made one long; zeros stay."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def angle_deg(vector_a: np.ndarray, vector_b: np.ndarray) -> float:
    """Between two directions."""
    return float(np.degrees(np.arccos(np.clip(unit(vector_a) @ unit(vector_b), -1, 1))))


def snap(vector: np.ndarray, tolerance_deg: float = SNAP_DEG) -> np.ndarray:
    """The nearest local coordinate axis if it is within the tolerance, else the direction itself."""
    vector = unit(vector)
    axis = np.zeros(3)
    axis[np.abs(vector).argmax()] = np.sign(vector[np.abs(vector).argmax()])
    return axis if angle_deg(vector, axis) <= tolerance_deg else vector


def is_on_axis(vector: np.ndarray, tolerance_deg: float = 3.0) -> bool:
    """Whether a direction is along a local coordinate axis."""
    return bool(np.abs(unit(vector)).max() > np.cos(np.radians(tolerance_deg)))


def frame(primary: np.ndarray, secondary: np.ndarray) -> np.ndarray:
    """Columns (primary, secondary made perpendicular to it, their cross product)."""
    x = unit(primary)
    y = unit(secondary - (secondary @ x) * x)
    return np.stack([x, y, np.cross(x, y)], axis=1)


def align(canonical: tuple[np.ndarray, np.ndarray], local: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The rotation that takes the first canonical direction to the first local one, the second as near as it can."""
    return frame(*local) @ frame(*canonical).T


def limb_axes(role: str) -> tuple[np.ndarray, np.ndarray]:
    """Canonical bone direction and hinge axis (bone x next bone, when bent) of hips, knees, shoulders and elbows."""
    side = 1.0 if role.startswith("left") else -1.0
    if role.endswith(("hip", "knee")):
        return -UP, LEFT
    return side * LEFT, -side * UP


def rest_frame(skeleton: Skeleton, roles: dict[str, int]) -> np.ndarray | None:
    """Columns (left, up, front) of the body at identity if that is a T- or A-pose, else None."""
    rest = rest_positions(skeleton)

    def direction(start: str, end: str) -> np.ndarray:
        return unit(rest[roles[end]] - rest[roles[start]])

    left = direction("right_hip", "left_hip")
    trunk = rest[[roles["left_shoulder"], roles["right_shoulder"]]].mean(0)
    trunk = trunk - rest[[roles["left_hip"], roles["right_hip"]]].mean(0)
    up = unit(trunk - (trunk @ left) * left)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        thigh, shank = direction(f"{side}_hip", f"{side}_knee"), direction(f"{side}_knee", f"{side}_ankle")
        upper_arm = direction(f"{side}_shoulder", f"{side}_elbow")
        if thigh @ up > -0.85 or shank @ up > -0.85 or sign * (upper_arm @ left) < 0.4 or abs(upper_arm @ up) > 0.85:
            return None
        if f"{side}_wrist" in roles and upper_arm @ direction(f"{side}_elbow", f"{side}_wrist") < 0.8:
            return None
    front = np.cross(left, up)
    return np.stack([snap(left), snap(up), snap(front)], axis=1)
