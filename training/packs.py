"""The training pack: canonical motions of many clips in one small file.

An .npz of plain arrays: rotation vectors in 16 bits and root positions in 32, both as differences from frame
to frame (which deflate well), and the clips' names, lengths and labels as JSON. The same input gives the same
bytes.
"""

import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from stylize.errors import StylizeError
from stylize.features import FPS, NUM_JOINTS
from stylize.motion import Motion
from stylize.rotations import matrix_to_rotvec, rotvec_to_matrix
from stylize.skeleton import SKELETON_22

ROTATION_UNIT = np.pi / 32767
POSITION_UNIT = 5e-5


@dataclass(frozen=True)
class Clip:
    """One clip of a pack: its name and number of frames, and where the source has them its labels and a caption."""

    name: str
    frames: int
    style: str | None = None
    content: str | None = None
    caption: str | None = None


@dataclass(frozen=True)
class Pack:
    """Clips and their frames, one after the other.

    Attributes:
        clips: in the order of their frames.
        rotations: (F, 22, 3) int16, rotation vectors in ROTATION_UNIT.
        roots: (F, 3) int32, positions in POSITION_UNIT.
    """

    clips: tuple[Clip, ...]
    rotations: np.ndarray
    roots: np.ndarray

    def __len__(self) -> int:
        return len(self.clips)

    def motion(self, index: int) -> Motion:
        """The canonical motion of a clip."""
        start = sum(clip.frames for clip in self.clips[:index])
        frames = slice(start, start + self.clips[index].frames)
        rotvec = self.rotations[frames].astype(np.float64) * ROTATION_UNIT
        roots = self.roots[frames].astype(np.float64) * POSITION_UNIT
        return Motion(SKELETON_22, rotvec_to_matrix(rotvec), roots, FPS, name=self.clips[index].name)

    def save(self, path: Path) -> None:
        """Write the pack as an .npz."""
        listing = json.dumps([asdict(clip) for clip in self.clips], ensure_ascii=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                clips=np.frombuffer(listing.encode("utf-8"), np.uint8),
                rotation_steps=_planes(np.diff(self.rotations, axis=0, prepend=self.rotations[:1] * 0)),
                root_steps=_planes(np.diff(self.roots, axis=0, prepend=self.roots[:1] * 0)),
            )

    @staticmethod
    def load(path: Path) -> "Pack":
        """Read a pack that ``save`` wrote; StylizeError if there is none."""
        if not path.is_file():
            raise StylizeError(f"There is no pack {path}; make it with training.prepare.")
        with np.load(path, allow_pickle=False) as arrays:
            clips = tuple(Clip(**entry) for entry in json.loads(arrays["clips"].tobytes().decode("utf-8")))
            rotations = np.cumsum(_from_planes(arrays["rotation_steps"], np.int16), axis=0, dtype=np.int16)
            roots = np.cumsum(_from_planes(arrays["root_steps"], np.int32), axis=0, dtype=np.int32)
        return Pack(clips, rotations.reshape(-1, NUM_JOINTS, 3), roots.reshape(-1, 3))


def split_pack(pack: Pack, share: float) -> tuple[Pack, Pack]:
    """All clips but about ``share`` of the labelled ones, and those; a clip's name alone decides, so it stays."""
    held_out = np.array(
        [clip.style is not None and zlib.crc32(clip.name.encode()) % 1000 < 1000 * share for clip in pack.clips]
    )
    frames = np.repeat(held_out, [clip.frames for clip in pack.clips])

    def part(wanted: bool) -> Pack:
        clips = tuple(clip for clip, out in zip(pack.clips, held_out, strict=True) if out == wanted)
        return Pack(clips, pack.rotations[frames == wanted], pack.roots[frames == wanted])

    return part(False), part(True)


def quantize(motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """A canonical motion at 30 fps as a pack holds it: rotations (T, 22, 3) int16, roots (T, 3) int32."""
    rotvec = matrix_to_rotvec(motion.local_rotations)
    rotations = np.clip(np.rint(rotvec / ROTATION_UNIT), -32767, 32767).astype(np.int16)
    return rotations, np.rint(motion.root_positions / POSITION_UNIT).astype(np.int32)


def build_pack(entries: Iterable[tuple[Clip, np.ndarray, np.ndarray]]) -> Pack:
    """A pack of clips and their quantised frames."""
    clips, rotations, roots = zip(*entries, strict=True)
    return Pack(tuple(clips), np.concatenate(rotations), np.concatenate(roots))


def _planes(values: np.ndarray) -> np.ndarray:
    """Integers (F, ...) as bytes (C, width, F): each channel's low bytes together, then its high ones."""
    flat = np.ascontiguousarray(values.reshape(len(values), -1).T)
    return np.ascontiguousarray(flat.view(np.uint8).reshape(*flat.shape, values.itemsize).transpose(0, 2, 1))


def _from_planes(planes: np.ndarray, dtype: type[np.integer]) -> np.ndarray:
    """The integers (F, C) of ``_planes``."""
    return np.ascontiguousarray(planes.transpose(0, 2, 1)).view(dtype)[..., 0].T
