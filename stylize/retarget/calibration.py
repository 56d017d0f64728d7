"""How each source joint's frame lies in the canonical one: ``global_canonical = world @ global_source @ alignment``.

An alignment takes canonical local axes to the source joint's local axes. It belongs to the skeleton, not
to the clip: it comes from the rest pose where that is a T- or A-pose, else from bone offsets and hinge
axes, snapped to local coordinate axes where they are near.
"""

from dataclasses import dataclass, field

import numpy as np

from stylize.motion import Motion
from stylize.retarget.axes import (
    FRONT,
    LEFT,
    RIGHT_ANGLED,
    SNAP_DEG,
    UP,
    align,
    angle_deg,
    is_on_axis,
    limb_axes,
    rest_frame,
    snap,
    unit,
)
from stylize.retarget.families import Family
from stylize.rotations import nearest_rotation, rotation_between
from stylize.skeleton import SKELETON_22


@dataclass
class Calibration:
    """Finds the alignments of one skeleton from its roles and a clip.

    Attributes:
        motion: the source clip.
        roles: canonical role -> source joint.
        world: (3, 3) from the file's axes to +Y up.
        unit_scale: metres in one of the file's units, on the canonical body.
        family: what is known of the rig.
        warnings: what had to be guessed.
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

    def run(self) -> dict[str, np.ndarray]:
        """Role -> alignment (3, 3), for every role that the source has."""
        self._trunk()
        for side in ("left", "right"):
            self._limb(f"{side}_hip", f"{side}_knee", f"{side}_ankle")
            self._collar(side)
            self._limb(f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
            if f"{side}_wrist" in self.roles:
                self._hand(side)
            self._foot(side)
        return self.alignments

    # Directions, each in a joint's local frame.

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

    # Parts of the body.

    def _trunk(self) -> None:
        middle = [r for r in ("pelvis", "spine1", "spine2", "spine3", "neck", "head") if r in self.roles]
        if self.rest is not None:
            for role in middle:
                self.alignments[role] = self.rest
            if "head" in self.roles:
                pitch = np.radians(self.family.head_pitch_deg)
                self.alignments["head"] = self.rest @ rotation_between(UP, UP * np.cos(pitch) - FRONT * np.sin(pitch))
            return
        hips_left = self.between("pelvis", "right_hip", "left_hip")
        for role, above in zip(middle, [*middle[1:], ""], strict=True):
            if role == "head":
                break
            joints_up = self.bone(role, above) if above else self._to_shoulders(role)
            up = self._to_shoulders(role) if joints_up is None else joints_up
            canonical_up = UP
            if not (self.has_axis_bones and is_on_axis(up)):
                offset = self._canonical_bone(role, above)
                canonical_up = UP if offset is None else offset
            if role == "pelvis":
                left = hips_left
            elif role == "neck":
                left = self.between(role, "right_shoulder", "left_shoulder")
            elif role == middle[-1] or middle[middle.index(role) + 1] in ("neck", "head"):
                left = self._chest_left(role)
            else:
                across = np.einsum("tij,j->ti", self.rotations[:, self.roles["pelvis"]], hips_left)
                left = self.in_local(role, across).mean(0)
            found = self._snapped(align((canonical_up, LEFT), (up, left)))
            self.alignments[role] = found if role == "pelvis" else self._like("pelvis", found)
        if "head" in self.roles:
            below = middle[middle.index("head") - 1]
            self.alignments["head"] = self._like(below, self.expected("head", self.canonical(below)), prefer_same=True)

    def _canonical_bone(self, role: str, above: str) -> np.ndarray | None:
        """Canonical direction from a joint of the trunk to the next, if both are neighbours in it."""
        if above and SKELETON_22.parents[SKELETON_22.joint(above)] == SKELETON_22.joint(role):
            return unit(SKELETON_22.offsets[SKELETON_22.joint(above)])
        return None

    def _to_shoulders(self, role: str) -> np.ndarray:
        shoulders = self.positions[:, [self.roles["left_shoulder"], self.roles["right_shoulder"]]].mean(1)
        return unit(self.in_local(role, unit(shoulders - self.positions[:, self.roles[role]])).mean(0))

    def _chest_left(self, role: str) -> np.ndarray:
        part = "collar" if "left_collar" in self.roles and "right_collar" in self.roles else "shoulder"
        steps = self.positions[:, self.roles[f"left_{part}"]] - self.positions[:, self.roles[f"right_{part}"]]
        if np.linalg.norm(steps, axis=-1).min() < 1e-6:
            return self.between(role, "right_shoulder", "left_shoulder")
        return self.between(role, f"right_{part}", f"left_{part}")

    def _like(self, neighbour: str, found: np.ndarray, prefer_same: bool = False) -> np.ndarray:
        """The alignment found, or, beside a neighbour in a rig whose frames differ by right angles only, the
        right-angled one nearest to it, which does not depend on the clip; the neighbour's own if preferred."""
        of_neighbour = self.alignments[neighbour]
        if not (self.has_axis_bones and all(is_on_axis(column) for column in of_neighbour.T)):
            return found
        if prefer_same and np.trace(of_neighbour.T @ found) > 1 + 2 * np.cos(np.radians(75)):
            return of_neighbour
        return RIGHT_ANGLED[np.einsum("nij,ij->n", RIGHT_ANGLED, found).argmax()]

    def _snapped_axis(self, direction: np.ndarray) -> np.ndarray:
        return snap(direction) if self.has_axis_bones else direction

    def _snapped(self, alignment: np.ndarray) -> np.ndarray:
        """The nearest rotation that takes axes to axes if it is near, else the alignment itself."""
        if not self.has_axis_bones:
            return alignment
        columns = np.stack([snap(column) for column in alignment.T], axis=1)
        is_axes = np.allclose(np.abs(columns).sum(0), 1) and np.allclose(np.abs(columns).sum(1), 1)
        return columns if is_axes else alignment

    def _collar(self, side: str) -> None:
        role, shoulder = f"{side}_collar", f"{side}_shoulder"
        if role not in self.roles:
            return
        if self.rest is not None:
            self.alignments[role] = self.rest
            return
        bone = self.bone(role, shoulder)
        chest = next(r for r in ("spine3", "pelvis") if r in self.roles)
        chest_up = np.einsum("tij,j->ti", self.rotations[:, self.roles[chest]], self.alignments[chest] @ UP)
        up = self.in_local(role, chest_up).mean(0)
        sign = 1.0 if side == "left" else -1.0
        lateral = sign * LEFT
        if bone is None:
            self.alignments[role] = self._snapped(self.expected(role, self.canonical(chest)))
            return
        if not (self.has_axis_bones and is_on_axis(bone)):
            lateral = unit(SKELETON_22.offsets[SKELETON_22.joint(shoulder)])
        self.alignments[role] = self._snapped(align((lateral, UP), (bone, up)))

    def _limb(self, upper: str, lower: str, end: str) -> None:
        bones = self.bone(upper, lower), self.bone(lower, end)
        hinges = self._hinges(upper, lower, end) if bones[1] is not None else {}
        for role, bone in zip((upper, lower), bones, strict=True):
            if bone is None:
                self.warnings.append(f"{role.replace('_', ' ')}: no bone below it, taken to be straight")
                self.alignments[role] = self.alignments[upper]
                continue
            if self.rest is not None:
                hinge = self._hinge_at_rest(role, bone, hinges.get(role))
            else:
                hinge = self._hinge_of_clip(role, upper, bone, hinges)
            self.alignments[role] = align(limb_axes(role), (bone, hinge))

    def _hinges(self, upper: str, lower: str, end: str) -> dict[str, np.ndarray]:
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

    def _hinge_at_rest(self, role: str, bone: np.ndarray, measured: np.ndarray | None) -> np.ndarray:
        """The hinge axis of a rest T-pose; an elbow may be rolled, a knee that says otherwise is believed."""
        assert self.rest is not None
        direction, axis = limb_axes(role)
        swing = rotation_between(self.rest @ direction, bone)
        at_rest = swing @ self.rest @ axis
        if role.endswith(("hip", "knee")):
            return at_rest if measured is None or angle_deg(at_rest, measured) < 50 else measured
        options = []
        for roll in self.family.elbow_rolls_deg:
            cos, sin = np.cos(np.radians(roll)), np.sin(np.radians(roll))
            rolled = axis * cos + np.cross(LEFT, axis) * sin
            options.append(swing @ self.rest @ rolled)
        if measured is None or angle_deg(options[0], measured) > 120:  # an elbow bent backwards is noise
            return options[0]
        nearest = min(options, key=lambda option: angle_deg(option, measured))
        if len(options) > 1:
            return nearest
        # Pronation blurs what the forearm's own frame sees of the hinge.
        tolerance = 60 if role.endswith("elbow") else SNAP_DEG
        return nearest if angle_deg(nearest, measured) < tolerance else measured

    def _hinge_of_clip(self, role: str, upper: str, bone: np.ndarray, hinges: dict[str, np.ndarray]) -> np.ndarray:
        """The hinge axis where the rest pose says nothing."""
        known = self.family.hinges.get(role.partition("_")[2])
        if known is not None:
            return np.array(known)
        measured = hinges.get(role)
        if role != upper:
            direction, axis = limb_axes(upper)
            above = self.alignments[upper] @ axis
            same_bone = angle_deg(self.alignments[upper] @ direction, bone) < 3
            agrees = measured is None or angle_deg(above, measured) < 60
            if self.has_axis_bones and same_bone and is_on_axis(above) and agrees:
                return above  # the two bones' frames agree when the limb is straight
        if measured is not None:
            return self._snapped_axis(measured)
        self.warnings.append(f"{role.replace('_', ' ')}: never bent in this clip, its twist is guessed")
        return self._least_twist(role, upper, bone)

    def _least_twist(self, role: str, upper: str, bone: np.ndarray) -> np.ndarray:
        """A hinge axis for which the bone turns from the trunk by the shortest way."""
        trunk = "pelvis" if upper.endswith("hip") else next(r for r in ("spine3", "pelvis") if r in self.roles)
        direction, axis = limb_axes(role)
        trunk_rotations = self.canonical(trunk)
        bone_world = self.world @ self.rotations[:, self.roles[role]] @ bone
        in_trunk = np.einsum("tji,tj->ti", trunk_rotations, bone_world)
        swings = rotation_between(np.broadcast_to(direction, in_trunk.shape).copy(), in_trunk)
        return self.expected(role, trunk_rotations @ swings) @ axis

    def _hand(self, side: str) -> None:
        wrist, elbow = f"{side}_wrist", f"{side}_elbow"
        if self.rest is not None:
            bone, (direction, _) = self.alignments[elbow] @ limb_axes(elbow)[0], limb_axes(elbow)
            self.alignments[wrist] = rotation_between(self.rest @ direction, bone) @ self.rest
            return
        self.alignments[wrist] = self._like(elbow, self.expected(wrist, self.canonical(elbow)), prefer_same=True)

    def _foot(self, side: str) -> None:
        ankle, toe = f"{side}_ankle", f"{side}_foot"
        flat = self._flat_frames(side)
        if self.rest is not None:
            self.alignments[ankle] = self._foot_at_rest(side)
        else:
            self.alignments[ankle] = self._foot_of_clip(side, flat)
        if toe not in self.roles:
            return
        if self.rest is not None:
            self.alignments[toe] = self.alignments[ankle]
        elif self.family.toe_slope_deg is not None:
            bone = self.bone(ankle, toe)
            assert bone is not None
            self.alignments[toe] = align(
                (LEFT, _sloped(self.family.toe_slope_deg)), (self.alignments[ankle] @ LEFT, bone)
            )
        else:
            frames = flat if flat.sum() >= 3 else slice(None)
            target = np.einsum("ji,tjk->tik", self.world, self.canonical(ankle)[frames])
            mean = np.einsum("tji,tjk->ik", self.rotations[frames, self.roles[toe]], target)
            self.alignments[toe] = self._snapped(nearest_rotation(mean))

    def _foot_at_rest(self, side: str) -> np.ndarray:
        """Flat at rest, unless the rest pose's legs are splayed and the feet roll with them."""
        assert self.rest is not None
        knee, ankle = f"{side}_knee", f"{side}_ankle"
        bone = self.bone(ankle, f"{side}_foot")
        shank = rotation_between(-self.rest @ UP, self.alignments[knee] @ -UP) @ self.rest
        if bone is None:
            self.warnings.append(f"{side} foot: no toes, taken to be flat in the rest pose")
            return self.rest
        upright = abs(bone @ self.rest @ LEFT)
        return shank if abs(bone @ shank @ LEFT) < upright - 0.02 else self.rest

    def _foot_of_clip(self, side: str, flat: np.ndarray) -> np.ndarray:
        """Flat where the foot stands still; left is across the foot's bone."""
        ankle, knee = f"{side}_ankle", f"{side}_knee"
        bone = self.bone(ankle, f"{side}_foot")
        shank_left = np.einsum("tij,j->ti", self.rotations[:, self.roles[knee]], self.alignments[knee] @ LEFT)
        if bone is None:
            self.warnings.append(f"{side} foot: no toes, its neutral pose is the mean of the clip")
            return self._snapped(self.expected(ankle, self.canonical(knee)))
        left = self.in_local(ankle, shank_left).mean(0)
        slope = np.degrees(np.arctan2(0.055, 0.130))
        if flat.sum() >= 3:
            up = unit(
                np.median(self.in_local(ankle, np.broadcast_to(self.world.T @ UP, (*flat.shape, 3)))[flat], axis=0)
            )
            left = np.cross(up, bone)
            slope = 90 - angle_deg(-up, bone)
        if self.family.foot_slope_deg is not None:
            slope = self.family.foot_slope_deg
        elif flat.sum() < 3:
            self.warnings.append(f"{side} foot: never flat and still in this clip, its slope is guessed")
        return align((LEFT, _sloped(float(slope))), (self._snapped_axis(left), bone))

    def _flat_frames(self, side: str) -> np.ndarray:
        """(T,) frames in which the foot stands still and low."""
        ankle = self.positions[:, self.roles[f"{side}_ankle"]] * self.unit_scale
        toe = self.positions[:, self.roles[f"{side}_foot"]] * self.unit_scale if f"{side}_foot" in self.roles else ankle
        if len(ankle) < 3:
            return np.zeros(len(ankle), bool)
        speeds = [np.linalg.norm(np.gradient(p, axis=0), axis=-1) * self.motion.fps for p in (ankle, toe)]
        height = ankle @ self.world.T @ UP
        return (speeds[0] < 0.15) & (speeds[1] < 0.15) & (height < np.percentile(height, 5) + 0.02)


def _sloped(slope_deg: float) -> np.ndarray:
    """To the front and down by an angle."""
    return FRONT * np.cos(np.radians(slope_deg)) - UP * np.sin(np.radians(slope_deg))
