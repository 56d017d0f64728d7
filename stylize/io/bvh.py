"""Biovision hierarchy (BVH) files, kept faithful to the file: its units, axes, names and channels."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from stylize.errors import MotionFileError
from stylize.io.bvh_text import BvhHierarchy, parse_text
from stylize.io.files import DEFAULT_LIMITS, Limits, read_bytes, write_bytes
from stylize.motion import Motion
from stylize.rotations import euler_deg_to_matrix, matrix_to_euler_deg

__all__ = ["BvhHierarchy", "parse_bvh", "read_bvh", "standard_hierarchy", "write_bvh"]

NTSC_RATES = (24000 / 1001, 30000 / 1001, 60000 / 1001, 120000 / 1001)
CENTIMETRES = 100.0
STANDARD_POSITION = ("Xposition", "Yposition", "Zposition")
STANDARD_ROTATION = ("Zrotation", "Xrotation", "Yrotation")


def read_bvh(path: Path | str, limits: Limits = DEFAULT_LIMITS) -> tuple[Motion, BvhHierarchy]:
    """Read a BVH file; see ``parse_bvh`` for what comes back and how the file is understood."""
    path = Path(path)
    return parse_bvh(read_bytes(path, limits), path.name, limits)


def parse_bvh(
    content: bytes | str, source_name: str = "motion.bvh", limits: Limits = DEFAULT_LIMITS
) -> tuple[Motion, BvhHierarchy]:
    """Understand the content of a BVH file.

    Nothing is converted: the motion keeps the file's unit and axes. A position channel replaces its
    joint's OFFSET on that axis, at the root as elsewhere, as in Blender. Rotation channels apply in the order in
    which they stand. A joint's second End Site is left out.

    Args:
        content: the file as bytes (UTF-8, or else Latin-1) or as text.
        source_name: the file's name, for error messages; its stem becomes the motion's name.
        limits: the largest file that is accepted.

    Returns:
        The motion and the hierarchy it was written on, joints in the same order. The motion's
        ``local_positions`` are set only where joints below the root really move in their parent's frame.

    Raises:
        MotionFileError: one sentence with the file's name, the line and what to do.
    """
    text = parse_text(content, source_name, limits)
    hierarchy = text.hierarchy
    local_rotations, positions = _apply_channels(hierarchy, text.values)
    # Files print offsets and channels with different numbers of digits: that is no movement.
    tolerance = 1e-5 * np.abs(hierarchy.offsets).max()
    is_rigid = (np.abs(positions[:, 1:] - hierarchy.offsets[1:]) <= tolerance).all()
    motion = Motion(
        skeleton=hierarchy.skeleton,
        local_rotations=local_rotations,
        root_positions=positions[:, 0].copy(),
        fps=_frame_rate(text.frame_time),
        local_positions=None if is_rigid else positions,
        name=Path(source_name).stem,
    )
    return motion, hierarchy


def _frame_rate(frame_time: float) -> float:
    """Frames a second; the rounding of a printed frame time is undone for whole and NTSC rates."""
    rate = 1 / frame_time
    nearest = min((max(1.0, float(round(rate))), *NTSC_RATES), key=lambda known: abs(known - rate))
    return nearest if abs(nearest - rate) <= 1e-3 * rate else rate


def _apply_channels(hierarchy: BvhHierarchy, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Local rotations (T, J, 3, 3) and positions (T, J, 3) in the parent's frame from the channel values (T, C)."""
    shape = (len(values), len(hierarchy))
    positions = np.broadcast_to(hierarchy.offsets, (*shape, 3)).copy()
    local_rotations = np.broadcast_to(np.eye(3), (*shape, 3, 3)).copy()
    joints, axes, columns = _position_columns(hierarchy.channels)
    positions[:, joints, axes] = values[:, columns]
    for order, (joints, columns) in _rotation_columns(hierarchy.channels).items():
        local_rotations[:, joints] = euler_deg_to_matrix(values[:, columns], order)
    return local_rotations, positions


def _position_columns(channels: Sequence[Sequence[str]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The joint, the axis and the column of every position channel."""
    flat = [(joint, name.lower()) for joint, names in enumerate(channels) for name in names]
    found = [(joint, "xyz".index(name[0]), i) for i, (joint, name) in enumerate(flat) if name.endswith("position")]
    joints, axes, columns = np.array(found, dtype=int).reshape(-1, 3).T
    return joints, axes, columns


def _rotation_columns(channels: Sequence[Sequence[str]]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """For each order of rotation, as "ZXY" or "Z": the joints (N,) that have it and their columns (N, len(order))."""
    groups: dict[str, list[tuple[int, list[int]]]] = defaultdict(list)
    start = 0
    for joint, names in enumerate(channels):
        columns = [i for i, name in enumerate(names) if name.lower().endswith("rotation")]
        if columns:
            order = "".join(names[i][0].upper() for i in columns)
            groups[order].append((joint, [start + i for i in columns]))
        start += len(names)
    return {
        order: (np.array([joint for joint, _ in group]), np.array([columns for _, columns in group]))
        for order, group in groups.items()
    }


def write_bvh(motion: Motion, path: Path | str, hierarchy: BvhHierarchy | None = None) -> None:
    """Write a BVH file, as a whole or not at all.

    Euler angles are continuous from frame to frame. What the hierarchy has no channel for is not written:
    the travel of a root without position channels, a joint that moves off its offset without them, the
    rotation about an axis that is missing.

    Args:
        motion: with a hierarchy, in its unit and axes and with its joints in its order; without one, a
            motion in metres, as canonical motions are.
        path: the file to write or to replace.
        hierarchy: what ``read_bvh`` gave, kept as it is: names, offsets, channels and End Sites. None writes
            the ``standard_hierarchy`` in centimetres.

    Raises:
        MotionFileError: the motion has other joints than the hierarchy or values that are not finite, or
            the place cannot be written to.
    """
    path, scale = Path(path), 1.0
    if hierarchy is None:
        hierarchy, scale = standard_hierarchy(motion), CENTIMETRES
    if len(hierarchy) != len(motion.skeleton):
        raise MotionFileError(
            f"{path.name} cannot be written: the motion has {len(motion.skeleton)} joints and the hierarchy "
            f"{len(hierarchy)}; retarget the motion to that skeleton first."
        )
    order = _depth_first(hierarchy.parents)
    values = _channel_values(motion, hierarchy, order, scale)
    if not np.isfinite(values).all():
        raise MotionFileError(f"{path.name} cannot be written: the motion has values that are not finite.")
    row_format = " ".join(["%.6f"] * values.shape[1])
    rows = [row_format % tuple(row) for row in np.round(values, 6) + 0.0]  # + 0.0: no "-0.000000"
    head = ["MOTION", f"Frames: {len(motion)}", f"Frame Time: {1 / motion.fps:.10g}"]
    text = "\n".join(["HIERARCHY", *_hierarchy_lines(hierarchy, order), *head, *rows, ""])
    write_bytes(path, text.encode("utf-8", errors="replace"))


def standard_hierarchy(motion: Motion) -> BvhHierarchy:
    """The hierarchy for a motion in metres that came from no BVH file.

    Centimetres, +Y up. The root has X, Y and Z positions, then rotations in the order Z, X, Y; the others have
    the rotations alone, unless the motion moves them in their parent's frame. Leaves get an End Site, a third
    of their own bone long where the skeleton has none.
    """
    skeleton = motion.skeleton
    below = STANDARD_ROTATION if motion.local_positions is None else STANDARD_POSITION + STANDARD_ROTATION
    offsets = skeleton.offsets * CENTIMETRES
    leaves = sorted(set(range(len(skeleton))) - set(skeleton.parents.tolist()))
    end_sites = {leaf: offsets[leaf] / 3 for leaf in leaves}
    end_sites |= {joint: tip * CENTIMETRES for joint, tip in skeleton.end_sites.items()}
    return BvhHierarchy(
        names=skeleton.names,
        parents=skeleton.parents,
        offsets=np.round(offsets, 6),
        channels=(STANDARD_POSITION + STANDARD_ROTATION, *[below] * (len(skeleton) - 1)),
        end_sites={joint: np.round(tip, 6) for joint, tip in end_sites.items()},
    )


def _depth_first(parents: np.ndarray) -> list[int]:
    """The joints in the order in which a file nests them; a hierarchy that was read is in it already."""
    children = defaultdict(list)
    for joint, parent in enumerate(parents.tolist()):
        children[parent].append(joint)
    order, stack = [], [0]
    while stack:
        joint = stack.pop()
        order.append(joint)
        stack.extend(reversed(children[joint]))
    return order


def _hierarchy_lines(hierarchy: BvhHierarchy, order: Sequence[int]) -> Iterator[str]:
    def offset_line(offset: np.ndarray) -> str:
        return "OFFSET " + " ".join(np.format_float_positional(value, trim="0") for value in offset)

    depths: dict[int, int] = {-1: -1}
    open_joints = 0
    for joint in order:
        depth = depths[joint] = depths[int(hierarchy.parents[joint])] + 1
        for level in range(open_joints - 1, depth - 1, -1):
            yield "\t" * level + "}"
        open_joints = depth + 1
        indent, channels = "\t" * depth, hierarchy.channels[joint]
        name = re.sub(r"[\r\n{}]", "_", hierarchy.names[joint]).strip() or f"joint_{joint}"
        yield f"{indent}{'JOINT' if depth else 'ROOT'} {name}"
        yield indent + "{"
        yield f"{indent}\t{offset_line(hierarchy.offsets[joint])}"
        yield f"{indent}\t{' '.join(['CHANNELS', str(len(channels)), *channels])}"
        if joint in hierarchy.end_sites:
            yield f"{indent}\tEnd Site"
            yield indent + "\t{"
            yield f"{indent}\t\t{offset_line(hierarchy.end_sites[joint])}"
            yield indent + "\t}"
    for level in range(open_joints - 1, -1, -1):
        yield "\t" * level + "}"


def _channel_values(motion: Motion, hierarchy: BvhHierarchy, order: Sequence[int], scale: float) -> np.ndarray:
    """The table (T, C) of a motion, with the joints in ``order`` and positions times ``scale``."""
    channels = [hierarchy.channels[joint] for joint in order]
    values = np.zeros((len(motion), sum(map(len, channels))))
    positions = np.broadcast_to(hierarchy.offsets, (len(motion), len(hierarchy), 3)).copy()
    if motion.local_positions is not None:
        positions[:] = motion.local_positions * scale
    positions[:, 0] = motion.root_positions * scale
    places, axes, columns = _position_columns(channels)
    joints = np.array(order)
    values[:, columns] = positions[:, joints[places], axes]
    for axis_order, (places, columns) in _rotation_columns(channels).items():
        values[:, columns] = _continuous_euler_deg(motion.local_rotations[:, joints[places]], axis_order)
    return values


def _continuous_euler_deg(rotations: np.ndarray, order: str) -> np.ndarray:
    """Angles (T, N, len(order)) of rotations (T, N, 3, 3), without a jump from a frame to the next.

    Three angles describe each rotation in two ways, (a, b, c) and (a + 180, 180 - b, c + 180), and each angle
    is free by full turns. Where the middle angle is 90, only the sum or difference of the outer two counts.
    """
    full_order = order + "".join(axis for axis in "XYZ" if axis not in order)
    angles = matrix_to_euler_deg(rotations, full_order)
    if len(order) == 3:
        _hold_last_angle_where_locked(angles, full_order)
    other = angles * [1, -1, 1] + 180
    if len(order) == 3:
        # Staying on one way costs the same from either, and so does changing: count the changes.
        stay, change = (np.abs(_half_turn(end[1:] - angles[:-1])).sum(-1) for end in (angles, other))
        use_other = np.zeros(angles.shape[:2], bool)
        use_other[1:] = np.cumsum(change < stay, axis=0) % 2
    else:
        # The last angle is not written, so it has to be the smaller one.
        use_other = np.abs(_half_turn(other[..., 2])) < np.abs(_half_turn(angles[..., 2]))
    angles = np.where(use_other[..., None], other, angles)[..., : len(order)]
    return np.unwrap(_half_turn(angles), axis=0, period=360)


def _half_turn(angles: np.ndarray) -> np.ndarray:
    """The same angles within half a turn from 0, in degrees."""
    return (angles + 180) % 360 - 180


def _hold_last_angle_where_locked(angles: np.ndarray, order: str) -> None:
    """Where the middle angle is 90 degrees, give the last angle the value that it had before, in place."""
    locked = np.abs(np.abs(angles[..., 1]) - 90) < 1e-5
    if not locked.any():
        return
    frame = np.arange(len(angles))[:, None]
    last_free = np.maximum.accumulate(np.where(locked, 0, frame), axis=0)
    held = np.take_along_axis(angles[..., 2], last_free, axis=0)
    parity = 1 if order in "XYZXY" else -1
    turn = parity * np.sign(angles[..., 1]) * (angles[..., 2] - held)
    angles[..., 0] = np.where(locked, angles[..., 0] + turn, angles[..., 0])
    angles[..., 2] = np.where(locked, held, angles[..., 2])
