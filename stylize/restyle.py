"""How the networks change a motion: the change of pose that they see is applied to the motion itself.

With the generator G, the content code c, the wanted style code s and the content's own s0, the styled latents are
G(c, s0) + strength (G(c, s) - G(c, s0)) plus what the codes do not hold of the content's latents, which fades as the
strength grows. Styled and original latents are decoded, and the difference between the two poses is applied to the
motion that came in. So strength 0 gives the motion back as it was, and what the autoencoder cannot hold (fine
detail, actions that it never saw) is not lost.
"""

from dataclasses import dataclass

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
from stylize.rotations import heading_yaw, nearest_rotation, yaw_to_matrix
from stylize.skeleton import SKELETON_22, TOE_HEIGHT

RESIDUAL_AT_FULL_STRENGTH = 0.25
"""How much of what the content code does not hold stays at strength 1: all of it would bring the old style back."""
STYLE_GAIN = 1.1
"""What strength 1 multiplies the change by: a generator that is trained to be near on average falls a little short."""
CHANGE_SMOOTHING = 1.0
"""Frames; jerk falls from 1.13 to 1.02 times the content's, with the same accuracies."""


@dataclass(frozen=True, eq=False)
class Restyler:
    """The three networks and how they work together."""

    autoencoder: Autoencoder
    network: StylizerNetwork
    predictor: GlobalMotionPredictor

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self.autoencoder.feature_mean.device

    def encode(self, motion: Motion) -> Tensor:
        """A canonical motion at 30 fps to latents (1, C, N)."""
        return self.autoencoder.encode(torch.from_numpy(features.encode(motion))[None].to(self.device))

    @torch.inference_mode()
    def encode_style(self, motion: Motion) -> tuple[Tensor, Tensor]:
        """Mean and log variance (1, style_size) of a canonical motion's style code."""
        return self.network.encode_style(self.encode(motion))

    @torch.inference_mode()
    def restyle(self, content: Motion, style_code: Tensor, strength: float = 1.0) -> Motion:
        """A canonical motion at 30 fps in the style of a code (1, style_size), with as many frames."""
        encoded = features.encode(content)
        latents = self.autoencoder.encode(torch.from_numpy(encoded)[None].to(self.device))
        content_code = self.network.encode_content(latents)
        own_code, _ = self.network.encode_style(latents)
        both = self.network.generate(content_code.expand(2, -1, -1), torch.cat([style_code, own_code]))
        target, own = both[:1], both[1:]
        kept = 1 - (1 - RESIDUAL_AT_FULL_STRENGTH) * min(strength, 1.0)
        styled = own + STYLE_GAIN * strength * (target - own) + kept * (latents - own)
        decoded = self.autoencoder.decode(torch.cat([styled, latents]))[:, : len(content)].float()
        pose = DecodedPose(decoded)
        velocity = self.predictor(pose.positions())
        planar_change = (velocity[0] - velocity[1])[:, 1:].double().cpu().numpy()
        height_change = (pose.height[0] - pose.height[1]).double().cpu().numpy()[:, 0]
        after, before = pose.local_rotations.double().cpu().numpy()
        pose_change = after @ np.swapaxes(before, -1, -2)
        result = _apply_change(content, encoded, _smooth(pose_change), _smooth(planar_change), _smooth(height_change))
        return clean_feet(result, pose.contacts[0].cpu().numpy(), lowest_foot(content))

    @torch.inference_mode()
    def recombine(self, content: Motion, style_code: Tensor) -> Motion:
        """A motion from the content code and a style code (1, style_size) alone, with nothing of the input's pose."""
        latents = self.network.generate(self.network.encode_content(self.encode(content)), style_code)
        pose = DecodedPose(self.autoencoder.decode(latents)[0, : len(content)].float())
        yaw_velocity, planar = self.predictor(pose.positions()[None])[0].split((1, 2), dim=-1)
        blocks = {"root_yaw_velocity": yaw_velocity, "root_planar_velocity": planar, "root_height": pose.height}
        encoded = np.zeros((len(content), features.NUM_FEATURES))
        for name, values in (blocks | {"rot6d": pose.rot6d}).items():
            encoded[:, features.BLOCKS[name]] = values.cpu().numpy()
        return clean_feet(features.decode(encoded), pose.contacts.cpu().numpy(), np.full(len(content), TOE_HEIGHT))


def _apply_change(
    content: Motion,
    encoded: np.ndarray,
    pose_change: np.ndarray,
    planar_change: np.ndarray,
    height_change: np.ndarray,
) -> Motion:
    """Turn every joint of the content by ``pose_change`` (T, 22, 3, 3), the root in its heading frame.

    The turns stay the content's own: where somebody goes is no matter of style, how fast they go is.
    """
    planar = encoded[:, features.BLOCKS["root_planar_velocity"]] + planar_change
    heading = yaw_to_matrix(heading_yaw(content.local_rotations[:, 0]))
    root_positions = features.ground_track(planar, heading) + content.root_positions[0]
    root_positions[:, 1] = content.root_positions[:, 1] + height_change

    own = content.local_rotations.copy()
    own[:, 0] = np.swapaxes(heading, -1, -2) @ own[:, 0]
    local_rotations = nearest_rotation(pose_change) @ own
    local_rotations[:, 0] = heading @ local_rotations[:, 0]
    return Motion(SKELETON_22, local_rotations, root_positions, features.FPS, name=content.name)


def _smooth(change: np.ndarray) -> np.ndarray:
    """A change (T, ...) without the networks' jitter: a style is slower than the motion that it changes."""
    return gaussian_filter1d(change, CHANGE_SMOOTHING, axis=0, mode="nearest")
