"""A motion that came from outside: as it came in, and on the canonical skeleton."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stylize import features
from stylize.errors import MotionError, MotionFileError
from stylize.io import (
    GLTF_SUFFIXES,
    ArrayOptions,
    Document,
    GltfCharacter,
    SmplFile,
    can_hold,
    load_person,
    read_character,
    read_motion,
    save_motion,
    shows_person,
)
from stylize.motion import Motion
from stylize.retarget import Retargeter
from stylize.retarget.axes import rest_frame
from stylize.retarget.in_place import ground_velocity, on_the_spot, with_travel
from stylize.skeleton import SKELETON_22

MIN_SECONDS, MAX_SECONDS = 1.0, 60.0

CANONICAL_FAMILIES = {".csv": "joint positions", ".npy": "HumanML3D"}
"""File suffix -> what to call the skeleton of files that are canonical as they are read."""


@dataclass(frozen=True, eq=False)
class Rig:
    """A file's skeleton that motions can be put on.

    Attributes:
        document: what the file's format keeps of the file.
        retargeter: between the file's skeleton and the canonical one.
        suffix: the ending of the file's name.
    """

    document: Document
    retargeter: Retargeter
    suffix: str

    def can_write(self, path: str | Path) -> bool:
        """Whether the format of ``path`` can hold this skeleton: it is the file's own, or BVH, which takes any."""
        return can_hold(path, self.document)

    def check_can_write(self, path: str | Path) -> None:
        """MotionFileError if the format of ``path`` cannot hold this skeleton."""
        if not self.can_write(path):
            ending = self.suffix if self.suffix == ".bvh" else f"{self.suffix} or .bvh"
            raise MotionFileError(f"{Path(path).name} cannot hold the skeleton of a {self.suffix} file; use {ending}.")

    def write(self, motion: Motion, path: str | Path) -> None:
        """Write a canonical motion on this skeleton, in the file's unit, axes and frame rate.

        In the file's own format, all else that the file has is kept: the channels of a BVH file's joints, the meshes,
        materials and further animations of a glTF character.

        Raises:
            MotionFileError: the file cannot be written, or not in this format.
        """
        self.check_can_write(path)
        save_motion(self.retargeter.to_source(motion), path, self.document)


@dataclass(frozen=True, eq=False)
class SourceMotion:
    """A motion file's content: as it came in, and on the canonical skeleton.

    Attributes:
        motion: canonical, 30 fps.
        source: in the file's own unit, axes and frame rate.
        family: the kind of skeleton that was recognised.
        rig: the file's own skeleton, to write a result on; None where the format has none.
        warnings: what a person should know about how file and skeleton were understood.
        is_on_the_spot: whether the file walks on the spot. ``motion`` travels all the same, as fast as the ground moves
            under its feet, since only then do its feet stand still; what is written back does not.
    """

    motion: Motion
    source: Motion
    family: str
    rig: Rig | None = None
    warnings: tuple[str, ...] = ()
    is_on_the_spot: bool = False

    def can_write_back(self, path: str | Path) -> bool:
        """Whether the file has a skeleton of its own that the format of ``path`` can hold."""
        return self.rig is not None and self.rig.can_write(path)

    def write_back(self, motion: Motion, path: str | Path) -> None:
        """Write a canonical motion on the file's own skeleton; see ``Rig.write``.

        Raises:
            MotionError: the file has no skeleton of its own.
            MotionFileError: the file cannot be written, or not in this format.
        """
        if self.rig is None:
            raise MotionError(f"The file of {self.source.name!r} has no skeleton of its own; write the canonical one.")
        self.rig.write(on_the_spot(motion) if self.is_on_the_spot else motion, path)

    @property
    def smpl_file(self) -> SmplFile | None:
        """Gender, shape and the like of the body, where the file is one of the SMPL family."""
        return self.rig.document if self.rig and isinstance(self.rig.document, SmplFile) else None

    @property
    def animations(self) -> tuple[str, ...]:
        """The names of the animations to choose from, in a file that names them."""
        return self.rig.document.animations if self.rig and isinstance(self.rig.document, GltfCharacter) else ()


def load_source(path: str | Path, animation: str | None = None, arrays: ArrayOptions | None = None) -> SourceMotion:
    """Read a motion file and find its skeleton.

    Args:
        path: the file.
        animation: which of a glTF file's animations, by its name; without it, the first in which something moves.
        arrays: what an .npy or .csv file does not say itself.

    Raises:
        MotionFileError, RetargetError: one sentence that says what is wrong.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    source, document = read_motion(path, animation, arrays)
    if source.skeleton is SKELETON_22:
        family = "joint positions" if arrays and arrays.joint_names else CANONICAL_FAMILIES.get(suffix, "canonical")
        return SourceMotion(source, source, family)
    retargeter = document.retargeter(source) if isinstance(document, SmplFile) else Retargeter.fit(source)
    notes = retargeter.warnings
    if animation is None and isinstance(document, GltfCharacter) and len(document.animations) > 1:
        count = len(document.animations)
        notes = (
            f"the file has {count} animations: {source.name!r} was taken, the first in which something moves",
            *notes,
        )
    motion = retargeter.to_canonical(source)
    ground = ground_velocity(motion)
    if ground is not None:
        motion = with_travel(motion, -ground)
        speed = f"{np.linalg.norm(ground):.1f}"
        notes = (
            *notes,
            f"it walks on the spot: it is restyled at {speed} m/s, as its feet go, and written on the spot",
        )
    rig = None if document is None else Rig(document, retargeter, suffix)
    return SourceMotion(motion, source, retargeter.family, rig, notes, ground is not None)


def load_rig(path: str | Path) -> Rig:
    """Read a file's skeleton, to put other motions on it; a glTF or VRM character needs no animation for that.

    A character is understood from the pose in which its mesh was bound, if that is a T- or an A-pose, else from its
    animation. A BVH file is understood from its motion.

    Raises:
        MotionFileError, RetargetError: one sentence that says what is wrong.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in GLTF_SUFFIXES:
        source = load_source(path)
        if source.rig is None:
            raise MotionFileError(f"{path.name} has no skeleton of its own; choose a BVH file or a glTF character.")
        return source.rig
    character = read_character(path)
    rest = character.rest()
    retargeter = Retargeter.fit(rest)
    if rest_frame(rest.skeleton, retargeter.roles) is None:
        if not character.animations:
            raise MotionFileError(
                f"{path.name}: the character neither stands in a T- or A-pose nor is animated, so its joints cannot be "
                "understood; export it in a T-pose."
            )
        retargeter = Retargeter.fit(read_motion(path)[0])
    return Rig(character, retargeter, suffix)


def as_canonical(motion: Motion | SourceMotion | str | Path, what: str) -> Motion:
    """A motion on the canonical skeleton at 30 fps, of a length that can be used; MotionError says why not."""
    if isinstance(motion, str | Path):
        motion = load_source(motion)
    if isinstance(motion, SourceMotion):
        motion = motion.motion
    elif motion.skeleton is not SKELETON_22:
        motion = Retargeter.fit(motion).to_canonical(motion)
    if not MIN_SECONDS <= len(motion) / motion.fps <= MAX_SECONDS + 1:
        raise MotionError(
            f"The {what} {motion.name!r} lasts {motion.duration:.2f} s; "
            f"use a motion of {MIN_SECONDS:g} to {MAX_SECONDS:g} s, or cut it."
        )
    if not (np.isfinite(motion.local_rotations).all() and np.isfinite(motion.root_positions).all()):
        raise MotionError(f"The {what} {motion.name!r} has numbers that are not finite; export it again.")
    return motion.resample(features.FPS)


def save_shown(
    motion: Motion,
    path: str | Path,
    character: Rig | None = None,
    body_model: str | Path | None = None,
    file: SmplFile | None = None,
) -> None:
    """Write a canonical motion on a character, or else on the canonical skeleton with the body of ``load_person``."""
    if character is not None:
        character.write(motion, path)
    else:
        save_motion(motion, path, person=load_person(body_model, file)[0] if shows_person(path) else None)
