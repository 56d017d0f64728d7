"""A source skeleton's mapping to the canonical one, in both directions."""

from dataclasses import dataclass, replace

import numpy as np

from stylize.errors import RetargetError
from stylize.motion import Motion
from stylize.retarget.calibration import Calibration
from stylize.retarget.placement import Placement, placement_of, skip_lead_in, upright_world
from stylize.retarget.roles import InBetween, find_roles
from stylize.rotations import nearest_rotation, slerp
from stylize.skeleton import CANONICAL_ROLES, SKELETON_22

FPS = 30


@dataclass(frozen=True, eq=False)
class Retargeter:
    """How one source skeleton maps to SKELETON_22 and back. Make it with ``fit``.

    Attributes:
        source: the motion that it was fitted to, in its file's unit and axes.
        roles: canonical role -> source joint.
        in_betweens: source joints of spine and neck that lie between those with roles.
        alignments: role -> (3, 3): ``global_canonical = world @ global_source @ alignment``.
        world: (3, 3) from the file's axes to +Y up.
        scale: metres of the canonical body in one of the file's units (by leg length).
        placement: where the fitted motion starts, faces and stands.
        family: the rig, to show a person.
        warnings: what had to be guessed.
    """

    source: Motion
    roles: dict[str, int]
    in_betweens: tuple[InBetween, ...]
    alignments: dict[str, np.ndarray]
    world: np.ndarray
    scale: float
    placement: Placement
    family: str
    warnings: tuple[str, ...]

    @classmethod
    def fit(cls, motion: Motion) -> "Retargeter":
        """Find roles, up axis, facing, unit and alignments from a motion as its file has it.

        Raises:
            RetargetError: the skeleton is no humanoid, or a joint that is needed is missing.
        """
        found = find_roles(motion)
        held = skip_lead_in(motion, found.roles)
        notes = [*found.warnings]
        if held is not motion:
            notes.append("first frames: a jump out of the rest pose, held at the first frame after it")
            motion = held
        _check_lengths(motion, found.roles)
        world = upright_world(motion.positions, found.roles)
        scale = SKELETON_22.leg_length / _leg_length(motion, found.roles)
        calibration = Calibration(motion, found.roles, world, scale, found.family)
        alignments = calibration.run()
        unplaced = cls(
            motion, found.roles, found.in_betweens, alignments, world, scale, Placement(0.0, np.zeros(3)),
            found.family.name, (*notes, *calibration.warnings),
        )  # fmt: skip
        return unplaced._placed()

    @classmethod
    def aligned(cls, motion: Motion, world: np.ndarray, family: str, warnings: tuple[str, ...] = ()) -> "Retargeter":
        """For a skeleton that knows its roles and whose joints have the canonical frames, as SMPL's do.

        Rotations carry over as they are.

        Args:
            motion: as its file has it.
            world: (3, 3) from the file's axes to +Y up.
            family: the rig, to show a person.
            warnings: what a person should know.
        """
        roles = dict(motion.skeleton.roles)
        scale = SKELETON_22.leg_length / _leg_length(motion, roles)
        alignments = {role: np.eye(3) for role in roles}
        start = Placement(0.0, np.zeros(3))
        return cls(motion, roles, (), alignments, world, scale, start, family, warnings)._placed()

    def _placed(self) -> "Retargeter":
        """With the place of its motion."""
        return replace(self, placement=placement_of(self._in_world(_resampled(self.source))))

    def to_canonical(self, motion: Motion) -> Motion:
        """A motion on the source skeleton to SKELETON_22: metres, +Y up, 30 fps, on the ground y = 0.

        The first frame is at x = z = 0 and heads to +Z.
        """
        in_world = self._in_world(_resampled(skip_lead_in(motion, self.roles)))
        placement = placement_of(in_world)
        local_rotations = in_world.local_rotations
        local_rotations[:, 0], root_positions = placement.remove(local_rotations[:, 0], in_world.root_positions)
        return replace(in_world, local_rotations=local_rotations, root_positions=root_positions)

    def _in_world(self, motion: Motion) -> Motion:
        """Canonical skeleton and metres, where the source has it."""
        globals_ = self._canonical_globals(motion.global_rotations)
        parents = SKELETON_22.parents
        local_rotations = globals_.copy()
        local_rotations[:, 1:] = np.swapaxes(globals_[:, parents[1:]], -1, -2) @ globals_[:, 1:]
        hips = motion.positions[:, [self.roles["left_hip"], self.roles["right_hip"]]].mean(1)
        root_positions = self.scale * hips @ self.world.T - globals_[:, 0] @ _CANONICAL_HIPS
        return Motion(SKELETON_22, local_rotations, root_positions, motion.fps, name=motion.name)

    def _canonical_globals(self, rotations: np.ndarray) -> np.ndarray:
        """(T, J, 3, 3) source global rotations to (T, 22, 3, 3); missing roles follow their neighbours."""
        found = np.empty((len(rotations), len(CANONICAL_ROLES), 3, 3))
        known = [role for role in CANONICAL_ROLES if role in self.roles]
        align = np.stack([self.alignments[role] for role in known])
        joints = [SKELETON_22.joint(role) for role in known]
        found[:, joints] = self.world @ rotations[:, [self.roles[role] for role in known]] @ align
        spine = [r for r in ("pelvis", "spine1", "spine2", "spine3") if r in self.roles]
        for k in (1, 2, 3):
            if f"spine{k}" not in self.roles:
                _interpolate(found, f"spine{k}", spine, k)
        if "neck" not in self.roles:
            below = found[:, SKELETON_22.joint("spine3")]
            head = found[:, SKELETON_22.joint("head")] if "head" in self.roles else below
            found[:, SKELETON_22.joint("neck")] = slerp(below, head, np.full(len(found), 0.5))
        for role in CANONICAL_ROLES:
            if role not in self.roles and not role.startswith(("spine", "neck", "pelvis")):
                joint = SKELETON_22.joint(role)
                found[:, joint] = found[:, SKELETON_22.parents[joint]]
        return found

    def to_source(self, canonical: Motion, fps: float | None = None) -> Motion:
        """A canonical motion, edited or not, back on the source skeleton in its unit, axes and frame rate.

        Joints without a role (fingers, eyes) keep the fitted motion's pose: frame by frame if the length is
        the same, else its mean.
        """
        fps = self.source.fps if fps is None else fps
        same_length = fps == self.source.fps and len(canonical) == len(self.source.resample(FPS))
        times = np.arange(len(self.source)) / fps
        motion = canonical.at_times(times, fps, smooth=True) if same_length else canonical.resample(fps, smooth=True)
        root_rotations, root_positions = self.placement.restore(motion.local_rotations[:, 0], motion.root_positions)
        local_rotations = motion.local_rotations.copy()
        local_rotations[:, 0] = root_rotations
        motion = replace(motion, local_rotations=local_rotations, root_positions=root_positions)
        globals_ = self._source_globals(motion.global_rotations, same_length)
        return self._on_source(motion, globals_, fps, same_length)

    def _source_globals(self, canonical: np.ndarray, same_length: bool) -> np.ndarray:
        """(T, 22, 3, 3) canonical global rotations to (T, J, 3, 3) of the source."""
        skeleton, frames = self.source.skeleton, len(canonical)
        found = np.empty((frames, len(skeleton), 3, 3))
        for role, joint in self.roles.items():
            found[:, joint] = self.world.T @ canonical[:, SKELETON_22.joint(role)] @ self.alignments[role].T
        with_role = set(self.roles.values())
        between = {b.joint: b for b in self.in_betweens}
        for joint, parent in enumerate(skeleton.parents):
            if joint in with_role:
                continue
            if joint in between:
                found[:, joint] = _between(found, between[joint]) @ self._detail(joint, between[joint], same_length)
            elif parent < 0:
                found[:, joint] = self.source.local_rotations[slice(None) if same_length else slice(1), joint]
            else:
                found[:, joint] = found[:, parent] @ self._detail(joint, None, same_length)
        return found

    def _detail(self, joint: int, between: InBetween | None, same_length: bool) -> np.ndarray:
        """(T or 1, 3, 3) how the fitted motion turns a joint without a role, against its parent or its neighbours."""
        if between is None:
            detail = self.source.local_rotations[:, joint]
        else:
            rotations = self.source.global_rotations
            detail = np.swapaxes(_between(rotations, between), -1, -2) @ rotations[:, joint]
        if same_length:
            return detail
        if between is None and _is_above(self.source, joint, self.roles["pelvis"]):
            return detail[:1]
        return nearest_rotation(detail.sum(0))[None]

    def _on_source(self, canonical: Motion, rotations: np.ndarray, fps: float, same_length: bool) -> Motion:
        """The source motion with these global rotations whose hips are where the canonical motion's are."""
        skeleton, frames = self.source.skeleton, len(rotations)
        parents = skeleton.parents
        local_rotations = rotations.copy()
        local_rotations[:, 1:] = np.swapaxes(rotations[:, parents[1:]], -1, -2) @ rotations[:, 1:]
        local_positions = None
        if self.source.local_positions is not None:
            source_positions = self.source.local_positions
            typical = source_positions if same_length else np.median(source_positions, axis=0, keepdims=True)
            local_positions = np.broadcast_to(typical, (frames, *typical.shape[1:])).copy()
        root = self.source.root_positions if same_length else self.source.root_positions[:1]
        root_positions = np.broadcast_to(root, (frames, 3)).copy()
        posed = Motion(skeleton, local_rotations, root_positions, fps, local_positions, name=canonical.name)
        hips = posed.positions[:, [self.roles["left_hip"], self.roles["right_hip"]]].mean(1)
        wanted = (
            (canonical.root_positions + canonical.global_rotations[:, 0] @ _CANONICAL_HIPS) @ self.world / self.scale
        )
        pelvis = self.roles["pelvis"]
        if local_positions is not None and parents[pelvis] >= 0 and self._pelvis_travels():
            local_positions = local_positions.copy()
            above = rotations[:, parents[pelvis]]
            local_positions[:, pelvis] += np.einsum("tji,tj->ti", above, wanted - hips)
            return replace(posed, local_positions=local_positions)
        return replace(posed, root_positions=root_positions + wanted - hips)

    def _pelvis_travels(self) -> bool:
        """Whether the pelvis, not being the root, has a position channel that is in use."""
        if self.source.local_positions is None:
            return False
        pelvis, offsets = self.roles["pelvis"], self.source.skeleton.offsets
        shift = np.abs(self.source.local_positions[:, pelvis] - offsets[pelvis]).max()
        return bool(shift > 1e-4 * np.abs(offsets).max())


_CANONICAL_HIPS = SKELETON_22.offsets[[SKELETON_22.joint("left_hip"), SKELETON_22.joint("right_hip")]].mean(0)


def _leg_length(motion: Motion, roles: dict[str, int]) -> float:
    """The mean over both legs of thigh and shank, in the file's unit."""
    chains = [[roles[f"{side}_{part}"] for part in ("hip", "knee", "ankle")] for side in ("left", "right")]
    points = np.stack([motion.positions[:, chain] for chain in chains])
    return float(np.median(np.linalg.norm(np.diff(points, axis=2), axis=-1).sum(-1).mean(0)))


def _check_lengths(motion: Motion, roles: dict[str, int]) -> None:
    """RetargetError names two joints that belong apart and are at the same place."""
    pairs = [("left_hip", "right_hip"), ("left_shoulder", "right_shoulder")]
    for side in ("left", "right"):
        chains = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"))
        pairs += [(f"{side}_{start}", f"{side}_{end}") for start, end in chains]
    size = np.linalg.norm(np.ptp(motion.positions[0], axis=0))
    for start, end in pairs:
        length = np.linalg.norm(motion.positions[:, roles[start]] - motion.positions[:, roles[end]], axis=-1).min()
        if not length > 1e-4 * size:
            names = [motion.skeleton.names[roles[role]] for role in (start, end)]
            raise RetargetError(
                f"The joints {names[0]!r} ({start.replace('_', ' ')}) and {names[1]!r} ({end.replace('_', ' ')}) of "
                "this skeleton are at the same place; a bone with a length is needed between them."
            )


def _interpolate(rotations: np.ndarray, role: str, known: list[str], k: int) -> None:
    """Fill a spine joint between the nearest known ones; above the last it follows that."""
    level = {"pelvis": 0, "spine1": 1, "spine2": 2, "spine3": 3}
    below = max((r for r in known if level[r] < k), key=lambda r: level[r])
    above = min((r for r in known if level[r] > k), key=lambda r: level[r], default=None)
    start = rotations[:, SKELETON_22.joint(below)]
    if above is None:
        rotations[:, SKELETON_22.joint(role)] = start
        return
    weight = (k - level[below]) / (level[above] - level[below])
    end = rotations[:, SKELETON_22.joint(above)]
    rotations[:, SKELETON_22.joint(role)] = slerp(start, end, np.full(len(rotations), weight))


def _between(rotations: np.ndarray, between: InBetween) -> np.ndarray:
    start, end = rotations[:, between.above], rotations[:, between.below]
    return slerp(start, end, np.full(len(rotations), between.weight))


def _is_above(motion: Motion, joint: int, other: int) -> bool:
    while other > joint:
        other = int(motion.skeleton.parents[other])
    return other == joint


def _resampled(motion: Motion) -> Motion:
    """At the canonical rate; frames that were not there come without corners."""
    return motion.resample(FPS, smooth=motion.fps < FPS)
