"""After the networks: feet that stay where they stand, and legs that reach them."""

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from stylize.motion import Motion
from stylize.rotations import rotation_between, rotvec_to_matrix
from stylize.skeleton import CONTACT_ROLES, TOE_HEIGHT

MAX_LIFT = 0.06
"""The most in metres by which a planted foot is raised or lowered to the ground; further off it stands on something."""
MAX_SLIDE = 0.15
"""The most in metres by which a planted foot is moved along the ground."""
MAX_REACH = 0.998
"""Share of the leg's length beyond which the knee would snap straight."""


def clean_feet(motion: Motion, contact_probability: np.ndarray, lowest: np.ndarray) -> Motion:
    """Put a motion on the ground and hold its planted feet in place.

    Args:
        motion: canonical, the ground at y = 0.
        contact_probability: (T, 4) in the order of CONTACT_ROLES.
        lowest: (T,) the height in metres that the lower foot should have while planted, or near the ground the height
            at which planted feet are put.
    """
    contacts = median_filter((contact_probability > 0.5).astype(np.uint8), size=(5, 1), mode="nearest").astype(bool)
    return plant_feet(_ground(motion, lowest, contacts), contacts)


def lowest_foot(motion: Motion) -> np.ndarray:
    """(T,) height in metres of the lowest of the four foot joints."""
    return motion.positions[:, [motion.skeleton.joint(role) for role in CONTACT_ROLES], 1].min(axis=1)


def _ground(motion: Motion, lowest: np.ndarray, contacts: np.ndarray) -> Motion:
    """Raise or lower the root, smoothly, so that the lower foot is at the height ``lowest`` (T,) while planted.

    Where ``plant_feet`` will move the foot from there to the ground, the root goes with it, and the knee need not bend.
    """
    planted = contacts.any(axis=1).astype(float)
    if not planted.any():
        return motion
    error = lowest + _lift(lowest) - lowest_foot(motion)
    weight = gaussian_filter1d(planted, 4.0, mode="nearest") + 1e-6
    correction = gaussian_filter1d(error * planted, 4.0, mode="nearest") / weight
    return motion.translate(np.stack([correction * 0, correction, correction * 0], axis=1))


def plant_feet(motion: Motion, contacts: np.ndarray) -> Motion:
    """Hold planted feet in place by two-bone inverse kinematics of the legs.

    Args:
        motion: canonical, the ground at y = 0.
        contacts: (T, 4) booleans in the order of CONTACT_ROLES (ankle and toe, left then right).

    Returns:
        The motion with the legs' rotations changed; the root and the feet's global rotations stay.
    """
    for side, (ankle_planted, toe_planted) in zip(
        ("left", "right"), (contacts[:, :2].T, contacts[:, 2:].T), strict=True
    ):
        ankle, toe = motion.joint_positions(f"{side}_ankle"), motion.joint_positions(f"{side}_foot")
        shift = _foot_shift(ankle, toe, ankle_planted, toe_planted)
        motion = move_ankle(motion, side, ankle + shift)
    return motion


def _foot_shift(ankle: np.ndarray, toe: np.ndarray, ankle_planted: np.ndarray, toe_planted: np.ndarray) -> np.ndarray:
    """(T, 3) by how much to move a foot so that its planted joint stands still, eased in and out in between."""
    planted = ankle_planted | toe_planted
    planted[1:-1] |= planted[:-2] & planted[2:]
    toe_step, ankle_step = (np.diff(joint, axis=0, prepend=joint[:1]) for joint in (toe, ankle))
    step = np.where(toe_planted[:, None], toe_step, ankle_step)
    runs = np.cumsum(np.diff(planted.astype(int), prepend=0) == 1) * planted
    shift = np.full_like(toe, np.nan)
    for run in range(1, runs.max() + 1):
        frames = np.flatnonzero(runs == run)
        drift = np.cumsum(step[frames], axis=0) - step[frames[0]]
        shift[frames] = np.clip(drift.mean(0) - drift, -MAX_SLIDE, MAX_SLIDE)
        shift[frames, 1] = _lift(toe[frames, 1]) * toe_planted[frames]
    shift = _ease_between(shift)
    lowest = np.minimum(toe[:, 1] - TOE_HEIGHT, ankle[:, 1] - 2 * TOE_HEIGHT)
    shift[:, 1] = np.maximum(gaussian_filter1d(shift[:, 1], 1.0, mode="nearest"), -lowest)
    return shift


def _lift(height: np.ndarray) -> np.ndarray:
    """By how much to raise or lower planted feet at a height (T,): to the ground, less and less from MAX_LIFT on."""
    lift = TOE_HEIGHT - height
    return lift * np.clip(2 - np.abs(lift) / MAX_LIFT, 0, 1)


def _ease_between(values: np.ndarray, reach: int = 6) -> np.ndarray:
    """Fill the NaN rows of (T, 3): from a known row to zero and back within ``reach`` frames, or across short gaps."""
    known = np.flatnonzero(~np.isnan(values[:, 0]))
    if len(known) == 0:
        return np.zeros_like(values)
    frames = np.arange(len(values))
    after = np.minimum(np.searchsorted(known, frames), len(known) - 1)
    before = np.maximum(np.searchsorted(known, frames, side="right") - 1, 0)
    eased = np.zeros_like(values)
    gap = known[after] - known[before]
    # In a gap shorter than twice the reach the two falling slopes would add up; scale the reach down to fit.
    width = np.where((gap > 0) & (gap < 2 * reach), np.maximum(gap, 1), 2 * reach)
    for index, counts in ((before, True), (after, before != after)):
        distance = np.minimum(np.abs(frames - known[index]) / width, 1)
        weight = (0.5 + 0.5 * np.cos(np.pi * distance)) * counts
        eased += weight[:, None] * values[known[index]]
    eased[known] = values[known]
    return eased


def move_ankle(motion: Motion, side: str, target: np.ndarray) -> Motion:
    """Bend one leg so that its ankle comes to ``target`` (T, 3); the foot keeps its global rotation."""
    skeleton = motion.skeleton
    hip, knee, ankle = (skeleton.joint(f"{side}_{part}") for part in ("hip", "knee", "ankle"))
    at_hip, at_knee, at_ankle = (motion.positions[:, joint] for joint in (hip, knee, ankle))
    global_rotations = motion.global_rotations
    thigh, shank = (float(np.linalg.norm(skeleton.offsets[joint])) for joint in (knee, ankle))

    reach = np.clip(np.linalg.norm(target - at_hip, axis=-1), abs(thigh - shank) + 1e-3, MAX_REACH * (thigh + shank))
    bend = np.arccos(np.clip((thigh**2 + shank**2 - reach**2) / (2 * thigh * shank), -1, 1))
    upper, lower = at_knee - at_hip, at_ankle - at_knee
    now = np.pi - np.arctan2(np.linalg.norm(np.cross(upper, lower), axis=-1), (upper * lower).sum(-1))
    # The canonical knee is a hinge about its x axis; the thigh's own axis is steadier than the bend plane.
    axis = global_rotations[:, hip, :, 0]
    turned = rotvec_to_matrix(axis * (now - bend)[:, None])
    lower = np.einsum("tij,tj->ti", turned, lower)
    swing = rotation_between(upper + lower, target - at_hip)

    parent = skeleton.parents[hip]
    new_hip = swing @ global_rotations[:, hip]
    new_knee = swing @ turned @ global_rotations[:, knee]
    local_rotations = motion.local_rotations.copy()
    local_rotations[:, hip] = np.swapaxes(global_rotations[:, parent], -1, -2) @ new_hip
    local_rotations[:, knee] = np.swapaxes(new_hip, -1, -2) @ new_knee
    local_rotations[:, ankle] = np.swapaxes(new_knee, -1, -2) @ global_rotations[:, ankle]
    return replace(motion, local_rotations=local_rotations)
