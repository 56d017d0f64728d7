"""Motion files in and out."""

from collections.abc import Callable, Collection
from pathlib import Path

from stylize.body import Person
from stylize.errors import MotionFileError
from stylize.io.amass import SmplFile, parse_amass, read_amass, write_amass
from stylize.io.arrays import ArrayOptions, describe_array, read_array
from stylize.io.body_models import BUNDLED_NAME, load_person
from stylize.io.bvh import BvhHierarchy, parse_bvh, read_bvh, write_bvh
from stylize.io.files import DEFAULT_LIMITS, Limits
from stylize.io.gltf import GltfCharacter, parse_gltf, read_character, read_gltf, write_gltf
from stylize.io.humanml3d import parse_humanml3d, read_humanml3d, write_humanml3d
from stylize.io.humanml3d_features import FeatureStatistics
from stylize.io.joint_positions import (
    parse_joint_array,
    parse_positions_csv,
    read_joint_names,
    read_positions_csv,
    write_positions_csv,
)
from stylize.io.video import PICTURE_SUFFIXES, write_video
from stylize.motion import Motion
from stylize.skeleton import SKELETON_22

__all__ = [
    "DEFAULT_LIMITS",
    "ArrayOptions",
    "BvhHierarchy",
    "Document",
    "FeatureStatistics",
    "GltfCharacter",
    "Limits",
    "SmplFile",
    "describe_array",
    "load_motion",
    "load_person",
    "parse_amass",
    "parse_bvh",
    "parse_gltf",
    "parse_humanml3d",
    "parse_joint_array",
    "parse_positions_csv",
    "read_amass",
    "read_array",
    "read_bvh",
    "read_character",
    "read_gltf",
    "read_humanml3d",
    "read_joint_names",
    "read_motion",
    "read_positions_csv",
    "save_motion",
    "shows_person",
    "write_amass",
    "write_bvh",
    "write_gltf",
    "write_humanml3d",
    "write_positions_csv",
    "write_video",
]

Document = BvhHierarchy | GltfCharacter | SmplFile
"""What a format keeps of a file that was read, so that another motion can be written on its skeleton."""

GLTF_SUFFIXES = (".glb", ".gltf", ".vrm")
ANY_SKELETON = (".bvh",)
"""Formats that take any skeleton."""

READERS: dict[str, Callable[[Path], tuple[Motion, Document | None]]] = {
    ".bvh": read_bvh,
    ".csv": lambda path: (read_positions_csv(path), None),
    ".npy": lambda path: (read_array(path), None),
    ".npz": read_amass,
    **dict.fromkeys(GLTF_SUFFIXES, read_gltf),
}
"""File suffix -> what reads it: the motion and, where the file has a skeleton of its own, its document."""

ARRAY_READERS: dict[str, Callable[[Path, ArrayOptions], Motion]] = {
    ".csv": lambda path, options: read_positions_csv(path, options.fps),
    ".npy": read_array,
}
"""File suffix -> what reads it with what a person knows of it."""

WRITERS: dict[str, Callable[[Motion, Path, Document | None, Person | None], None]] = {
    ".bvh": lambda motion, path, document, person: write_bvh(
        motion, path, document if isinstance(document, BvhHierarchy) else None
    ),
    **dict.fromkeys(GLTF_SUFFIXES, lambda *arguments: _write_gltf(*arguments)),
    ".csv": lambda motion, path, document, person: write_positions_csv(motion, path),
    **dict.fromkeys(
        PICTURE_SUFFIXES,
        lambda motion, path, document, person: write_video(motion, path, person or load_person()[0]),
    ),
    ".npy": lambda motion, path, document, person: write_humanml3d(motion, path),
    ".npz": lambda motion, path, document, person: write_amass(
        motion, path, document if isinstance(document, SmplFile) else None
    ),
}
"""File suffix -> what writes it; what a format cannot keep of a document, or show of a person, it does not use."""


def load_motion(path: Path | str, animation: str | None = None, arrays: ArrayOptions | None = None) -> Motion:
    """Read a motion file of any supported format.

    The motion of a BVH, glTF or AMASS file is in the file's own unit and axes; that of positions (.npy, .csv), which
    have no skeleton of their own, is canonical already.

    Args:
        path: the file.
        animation: which of a glTF file's animations, by its name; without it, the first in which something moves.
        arrays: what an .npy file does not say itself, as the names of its joints, or a .csv file its frame rate.

    To write a motion back on the file's own skeleton, use ``read_motion``, which returns its document too.

    Raises:
        MotionFileError: the suffix is not supported, or the file cannot be read.
    """
    return read_motion(path, animation, arrays)[0]


def read_motion(
    path: Path | str, animation: str | None = None, arrays: ArrayOptions | None = None
) -> tuple[Motion, Document | None]:
    """Read a motion file like ``load_motion``, and what ``save_motion`` needs to write on the same skeleton.

    Returns:
        The motion, and the file's document, or None where the format has no skeleton of its own.

    Raises:
        MotionFileError: the suffix is not supported, or the file cannot be read.
    """
    path = Path(path)
    suffix = _suffix(path, READERS)
    if animation is None and arrays is not None and suffix in ARRAY_READERS:
        return ARRAY_READERS[suffix](path, arrays), None
    if animation is None:
        return READERS[suffix](path)
    if suffix not in GLTF_SUFFIXES:
        raise MotionFileError(f"{path.name} has one motion only; leave out the animation {animation!r}.")
    return read_gltf(path, animation)


def save_motion(
    motion: Motion, path: Path | str, document: Document | None = None, person: Person | None = None
) -> None:
    """Write a motion in the format that the path's suffix names.

    Args:
        motion: in metres, or in the unit and axes of ``document`` where one is given.
        path: the file to write or to replace.
        document: of a file that was read, to write on its skeleton; None for the format's standard one.
        person: who is shown in glTF files and videos that have no character of their own; None for the default one,
            see ``load_person``.

    Raises:
        MotionFileError: the suffix is not supported, or the file cannot be written.
    """
    path = Path(path)
    WRITERS[_suffix(path, WRITERS)](motion, path, document, person)


def _write_gltf(motion: Motion, path: Path, document: Document | None, person: Person | None) -> None:
    if isinstance(document, GltfCharacter):
        return write_gltf(motion, path, document)
    if motion.skeleton is not SKELETON_22:
        return write_gltf(motion, path)
    person = person or load_person()[0]
    if person.body.name == BUNDLED_NAME and person.betas is None:
        return write_gltf(motion, path)
    return write_gltf(person.fitted(motion), path, mesh=person.skin())


def shows_person(path: Path | str) -> bool:
    """Whether the format of ``path`` shows somebody: glTF files and videos do."""
    return Path(path).suffix.lower() in (*GLTF_SUFFIXES, *PICTURE_SUFFIXES)


def can_hold(path: Path | str, document: Document | None) -> bool:
    """Whether the format of ``path`` can hold the skeleton of a document: it is its own, or one that takes any."""
    suffix = Path(path).suffix.lower()
    if suffix in ANY_SKELETON:
        return True
    if isinstance(document, GltfCharacter):
        return suffix in GLTF_SUFFIXES and (suffix != ".vrm" or document.is_vrm)
    return isinstance(document, SmplFile) and suffix == ".npz"


def _suffix(path: Path, supported: Collection[str]) -> str:
    suffix = path.suffix.lower()
    if suffix not in supported:
        what = f"{suffix} files are" if suffix else "files without a suffix are"
        raise MotionFileError(f"{path.name}: {what} not supported; use one of {', '.join(sorted(supported))}.")
    return suffix
