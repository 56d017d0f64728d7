"""Foot contacts from positions."""

import numpy as np
from scipy.ndimage import median_filter

from stylize.motion import Motion
from stylize.skeleton import CONTACT_ROLES

MAX_CONTACT_SPEED = 0.40
"""Metres a second (horizontal and vertical) over which a foot joint is not planted."""
MAX_CONTACT_HEIGHTS = (0.125, 0.065, 0.125, 0.065)
"""Metres above the ground, by the order of CONTACT_ROLES: a flat foot's joint height plus 0.05 m."""


def foot_contacts(motion: Motion) -> np.ndarray:
    """(T, 4) booleans: whether each joint of CONTACT_ROLES is planted. The ground is y = 0, in metres."""
    joints = [motion.skeleton.joint(role) for role in CONTACT_ROLES]
    feet = motion.positions[:, joints]
    speed = np.linalg.norm(np.gradient(feet, axis=0), axis=-1) * motion.fps if len(motion) > 1 else feet[..., 0] * 0
    planted = (speed < MAX_CONTACT_SPEED) & (feet[..., 1] < np.array(MAX_CONTACT_HEIGHTS))
    return median_filter(planted.astype(np.uint8), size=(3, 1), mode="nearest").astype(bool)
