"""Motion files in and out."""

from collections.abc import Callable
from pathlib import Path

from stylize.errors import MotionFileError
from stylize.io.bvh import BvhHierarchy, parse_bvh, read_bvh
from stylize.io.files import DEFAULT_LIMITS, Limits
from stylize.motion import Motion

__all__ = ["DEFAULT_LIMITS", "BvhHierarchy", "Limits", "load_motion", "parse_bvh", "read_bvh"]

READERS: dict[str, Callable[[Path], Motion]] = {
    ".bvh": lambda path: read_bvh(path)[0],
}
"""File suffix -> what reads it."""


def load_motion(path: Path | str) -> Motion:
    """Read a motion file of any supported format, in the file's own unit and axes.

    To write the result back on the file's own hierarchy, use ``read_bvh``, which returns that too.

    Raises:
        MotionFileError: the suffix is not supported, or the file cannot be read.
    """
    return READERS[_suffix(Path(path), READERS)](Path(path))


def _suffix(path: Path, supported: dict) -> str:
    suffix = path.suffix.lower()
    if suffix not in supported:
        kind = f"{suffix} files are" if suffix else "a file without a suffix is"
        raise MotionFileError(f"{path.name}: {kind} not supported; use one of {', '.join(sorted(supported))}.")
    return suffix
