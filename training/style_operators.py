"""Synthetic styles: random but coherent changes that turn any motion into the same action in another manner.

Two motions that one operator changed are in one style, and a motion before and after it is one action in two:
exact supervision for a style encoder that must serve styles that nobody labelled.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from stylize.contacts import foot_contacts
from stylize.motion import Motion
from stylize.postprocess import lowest_foot
from stylize.rotations import (
    heading_free,
    matrix_to_rotvec,
    nearest_rotation,
    rotvec_to_matrix,
    slerp,
)
from stylize.skeleton import CONTACT_ROLES, SKELETON_22

JOINTS = len(SKELETON_22)
SPINE = ("spine1", "spine2", "spine3")
ARMS = ("collar", "shoulder", "elbow", "wrist")
LEGS = ("hip", "knee", "ankle", "foot")
FREED_BY_RAISING = 0.6
"""Share of a held pose that an arm leaves when it is raised to do something."""
MIRROR = np.array([1.0, -1.0, -1.0])
"""What a rotation vector is multiplied by on the other side of the body."""


@dataclass(frozen=True)
class StyleOperator:
    """One synthetic style; every array has a row a joint.

    Attributes:
        speed: how many times as fast the motion becomes.
        amplitude: (J,) factor on each joint's rotation about its mean.
        emphasis: (J,) share of the fast part of that rotation that is added; -1 leaves the slow part alone.
        posture: (J, 3) rotation vectors in the parent's frame.
        raised: (J, 3) the same of an arm that is raised: how it hangs says little of how it is lifted.
        pose: (J, 3) rotation vectors that joints are drawn to, by ``pose_weight`` (J,), a raised arm less.
        sway: (J, 3) rotation vectors in step with the legs' swing, ``bob`` (J, 3) at twice its frequency.
        waver: (J, 3) rotation vectors that swing at ``waver_frequency`` in Hz.
    """

    speed: float
    amplitude: np.ndarray
    emphasis: np.ndarray
    posture: np.ndarray
    raised: np.ndarray
    pose: np.ndarray
    pose_weight: np.ndarray
    sway: np.ndarray
    bob: np.ndarray
    waver: np.ndarray
    waver_frequency: float

    def __call__(self, motion: Motion) -> Motion:
        """The canonical motion in this style, at its own tempo and still on its feet."""
        heading, local = heading_free(motion.local_rotations)
        pelvis = local[:, 0]
        changed = self._exaggerated(local)
        raised = _raised_arms(motion)
        changed = slerp(
            changed,
            np.broadcast_to(rotvec_to_matrix(self.pose), changed.shape),
            self.pose_weight * (1 - FREED_BY_RAISING * raised),
        )
        swing = _leg_swing(motion, heading)
        turn = np.sin(2 * np.pi * self.waver_frequency * np.arange(len(motion)) / motion.fps)
        signals = np.stack([swing, swing**2 - np.mean(swing**2), turn])
        offsets = np.einsum("kt,kji->tji", signals, np.stack([self.sway, self.bob, self.waver]))
        offsets += self.posture + raised[..., None] * (self.raised - self.posture)
        changed = rotvec_to_matrix(offsets) @ changed
        # The legs keep their directions when the pelvis turns, or every tilt would lift a foot.
        for side in ("left", "right"):
            hip = SKELETON_22.joint(f"{side}_hip")
            changed[:, hip] = np.swapaxes(changed[:, 0], -1, -2) @ pelvis @ changed[:, hip]
        changed[:, 0] = heading @ changed[:, 0]
        return _on_its_feet(replace(motion, local_rotations=changed), motion)

    def _exaggerated(self, local: np.ndarray) -> np.ndarray:
        mean = nearest_rotation(local.mean(0))
        deviation = matrix_to_rotvec(np.swapaxes(mean, -1, -2) @ local)
        fast = deviation - gaussian_filter1d(deviation, 4.0, axis=0, mode="nearest")
        return mean @ rotvec_to_matrix(self.amplitude[:, None] * (deviation + self.emphasis[:, None] * fast))


def turned(motion: Motion, turns: np.ndarray) -> Motion:
    """A canonical motion with its joints turned by rotation vectors (T, J, 3), the root in its heading frame."""
    heading, own = heading_free(motion.local_rotations)
    local = rotvec_to_matrix(turns) @ own
    local[:, 0] = heading @ local[:, 0]
    return _on_its_feet(replace(motion, local_rotations=local), motion)


def _leg_swing(motion: Motion, heading: np.ndarray) -> np.ndarray:
    """(T,) how far the left foot is before the right: about -1 to 1 in a walk, about 0 in a stand."""
    between = motion.joint_positions("left_ankle") - motion.joint_positions("right_ankle")
    forward = np.einsum("ti,ti->t", between, heading[:, :, 2])
    forward = gaussian_filter1d(forward - forward.mean(), 1.0, mode="nearest")
    return forward / np.hypot(forward.std() * np.sqrt(2), 0.15)


def _raised_arms(motion: Motion) -> np.ndarray:
    """(T, J) from 0 for an arm whose hand is below the head to 1 for one that is stretched up; 0 for all but arms."""
    raised = np.zeros(motion.local_rotations.shape[:2])
    for side in ("left", "right"):
        height = (motion.joint_positions(f"{side}_wrist") - motion.joint_positions(f"{side}_shoulder"))[:, 1]
        share = np.clip((height - 0.15) / 0.3, 0, 1)
        joints = [SKELETON_22.joint(f"{side}_{part}") for part in ARMS]
        raised[:, joints] = gaussian_filter1d(share * share * (3 - 2 * share), 2.0, mode="nearest")[:, None]
    return raised


def _on_its_feet(changed: Motion, original: Motion) -> Motion:
    """Move the root so that the lower foot keeps its height and planted feet keep their speed over the ground."""
    feet = [SKELETON_22.joint(role) for role in CONTACT_ROLES]
    contacts = foot_contacts(original)
    before, after = (m.positions[:, feet] - m.root_positions[:, None] for m in (original, changed))
    lost = np.gradient(before - after, axis=0)[..., [0, 2]]
    planted = np.flatnonzero(contacts.any(1))
    shift = np.zeros((len(original), 3))
    if len(planted):
        share = contacts / np.maximum(contacts.sum(1, keepdims=True), 1)
        step = np.einsum("tf,tfi->ti", share, lost)
        step = np.stack([np.interp(np.arange(len(step)), planted, column[planted]) for column in step.T], axis=1)
        step = gaussian_filter1d(step, 1.5, axis=0, mode="nearest")
        shift[:, [0, 2]] = np.cumsum(step, axis=0) - step[0]
    shift[:, 1] = gaussian_filter1d(lowest_foot(original) - lowest_foot(changed), 1.5, mode="nearest")
    return changed.translate(shift)


@dataclass(frozen=True)
class Manner:
    """How a real clip is carried: (J, 3, 3) mean local rotations, (J,) deviations about them in radians."""

    posture: np.ndarray
    amplitude: np.ndarray

    @staticmethod
    def of(motion: Motion) -> "Manner":
        """Of a canonical motion, the root in its heading frame."""
        _, local = heading_free(motion.local_rotations)
        mean = nearest_rotation(local.mean(0))
        deviation = matrix_to_rotvec(np.swapaxes(mean, -1, -2) @ local)
        return Manner(mean, np.sqrt(np.square(deviation).sum(-1).mean(0)))


def sample_operator(
    rng: np.random.Generator, manners: tuple[Manner, Manner] | None = None, speed_spread: float = 0.25
) -> StyleOperator:
    """A random style: some of the things that styles are made of, each for a whole part of the body.

    Args:
        rng: of every choice.
        manners: of two real clips. What sets the first apart from the second is most of the style then, so that it
            lies where real styles lie; of what it does nothing is taken over.
        speed_spread: deviation of the log speed of a strong style.
    """
    draw = _Draw(rng, speed_spread)
    if manners is not None:
        _borrow(draw, *manners)
        if draw.chance(0.5):
            return draw.operator()
    if draw.chance(0.6):
        _lean(draw)
    if draw.chance(0.6):
        _carry_arms(draw)
    if draw.chance(0.25):
        _hold_pose(draw)
    if draw.chance(0.5):
        _bend_legs(draw)
    for part, share in ((SPINE + ("pelvis", "neck", "head"), 0.4), (ARMS, 0.5), (LEGS, 0.4)):
        if draw.chance(share):
            draw.set("amplitude", part, float(np.exp(rng.normal(0, 0.35))))
        if draw.chance(0.6 * share):
            draw.set("emphasis", part, float(rng.uniform(-1, 1.2)))
    if draw.chance(0.4):
        _sway(draw)
    if draw.chance(0.15):
        for joint in ("pelvis", *SPINE, "head", "left_shoulder", "right_shoulder"):
            draw.turn("waver", joint, 2.5, 2.5, 4)
    return draw.operator()


SCALED = ("emphasis", "posture", "raised", "pose_weight", "sway", "bob", "waver")
"""What an operator has less of where it is subtle."""


def _joints(parts: tuple[str, ...]) -> list[int]:
    """The joints of some parts of the body, on both sides."""
    return [index for index, name in enumerate(SKELETON_22.names) if name.split("_")[-1] in parts]


class _Draw:
    """The arrays of an operator while they are drawn."""

    def __init__(self, rng: np.random.Generator, speed_spread: float) -> None:
        self.rng = rng
        self.speed_spread = speed_spread
        vectors = ("posture", "raised", "pose", "sway", "bob", "waver")
        self.values = {name: np.zeros((JOINTS, 3)) for name in vectors}
        self.values |= {"amplitude": np.ones(JOINTS), "emphasis": np.zeros(JOINTS), "pose_weight": np.zeros(JOINTS)}

    def operator(self) -> StyleOperator:
        """The operator, with a speed; all of it more or less, for real styles are subtle as often as not."""
        self._raise_arms()
        values, share = self.values, float(self.rng.uniform(0.2, 1.1))
        log_speed = self.speed_spread * np.clip(self.rng.normal(), -2.4, 2.4)
        speed = float(np.exp(log_speed)) if self.chance(0.7) else 1.0
        return StyleOperator(
            speed=speed**share,
            amplitude=values["amplitude"] ** share,
            pose=values["pose"],
            waver_frequency=float(self.rng.uniform(0.3, 1.2)),
            **{name: share * values[name] for name in SCALED},
        )

    def _raise_arms(self) -> None:
        """Decide how arms are carried that are raised; real styles were seen to keep between all and nothing."""
        arms = _joints(ARMS)
        self.values["raised"][arms] = self.rng.uniform(0, 1) * self.values["posture"][arms]
        if self.chance(0.6):
            sides = self.sides(0.85)
            self.add("raised", "shoulder", self.rng.normal(0, (20, 14, 18)), sides)
            self.add("raised", "elbow", self.rng.normal((0, -8, 4), (8, 26, 14)), sides)
            self.add("raised", "wrist", self.rng.normal(0, (12, 12, 15)), sides)

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def turn(self, name: str, joint: str, *degrees: float) -> None:
        """Add a normal draw with these deviations about x (forward bend), y and z to a joint's vector."""
        self.values[name][SKELETON_22.joint(joint)] += np.radians(self.rng.normal(0, degrees))

    def add(self, name: str, part: str, degrees: np.ndarray, sides: tuple[str, ...]) -> None:
        """Add a rotation vector, given for the left side, to a part of the body on some sides."""
        for side in sides:
            vector = np.radians(degrees) * (MIRROR if side == "right" else 1)
            self.values[name][SKELETON_22.joint(f"{side}_{part}")] += vector

    def set(self, name: str, parts: tuple[str, ...], value: float) -> None:
        """Set a number of the joints of some parts of the body."""
        self.values[name][_joints(parts)] = value

    def sides(self, both: float = 0.75) -> tuple[str, ...]:
        return ("left", "right") if self.chance(both) else (str(self.rng.choice(["left", "right"])),)


def _borrow(draw: _Draw, first: Manner, second: Manner) -> None:
    difference = matrix_to_rotvec(first.posture @ np.swapaxes(second.posture, -1, -2))
    ratio = np.clip((first.amplitude + 0.02) / (second.amplitude + 0.02), 0.5, 2.0)
    strength = draw.rng.uniform(0.7, 1.3)
    for parts, share in ((SPINE + ("pelvis", "neck", "head"), 0.9), (LEGS, 0.7), (ARMS, 0.6)):
        if not draw.chance(share):
            continue
        joints = _joints(parts)
        draw.values["posture"][joints] += strength * np.clip(difference[joints], -0.8, 0.8)
        draw.values["amplitude"][joints] *= float(np.exp(np.log(ratio[joints]).mean()))


def _lean(draw: _Draw) -> None:
    bend = np.radians(draw.rng.normal(0, (16, 4, 4)))
    for joint, share in zip((*SPINE, "pelvis"), draw.rng.dirichlet((3, 3, 3, 2)), strict=True):
        draw.values["posture"][SKELETON_22.joint(joint)] += share * bend
    # Somebody who bends looks ahead all the same, more or less.
    looking = -draw.rng.uniform(0, 1.1) * bend + np.radians(draw.rng.normal(0, (10, 6, 6)))
    for joint in ("neck", "head"):
        draw.values["posture"][SKELETON_22.joint(joint)] += looking / 2


def _carry_arms(draw: _Draw) -> None:
    sides = draw.sides()
    draw.add("posture", "collar", draw.rng.normal(0, (3, 8, 7)), sides)
    draw.add("posture", "shoulder", draw.rng.normal((0, 0, 4), (18, 14, 16)), sides)
    draw.add("posture", "elbow", np.array([0.0, -draw.rng.uniform(-8, 50), 0.0]), sides)
    draw.add("posture", "wrist", draw.rng.normal(0, (12, 12, 15)), sides)


def _hold_pose(draw: _Draw) -> None:
    """Both arms, or one, drawn to a pose anywhere before and beside the body."""
    rng, sides = draw.rng, draw.sides(0.7)
    raised, forward = np.radians(rng.uniform(-80, 80)), np.radians(rng.uniform(-15, 100))
    twist = np.radians(rng.normal(0, 35))
    around, lift, roll = rotvec_to_matrix(
        np.diag([1.0, 1.0, 1.0])[[1, 2, 0]] * np.array([[-forward], [raised], [twist]])
    )
    arm = around @ lift @ roll
    draw.add("pose", "shoulder", np.degrees(matrix_to_rotvec(arm)), sides)
    draw.add("pose", "elbow", np.array([0.0, -rng.uniform(0, 115), 0.0]), sides)
    weight = float(rng.uniform(0.3, 0.85))
    for part in ("shoulder", "elbow"):
        for side in sides:
            draw.values["pose_weight"][SKELETON_22.joint(f"{side}_{part}")] = weight


def _bend_legs(draw: _Draw) -> None:
    rng, both = draw.rng, ("left", "right")
    crouch = float(rng.gamma(2.0, 6.0)) if draw.chance(0.6) else 0.0
    spread, toe_out = rng.normal(0, 4), rng.normal(0, 10)
    on_toes = float(rng.uniform(15, 40)) if draw.chance(0.2) else 0.0
    draw.add("posture", "hip", np.array([-crouch, toe_out, spread]), both)
    draw.add("posture", "knee", np.array([2 * crouch, 0.0, 0.0]), both)
    draw.add("posture", "ankle", np.array([on_toes - crouch, 0.0, -spread]), both)
    draw.add("posture", "foot", np.array([-0.6 * on_toes, 0.0, 0.0]), both)
    bounce = rng.normal(0, 7)
    draw.add("bob", "hip", np.array([-bounce, 0.0, 0.0]), both)
    draw.add("bob", "knee", np.array([2 * bounce, 0.0, 0.0]), both)
    draw.add("bob", "ankle", np.array([-bounce, 0.0, 0.0]), both)


def _sway(draw: _Draw) -> None:
    draw.turn("sway", "pelvis", 0, 5, 5)
    for joint in SPINE:
        draw.turn("sway", joint, 1, 3, 3)
        draw.turn("bob", joint, 3, 1, 1)
    for joint in ("neck", "head"):
        draw.turn("sway", joint, 1, 3, 3)
        draw.turn("bob", joint, 4, 1, 1)
    for joint in ("left_shoulder", "right_shoulder"):
        draw.turn("sway", joint, 7, 4, 4)
        draw.turn("bob", joint, 3, 2, 4)
