"""What a clip shows of a source rig: directions, hinges and still feet, in the joints' own frames."""

from dataclasses import dataclass, field

import numpy as np

from stylize.motion import Motion
from stylize.retarget.axes import RIGHT_ANGLED, UP, is_on_axis, rest_frame, snap, unit
from stylize.retarget.families import Family
from stylize.rotations import nearest_rotation


@dataclass
class Observation:
    """A source clip by roles, and the alignments found so far.

    Attributes:
        motion: the source clip.
        roles: canonical role -> source joint.
        world: (3, 3) from the file's axes to +Y up.
        unit_scale: metres in one of the file's units, on the canonical body.
        family: what is known of the rig.
        warnings: what had to be guessed.
        rest: (3, 3) columns (left, up, front) of the body in the zero pose, if that is a T- or A-pose.
        has_axis_bones: whether the limbs lie along local coordinate axes, so that other directions may be
            snapped to them.
        alignments: role -> (3, 3).
    """

    motion: Motion
    roles: dict[str, int]
    world: np.ndarray
    unit_scale: float
    family: Family
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rotations = self.motion.global_rotations
        self.positions = self.motion.positions
        self.rest = rest_frame(self.motion.skeleton, self.roles)
        self.alignments: dict[str, np.ndarray] = {}
        limbs = [f"{side}_{part}" for side in ("left", "right") for part in ("hip", "knee", "shoulder")]
        ends = [role.replace("knee", "ankle").replace("hip", "knee").replace("shoulder", "elbow") for role in limbs]
        bones = [self.bone(role, end) for role, end in zip(limbs, ends, strict=True)]
        self.has_axis_bones = all(bone is not None and is_on_axis(bone) for bone in bones)

    def in_local(self, role: str, vectors: np.ndarray) -> np.ndarray:
        """(T, 3) world directions in the joint's frame."""
        return np.einsum("tji,tj->ti", self.rotations[:, self.roles[role]], vectors)

    def bone(self, role: str, child: str) -> np.ndarray | None:
        """Local direction to the joint with the role ``child``, or to the bone's tip."""
        joint = self.roles[role]
        if child in self.roles:
            steps = self.positions[:, self.roles[child]] - self.positions[:, joint]
            vector = np.median(self.in_local(role, steps), axis=0)
        elif joint in self.motion.skeleton.end_sites:
            vector = np.asarray(self.motion.skeleton.end_sites[joint])
        else:
            return None
        return unit(vector) if np.linalg.norm(vector) > 1e-9 else None

    def between(self, role: str, start: str, end: str) -> np.ndarray:
        """The mean local direction from one joint to another."""
        steps = self.positions[:, self.roles[end]] - self.positions[:, self.roles[start]]
        return unit(self.in_local(role, unit(steps)).mean(0))

    def expected(self, role: str, canonical: np.ndarray) -> np.ndarray:
        """The alignment for which the joint's canonical global rotation is ``canonical`` (T, 3, 3) in the mean."""
        target = np.einsum("ji,tjk->tik", self.world, canonical)
        return nearest_rotation(np.einsum("tji,tjk->ik", self.rotations[:, self.roles[role]], target))

    def canonical(self, role: str) -> np.ndarray:
        """(T, 3, 3) canonical global rotations of a joint that is aligned already."""
        return self.world @ self.rotations[:, self.roles[role]] @ self.alignments[role]

    def hinges(self, upper: str, lower: str, end: str) -> dict[str, np.ndarray]:
        """Role -> local hinge axis over the frames where the limb is bent; empty if it never is."""
        points = [self.positions[:, self.roles[role]] for role in (upper, lower)]
        if end in self.roles:
            points.append(self.positions[:, self.roles[end]])
        else:
            tip = self.motion.skeleton.end_sites[self.roles[lower]]
            points.append(points[1] + self.rotations[:, self.roles[lower]] @ tip)
        axes = np.cross(unit(points[1] - points[0]), unit(points[2] - points[1]))
        sines = np.linalg.norm(axes, axis=-1)
        weights = np.where(sines > np.sin(np.radians(12)), sines, 0.0)
        if (weights > 0).sum() < 3:
            return {}
        found = {}
        for role in (upper, lower):
            mean = (self.in_local(role, axes) * weights[:, None]).sum(0) / (sines * weights).sum()
            if np.linalg.norm(mean) > 0.75:
                found[role] = unit(mean)
        return found

    def flat_frames(self, side: str) -> np.ndarray:
        """(T,) frames in which the foot stands still and low."""
        ankle = self.positions[:, self.roles[f"{side}_ankle"]] * self.unit_scale
        toe = self.positions[:, self.roles[f"{side}_foot"]] * self.unit_scale if f"{side}_foot" in self.roles else ankle
        if len(ankle) < 3:
            return np.zeros(len(ankle), bool)
        speeds = [np.linalg.norm(np.gradient(p, axis=0), axis=-1) * self.motion.fps for p in (ankle, toe)]
        height = ankle @ self.world.T @ UP
        return (speeds[0] < 0.15) & (speeds[1] < 0.15) & (height < np.percentile(height, 5) + 0.02)

    def like(self, neighbour: str, found: np.ndarray, prefer_same: bool = False) -> np.ndarray:
        """The alignment found, or, beside a neighbour in a rig whose frames differ by right angles only, the
        right-angled one nearest to it, which does not depend on the clip; the neighbour's own if preferred."""
        of_neighbour = self.alignments[neighbour]
        if not (self.has_axis_bones and all(is_on_axis(column) for column in of_neighbour.T)):
            return found
        if prefer_same and np.trace(of_neighbour.T @ found) > 1 + 2 * np.cos(np.radians(75)):
            return of_neighbour
        return RIGHT_ANGLED[np.einsum("nij,ij->n", RIGHT_ANGLED, found).argmax()]

    def snapped_axis(self, direction: np.ndarray) -> np.ndarray:
        """The nearest local axis, in a rig with its bones along axes, if it is near; else the direction itself."""
        return snap(direction) if self.has_axis_bones else direction

    def snapped(self, alignment: np.ndarray) -> np.ndarray:
        """The nearest rotation that takes axes to axes if it is near, else the alignment itself."""
        if not self.has_axis_bones:
            return alignment
        columns = np.stack([snap(column) for column in alignment.T], axis=1)
        is_axes = np.allclose(np.abs(columns).sum(0), 1) and np.allclose(np.abs(columns).sum(1), 1)
        return columns if is_axes else alignment
