"""Joint positions with a name for each joint: .npy arrays with a list of names, and tables (.csv)."""

import csv
import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import numpy as np

from stylize.errors import MotionFileError, RetargetError
from stylize.io.files import DEFAULT_LIMITS, Limits, read_bytes, write_bytes
from stylize.io.humanml3d import MOST_FRAMES, canonical_from_positions
from stylize.io.npy import array_of, finite_floats, read_header
from stylize.motion import Motion
from stylize.retarget.named_joints import canonical_points

DEFAULT_FPS = 30.0
LARGEST = 1e6
"""No coordinate of a body is larger, in millimetres."""
MOST_COORDINATES = 6_000_000
AXES = "xyz"
TIME = "time"
EVEN = 0.02
"""Relative deviation of the steps in time up to which a table's frames are evenly spaced."""


def read_joint_names(path: Path | str, limits: Limits = DEFAULT_LIMITS) -> tuple[str, ...]:
    """The names of an array's joints: a .json list, or a text file with one name a line.

    Raises:
        MotionFileError: it is no such list.
    """
    path = Path(path)
    try:
        text = read_bytes(path, limits).decode("utf-8-sig")
        names = json.loads(text) if path.suffix.lower() == ".json" else text.split("\n")
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError, ValueError) as error:
        raise MotionFileError(f"{path.name} is no list of joint names; use a JSON list or one name a line.") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise MotionFileError(f'{path.name} is no list of joint names; use a JSON list, as in ["hips", "spine"].')
    found = tuple(name.strip() for name in names if name.strip())
    if not found:
        raise MotionFileError(f"{path.name} has no joint names; write one a line.")
    return found


def parse_joint_array(
    content: bytes,
    source_name: str,
    joint_names: Sequence[str],
    fps: float = DEFAULT_FPS,
    limits: Limits = DEFAULT_LIMITS,
) -> Motion:
    """The canonical motion of an .npy array of joint positions (T, J, 3), (J, 3, T) or (1, T, J, 3).

    Unit, up axis and handedness are found from the body itself; see ``canonical_points`` for missing joints.

    Args:
        content: of the file.
        source_name: its name, for error messages; its stem becomes the motion's name.
        joint_names: one a joint, in the array's order.
        fps: frames a second.
        limits: the largest file that is accepted.

    Raises:
        MotionFileError: one sentence with the file's name and what to do.
    """
    header = read_header(content, source_name)
    joints = len(joint_names)
    shape = header.shape[1:] if len(header.shape) == 4 and header.shape[0] == 1 else header.shape
    is_last = shape[:-1] == (joints, 3) and shape[1:] != (joints, 3)
    if header.dtype.kind != "O" and shape[1:] != (joints, 3) and not is_last:
        raise MotionFileError(
            f"{source_name}: its shape is {header.shape}; with {joints} joint names, use (frames, {joints}, 3)."
        )
    if header.dtype.kind != "O":
        _check_size(shape[-1 if is_last else 0], joints, source_name, limits)
    array = finite_floats(array_of(content, header, source_name), source_name, LARGEST).reshape(shape)
    return _canonical(np.moveaxis(array, -1, 0) if is_last else array, joint_names, fps, source_name)


def read_positions_csv(path: Path | str, fps: float | None = None, limits: Limits = DEFAULT_LIMITS) -> Motion:
    """Read a table of joint positions; see ``parse_positions_csv`` for what comes back."""
    path = Path(path)
    return parse_positions_csv(read_bytes(path, limits), path.name, fps, limits)


def parse_positions_csv(
    content: bytes, source_name: str = "motion.csv", fps: float | None = None, limits: Limits = DEFAULT_LIMITS
) -> Motion:
    """The canonical motion of a table with the columns `joint.x`, `joint.y` and `joint.z` for each joint.

    Args:
        content: of the file: a line of column names, then a line a frame. A column `time` in seconds gives the
            frame rate; other columns are left out.
        source_name: its name, for error messages; its stem becomes the motion's name.
        fps: frames a second, where there is no column `time`; 30 without both.
        limits: the largest file that is accepted.

    Raises:
        MotionFileError: one sentence with the file's name, the line, and what to do.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MotionFileError(f"{source_name} is no text; save the table as CSV in UTF-8.") from error
    head, _, body = text.replace("\r\n", "\n").replace("\r", "\n").partition("\n")
    columns = [name.strip().strip('"') for name in head[:100_000].split(",")]
    names = _joints_of(columns, source_name, limits)
    body = body.rstrip("\n")
    frames = body.count("\n") + 1 if body else 0
    _check_size(frames, max(len(names), len(columns) // 3), source_name, limits)
    table = _numbers(body, len(columns), source_name)
    where = {name: index for index, name in enumerate(columns)}
    positions = np.stack([table[:, [where[f"{name}.{axis}"] for axis in AXES]] for name in names], axis=1)
    if TIME in where:
        fps = _rate_of(table[:, where[TIME]], source_name)
    return _canonical(finite_floats(positions, source_name, LARGEST), names, fps or DEFAULT_FPS, source_name)


def write_positions_csv(motion: Motion, path: Path | str) -> None:
    """Write the positions of a motion's joints, in the motion's unit and axes, one line a frame."""
    header = [TIME, *(f"{name}.{axis}" for name in motion.skeleton.names for axis in AXES)]
    stream = StringIO()
    csv.writer(stream, lineterminator="\n").writerow(header)
    times = np.arange(len(motion)) / motion.fps
    np.savetxt(stream, np.column_stack([times, motion.positions.reshape(len(motion), -1)]), "%.6f", ",")
    write_bytes(Path(path), stream.getvalue().encode())


def _canonical(positions: np.ndarray, names: Sequence[str], fps: float, source_name: str) -> Motion:
    try:
        points = canonical_points(positions, names)
    except RetargetError as error:
        raise MotionFileError(f"{source_name}: {error}") from error
    return canonical_from_positions(points, fps, source_name)


def _check_size(frames: int, joints: int, source_name: str, limits: Limits) -> None:
    if joints > limits.joints:
        raise MotionFileError(f"{source_name}: it has {joints} joints; use up to {limits.joints}.")
    most = min(MOST_FRAMES, limits.frames, MOST_COORDINATES // (3 * max(joints, 1)))
    if not 2 <= frames <= most:
        raise MotionFileError(f"{source_name}: it has {frames} frames; use 2 to {most}.")


def _joints_of(columns: list[str], source_name: str, limits: Limits) -> list[str]:
    """The joints that have all three columns."""
    known = set(columns)
    names = [name[:-2] for name in columns if name.endswith(".x") and {f"{name[:-2]}.y", f"{name[:-2]}.z"} <= known]
    if not names:
        raise MotionFileError(
            f"{source_name}: its first line names no joints; use the columns joint.x, joint.y, joint.z for each joint."
        )
    if len(known) < len(columns):
        raise MotionFileError(f"{source_name}: two of its columns have the same name; each needs its own.")
    if len(columns) > 3 * limits.joints:
        raise MotionFileError(f"{source_name}: it has {len(columns)} columns; use up to {3 * limits.joints}.")
    return names


def _numbers(body: str, columns: int, source_name: str) -> np.ndarray:
    """(T, C) the table's numbers."""
    rows = []
    for number, line in enumerate(body.split("\n"), 2):
        cells = line.split(",")
        try:
            if len(cells) != columns:
                raise ValueError
            rows.append(np.array(cells, dtype=np.float64))
        except ValueError as error:
            raise MotionFileError(
                f"{source_name}, line {number}: it is not {columns} numbers, one for each column; correct the line."
            ) from error
    return np.stack(rows)


def _rate_of(times: np.ndarray, source_name: str) -> float:
    steps = np.diff(times)
    step = float(np.median(steps))
    # Times that were rounded to milliseconds are even too.
    if not step > 0 or np.abs(steps - step).max() > EVEN * step + 1.1e-3:
        raise MotionFileError(f"{source_name}: its column time does not go forward in even steps; resample it.")
    return float((len(times) - 1) / (times[-1] - times[0]))
