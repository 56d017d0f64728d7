"""How the networks change a motion: the change of pose that they see is applied to the motion itself.

With the generator G, the content code c, the wanted style code s and the content's own s0, a style changes the
content's latents by G(c, s) - G(c, s0), and its tempo by what the same codes say. Changes of several styles add up
with weights, which may differ from frame to frame. The code of a style that no training saw holds too little of it;
what is missing in the mean of the reference's latents, its posture, is taken over beside the code. Where a reference
shows a known style, the same mean tells it from the style's other clips, and some of that is added. Changed and
original latents are decoded, and the difference between the two poses is applied to the motion that came in. So
strength 0 gives the motion back as it was, and what the autoencoder cannot hold (fine detail, actions that it never
saw) is not lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from stylize import features
from stylize.models.autoencoder import Autoencoder, DecodedPose
from stylize.models.global_motion import GlobalMotionPredictor
from stylize.models.stylizer import Stylizer as StylizerNetwork
from stylize.motion import Motion
from stylize.postprocess import clean_feet, lowest_foot
from stylize.quality import paths_alike
from stylize.rotations import (
    heading_free,
    matrix_to_rot6d,
    matrix_to_rotvec,
    nearest_rotation,
    rot6d_to_matrix,
    rotvec_to_matrix,
    yaw_to_matrix,
)
from stylize.skeleton import SKELETON_22, TOE_HEIGHT

MOVEMENT_KEPT = 0.1
"""How much of what the codes do not hold of the content's movement stays at strength 1: it brings the old style back.

In an action that the networks do not know it is the action, and stays. What they do not hold of the posture goes:
that somebody else's skeleton holds its feet or shoulders in another way is not what was asked to stay."""
CHANGE_SMOOTHING = 0.8
"""Frames: takes the networks' jitter away and leaves the style's own quickness."""
SWING_FRAMES = 15.0
"""Deviation of the average that tells where somebody goes from how the pelvis swings at each step, which is faster."""
MAX_SWING = 0.3
"""Radians by which a style changes that swing at most; more would be the turns of a spin."""
MAX_TEMPO_CHANGE = 1.2
"""Of the log tempo, about as far as the training clips of one action are apart."""

Body = Literal["full", "upper", "lower"]
UPPER_BODY = {"spine1": 0.5} | dict.fromkeys(
    ("spine2", "spine3", "neck", "head")
    + tuple(f"{side}_{part}" for side in ("left", "right") for part in ("collar", "shoulder", "elbow", "wrist")),
    1.0,
)
"""How much of a change each joint takes where only the upper body is changed."""


@dataclass(frozen=True, eq=False)
class WeightedStyle:
    """A style as one of the networks knows it, and how much of it each moment of the clip takes.

    Attributes:
        network: whose code it is, a key of Restyler.networks.
        code: (1, style_size).
        weights: (K,) at K moments from start to end.
        posture: (1, C, 1) mean latents of the style that the network's codes miss, to take in place of the content's
            own; without them the content keeps its own, as far as it keeps what the codes miss at all.
        individual: (1, C, 1) mean latents that set one way of showing the style apart from others, to add.
    """

    network: str
    code: Tensor
    weights: np.ndarray = field(default_factory=lambda: np.ones(1))
    posture: Tensor | None = None
    individual: Tensor | None = None

    def at(self, count: int) -> np.ndarray:
        """The weights (count,) at evenly spaced moments."""
        return np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(self.weights)), self.weights)


class Gaussian(NamedTuple):
    """A style code's mean and log variance, (1, style_size) or (style_size,) each."""

    mean: Tensor
    log_variance: Tensor


@dataclass(frozen=True, eq=False)
class Encoded:
    """A canonical motion at 30 fps, its features (T, 272), its latents (1, C, N), and what networks said of it so far.

    Attributes:
        content_codes: (1, content_channels, N) by the network's name.
        style_codes: by the network's name.
    """

    motion: Motion
    features: np.ndarray
    latents: Tensor
    content_codes: dict[str, Tensor] = field(default_factory=dict)
    style_codes: dict[str, Gaussian] = field(default_factory=dict)


@dataclass(frozen=True)
class Familiarity:
    """How like the training's motions one is.

    Attributes:
        distance: in metres, of its joints on average from what the networks' codes hold of it.
        movement: how alike hands and feet move in what they hold, 1 at most; see ``quality.paths_alike``.
    """

    distance: float
    movement: float


@dataclass(frozen=True, eq=False)
class Restyler:
    """The networks and how they work together; without a predictor the root moves as the decoder says."""

    autoencoder: Autoencoder
    networks: dict[str, StylizerNetwork]
    predictor: GlobalMotionPredictor | None

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self.autoencoder.feature_mean.device

    @torch.inference_mode()
    def encode(self, motion: Motion) -> Encoded:
        """What the networks see of a canonical motion at 30 fps."""
        encoded = features.encode(motion)
        return Encoded(motion, encoded, self.autoencoder.encode(torch.from_numpy(encoded)[None].to(self.device)))

    @torch.inference_mode()
    def content_code(self, encoded: Encoded, network: str) -> Tensor:
        """A motion's content code (1, content_channels, N) by one of the networks."""
        if network not in encoded.content_codes:
            encoded.content_codes[network] = self.networks[network].encode_content(encoded.latents)
        return encoded.content_codes[network]

    @torch.inference_mode()
    def style_code(self, encoded: Encoded, network: str) -> Gaussian:
        """A motion's style code by one of the networks."""
        if network not in encoded.style_codes:
            encoded.style_codes[network] = Gaussian(*self.networks[network].encode_style(encoded.latents))
        return encoded.style_codes[network]

    @torch.inference_mode()
    def posture(self, encoded: Encoded, network: str) -> Tensor:
        """The posture (1, C) of a motion that the codes of one of the networks leave over."""
        content, style = self.content_code(encoded, network), self.style_code(encoded, network)
        return self.networks[network].posture(encoded.latents, content, style.mean)

    @torch.inference_mode()
    def familiarity(self, content: Encoded) -> Familiarity:
        """How like the training's motions one is: how much of it the two codes of the first network hold."""
        name, network = next(iter(self.networks.items()))
        held = network.generate(self.content_code(content, name), self.style_code(content, name).mean)
        decoded = DecodedPose(self.autoencoder.decode(held)[0, : len(content.motion)].float())
        found = decoded.positions().double().cpu().numpy()
        positions = content.features[:, features.BLOCKS["positions"]].reshape(found.shape)
        return Familiarity(float(np.linalg.norm(found - positions, axis=-1).mean()), paths_alike(positions, found))

    @torch.inference_mode()
    def restyle(
        self,
        content: Encoded,
        styles: Sequence[WeightedStyle],
        strength: float = 1.0,
        *,
        keep_timing: bool = False,
        body: Body = "full",
        kept: float = MOVEMENT_KEPT,
    ) -> Motion:
        """A canonical motion at 30 fps in a style, or in a weighted mixture of some.

        Args:
            content: the motion to change.
            styles: with their weights over the clip.
            strength: 0 for the motion as it was, 1 for the style.
            keep_timing: do not change the tempo. It stays where only a part of the body is changed, too.
            body: "upper" and "lower" leave the other half of the body as it was.
            kept: how much of what the codes do not hold of the content's movement stays at strength 1, and how much
                the content's own contacts say of when feet are planted.
        """
        if strength == 0:
            return content.motion
        if not keep_timing and body == "full":
            changes = self._tempo_change(content, styles)
            content = self.encode(change_tempo(content.motion, strength * changes))
        motion, latents = content.motion, content.latents
        change, lost = self._latent_change(content, styles, kept)
        styled = latents + strength * change - min(strength, 1.0) * lost
        decoded = self.autoencoder.decode(torch.cat([styled, latents]))[:, : len(motion)].float()
        pose = DecodedPose(decoded)
        velocity = self.root_velocity(pose)
        velocity_change = _smooth((velocity[0] - velocity[1]).double().cpu().numpy())
        height_change = _smooth((pose.height[0] - pose.height[1]).double().cpu().numpy()[:, 0])
        after, before = pose.local_rotations.double().cpu().numpy()
        pose_change = rot6d_to_matrix(_smooth(matrix_to_rot6d(after @ np.swapaxes(before, -1, -2))))
        pose_change = pose_change @ rotvec_to_matrix(-min(strength, 1.0) * _missed_posture(motion, before))
        planar = content.features[:, features.BLOCKS["root_planar_velocity"]] + velocity_change[:, 1:]
        swing = _swing(velocity_change[:, 0])
        result = _apply_change(motion, pose_change, swing, planar, height_change, body)
        if body == "upper":
            return result
        contacts = (1 - kept) * pose.contacts[0].cpu().numpy() + kept * content.features[:, features.BLOCKS["contacts"]]
        return clean_feet(result, contacts, lowest_foot(motion))

    def root_velocity(self, pose: DecodedPose) -> Tensor:
        """Yaw velocity (rad/s) and planar velocity x, z (m/s) of decoded poses, (B, T, 3) or (T, 3)."""
        if self.predictor is None:
            return torch.cat([pose.yaw_velocity, pose.planar_velocity], dim=-1)
        positions = pose.positions()
        return self.predictor(positions) if positions.dim() == 4 else self.predictor(positions[None])[0]

    def _tempo_change(self, content: Encoded, styles: Sequence[WeightedStyle]) -> np.ndarray:
        """(N,) log of how many times as fast each latent frame becomes."""
        total = np.zeros(content.latents.shape[-1])
        for style in styles:
            content_code, own = self.content_code(content, style.network), self.style_code(content, style.network)
            change = self.networks[style.network].tempo_change(content_code, style.code, own.mean)
            total += style.at(len(total)) * float(change)
        return np.clip(total, -MAX_TEMPO_CHANGE, MAX_TEMPO_CHANGE)

    def _latent_change(self, content: Encoded, styles: Sequence[WeightedStyle], kept: float) -> tuple[Tensor, Tensor]:
        """By how much the styles change the latents (1, C, N), and what goes of what their codes do not hold."""
        latents = content.latents
        change, lost = torch.zeros_like(latents), torch.zeros_like(latents)
        for name, strange in dict.fromkeys((style.network, style.posture is not None) for style in styles):
            members = [each for each in styles if each.network == name and (each.posture is not None) == strange]
            content_code, own_code = self.content_code(content, name), self.style_code(content, name).mean
            network, config = self.networks[name], self.networks[name].config
            codes = torch.cat([*(style.code + config.push * (style.code - own_code) for style in members), own_code])
            codes = (config.code_share if strange else 1.0) * codes
            content_codes = content_code.expand(len(codes), -1, -1)
            *targets, own = network.generate(content_codes, codes).split(1)
            missed = latents - own
            posture = missed.mean(-1, keepdim=True)
            for style, target in zip(members, targets, strict=True):
                weights = torch.from_numpy(style.at(latents.shape[-1])).to(latents)
                change += weights * (target - own)
                lost += weights * (1 - kept) * (missed - posture)
                if style.posture is None:
                    lost += weights * posture
                else:
                    change += weights * (config.posture_gain * style.posture - posture)
                if style.individual is not None:
                    change += weights * style.individual
        return change, lost

    @torch.inference_mode()
    def recombine(self, content: Motion, style: WeightedStyle) -> Motion:
        """A motion from the content code and a style code alone, with nothing of the input's pose."""
        latents = self.networks[style.network].generate(
            self.content_code(self.encode(content), style.network), style.code
        )
        pose = DecodedPose(self.autoencoder.decode(latents)[0, : len(content)].float())
        yaw_velocity, planar = self.root_velocity(pose).split((1, 2), dim=-1)
        blocks = {"root_yaw_velocity": yaw_velocity, "root_planar_velocity": planar, "root_height": pose.height}
        encoded = np.zeros((len(content), features.NUM_FEATURES))
        for name, values in (blocks | {"rot6d": pose.rot6d}).items():
            encoded[:, features.BLOCKS[name]] = values.cpu().numpy()
        return clean_feet(features.decode(encoded), pose.contacts.cpu().numpy(), np.full(len(content), TOE_HEIGHT))


def change_tempo(motion: Motion, log_change: np.ndarray) -> Motion:
    """The motion played exp(log_change) times as fast, (K,) evenly spaced over it; the frame rate stays."""
    count = len(motion)
    if count < 2:
        return motion
    change = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(log_change)), log_change)
    new_times = np.concatenate([[0.0], np.cumsum(np.exp(-0.5 * (change[1:] + change[:-1])))]) / motion.fps
    frames = max(2, round(new_times[-1] * motion.fps) + 1)
    # The last frame stays the last, which stretches the rest by less than half a frame.
    wanted = np.linspace(0, new_times[-1], frames)
    return motion.at_times(np.interp(wanted, new_times, np.arange(count) / motion.fps), motion.fps)


def _missed_posture(content: Motion, decoded: np.ndarray) -> np.ndarray:
    """Rotation vectors (22, 3) from what the autoencoder makes of a motion (T, 22, 3, 3) to the motion, on average."""
    _, own = heading_free(content.local_rotations)
    return matrix_to_rotvec(nearest_rotation((own @ np.swapaxes(decoded, -1, -2)).mean(0)))


def _apply_change(
    content: Motion,
    pose_change: np.ndarray,
    swing: np.ndarray,
    planar: np.ndarray,
    height_change: np.ndarray,
    body: Body,
) -> Motion:
    """Turn every joint of the content by ``pose_change`` (T, 22, 3, 3), the root in its heading frame.

    The root also turns by ``swing`` (T, 3, 3), and has new planar velocities (T, 2) and a change of height (T,). All
    that is left aside for the upper body.
    """
    heading, own = heading_free(content.local_rotations)
    pose_change = pose_change.copy()
    pose_change[:, 0] = swing @ pose_change[:, 0]
    if body != "full":
        upper = np.array([UPPER_BODY.get(name, 0.0) for name in SKELETON_22.names])
        share = upper if body == "upper" else 1 - upper
        pose_change = rotvec_to_matrix(share[:, None] * matrix_to_rotvec(pose_change))
    local_rotations = pose_change @ own
    if body == "lower":
        # The trunk keeps its direction over a pelvis that turns.
        spine = SKELETON_22.joint("spine1")
        turned_back = np.swapaxes(local_rotations[:, 0], -1, -2) @ own[:, 0]
        local_rotations[:, spine] = turned_back @ local_rotations[:, spine]
    local_rotations[:, 0] = heading @ local_rotations[:, 0]
    root_positions = content.root_positions
    if body != "upper":
        root_positions = features.ground_track(planar, heading @ swing) + content.root_positions[0]
        root_positions[:, 1] = content.root_positions[:, 1] + height_change
    return Motion(SKELETON_22, local_rotations, root_positions, features.FPS, name=content.name)


def _swing(yaw_velocity: np.ndarray) -> np.ndarray:
    """Turns (T, 3, 3) about the vertical that a change of yaw velocities (T,) makes about the way somebody goes.

    How far the pelvis swings from step to step is a matter of style; which way somebody turns is not.
    """
    yaw = features.integrate(yaw_velocity)
    swing = yaw - gaussian_filter1d(yaw, SWING_FRAMES, mode="nearest")
    return yaw_to_matrix(MAX_SWING * np.tanh(swing / MAX_SWING))


def _smooth(change: np.ndarray) -> np.ndarray:
    """A change (T, ...) without the networks' jitter: a style is slower than the motion that it changes."""
    return gaussian_filter1d(change, CHANGE_SMOOTHING, axis=0, mode="nearest")
