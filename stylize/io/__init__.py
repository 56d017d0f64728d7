"""Motion files in and out."""

from collections.abc import Callable, Collection
from pathlib import Path

from stylize.errors import MotionFileError
from stylize.io.bvh import BvhHierarchy, parse_bvh, read_bvh, write_bvh
from stylize.io.files import DEFAULT_LIMITS, Limits
from stylize.io.humanml3d import parse_humanml3d, read_humanml3d
from stylize.motion import Motion

__all__ = [
    "DEFAULT_LIMITS",
    "BvhHierarchy",
    "Limits",
    "load_motion",
    "parse_bvh",
    "parse_humanml3d",
    "read_bvh",
    "read_humanml3d",
    "save_motion",
    "write_bvh",
]

READERS: dict[str, Callable[[Path], Motion]] = {
    ".bvh": lambda path: read_bvh(path)[0],
    ".npy": read_humanml3d,
}
"""File suffix -> what reads it."""

WRITERS: dict[str, Callable[[Motion, Path, BvhHierarchy | None], None]] = {
    ".bvh": write_bvh,
}
"""File suffix -> what writes it; formats that cannot keep a BVH hierarchy do not use it."""


def load_motion(path: Path | str) -> Motion:
    """Read a motion file of any supported format.

    A BVH file's motion is in the file's own unit and axes; HumanML3D's, which has no skeleton of its own, is
    canonical already.

    To write a motion back on a BVH file's own hierarchy, use ``read_bvh``, which returns that too.

    Raises:
        MotionFileError: the suffix is not supported, or the file cannot be read.
    """
    path = Path(path)
    return READERS[_suffix(path, READERS)](path)


def save_motion(motion: Motion, path: Path | str, hierarchy: BvhHierarchy | None = None) -> None:
    """Write a motion in the format that the path's suffix names.

    Args:
        motion: in metres, or in the unit and axes of ``hierarchy`` where one is given.
        path: the file to write or to replace.
        hierarchy: the BVH hierarchy to write on; None for the format's standard one.

    Raises:
        MotionFileError: the suffix is not supported, or the file cannot be written.
    """
    path = Path(path)
    WRITERS[_suffix(path, WRITERS)](motion, path, hierarchy)


def _suffix(path: Path, supported: Collection[str]) -> str:
    suffix = path.suffix.lower()
    if suffix not in supported:
        what = f"{suffix} files are" if suffix else "files without a suffix are"
        raise MotionFileError(f"{path.name}: {what} not supported; use one of {', '.join(sorted(supported))}.")
    return suffix
