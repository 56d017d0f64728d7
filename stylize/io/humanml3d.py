"""HumanML3D's motions (Guo et al., CVPR 2022): joint positions or 263 features at 20 frames a second, as .npy."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.interpolate import CubicSpline

from stylize.errors import MotionFileError, RetargetError
from stylize.io.files import DEFAULT_LIMITS, Limits, read_bytes, write_bytes
from stylize.io.humanml3d_features import (
    FEATURES,
    JOINTS,
    FeatureStatistics,
    features_from_positions,
    look_normalised,
    positions_from_features,
)
from stylize.io.npy import array_of, finite_floats, read_header
from stylize.motion import Motion
from stylize.retarget import Retargeter
from stylize.retarget.axes import unit
from stylize.retarget.from_positions import SMPL_REST, motion_from_positions
from stylize.skeleton import SKELETON_22, Skeleton

SOURCE_FPS, FPS = 20, 30
MOST_FRAMES = 12_000
"""Ten minutes; more would cost memory, and the data set's own clips last ten seconds."""
LONGEST = 600
"""Seconds."""
LARGEST = 1e4
"""No coordinate of a body is larger, in metres."""
FEATURES_SUFFIX = ".features.npy"

Form = Literal["joints", "features"]

LENGTHS = {
    "hip": 0.10, "knee": 0.39, "ankle": 0.43, "foot": 0.14, "spine1": 0.13, "spine2": 0.14, "spine3": 0.06,
    "neck": 0.22, "head": 0.10, "collar": 0.14, "shoulder": 0.13, "elbow": 0.26, "wrist": 0.27,
}  # fmt: skip
"""Metres from a joint to the one above it on the one body that all of the data set's motions were put on."""


def read_humanml3d(
    path: Path | str, limits: Limits = DEFAULT_LIMITS, statistics: FeatureStatistics | None = None
) -> Motion:
    """Read a HumanML3D file; see ``parse_humanml3d`` for what comes back."""
    path = Path(path)
    return parse_humanml3d(read_bytes(path, limits), path.name, limits, statistics)


def parse_humanml3d(
    content: bytes,
    source_name: str = "motion.npy",
    limits: Limits = DEFAULT_LIMITS,
    statistics: FeatureStatistics | None = None,
    fps: float = SOURCE_FPS,
) -> Motion:
    """Understand the content of a HumanML3D file.

    Args:
        content: an .npy array of floats: joint positions (T, 22, 3), (22, 3, T) or (1, T, 22, 3) in metres, +Y up, as
            in `new_joints`, or features (T, 263) or (1, T, 263), as in `new_joint_vecs`. Of the features only those
            count from which positions follow.
        source_name: the file's name, for error messages; its stem becomes the motion's name.
        limits: the largest file that is accepted.
        statistics: the mean and deviation by which features were normalised; not used for those that were not.
        fps: of the file.

    Returns:
        A canonical motion: SKELETON_22, metres, 30 fps, the ground at y = 0, the first frame at x = z = 0,
        heading to +Z.

    Raises:
        MotionFileError: one sentence with the file's name and what to do.
    """
    array = finite_floats(_arranged(content, source_name, limits), source_name, LARGEST)
    if array.ndim == 2:
        array = positions_from_features(_restored(array, source_name, statistics))
    return canonical_from_positions(array, fps, source_name)


def canonical_from_positions(positions: np.ndarray, fps: float, source_name: str) -> Motion:
    """Canonical joint positions (T, 22, 3), +Y up, in any unit, to the canonical motion at 30 fps.

    Raises:
        MotionFileError: the points are no body.
    """
    if not 1 <= fps <= 1000 or len(positions) / fps > LONGEST:
        raise MotionFileError(
            f"{source_name}: {len(positions)} frames at {fps:g} a second cannot be used; the rate is 1 to 1000, and "
            f"{LONGEST} seconds are the limit."
        )
    times = np.arange(len(positions)) / fps
    if fps != FPS:
        positions = CubicSpline(times, positions)(np.arange(int(times[-1] * FPS + 1e-6) + 1) / FPS)
    try:
        motion = motion_from_positions(positions, FPS)
    except RetargetError as error:
        raise MotionFileError(f"{source_name}: {error}") from error
    return replace(motion, name=Path(source_name).stem)


def _restored(features: np.ndarray, source_name: str, statistics: FeatureStatistics | None) -> np.ndarray:
    """Features (T, 263) that are not normalised."""
    if not look_normalised(features):
        return features
    if statistics is None:
        raise MotionFileError(
            f"{source_name}: its features look normalised; give the Mean.npy and Std.npy that it was normalised by, or "
            "multiply by Std and add Mean first."
        )
    restored = statistics.restore(features)
    if look_normalised(restored):
        raise MotionFileError(
            f"{source_name}: its features are not those that this Mean.npy and Std.npy belong to; give the right ones."
        )
    return restored


def _arranged(content: bytes, source_name: str, limits: Limits) -> np.ndarray:
    """The array of an .npy file as (T, 22, 3) or (T, 263); its shape is checked before anything is allocated."""
    header = read_header(content, source_name)
    shape = header.shape
    if shape[:1] == (1,) and len(shape) in (3, 4) and shape[1:] != (JOINTS, 3):
        shape = shape[1:]
    is_last = shape[:-1] in ((JOINTS, 3), (FEATURES,)) and shape[1:] not in ((JOINTS, 3), (FEATURES,))
    if header.dtype.kind != "O" and shape[1:] not in ((JOINTS, 3), (FEATURES,)) and not is_last:
        if len(shape) > 2 and (shape[-2:] == (JOINTS, 3) or shape[-3:-1] == (JOINTS, 3) or shape[-1] == FEATURES):
            raise MotionFileError(
                f"{source_name}: its shape is {header.shape}, which is {shape[0]} motions; save one of them by itself."
            )
        raise MotionFileError(
            f"{source_name}: its shape is {header.shape}; use HumanML3D's joints (frames, {JOINTS}, 3) or its features "
            f"(frames, {FEATURES}), or name the joints of (frames, joints, 3)."
        )
    frames, most = (shape or (0,))[-1 if is_last else 0], min(MOST_FRAMES, limits.frames)
    if header.dtype.kind != "O" and not 2 <= frames <= most:
        raise MotionFileError(f"{source_name}: it has {frames} frames; use 2 to {most}.")
    array = array_of(content, header, source_name).reshape(shape)
    return np.moveaxis(array, -1, 0) if is_last else array


def write_humanml3d(motion: Motion, path: Path | str, form: Form | None = None) -> None:
    """Write a motion as HumanML3D has it, at 20 frames a second, as a whole or not at all.

    It is put on a body of the data set's proportions, with the lowest joint at y = 0. Features begin at the origin
    and head to +Z.

    Args:
        motion: canonical, or any motion of a person.
        path: the .npy file to write or to replace.
        form: "joints" (T, 22, 3) or "features" (T, 263), not normalised; None for features where the name ends in
            .features.npy, else joints.

    Raises:
        MotionFileError: the motion is too short, or the file cannot be written.
        RetargetError: the motion is not that of a person.
    """
    path = Path(path)
    form = form or ("features" if path.name.lower().endswith(FEATURES_SUFFIX) else "joints")
    positions = humanml3d_positions(motion)
    if len(positions) < 2:
        raise MotionFileError(f"{path.name} needs two frames at {SOURCE_FPS} a second; this motion is shorter.")
    array = positions.astype(np.float32) if form == "joints" else features_from_positions(positions)
    stream = BytesIO()
    np.save(stream, array)
    write_bytes(path, stream.getvalue())


def humanml3d_positions(motion: Motion) -> np.ndarray:
    """Joint positions (T, 22, 3) of a motion on the data set's body, in metres at 20 frames a second."""
    if motion.skeleton is not SKELETON_22:
        motion = Retargeter.fit(motion).to_canonical(motion)
    motion = motion.resample(SOURCE_FPS, smooth=True)
    body = _body()
    hips = [SKELETON_22.joint(f"{side}_hip") for side in ("left", "right")]
    scale = body.leg_length / SKELETON_22.leg_length
    wanted = scale * motion.positions[:, hips].mean(1)
    posed = Motion(body, motion.local_rotations, np.zeros_like(wanted), SOURCE_FPS).positions
    positions = posed + (wanted - posed[:, hips].mean(1))[:, None]
    positions[..., 1] -= positions[..., 1].min()
    return positions


def _body() -> Skeleton:
    offsets = np.zeros((JOINTS, 3))
    for joint, role in enumerate(SKELETON_22.names[1:], 1):
        side, _, part = role.rpartition("_")
        slant = SMPL_REST.get(part)
        direction = unit(SKELETON_22.offsets[joint] if slant is None else np.array(slant))
        if slant is not None and side == "right":
            direction = direction * np.array([-1, 1, 1])
        offsets[joint] = LENGTHS[part] * direction
    return Skeleton(SKELETON_22.names, SKELETON_22.parents, offsets, roles=SKELETON_22.roles)
