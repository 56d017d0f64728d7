"""The motion autoencoder: features to a short sequence of latents and back to a posable skeleton."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from stylize.features import BLOCK_SIZES, BLOCKS, NUM_FEATURES, NUM_JOINTS
from stylize.kinematics import forward_kinematics
from stylize.models.layers import ResidualBlock, conv
from stylize.rotations import rot6d_to_matrix
from stylize.skeleton import SKELETON_22

DECODED_BLOCKS = ("root_yaw_velocity", "root_planar_velocity", "root_height", "rot6d", "contacts")
"""What the decoder gives; positions and velocities follow from it by forward kinematics."""
DECODED_SIZE = sum(BLOCK_SIZES[name] for name in DECODED_BLOCKS)
DOWNSAMPLING = 4
"""Frames a latent frame."""
MIN_LOG_VARIANCE = -12.0


@dataclass(frozen=True)
class AutoencoderConfig:
    """Sizes of the autoencoder.

    Attributes:
        latent_channels: numbers a latent frame.
        widths: hidden channels at full, half and quarter rate.
        variational: a Gaussian posterior (VAE); otherwise the mean alone (AE).
        latent: otherwise there is no network, and the "latents" are the pose itself: the normalised decoded blocks
            of 4 frames, one after the other, which the sizes above have no say in.
    """

    latent_channels: int = 128
    widths: tuple[int, int, int] = (192, 256, 256)
    variational: bool = True
    latent: bool = True

    @property
    def channels(self) -> int:
        """Numbers a latent frame."""
        return self.latent_channels if self.latent else DOWNSAMPLING * DECODED_SIZE


class Autoencoder(nn.Module):
    """A residual convolutional (variational) autoencoder that halves the frame rate twice."""

    downsampling = DOWNSAMPLING
    decoded_columns: Tensor
    feature_mean: Tensor
    feature_std: Tensor
    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = _encoder(config) if config.latent else nn.Identity()
        self.decoder = _decoder(config) if config.latent else nn.Identity()
        decoded = torch.cat([torch.arange(NUM_FEATURES)[BLOCKS[name]] for name in DECODED_BLOCKS])
        self.register_buffer("decoded_columns", decoded, persistent=False)
        self.register_buffer("feature_mean", torch.zeros(NUM_FEATURES))
        self.register_buffer("feature_std", torch.ones(NUM_FEATURES))
        self.register_buffer("latent_mean", torch.zeros(config.channels))
        self.register_buffer("latent_std", torch.ones(config.channels))

    def encode_distribution(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, T, 272), T a multiple of 4, to the raw latents' mean and log variance (B, C, T/4)."""
        normalized = (features - self.feature_mean) / self.feature_std
        if not self.config.latent:
            mean = stack_frames(normalized[..., self.decoded_columns])
            return mean, torch.full_like(mean, MIN_LOG_VARIANCE)
        mean, log_variance = self.encoder(normalized.transpose(1, 2)).chunk(2, dim=1)
        return mean, log_variance.clamp(MIN_LOG_VARIANCE, 4.0)

    def encode(self, features: Tensor) -> Tensor:
        """Features (B, T, 272) to normalised latents (B, C, ceil(T/4)); the last frame fills up the length."""
        mean, _ = self.encode_distribution(fill_up(features))
        return (mean - self.latent_mean[:, None]) / self.latent_std[:, None]

    def decode_raw(self, raw_latents: Tensor) -> Tensor:
        """Raw latents (B, C, N) to the decoded blocks (B, 4 N, DECODED_SIZE), in physical units."""
        normalized = self.decoder(raw_latents).transpose(1, 2) if self.config.latent else unstack_frames(raw_latents)
        columns = self.decoded_columns
        return normalized * self.feature_std[columns] + self.feature_mean[columns]

    def decode(self, latents: Tensor) -> Tensor:
        """Normalised latents (B, C, N) to the decoded blocks (B, 4 N, DECODED_SIZE)."""
        return self.decode_raw(latents * self.latent_std[:, None] + self.latent_mean[:, None])


def fill_up(features: Tensor) -> Tensor:
    """Features (B, T, F) with the last frame repeated until the length is a multiple of 4."""
    missing = -features.shape[1] % DOWNSAMPLING
    return torch.cat([features, features[:, -1:].expand(-1, missing, -1)], dim=1) if missing else features


def stack_frames(features: Tensor) -> Tensor:
    """Features (B, T, F), T a multiple of 4, to (B, 4 F, T/4): those of 4 frames one after the other."""
    return features.unflatten(1, (-1, DOWNSAMPLING)).flatten(2).transpose(1, 2)


def unstack_frames(stacked: Tensor) -> Tensor:
    """(B, 4 F, N) of ``stack_frames`` to the features (B, 4 N, F)."""
    return stacked.transpose(1, 2).unflatten(2, (DOWNSAMPLING, -1)).flatten(1, 2)


def _encoder(config: AutoencoderConfig) -> nn.Sequential:
    full, half, quarter = config.widths
    return nn.Sequential(
        conv(NUM_FEATURES, full),
        ResidualBlock(full),
        conv(full, half, 4, stride=2),
        ResidualBlock(half),
        conv(half, quarter, 4, stride=2),
        ResidualBlock(quarter, dilation=2),
        ResidualBlock(quarter),
        nn.SiLU(),
        conv(quarter, 2 * config.latent_channels, 1),
    )


def _decoder(config: AutoencoderConfig) -> nn.Sequential:
    full, half, quarter = config.widths
    return nn.Sequential(
        conv(config.latent_channels, quarter),
        ResidualBlock(quarter, dilation=2),
        ResidualBlock(quarter),
        nn.Upsample(scale_factor=2, mode="nearest"),
        conv(quarter, half),
        ResidualBlock(half),
        nn.Upsample(scale_factor=2, mode="nearest"),
        conv(half, full),
        ResidualBlock(full),
        ResidualBlock(full),
        nn.SiLU(),
        conv(full, DECODED_SIZE),
    )


class DecodedPose:
    """The decoded blocks (..., DECODED_SIZE) by name, and the pose that they make."""

    def __init__(self, decoded: Tensor) -> None:
        parts = decoded.split([BLOCK_SIZES[name] for name in DECODED_BLOCKS], dim=-1)
        self.yaw_velocity, self.planar_velocity, self.height, self.rot6d, self.contacts = parts

    @cached_property
    def local_rotations(self) -> Tensor:
        """(..., 22, 3, 3), the root's in its heading frame."""
        return rot6d_to_matrix(self.rot6d.unflatten(-1, (NUM_JOINTS, 6)))

    def positions(self) -> Tensor:
        """Joint positions (..., 22, 3) in the heading frame, metres, from the root's place on the ground."""
        zero = torch.zeros_like(self.height)
        root = torch.cat([zero, self.height, zero], dim=-1)
        return heading_positions(self.local_rotations, root)


def heading_positions(local_rotations: Tensor, root_positions: Tensor) -> Tensor:
    """Joint positions (..., 22, 3) of the canonical skeleton from rotations (..., 22, 3, 3) and the root."""
    offsets = torch.as_tensor(SKELETON_22.offsets, dtype=root_positions.dtype, device=root_positions.device)
    return forward_kinematics(local_rotations, root_positions, offsets, SKELETON_22.parents)[1]
