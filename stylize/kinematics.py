"""Forward kinematics and derivatives, on numpy arrays and torch tensors alike."""

from typing import Any

import numpy as np
import torch


def depth_levels(parents: np.ndarray) -> list[np.ndarray]:
    """Joint indices grouped by their distance to the root, the root's own level left out."""
    depth = np.zeros(len(parents), int)
    for joint, parent in enumerate(parents):
        depth[joint] = depth[parent] + 1 if parent >= 0 else 0
    return [np.flatnonzero(depth == level) for level in range(1, depth.max() + 1)]


def forward_kinematics(local_rotations: Any, root_positions: Any, offsets: Any, parents: np.ndarray) -> tuple[Any, Any]:
    """Pose a skeleton.

    Args:
        local_rotations: (..., J, 3, 3), each joint's rotation in its parent's frame.
        root_positions: (..., 3) in metres.
        offsets: (J, 3), or (..., J, 3) where joints also move in their parent's frame. The root's is not used.
        parents: (J,), -1 for the root; a parent comes before its children.

    Returns:
        Global rotations (..., J, 3, 3) and positions (..., J, 3).
    """
    if isinstance(local_rotations, torch.Tensor):
        return _forward_kinematics_by_joint(local_rotations, root_positions, offsets, parents)
    global_rotations, positions = np.empty_like(local_rotations), np.empty_like(local_rotations[..., 0])
    global_rotations[..., 0, :, :] = local_rotations[..., 0, :, :]
    positions[..., 0, :] = root_positions
    for level in depth_levels(parents):
        parent = parents[level]
        parent_rotations = global_rotations[..., parent, :, :]
        global_rotations[..., level, :, :] = parent_rotations @ local_rotations[..., level, :, :]
        step = (parent_rotations @ offsets[..., level, :, None])[..., 0]
        positions[..., level, :] = positions[..., parent, :] + step
    return global_rotations, positions


def _forward_kinematics_by_joint(
    local_rotations: torch.Tensor, root_positions: torch.Tensor, offsets: torch.Tensor, parents: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """The same for tensors: picking levels out takes them longer, and autograd would have to copy around."""
    global_rotations, positions = [local_rotations[..., 0, :, :]], [root_positions]
    for joint, parent in enumerate(parents.tolist()):
        if parent < 0:
            continue
        global_rotations.append(global_rotations[parent] @ local_rotations[..., joint, :, :])
        positions.append(positions[parent] + (global_rotations[parent] @ offsets[..., joint, :, None])[..., 0])
    return torch.stack(global_rotations, dim=-3), torch.stack(positions, dim=-2)


def velocities(positions: Any, fps: float) -> Any:
    """Forward differences of (T, ...) in units a second; the last frame repeats the one before it."""
    if len(positions) < 2:
        return positions * 0
    step = (positions[1:] - positions[:-1]) * fps
    concatenate = torch.cat if isinstance(positions, torch.Tensor) else np.concatenate
    return concatenate([step, step[-1:]])
