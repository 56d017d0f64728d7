"""A motion: a skeleton and how it moves."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline

from stylize.errors import MotionError
from stylize.kinematics import forward_kinematics
from stylize.rotations import matrix_to_continuous_quat_xyzw, quat_xyzw_to_matrix, slerp
from stylize.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class Motion:
    """How a skeleton moves over time.

    Canonical motions are in metres with +Y up, facing +Z where the pelvis is at identity. A motion that
    was just read from a file keeps the file's own unit and axes until it is retargeted.

    Attributes:
        skeleton: the joints.
        local_rotations: (T, J, 3, 3), each in its parent's frame.
        root_positions: (T, 3).
        fps: frames a second.
        local_positions: (T, J, 3) where joints also move in their parent's frame, in place of the
            skeleton's offsets; the root's entries are not used. None for rigid bones.
        name: what to show a person.
    """

    skeleton: Skeleton
    local_rotations: np.ndarray
    root_positions: np.ndarray
    fps: float
    local_positions: np.ndarray | None = None
    name: str = ""

    def __post_init__(self) -> None:
        assert self.local_rotations.shape == (len(self), len(self.skeleton), 3, 3), self.local_rotations.shape
        assert self.root_positions.shape == (len(self), 3), self.root_positions.shape
        if not self.fps > 0:
            raise MotionError(f"The motion {self.name!r} has {self.fps} frames a second; it must be more than 0.")

    def __len__(self) -> int:
        return len(self.root_positions)

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self) / self.fps

    @cached_property
    def _global(self) -> tuple[np.ndarray, np.ndarray]:
        offsets = self.skeleton.offsets if self.local_positions is None else self.local_positions
        return forward_kinematics(self.local_rotations, self.root_positions, offsets, self.skeleton.parents)

    @property
    def global_rotations(self) -> np.ndarray:
        """(T, J, 3, 3) in the world."""
        return self._global[0]

    @property
    def positions(self) -> np.ndarray:
        """(T, J, 3) in the world."""
        return self._global[1]

    def joint_positions(self, role: str) -> np.ndarray:
        """(T, 3) positions of the joint that plays ``role``."""
        return self.positions[:, self.skeleton.joint(role)]

    def with_frames(self, frames: slice | np.ndarray) -> "Motion":
        """The chosen frames, in the given order."""
        return replace(
            self,
            local_rotations=self.local_rotations[frames],
            root_positions=self.root_positions[frames],
            local_positions=None if self.local_positions is None else self.local_positions[frames],
        )

    def crop(self, start: float, end: float) -> "Motion":
        """The part from ``start`` to ``end`` seconds; at least one frame is left or MotionError says why."""
        first, last = round(max(start, 0.0) * self.fps), round(min(end, self.duration) * self.fps)
        if last <= first:
            raise MotionError(
                f"The cut from {start:g} s to {end:g} s leaves no frame of a motion of {self.duration:.2f} s; "
                "choose an end after the start."
            )
        return self.with_frames(slice(first, last))

    def at_times(self, times: np.ndarray, fps: float, smooth: bool = False) -> "Motion":
        """The motion at ``times`` (N,) in seconds, taken to be ``fps`` apart.

        Between frames it is slerped, or ``smooth``: by cubic splines, which keep the speed even where there are more
        frames to come than there were, cut no corners, and run on for up to a frame.
        """
        if smooth and len(self) > 3:
            return self._by_splines(np.clip(times, 0, len(self) / self.fps), fps)
        frames = np.clip(times * self.fps, 0, len(self) - 1)
        before = np.minimum(np.floor(frames).astype(int), max(len(self) - 2, 0))
        after = np.minimum(before + 1, len(self) - 1)
        weight = frames - before

        def blend(values: np.ndarray) -> np.ndarray:
            w = weight.reshape(-1, *[1] * (values.ndim - 1))
            return values[before] * (1 - w) + values[after] * w

        joint_weight = np.broadcast_to(weight[:, None], (len(frames), len(self.skeleton)))
        return replace(
            self,
            local_rotations=slerp(self.local_rotations[before], self.local_rotations[after], joint_weight),
            root_positions=blend(self.root_positions),
            local_positions=None if self.local_positions is None else blend(self.local_positions),
            fps=fps,
        )

    def _by_splines(self, times: np.ndarray, fps: float) -> "Motion":
        own = np.arange(len(self)) / self.fps
        quat_xyzw = matrix_to_continuous_quat_xyzw(self.local_rotations)
        local_positions = self.local_positions
        return replace(
            self,
            local_rotations=quat_xyzw_to_matrix(CubicSpline(own, quat_xyzw)(times)),
            root_positions=CubicSpline(own, self.root_positions)(times),
            local_positions=None if local_positions is None else CubicSpline(own, local_positions)(times),
            fps=fps,
        )

    def resample(self, fps: float, smooth: bool = False) -> "Motion":
        """The same motion at another frame rate, see ``at_times``; the first moment and the last whole frame stay."""
        if abs(fps - self.fps) < 1e-3:
            return replace(self, fps=fps)
        count = max(1, int((len(self) - 1) / self.fps * fps + 1e-6) + 1)
        return self.at_times(np.arange(count) / fps, fps, smooth)

    def mirror(self) -> "Motion":
        """Left and right swapped, in a skeleton whose x axis points to the left at identity."""
        partner = self.skeleton.mirrored_joints
        flip = np.array([-1.0, 1.0, 1.0])
        return replace(
            self,
            local_rotations=self.local_rotations[:, partner] * np.outer(flip, flip),
            root_positions=self.root_positions * flip,
            local_positions=None if self.local_positions is None else self.local_positions[:, partner] * flip,
        )

    def translate(self, offset: np.ndarray) -> "Motion":
        """The motion moved by ``offset`` (3,)."""
        return replace(self, root_positions=self.root_positions + offset)
