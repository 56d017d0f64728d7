"""The vector that the networks see: 272 numbers a frame of a canonical motion."""

from itertools import accumulate

import numpy as np

from stylize.contacts import foot_contacts
from stylize.kinematics import velocities
from stylize.motion import Motion
from stylize.rotations import heading_yaw, matrix_to_rot6d, rot6d_to_matrix, yaw_to_matrix
from stylize.skeleton import CONTACT_ROLES, SKELETON_22

FPS = 30
NUM_JOINTS = len(SKELETON_22)

BLOCK_SIZES = {
    "root_yaw_velocity": 1,  # radians a second about +Y
    "root_planar_velocity": 2,  # x and z, metres a second, in the heading frame
    "root_height": 1,  # metres
    "positions": 3 * NUM_JOINTS,  # in the heading frame, from the root's place on the ground, metres
    "rot6d": 6 * NUM_JOINTS,  # to the parent; the root's in the heading frame
    "velocities": 3 * NUM_JOINTS,  # of the joints in the world, turned into the heading frame, metres a second
    "contacts": len(CONTACT_ROLES),
}
NUM_FEATURES = sum(BLOCK_SIZES.values())
BLOCKS: dict[str, slice] = {
    name: slice(end - size, end)
    for (name, size), end in zip(BLOCK_SIZES.items(), accumulate(BLOCK_SIZES.values()), strict=True)
}


def encode(motion: Motion) -> np.ndarray:
    """A canonical motion at 30 fps to features (T, 272), float32. Where it starts and faces is not kept."""
    assert motion.skeleton is SKELETON_22 and motion.fps == FPS
    positions = motion.positions
    yaw = np.unwrap(heading_yaw(motion.local_rotations[:, 0]))
    to_heading = yaw_to_matrix(-yaw)
    root_velocity = velocities(motion.root_positions, FPS)
    ground = motion.root_positions * np.array([1.0, 0.0, 1.0])
    local_rotations = motion.local_rotations.copy()
    local_rotations[:, 0] = to_heading @ local_rotations[:, 0]

    def in_heading(vectors: np.ndarray) -> np.ndarray:
        return np.einsum("tij,t...j->t...i", to_heading, vectors)

    blocks = {
        "root_yaw_velocity": velocities(yaw, FPS)[:, None],
        "root_planar_velocity": in_heading(root_velocity)[:, [0, 2]],
        "root_height": motion.root_positions[:, 1:2],
        "positions": in_heading(positions - ground[:, None]),
        "rot6d": matrix_to_rot6d(local_rotations),
        "velocities": in_heading(velocities(positions, FPS)),
        "contacts": foot_contacts(motion),
    }
    rows = [blocks[name].reshape(len(motion), size) for name, size in BLOCK_SIZES.items()]
    return np.concatenate(rows, axis=1).astype(np.float32)


def decode(features: np.ndarray, start_yaw: float = 0.0, start: tuple[float, float] = (0.0, 0.0)) -> Motion:
    """Features (T, 272) to a canonical motion, from the rotations and the root's blocks alone.

    Args:
        features: as ``encode`` gives them.
        start_yaw: the first frame's heading in radians.
        start: the first frame's place on the ground, x and z in metres.
    """
    features = features.astype(np.float64)
    block = {name: features[:, where] for name, where in BLOCKS.items()}
    yaw = start_yaw + integrate(block["root_yaw_velocity"][:, 0])
    heading = yaw_to_matrix(yaw)
    root_positions = ground_track(block["root_planar_velocity"], heading) + np.array([start[0], 0.0, start[1]])
    root_positions[:, 1] = block["root_height"][:, 0]
    local_rotations = rot6d_to_matrix(block["rot6d"].reshape(-1, NUM_JOINTS, 6))
    local_rotations[:, 0] = heading @ local_rotations[:, 0]
    return Motion(SKELETON_22, local_rotations, root_positions, FPS)


def ground_track(planar_velocity: np.ndarray, heading: np.ndarray) -> np.ndarray:
    """The way (T, 3) over the ground from the origin: planar velocities (T, 2) in headings (T, 3, 3)."""
    return integrate(heading[:, :, 0] * planar_velocity[:, :1] + heading[:, :, 2] * planar_velocity[:, 1:])


def integrate(velocity: np.ndarray) -> np.ndarray:
    """From velocities a second (T, ...) back to values, from 0 at the first frame."""
    steps = np.concatenate([velocity[:1] * 0, velocity[:-1] / FPS])
    return np.cumsum(steps, axis=0)
