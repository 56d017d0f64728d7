"""A motion that came from outside: as it came in, and on the canonical skeleton."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stylize import features
from stylize.errors import MotionError
from stylize.io import Document, read_motion, save_motion
from stylize.motion import Motion
from stylize.retarget import Retargeter
from stylize.skeleton import SKELETON_22

MIN_SECONDS, MAX_SECONDS = 1.0, 60.0

CANONICAL_FAMILIES = {".npy": "HumanML3D"}
"""File suffix -> what to call the skeleton of files that are canonical as they are read."""


@dataclass(frozen=True, eq=False)
class SourceMotion:
    """A motion file's content: as it came in, and on the canonical skeleton.

    Attributes:
        motion: canonical, 30 fps.
        source: in the file's own unit, axes and frame rate.
        family: the kind of skeleton that was recognised.
        document: what the file's format keeps of the file, to write a result back onto it.
        retargeter: between the two skeletons, where the file has one of its own.
    """

    motion: Motion
    source: Motion
    family: str
    document: Document | None = None
    retargeter: Retargeter | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about how the skeleton was understood."""
        return tuple(self.retargeter.warnings) if self.retargeter else ()

    @property
    def can_write_back(self) -> bool:
        """Whether the file has a skeleton of its own, for ``write_back`` to write on."""
        return self.document is not None and self.retargeter is not None

    def write_back(self, motion: Motion, path: str | Path) -> None:
        """Write a canonical motion on the file's own skeleton, in its unit, axes and frame rate.

        Raises:
            MotionError: the file has no skeleton of its own.
            MotionFileError: the file cannot be written.
        """
        if self.document is None or self.retargeter is None:
            raise MotionError(
                f"The file of {self.source.name!r} has no skeleton of its own; write the motion on the canonical one."
            )
        save_motion(self.retargeter.to_source(motion), path, self.document)


def load_source(path: str | Path) -> SourceMotion:
    """Read a motion file and find its skeleton; MotionFileError or RetargetError say what is wrong."""
    source, document = read_motion(path)
    if source.skeleton is SKELETON_22:
        return SourceMotion(source, source, CANONICAL_FAMILIES.get(Path(path).suffix.lower(), "canonical"))
    retargeter = Retargeter.fit(source)
    return SourceMotion(retargeter.to_canonical(source), source, retargeter.family, document, retargeter)


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
