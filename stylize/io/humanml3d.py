"""HumanML3D's motions (Guo et al., CVPR 2022): joint positions or 263 features at 20 frames a second, as .npy."""

import ast
import re
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline

from stylize.errors import MotionFileError, RetargetError
from stylize.io.files import DEFAULT_LIMITS, Limits, read_bytes
from stylize.motion import Motion
from stylize.retarget.from_positions import motion_from_positions
from stylize.rotations import yaw_to_matrix

SOURCE_FPS, FPS = 20, 30
JOINTS, FEATURES = 22, 263
MOST_FRAMES = 12_000
"""Ten minutes; more would cost memory, and the data set's own clips last ten seconds."""
LONGEST_HEADER = 10_000
LARGEST = 1e4
"""No coordinate of a body is larger, in metres."""


def read_humanml3d(path: Path | str, limits: Limits = DEFAULT_LIMITS) -> Motion:
    """Read a HumanML3D file; see ``parse_humanml3d`` for what comes back."""
    path = Path(path)
    return parse_humanml3d(read_bytes(path, limits), path.name, limits)


def parse_humanml3d(content: bytes, source_name: str = "motion.npy", limits: Limits = DEFAULT_LIMITS) -> Motion:
    """Understand the content of a HumanML3D file.

    Args:
        content: an .npy array of floats: joint positions (T, 22, 3) in metres, +Y up, as in `new_joints`, or
            features (T, 263), not normalised, as in `new_joint_vecs`. Of the features only those count from
            which positions follow.
        source_name: the file's name, for error messages; its stem becomes the motion's name.
        limits: the largest file that is accepted.

    Returns:
        A canonical motion: SKELETON_22, metres, 30 fps, the ground at y = 0, the first frame at x = z = 0,
        heading to +Z.

    Raises:
        MotionFileError: one sentence with the file's name and what to do.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        array = _read_array(content, source_name, limits).astype(np.float64)
    if not np.isfinite(array).all() or np.abs(array).max() > LARGEST:
        raise MotionFileError(f"{source_name}: it has numbers that are not finite or far too large; export it again.")
    positions = positions_from_features(array) if array.ndim == 2 else array
    times = np.arange(len(positions)) / SOURCE_FPS
    finer = CubicSpline(times, positions)(np.arange(int(times[-1] * FPS + 1e-6) + 1) / FPS)
    try:
        motion = motion_from_positions(finer, FPS)
    except RetargetError as error:
        raise MotionFileError(f"{source_name}: {error}") from error
    return replace(motion, name=Path(source_name).stem)


def positions_from_features(features: np.ndarray) -> np.ndarray:
    """Joint positions (T, 22, 3) in metres from features (T, 263).

    A frame has the root's turn about +Y to the next frame (as half the angle, since it came from a quaternion) and
    its way over the ground in its own heading, its height, then the other joints' positions (21, 3) in that
    heading from the root's place on the ground; rotations, velocities and contacts follow and are not needed.
    """
    turn, way, height = features[:, 0], features[:, 1:3], features[:, 3]
    yaw = -2 * _sum_before(turn)
    from_heading = yaw_to_matrix(yaw)
    step = np.zeros((len(features), 3))
    step[1:, [0, 2]] = way[:-1]
    root = np.cumsum(np.einsum("tij,tj->ti", from_heading, step), axis=0)
    others = features[:, 4 : 4 + 3 * (JOINTS - 1)].reshape(len(features), JOINTS - 1, 3)
    others = np.einsum("tij,tkj->tki", from_heading, others) + root[:, None]
    root[:, 1] = height
    return np.concatenate([root[:, None], others], axis=1)


def _sum_before(values: np.ndarray) -> np.ndarray:
    """(T,) at each frame the sum of all frames before it."""
    return np.concatenate([[0.0], np.cumsum(values[:-1])])


def _read_array(content: bytes, source_name: str, limits: Limits) -> np.ndarray:
    """The array of an .npy file; its header is checked against the content before anything is allocated."""
    try:
        dtype, shape, is_fortran, start = _read_header(content)
    except (ValueError, TypeError, KeyError, SyntaxError, RecursionError, MemoryError, struct.error) as error:
        raise MotionFileError(f"{source_name} is no .npy file that can be read; save it with numpy.save.") from error
    if dtype.kind != "f":
        raise MotionFileError(f"{source_name}: its values are of the type {dtype}; save it as float32.")
    if shape[1:] not in ((JOINTS, 3), (FEATURES,)):
        raise MotionFileError(
            f"{source_name}: its shape is {shape}; use HumanML3D's joints (frames, {JOINTS}, 3) or its features "
            f"(frames, {FEATURES})."
        )
    frames, most = shape[0], min(MOST_FRAMES, limits.frames)
    if not 2 <= frames <= most:
        raise MotionFileError(f"{source_name}: it has {frames} frames; use 2 to {most}.")
    count = frames * (JOINTS * 3 if len(shape) == 3 else FEATURES)
    if len(content) - start < count * dtype.itemsize:
        raise MotionFileError(f"{source_name}: it ends in the middle of its numbers; copy it again.")
    values = np.frombuffer(content, dtype, count, start)
    return values.reshape(shape, order="F" if is_fortran else "C")


def _read_header(content: bytes) -> tuple[np.dtype, tuple[int, ...], bool, int]:
    """Type, shape, order and place of the numbers of an .npy file; any of several errors if it is none.

    numpy's own reader is not used: it warns, and lets other errors through, on headers of Python 2.
    """
    magic, version = content[:6], content[6:8]
    width = {b"\x01\x00": "<H", b"\x02\x00": "<I"}[version]
    begin = 8 + struct.calcsize(width)
    (length,) = struct.unpack(width, content[8:begin])
    if magic != b"\x93NUMPY" or length > LONGEST_HEADER:
        raise ValueError("no .npy header")
    header = ast.literal_eval(content[begin : begin + length].decode("latin-1").strip())
    descr, shape, is_fortran = header["descr"], header["shape"], header["fortran_order"]
    is_plain = isinstance(descr, str) and re.fullmatch(r"[<>=|]?[biufcO]\d*", descr)
    if not (is_plain and isinstance(shape, tuple) and all(type(size) is int for size in shape)):
        raise ValueError("no plain array")
    return np.dtype(descr), shape, bool(is_fortran), begin + length
