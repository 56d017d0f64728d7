"""What a motion file is, what was found in it, and what would be done with it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stylize.errors import RetargetError
from stylize.io import ANY_SKELETON, GLTF_SUFFIXES, ArrayOptions, SmplFile, describe_array, read_motion
from stylize.motion import Motion
from stylize.retarget.retargeter import FPS
from stylize.skeleton import CANONICAL_ROLES, SKELETON_22
from stylize.source import MAX_SECONDS, MIN_SECONDS, SourceMotion, load_source

FORMATS = {
    ".bvh": "BVH",
    ".csv": "table of joint positions (CSV)",
    ".glb": "glTF, binary",
    ".gltf": "glTF, text",
    ".vrm": "VRM",
    ".npz": "AMASS or smplx parameters (NumPy archive)",
}
UNITS = {"millimetre": 0.001, "centimetre": 0.01, "inch": 0.0254, "decimetre": 0.1, "foot": 0.3048, "metre": 1.0}
"""Unit -> metres."""
NEAR_UNIT = 1.35
"""A body that is up to this many times as tall or small as the canonical one is in the unit."""


@dataclass(frozen=True)
class Inspection:
    """What was found in a file.

    Attributes:
        file: its name.
        format: what kind of file it is.
        family: the kind of skeleton; None if it is none that can be used.
        joints: how many it has.
        roles: how many of the canonical 22 joints were found among them.
        frames: how many it has.
        fps: frames a second.
        seconds: how long it lasts.
        up_axis: which axis of the file is up, as "+Z"; None if that is not known.
        unit: what the file's unit seems to be, from the length of the legs; None if that is not known.
        scale: metres of the canonical body in one of the file's units; None if that is not known.
        animations: the names of a glTF file's animations.
        warnings: what a person should know.
        steps: what would be done with it, in sentences.
        problem: why it cannot be used, in a sentence; None if it can.
    """

    file: str
    format: str
    family: str | None
    joints: int
    roles: int
    frames: int
    fps: float
    seconds: float
    up_axis: str | None
    unit: str | None
    scale: float | None
    animations: tuple[str, ...]
    warnings: tuple[str, ...]
    steps: tuple[str, ...]
    problem: str | None


def inspect_file(path: str | Path, animation: str | None = None, arrays: ArrayOptions | None = None) -> Inspection:
    """Read a motion file and say what it is; the arguments are those of ``load_source``.

    Raises:
        MotionFileError: the file cannot be read. A skeleton that cannot be used is no error but ``problem``.
    """
    path = Path(path)
    try:
        source = load_source(path, animation, arrays)
    except RetargetError as error:
        motion, document = read_motion(path, animation, arrays)
        animations = getattr(document, "animations", ())
        return _inspection(path, motion, animations=tuple(animations), problem=str(error))
    motion, retargeter = source.source, source.rig.retargeter if source.rig else None
    scale = retargeter.scale if retargeter else None
    return _inspection(
        path,
        motion,
        family=source.family,
        roles=len(retargeter.roles) if retargeter else len(CANONICAL_ROLES),
        up_axis=_up_axis(retargeter.world) if retargeter else None,
        unit=None if scale is None else _unit(scale),
        scale=scale,
        animations=source.animations,
        warnings=source.warnings,
        steps=_steps(source, scale),
    )


def _inspection(path: Path, motion: Motion, **found: object) -> Inspection:
    suffix = path.suffix.lower()
    known = dict.fromkeys(("family", "up_axis", "unit", "scale", "problem"))
    known |= {"roles": 0, "animations": (), "warnings": (), "steps": ()}
    return Inspection(
        file=path.name,
        format=describe_array(path) if suffix == ".npy" else FORMATS[suffix],
        joints=len(motion.skeleton),
        frames=len(motion),
        fps=round(motion.fps, 3),
        seconds=round(motion.duration, 2),
        **(known | found),  # pyright: ignore[reportArgumentType]
    )


def _up_axis(world: np.ndarray) -> str:
    axis = world[1]
    index = int(np.abs(axis).argmax())
    return f"{'+' if axis[index] > 0 else '-'}{'XYZ'[index]}"


def _unit(scale: float) -> str | None:
    """The unit of which one is ``scale`` metres, about."""
    nearest = min(UNITS, key=lambda unit: abs(np.log(scale / UNITS[unit])))
    return nearest if abs(np.log(scale / UNITS[nearest])) < np.log(NEAR_UNIT) else None


def _steps(source: SourceMotion, scale: float | None) -> tuple[str, ...]:
    steps = []
    rig = source.rig
    if source.source.skeleton is SKELETON_22:
        steps.append(
            "Rotations are found from the joints' positions, on the canonical skeleton of 22 joints, at "
            f"{FPS} frames a second; unit and axes follow from the body."
        )
    elif rig is not None and isinstance(rig.document, SmplFile):
        steps.append("The rotations of the first 22 joints carry over as they are; the others come back with a result.")
    else:
        steps.append(
            f"{len(source.source.skeleton)} joints are retargeted to the canonical skeleton of 22; joints without a "
            "counterpart keep their own motion."
        )
    if rig is not None and (axis := _up_axis(rig.retargeter.world)) != "+Y":
        steps.append(f"{axis} becomes +Y up.")
    if scale is not None and not 0.999 < scale < 1.001:
        steps.append(f"Lengths are scaled by {scale:.4g}, so that the legs are as long as the canonical ones.")
    if abs(source.source.fps - FPS) > 1e-3:
        steps.append(f"It is resampled from {source.source.fps:g} to {FPS} frames a second.")
    steps.append("It begins at the origin, heads to +Z, and its feet stand on the ground y = 0.")
    if source.is_on_the_spot:
        steps.append("It walks on the spot: it travels while it is restyled, and is on the spot again after that.")
    steps.append(_way_out(source))
    if not MIN_SECONDS <= source.motion.duration <= MAX_SECONDS + 1:
        steps.append(f"It can be converted; only motions of {MIN_SECONDS:g} to {MAX_SECONDS:g} s can be restyled.")
    return tuple(steps)


def _way_out(source: SourceMotion) -> str:
    if source.rig is None:
        return "A result is written on the canonical skeleton, as the file has none of its own."
    own = source.rig.suffix
    formats = sorted({own, *(GLTF_SUFFIXES if own in GLTF_SUFFIXES else ()), *ANY_SKELETON})
    return f"A result is written back on the file's own skeleton in {', '.join(formats)}, else on the canonical one."
