"""A motion that came from outside: as it came in, and on the canonical skeleton."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stylize import features
from stylize.errors import MotionError
from stylize.io import load_motion
from stylize.io.bvh import BvhHierarchy, read_bvh
from stylize.motion import Motion
from stylize.retarget import Retargeter
from stylize.skeleton import SKELETON_22

MIN_SECONDS, MAX_SECONDS = 1.0, 60.0


@dataclass(frozen=True, eq=False)
class SourceMotion:
    """A motion file's content: as it came in, and on the canonical skeleton.

    Attributes:
        motion: canonical, 30 fps.
        source: in the file's own unit, axes and frame rate.
        family: the kind of skeleton that was recognised.
        hierarchy: of a BVH file, to write a result back onto it.
        retargeter: between the two skeletons, where the file has one of its own.
    """

    motion: Motion
    source: Motion
    family: str
    hierarchy: BvhHierarchy | None = None
    retargeter: Retargeter | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about how the skeleton was understood."""
        return tuple(self.retargeter.warnings) if self.retargeter else ()


def load_source(path: str | Path) -> SourceMotion:
    """Read a motion file and find its skeleton; MotionFileError or RetargetError say what is wrong."""
    if Path(path).suffix.lower() != ".bvh":
        motion = load_motion(path)
        return SourceMotion(motion, motion, "HumanML3D")
    source, hierarchy = read_bvh(path)
    retargeter = Retargeter.fit(source)
    return SourceMotion(retargeter.to_canonical(source), source, retargeter.family, hierarchy, retargeter)


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
