"""The form of a person in a T-pose, as one smooth distance field around the canonical skeleton.

Trunk, limbs, hands and feet are lofts: centres and half axes of cross sections along a straight axis. They are grown
together with soft unions. Everything is in metres, for a person of 1.70 m; the left side is written, x >= 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

SOLE = -0.935
"""Height of the ground, with the pelvis at the origin."""
X, Y, Z = np.eye(3)


@dataclass(frozen=True, eq=False)
class Loft:
    """A tube of elliptic cross sections along an axis.

    Attributes:
        axis: 0, 1 or 2: along x, y or z.
        sections: rows (place on the axis, centre and half axis of the first other coordinate, of the second).
        caps: how far the round ends reach beyond the first and the last section.
        squareness: 2 for ellipses, more for boxes with round corners.
    """

    axis: int
    sections: Sequence[tuple[float, float, float, float, float]]
    caps: tuple[float, float] = (0.03, 0.03)
    squareness: float = 2.0

    def distance(self, points: np.ndarray) -> np.ndarray:
        """(...) about the distance of points (..., 3) to the surface, negative inside."""
        rows = np.array(self.sections)
        first, second = (k for k in range(3) if k != self.axis)
        along = points[..., self.axis]
        place = np.clip(along, rows[0, 0], rows[-1, 0])
        centre_1, half_1, centre_2, half_2 = PchipInterpolator(rows[:, 0], rows[:, 1:])(place).T
        shape = place.shape
        beyond = np.where(along < rows[0, 0], (along - place) / self.caps[0], (along - place) / self.caps[1])
        q_1 = np.abs(points[..., first] - centre_1.T.reshape(shape)) / half_1.T.reshape(shape)
        q_2 = np.abs(points[..., second] - centre_2.T.reshape(shape)) / half_2.T.reshape(shape)
        power = self.squareness
        across = (q_1**power + q_2**power) ** (1 / power)
        radius = np.sqrt(across**2 + beyond**2)
        return (radius - 1) * np.minimum(half_1, half_2).T.reshape(shape)


@dataclass(frozen=True, eq=False)
class Ball:
    """An ellipsoid along the axes."""

    centre: tuple[float, float, float]
    half_axes: tuple[float, float, float]

    def distance(self, points: np.ndarray) -> np.ndarray:
        """(...) about the distance of points (..., 3) to the surface, negative inside."""
        q = (points - np.array(self.centre)) / np.array(self.half_axes)
        outer = np.linalg.norm(q, axis=-1)
        inner = np.linalg.norm(q / np.array(self.half_axes), axis=-1)
        return np.where(inner > 1e-9, outer * (outer - 1) / np.maximum(inner, 1e-9), -min(self.half_axes))


@dataclass(frozen=True, eq=False)
class Stick:
    """A tapered capsule between two points."""

    start: tuple[float, float, float]
    end: tuple[float, float, float]
    radii: tuple[float, float]

    def distance(self, points: np.ndarray) -> np.ndarray:
        """(...) about the distance of points (..., 3) to the surface, negative inside."""
        start, step = np.array(self.start), np.array(self.end) - np.array(self.start)
        share = np.clip((points - start) @ step / (step @ step), 0, 1)
        radius = self.radii[0] + share * (self.radii[1] - self.radii[0])
        return np.linalg.norm(points - start - share[..., None] * step, axis=-1) - radius


TRUNK = Loft(
    1,
    # height, x, half width, z, half depth
    [
        (-0.125, 0.0, 0.110, -0.005, 0.080),
        (-0.080, 0.0, 0.154, -0.008, 0.104),
        (-0.020, 0.0, 0.164, -0.008, 0.110),
        (0.040, 0.0, 0.155, 0.000, 0.104),
        (0.100, 0.0, 0.140, 0.004, 0.097),
        (0.150, 0.0, 0.135, 0.005, 0.095),
        (0.210, 0.0, 0.140, 0.004, 0.099),
        (0.280, 0.0, 0.153, 0.002, 0.108),
        (0.340, 0.0, 0.162, -0.001, 0.111),
        (0.390, 0.0, 0.154, -0.006, 0.101),
        (0.430, 0.0, 0.128, -0.012, 0.082),
        (0.465, 0.0, 0.086, -0.014, 0.064),
        (0.495, 0.0, 0.062, -0.010, 0.058),
    ],
    caps=(0.035, 0.03),
    squareness=2.35,
)
NECK = Loft(
    1,
    [(0.44, 0.0, 0.064, -0.016, 0.062), (0.50, 0.0, 0.055, -0.006, 0.056), (0.58, 0.0, 0.053, 0.008, 0.057)],
)
SKULL = Ball((0.0, 0.667, 0.012), (0.074, 0.098, 0.094))
FACE = Loft(
    1,
    [
        (0.555, 0.0, 0.030, 0.062, 0.030),
        (0.580, 0.0, 0.047, 0.050, 0.050),
        (0.620, 0.0, 0.058, 0.042, 0.062),
        (0.670, 0.0, 0.066, 0.034, 0.070),
        (0.710, 0.0, 0.064, 0.026, 0.068),
    ],
    caps=(0.012, 0.03),
    squareness=2.2,
)
NOSE = Stick((0.0, 0.672, 0.096), (0.0, 0.632, 0.111), (0.009, 0.014))

CHEST = Ball((0.074, 0.335, 0.066), (0.090, 0.070, 0.038))
BUTTOCK = Ball((0.078, -0.085, -0.058), (0.082, 0.080, 0.070))
BACK = Ball((0.085, 0.345, -0.060), (0.080, 0.085, 0.045))
TRAPEZIUS = Stick((0.020, 0.495, -0.024), (0.150, 0.452, -0.012), (0.046, 0.042))
SHOULDER = Ball((0.186, 0.440, -0.002), (0.066, 0.061, 0.062))
ARM = Loft(
    0,
    # place, y, half height, z, half depth
    [
        (0.130, 0.438, 0.058, -0.003, 0.058),
        (0.200, 0.441, 0.055, -0.002, 0.056),
        (0.260, 0.443, 0.049, 0.000, 0.051),
        (0.320, 0.444, 0.046, 0.003, 0.048),
        (0.380, 0.445, 0.041, 0.001, 0.042),
        (0.435, 0.445, 0.037, -0.001, 0.040),
        (0.480, 0.445, 0.038, 0.002, 0.042),
        (0.530, 0.445, 0.036, 0.004, 0.041),
        (0.600, 0.445, 0.029, 0.003, 0.034),
        (0.655, 0.445, 0.023, 0.001, 0.029),
        (0.690, 0.445, 0.021, 0.001, 0.028),
    ],
    caps=(0.03, 0.015),
)
PALM = Loft(
    0,
    [
        (0.680, 0.445, 0.020, 0.002, 0.028),
        (0.712, 0.444, 0.019, 0.003, 0.036),
        (0.750, 0.443, 0.017, 0.002, 0.042),
        (0.785, 0.441, 0.014, 0.000, 0.041),
    ],
    caps=(0.015, 0.012),
    squareness=2.3,
)
FINGERS = tuple(
    Loft(
        0,
        [
            (0.770, 0.442, 0.0115, z, 0.0115),
            (0.770 + 0.5 * length, 0.439, 0.0105, 0.92 * z, 0.0110),
            (0.770 + length, 0.431, 0.0080, 0.84 * z, 0.0090),
        ],
        caps=(0.010, 0.009),
    )
    for z, length in ((0.029, 0.084), (0.0100, 0.095), (-0.0095, 0.088), (-0.028, 0.066))
)
"""Held together: apart they would need as many vertices as the rest of the body."""
THUMB = (
    Stick((0.700, 0.441, 0.022), (0.742, 0.434, 0.056), (0.017, 0.0135)),
    Stick((0.742, 0.434, 0.056), (0.786, 0.430, 0.072), (0.0135, 0.0085)),
)
LEG = Loft(
    1,
    # height, x, half width, z, half depth
    [
        (-0.870, 0.085, 0.031, -0.006, 0.037),
        (-0.800, 0.085, 0.033, -0.008, 0.039),
        (-0.720, 0.086, 0.041, -0.015, 0.047),
        (-0.640, 0.088, 0.050, -0.022, 0.056),
        (-0.575, 0.088, 0.052, -0.020, 0.058),
        (-0.520, 0.087, 0.049, -0.010, 0.054),
        (-0.465, 0.086, 0.050, 0.001, 0.056),
        (-0.410, 0.088, 0.055, 0.004, 0.061),
        (-0.340, 0.091, 0.064, 0.006, 0.071),
        (-0.260, 0.093, 0.073, 0.004, 0.081),
        (-0.180, 0.094, 0.080, 0.000, 0.090),
        (-0.110, 0.091, 0.080, -0.005, 0.094),
        (-0.040, 0.082, 0.070, -0.008, 0.086),
    ],
    caps=(0.03, 0.06),
)
FOOT = Loft(
    2,
    # place, x, half width, y, half height
    [
        (-0.045, 0.085, 0.030, -0.902, 0.034),
        (-0.010, 0.085, 0.034, -0.894, 0.044),
        (0.030, 0.086, 0.036, -0.894, 0.046),
        (0.075, 0.089, 0.040, -0.903, 0.036),
        (0.120, 0.092, 0.046, -0.911, 0.027),
        (0.155, 0.092, 0.045, -0.915, 0.022),
        (0.180, 0.090, 0.038, -0.917, 0.019),
    ],
    caps=(0.024, 0.020),
    squareness=2.4,
)


def soft_union(first: np.ndarray, second: np.ndarray, width: float) -> np.ndarray:
    """The nearer of two distances, rounded where they are within ``width`` of each other."""
    overlap = np.maximum(width - np.abs(first - second), 0) / width
    return np.minimum(first, second) - overlap**3 * width / 6


def distance(points: np.ndarray) -> np.ndarray:
    """(...) about the distance of points (..., 3) in metres to the skin, negative inside; the body is symmetric."""
    points = points * 1.0
    points[..., 0] = np.abs(points[..., 0])
    head = soft_union(SKULL.distance(points), FACE.distance(points), 0.035)
    head = soft_union(head, NOSE.distance(points), 0.025)
    trunk = TRUNK.distance(points)
    for part, width in ((CHEST, 0.05), (BACK, 0.06), (BUTTOCK, 0.05), (TRAPEZIUS, 0.05), (NECK, 0.04)):
        trunk = soft_union(trunk, part.distance(points), width)
    trunk = soft_union(trunk, head, 0.055)
    foot = np.maximum(FOOT.distance(points), SOLE - points[..., 1])
    leg = soft_union(LEG.distance(points), foot, 0.035)
    body = soft_union(trunk, leg, 0.045)
    arm = soft_union(SHOULDER.distance(points), ARM.distance(points), 0.03)
    hand = PALM.distance(points)
    fingers = FINGERS[0].distance(points)
    for finger in FINGERS[1:]:
        fingers = soft_union(fingers, finger.distance(points), 0.014)
    hand = soft_union(hand, fingers, 0.012)
    thumb = soft_union(THUMB[0].distance(points), THUMB[1].distance(points), 0.008)
    hand = soft_union(hand, thumb, 0.016)
    arm = soft_union(arm, hand, 0.02)
    return soft_union(body, arm, 0.05)


def gradient(points: np.ndarray, step: float = 1e-4) -> np.ndarray:
    """(..., 3) outward unit vectors."""
    found = np.stack([distance(points + step * axis) - distance(points - step * axis) for axis in (X, Y, Z)], axis=-1)
    return found / np.maximum(np.linalg.norm(found, axis=-1, keepdims=True), 1e-12)


def onto_skin(points: np.ndarray, rounds: int = 6) -> np.ndarray:
    """Points (..., 3) near the skin, moved onto it."""
    for _ in range(rounds):
        slope = np.stack([distance(points + 1e-4 * axis) - distance(points - 1e-4 * axis) for axis in (X, Y, Z)], -1)
        slope /= 2e-4
        points = points - (distance(points) / np.maximum((slope**2).sum(-1), 1e-4))[..., None] * slope
    return points
