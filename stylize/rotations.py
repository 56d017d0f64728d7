"""Rotations: matrices inside, other forms only at the borders.

The only module that imports roma. Every function takes a numpy array or a torch tensor with any
leading batch dimensions and gives back the same kind.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import roma
import torch


def _numpy_too(function: Callable[..., torch.Tensor]) -> Callable[..., Any]:
    """Let a torch function take and return numpy arrays as well."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not any(isinstance(a, np.ndarray) for a in args):
            return function(*args, **kwargs)
        tensors = [torch.from_numpy(a.copy()) if isinstance(a, np.ndarray) else a for a in args]
        return function(*tensors, **kwargs).numpy()

    return wrapper


@_numpy_too
def euler_deg_to_matrix(euler_deg: Any, order: str) -> Any:
    """Intrinsic Euler angles (..., N) in degrees, applied in ``order`` (as "ZXY"), to matrices (..., 3, 3)."""
    return roma.euler_to_rotmat(order.upper(), euler_deg, degrees=True)


@_numpy_too
def matrix_to_euler_deg(matrix: Any, order: str) -> Any:
    """Matrices (..., 3, 3) to intrinsic Euler angles (..., 3) in degrees, in ``order`` (as "ZXY")."""
    return roma.rotmat_to_euler(order.upper(), matrix, degrees=True)


@_numpy_too
def quat_xyzw_to_matrix(quat_xyzw: Any) -> Any:
    """Quaternions (..., 4), of any non-zero length, to matrices (..., 3, 3)."""
    return roma.unitquat_to_rotmat(roma.quat_normalize(quat_xyzw))


@_numpy_too
def matrix_to_quat_xyzw(matrix: Any) -> Any:
    """Matrices (..., 3, 3) to unit quaternions (..., 4), of either sign."""
    return roma.rotmat_to_unitquat(matrix)


def matrix_to_continuous_quat_xyzw(matrix: np.ndarray) -> np.ndarray:
    """Matrices (T, ..., 3, 3) to unit quaternions (T, ..., 4), each of the sign that is nearer to the one before."""
    quat_xyzw = matrix_to_quat_xyzw(matrix)
    flips = (quat_xyzw[1:] * quat_xyzw[:-1]).sum(-1) < 0
    quat_xyzw[1:] *= np.where(np.cumsum(flips, axis=0) % 2, -1.0, 1.0)[..., None]
    return quat_xyzw


@_numpy_too
def rotvec_to_matrix(rotvec: Any) -> Any:
    """Rotation vectors (..., 3) in radians to matrices (..., 3, 3)."""
    return roma.rotvec_to_rotmat(rotvec)


@_numpy_too
def matrix_to_rotvec(matrix: Any) -> Any:
    """Matrices (..., 3, 3) to rotation vectors (..., 3) in radians."""
    return roma.rotmat_to_rotvec(matrix)


@_numpy_too
def matrix_to_rot6d(matrix: Any) -> Any:
    """Matrices (..., 3, 3) to their first two columns, flattened to (..., 6) (Zhou et al., 2019)."""
    return matrix[..., :2].flatten(-2)


@_numpy_too
def rot6d_to_matrix(rot6d: Any) -> Any:
    """Two columns (..., 6) to matrices (..., 3, 3) by Gram-Schmidt; zeros give a valid rotation, not NaN."""
    # Side by side in memory, or their norms take ten times as long.
    first, second = (column.contiguous() for column in rot6d.unflatten(-1, (3, 2)).unbind(-1))
    short = first.norm(dim=-1, keepdim=True) <= 1e-6
    if short.any():
        unit_x = torch.zeros_like(first)
        unit_x[..., 0] = 1.0
        first = torch.where(short, unit_x, first)
    x = torch.nn.functional.normalize(first, dim=-1)
    second = second - (x * second).sum(-1, keepdim=True) * x
    short = second.norm(dim=-1, keepdim=True) <= 1e-6
    if short.any():
        # Any axis across x serves where the second column has no part of its own.
        smallest = torch.nn.functional.one_hot(x.abs().argmin(-1), 3).to(x)
        second = torch.where(short, smallest - (x * smallest).sum(-1, keepdim=True) * x, second)
    y = torch.nn.functional.normalize(second, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=-1)


@_numpy_too
def slerp(matrix_a: Any, matrix_b: Any, weight: Any) -> Any:
    """The rotation at ``weight`` (...,) of the shortest way from ``matrix_a`` to ``matrix_b`` (..., 3, 3)."""
    delta = roma.rotmat_to_rotvec(matrix_a.transpose(-1, -2) @ matrix_b)
    return matrix_a @ roma.rotvec_to_rotmat(delta * weight[..., None])


@_numpy_too
def nearest_rotation(matrix: Any) -> Any:
    """The rotation nearest to each matrix (..., 3, 3), in the least-squares sense."""
    return roma.special_procrustes(matrix)


@_numpy_too
def yaw_to_matrix(yaw: Any) -> Any:
    """Angles (...,) in radians about +Y to matrices (..., 3, 3)."""
    cos, sin, zero, one = yaw.cos(), yaw.sin(), torch.zeros_like(yaw), torch.ones_like(yaw)
    rows = [cos, zero, sin, zero, one, zero, -sin, zero, cos]
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))


@_numpy_too
def heading_yaw(matrix: Any) -> Any:
    """The turn (...,) about +Y in radians in each rotation (..., 3, 3): the twist of swing-twist.

    Smooth but for a body turned upside down, unlike the direction in which one axis points.
    """
    return torch.atan2(matrix[..., 0, 2] - matrix[..., 2, 0], matrix[..., 0, 0] + matrix[..., 2, 2])


def heading_free(local_rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The heading (T, 3, 3) of a canonical motion, and its local rotations (T, J, 3, 3) with the root's in it."""
    heading = yaw_to_matrix(heading_yaw(local_rotations[:, 0]))
    free = local_rotations.copy()
    free[:, 0] = np.swapaxes(heading, -1, -2) @ free[:, 0]
    return heading, free


@_numpy_too
def rotation_between(vector_a: Any, vector_b: Any) -> Any:
    """The smallest rotation (..., 3, 3) that turns directions ``vector_a`` into ``vector_b`` (..., 3)."""
    a = torch.nn.functional.normalize(vector_a, dim=-1)
    b = torch.nn.functional.normalize(vector_b, dim=-1)
    axis = torch.linalg.cross(a, b, dim=-1)
    sine = axis.norm(dim=-1, keepdim=True)
    angle = torch.atan2(sine, (a * b).sum(-1, keepdim=True))
    smallest = torch.nn.functional.one_hot(a.abs().argmin(-1), 3).to(a)
    opposite = torch.nn.functional.normalize(torch.linalg.cross(a, smallest, dim=-1), dim=-1)
    unit_axis = torch.where(sine > 1e-9, axis / sine.clamp_min(1e-9), opposite)
    return roma.rotvec_to_rotmat(unit_axis * angle)


@_numpy_too
def geodesic_distance(matrix_a: Any, matrix_b: Any) -> Any:
    """Angles (...,) in radians between rotations (..., 3, 3)."""
    return roma.rotmat_geodesic_distance(matrix_a, matrix_b)
