"""The 263 features a frame of HumanML3D (Guo et al., CVPR 2022), from joint positions and back.

A frame has, in this order: the root's turn about +Y to the next frame, as half the angle, since it came from a
quaternion (1); the root's way over the ground to the next frame, in its heading (2); its height (1); the other joints'
positions in that heading, from the root's place on the ground (63); the turns of the bones against the bones before
them (126); all joints' ways to the next frame, in the heading (66); whether left ankle, left foot, right ankle and
right foot stand (4). Metres, +Y up, 20 frames a second.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from stylize.errors import MotionFileError
from stylize.io.files import read_bytes
from stylize.io.npy import array_of, finite_floats, read_header
from stylize.retarget.axes import unit
from stylize.rotations import rotation_between, yaw_to_matrix
from stylize.skeleton import SKELETON_22

JOINTS, FEATURES = 22, 263
BLOCK_SIZES = {"turn": 1, "way": 2, "height": 1, "positions": 63, "rot6d": 126, "velocities": 66, "contacts": 4}
_ENDS = np.cumsum(list(BLOCK_SIZES.values()))
BLOCKS = {name: slice(end - size, end) for (name, size), end in zip(BLOCK_SIZES.items(), _ENDS, strict=True)}

CHAINS = ((0, 2, 5, 8, 11), (0, 1, 4, 7, 10), (0, 3, 6, 9, 12, 15), (9, 14, 17, 19, 21), (9, 13, 16, 18, 20))
"""Joints along which the data set counts the turns of bones, each chain from the body's heading."""
HEADING_SMOOTHNESS = 20
"""Frames of the Gaussian that smooths the heading."""
STANDING = 0.002
"""Squared metres a frame under which an ankle or foot stands."""
UNEVEN_AXES = 0.25
"""How far the axes of the bones' turns are from a length of 1, at the median, in features that are normalised."""


def _raw_directions() -> np.ndarray:
    """(22, 3) where the bone to each joint points before it is turned: the data set's rest pose hangs its arms."""
    directions = np.tile([0.0, -1.0, 0.0], (JOINTS, 1))
    for roles, direction in {
        ("left_hip", "left_collar"): (1, 0, 0),
        ("right_hip", "right_collar"): (-1, 0, 0),
        ("spine1", "spine2", "spine3", "neck"): (0, 1, 0),
        ("left_foot", "right_foot", "head"): (0, 0, 1),
    }.items():
        directions[[SKELETON_22.joint(role) for role in roles]] = direction
    return directions


RAW_DIRECTIONS = _raw_directions()


@dataclass(frozen=True, eq=False)
class FeatureStatistics:
    """By what features were normalised: ``(features - mean) / std``; both (263,)."""

    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def read(cls, mean_path: Path | str, std_path: Path | str) -> "FeatureStatistics":
        """From the data set's Mean.npy and Std.npy; MotionFileError says what is wrong with them."""
        return cls(_read_row(Path(mean_path)), _read_row(Path(std_path)))

    def restore(self, features: np.ndarray) -> np.ndarray:
        """Normalised features (T, 263) as they were."""
        return features * self.std + self.mean


def _read_row(path: Path) -> np.ndarray:
    content = read_bytes(path)
    header = read_header(content, path.name)
    if header.shape != (FEATURES,):
        raise MotionFileError(f"{path.name}: its shape is {header.shape}; a mean or deviation of {FEATURES} is needed.")
    return finite_floats(array_of(content, header, path.name), path.name, 1e6)


def look_normalised(features: np.ndarray) -> bool:
    """Whether features (T, 263) had their mean taken off: the axes in them are no longer about 1 long."""
    axes = features[:, BLOCKS["rot6d"]].reshape(-1, 3)
    return bool(np.median(np.abs(np.linalg.norm(axes, axis=-1) - 1)) > UNEVEN_AXES)


def positions_from_features(features: np.ndarray) -> np.ndarray:
    """Joint positions (T, 22, 3) in metres from features (T, 263); turns, velocities and contacts are not needed."""
    block = {name: features[:, where] for name, where in BLOCKS.items()}
    yaw = -2 * _sum_before(block["turn"][:, 0])
    from_heading = yaw_to_matrix(yaw)
    step = np.zeros((len(features), 3))
    step[1:, [0, 2]] = block["way"][:-1]
    root = np.cumsum(np.einsum("tij,tj->ti", from_heading, step), axis=0)
    others = block["positions"].reshape(len(features), JOINTS - 1, 3)
    others = np.einsum("tij,tkj->tki", from_heading, others) + root[:, None]
    root[:, 1] = block["height"][:, 0]
    return np.concatenate([root[:, None], others], axis=1)


def _sum_before(values: np.ndarray) -> np.ndarray:
    """(T,) at each frame the sum of all frames before it."""
    return np.concatenate([[0.0], np.cumsum(values[:-1])])


def features_from_positions(positions: np.ndarray) -> np.ndarray:
    """Features (T, 263), float32, from joint positions (T, 22, 3) in metres, +Y up, the lowest joint at y = 0.

    The last frame's velocities are those of the frame before it; the data set drops that frame.
    """
    positions = positions.astype(np.float64)
    yaw = _heading(positions)
    to_heading = yaw_to_matrix(-yaw)
    frames = len(positions)

    def in_heading(vectors: np.ndarray, heading: np.ndarray = to_heading) -> np.ndarray:
        return np.einsum("tij,tkj->tki", heading, vectors)

    steps = np.diff(positions, axis=0)
    root = positions[:, :1] * np.array([1.0, 0.0, 1.0])
    turns = np.angle(np.exp(1j * np.diff(yaw)))
    feet = [SKELETON_22.joint(role) for role in ("left_ankle", "left_foot", "right_ankle", "right_foot")]
    blocks = {
        "turn": _to_end(-turns[:, None] / 2),
        "way": _to_end(in_heading(steps[:, :1], to_heading[1:])[:, 0, [0, 2]]),
        "height": positions[:, 0, 1:2],
        "positions": in_heading(positions - root)[:, 1:],
        "rot6d": _bone_turns(positions, to_heading),
        "velocities": _to_end(in_heading(steps, to_heading[:-1])),
        "contacts": _to_end((steps[:, feet] ** 2).sum(-1) < STANDING),
    }
    rows = [blocks[name].reshape(frames, size) for name, size in BLOCK_SIZES.items()]
    return np.concatenate(rows, axis=1).astype(np.float32)


def _to_end(steps: np.ndarray) -> np.ndarray:
    """(T, ...) from what T - 1 frames have to the next: the last is repeated."""
    return np.concatenate([steps, steps[-1:]])


def _heading(positions: np.ndarray) -> np.ndarray:
    """(T,) radians about +Y from +Z of the data set's heading.

    The first frame's is where hips and shoulders face. From then on it is what the data set's code makes of them:
    shoulders less hips, which a slip of signs left of their sum, smoothed over a second.
    """
    hips, shoulders = (
        positions[:, SKELETON_22.joint(f"left_{part}")] - positions[:, SKELETON_22.joint(f"right_{part}")]
        for part in ("hip", "shoulder")
    )
    forward = gaussian_filter1d(
        np.cross(unit(shoulders - hips), [0.0, 1.0, 0.0]), HEADING_SMOOTHNESS, axis=0, mode="nearest"
    )
    forward[0] = np.cross(hips[0] + shoulders[0], [0.0, 1.0, 0.0])
    return np.arctan2(forward[:, 0], forward[:, 2])


def _bone_turns(positions: np.ndarray, to_heading: np.ndarray) -> np.ndarray:
    """(T, 21, 6): the shortest turn of each bone from its raw direction, against that of the bone before it.

    The first bone of a chain is counted from the turn of the world into the heading, not its inverse: that is how the
    data set has it.
    """
    turns = np.zeros((len(positions), JOINTS, 3, 3))
    for chain in CHAINS:
        before = to_heading
        for start, end in pairwise(chain):
            bones = positions[:, end] - positions[:, start]
            here = rotation_between(np.broadcast_to(RAW_DIRECTIONS[end], bones.shape).copy(), bones)
            turns[:, end] = np.swapaxes(before, -1, -2) @ here
            before = here
    columns = np.swapaxes(turns[:, 1:, :, :2], -1, -2)
    return columns.reshape(len(positions), JOINTS - 1, 6)
