"""A body of the SMPL family: its shape, its joints and its skin, posed by motions."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from stylize.errors import MotionError
from stylize.motion import Motion
from stylize.skeleton import ANKLE_HEIGHT, SKELETON_22, Skeleton
from stylize.skinned_mesh import SkinnedMesh, held_by_first, rest_positions, smooth_normals

if TYPE_CHECKING:
    import torch

BLOCK = 64
"""Frames that are posed at once, which memory grows with."""
BODY_JOINTS = len(SKELETON_22)


@dataclass(frozen=True, eq=False)
class BodyModel:
    """What a model file of SMPL, SMPL-H or SMPL-X holds, single precision.

    Attributes:
        name: to show a person.
        template: (V, 3) the mean body in a T-pose, in metres, +Y up, +Z forward.
        faces: (F, 3) vertices of triangles, counter-clockwise seen from outside.
        weights: (V, J) how much each joint holds each vertex; rows sum to 1.
        regressor: (J, V) the joints' places from the vertices'.
        parents: (J,) -1 for the root.
        shape_directions: (V, 3, B) metres a unit of each shape number.
        pose_directions: (9 (J - 1), 3 V) metres by which turned joints change the skin.
        resting: (J, 3, 3) local rotations of joints that a motion says nothing of: relaxed hands.
    """

    name: str
    template: np.ndarray
    faces: np.ndarray
    weights: np.ndarray
    regressor: np.ndarray
    parents: np.ndarray
    shape_directions: np.ndarray
    pose_directions: np.ndarray
    resting: np.ndarray

    @property
    def num_joints(self) -> int:
        """24 (SMPL), 52 (SMPL-H) or 55 (SMPL-X)."""
        return len(self.parents)

    def at_rest(self, betas: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Vertices (V, 3) and joints (J, 3) of a shape in the T-pose; betas beyond those known are left out."""
        vertices = self.template
        if betas is not None and len(betas):
            known = min(len(betas), self.shape_directions.shape[-1])
            vertices = vertices + self.shape_directions[..., :known] @ np.asarray(betas[:known], np.float32)
        return vertices, self.regressor @ vertices

    def posed(
        self, local_rotations: np.ndarray, translation: np.ndarray, betas: np.ndarray | None = None
    ) -> np.ndarray:
        """The skin in each frame, by smplx's linear blend skinning with pose directions (Loper et al., 2015).

        Args:
            local_rotations: (T, J, 3, 3).
            translation: (T, 3) metres, what the root joint is moved by from its place at rest.
            betas: (B,) shape numbers.

        Returns:
            Vertices (T, V, 3), single precision.
        """
        import torch  # they take seconds to load
        from smplx import lbs

        skinned: Callable[..., Any] = lbs.lbs  # smplx has tensor types of its own
        shape = torch.zeros(1) if betas is None or not len(betas) else torch.tensor(betas).float()
        shape = shape[: self.shape_directions.shape[-1]]
        template, directions, pose_directions, regressor, weights, parents = self._tensors
        vertices = np.empty((len(local_rotations), *self.template.shape), np.float32)
        with torch.inference_mode():
            for start in range(0, len(vertices), BLOCK):
                rotations = torch.tensor(local_rotations[start : start + BLOCK], dtype=torch.float32)
                vertices[start : start + BLOCK] = skinned(
                    shape.expand(len(rotations), -1),
                    rotations,
                    template,
                    directions[..., : len(shape)],
                    pose_directions,
                    regressor,
                    parents,
                    weights,
                    pose2rot=False,
                )[0]
        return vertices + translation[:, None].astype(np.float32)

    @cached_property
    def _tensors(self) -> "tuple[torch.Tensor, ...]":
        import torch

        parts = (self.template[None], self.shape_directions, self.pose_directions, self.regressor, self.weights)
        return *(torch.tensor(part, dtype=torch.float32) for part in parts), torch.tensor(self.parents)

    def fitted(self, motion: Motion, betas: np.ndarray | None = None) -> Motion:
        """A canonical motion on this body's own first 22 joints.

        Rotations carry over as they are; the way of the hips is scaled by the legs, and the soles are on the ground
        where the canonical ones are.

        Args:
            motion: on SKELETON_22.
            betas: (B,) shape numbers.

        Raises:
            MotionError: the motion is on another skeleton.
        """
        if motion.skeleton is not SKELETON_22:
            raise MotionError(f"The motion {motion.name!r} is not on the canonical skeleton; retarget it first.")
        vertices, joints = self.at_rest(betas)
        offsets = joints[:BODY_JOINTS].astype(float)
        offsets[1:] -= joints[SKELETON_22.parents[1:]]
        offsets[0] = 0
        skeleton = Skeleton(SKELETON_22.names, SKELETON_22.parents, offsets, roles=SKELETON_22.roles)
        fit = fit_of(vertices, joints)
        roots = fit.scale * motion.root_positions + motion.local_rotations[:, 0] @ fit.shift
        return replace(motion, skeleton=skeleton, root_positions=roots + np.array([0, fit.lift, 0]))

    def of_motion(self, motion: Motion, betas: np.ndarray | None = None) -> np.ndarray:
        """The skin of a canonical motion; joints beyond the first 22 rest.

        Args:
            motion: on SKELETON_22.
            betas: (B,) shape numbers.

        Returns:
            Vertices (T, V, 3) in metres.

        Raises:
            MotionError: the motion is on another skeleton.
        """
        own = self.fitted(motion, betas)
        local_rotations = np.broadcast_to(self.resting, (len(motion), *self.resting.shape)).copy()
        local_rotations[:, :BODY_JOINTS] = motion.local_rotations
        return self.posed(local_rotations, own.root_positions - self.at_rest(betas)[1][0], betas)

    def skin(self, betas: np.ndarray | None = None) -> SkinnedMesh:
        """The body in its T-pose on its first 22 joints, without what turned joints change; for other programs."""
        vertices, joints = self.at_rest(betas)
        still = np.tile(np.eye(3), (BODY_JOINTS, 1, 1))
        weights = held_by_first(self.weights, self.parents, BODY_JOINTS)
        return SkinnedMesh(
            vertices, smooth_normals(vertices[None], self.faces)[0], self.faces, weights, still, joints[:BODY_JOINTS]
        )


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody to show: a body model in a shape.

    Attributes:
        body: the model.
        betas: (B,) shape numbers; None for the mean.
    """

    body: BodyModel
    betas: np.ndarray | None = None

    def of_motion(self, motion: Motion) -> np.ndarray:
        """See ``BodyModel.of_motion``."""
        return self.body.of_motion(motion, self.betas)

    def fitted(self, motion: Motion) -> Motion:
        """See ``BodyModel.fitted``."""
        return self.body.fitted(motion, self.betas)

    def skin(self) -> SkinnedMesh:
        """See ``BodyModel.skin``."""
        return self.body.skin(self.betas)


@dataclass(frozen=True)
class Fit:
    """How the root of another body follows the canonical one: ``scale * root + rotation @ shift``, and ``lift`` up.

    Attributes:
        scale: of the way, by the length of the legs.
        shift: (3,) metres in the root's frame, between the two bodies' hips and roots.
        lift: metres, so that its soles are where the canonical ones are.
    """

    scale: float
    shift: np.ndarray
    lift: float


def fit_of(vertices: np.ndarray, joints: np.ndarray) -> Fit:
    """The fit of a body with vertices (V, 3) and joints (J, 3), of which the first are as the canonical ones."""
    scale = _leg_length(joints) / SKELETON_22.leg_length
    hips = _hips(joints)
    shift = scale * _hips(rest_positions(SKELETON_22)) - (hips - joints[0])
    lift = hips[1] - vertices[:, 1].min() - scale * (SKELETON_22.leg_length + ANKLE_HEIGHT)
    return Fit(scale, shift, float(lift))


def _leg_length(joints: np.ndarray) -> float:
    chain = joints[[SKELETON_22.joint(f"left_{part}") for part in ("hip", "knee", "ankle")]]
    return float(np.linalg.norm(np.diff(chain, axis=0), axis=1).sum())


def _hips(joints: np.ndarray) -> np.ndarray:
    return joints[[SKELETON_22.joint("left_hip"), SKELETON_22.joint("right_hip")]].mean(0)
