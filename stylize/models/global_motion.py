"""The global motion predictor: how fast the root must travel and turn for the limbs to make sense."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stylize.features import NUM_JOINTS
from stylize.models.layers import ResidualBlock, conv


@dataclass(frozen=True)
class GlobalMotionConfig:
    """Sizes of the predictor: hidden channels and residual blocks."""

    width: int = 128
    blocks: int = 4


class GlobalMotionPredictor(nn.Module):
    """Joint positions in the heading frame, with no root travel in them, to the root's velocities."""

    input_mean: Tensor
    input_std: Tensor
    output_mean: Tensor
    output_std: Tensor

    def __init__(self, config: GlobalMotionConfig) -> None:
        super().__init__()
        self.config = config
        inputs = 3 * NUM_JOINTS
        self.network = nn.Sequential(
            conv(2 * inputs, config.width, 5),
            *(ResidualBlock(config.width, dilation=2**i) for i in range(config.blocks)),
            nn.SiLU(),
            conv(config.width, 3),
        )
        self.register_buffer("input_mean", torch.zeros(2 * inputs))
        self.register_buffer("input_std", torch.ones(2 * inputs))
        self.register_buffer("output_mean", torch.zeros(3))
        self.register_buffer("output_std", torch.ones(3))

    @staticmethod
    def inputs(positions: Tensor) -> Tensor:
        """Positions (B, T, 22, 3) in the heading frame to the raw inputs (B, T, 132): they and their steps."""
        flat = positions.flatten(-2)
        step = torch.diff(flat, dim=1)
        return torch.cat([flat, torch.cat([step, step[:, -1:]], dim=1)], dim=-1)

    def forward(self, positions: Tensor) -> Tensor:
        """Positions (B, T, 22, 3) to yaw velocity (rad/s) and planar velocity x, z (m/s), (B, T, 3)."""
        normalized = (self.inputs(positions) - self.input_mean) / self.input_std
        return self.network(normalized.transpose(1, 2)).transpose(1, 2) * self.output_std + self.output_mean
