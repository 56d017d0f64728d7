"""How each source joint's frame lies in the canonical one: ``global_canonical = world @ global_source @ alignment``.

An alignment takes canonical local axes to the source joint's local axes. It belongs to the skeleton, not
to the clip: it comes from the rest pose where that is a T- or A-pose, else from bone offsets and hinge
axes, snapped to local coordinate axes where they are near.
"""

import numpy as np

from stylize.retarget.axes import FRONT, LEFT, SNAP_DEG, UP, align, angle_deg, is_on_axis, limb_axes, unit
from stylize.retarget.observation import Observation
from stylize.rotations import nearest_rotation, rotation_between
from stylize.skeleton import SKELETON_22

LEVEL_DEG = 15.0
"""How far the arms of a T-pose may be from level."""


class Calibration(Observation):
    """Finds the alignments of one skeleton."""

    def run(self) -> dict[str, np.ndarray]:
        """Role -> alignment (3, 3), for every role that the source has."""
        if self.family.is_canonical and self.rest is not None and self._arms_are_level():
            return dict.fromkeys(self.roles, self.rest)
        self._trunk()
        for side in ("left", "right"):
            self._limb(f"{side}_hip", f"{side}_knee", f"{side}_ankle")
            self._collar(side)
            self._limb(f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
            if f"{side}_wrist" in self.roles:
                self._hand(side)
            self._foot(side)
        return self.alignments

    def _arms_are_level(self) -> bool:
        """Whether the rest pose is a T-pose rather than an A-pose."""
        assert self.rest is not None
        for side, sign in (("left", 1.0), ("right", -1.0)):
            bone = self.bone(f"{side}_shoulder", f"{side}_elbow")
            if bone is None or angle_deg(bone, sign * self.rest @ LEFT) > LEVEL_DEG:
                return False
        return True

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
            found = self.snapped(align((canonical_up, LEFT), (up, left)))
            self.alignments[role] = found if role == "pelvis" else self.like("pelvis", found)
        if "head" in self.roles:
            below = middle[middle.index("head") - 1]
            self.alignments["head"] = self.like(below, self.expected("head", self.canonical(below)), prefer_same=True)

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
            self.alignments[role] = self.snapped(self.expected(role, self.canonical(chest)))
            return
        if not (self.has_axis_bones and is_on_axis(bone)):
            lateral = unit(SKELETON_22.offsets[SKELETON_22.joint(shoulder)])
        self.alignments[role] = self.snapped(align((lateral, UP), (bone, up)))

    def _limb(self, upper: str, lower: str, end: str) -> None:
        bones = self.bone(upper, lower), self.bone(lower, end)
        hinges = self.hinges(upper, lower, end) if bones[1] is not None else {}
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
            return self.snapped_axis(measured)
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
        self.alignments[wrist] = self.like(elbow, self.expected(wrist, self.canonical(elbow)), prefer_same=True)

    def _foot(self, side: str) -> None:
        ankle, toe = f"{side}_ankle", f"{side}_foot"
        flat = self.flat_frames(side)
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
            self.alignments[toe] = self.snapped(nearest_rotation(mean))

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
            return self.snapped(self.expected(ankle, self.canonical(knee)))
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
        return align((LEFT, _sloped(float(slope))), (self.snapped_axis(left), bone))


def _sloped(slope_deg: float) -> np.ndarray:
    """To the front and down by an angle."""
    return FRONT * np.cos(np.radians(slope_deg)) - UP * np.sin(np.radians(slope_deg))
