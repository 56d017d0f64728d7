"""The pieces that the networks share. Sequences are (batch, channels, time)."""

import torch
from torch import Tensor, nn


def conv(channels_in: int, channels_out: int, kernel_size: int = 3, dilation: int = 1) -> nn.Conv1d:
    """A convolution that keeps the length and repeats the border, so that clips do not fade at their ends."""
    padding = dilation * (kernel_size // 2)
    return nn.Conv1d(
        channels_in, channels_out, kernel_size, padding=padding, dilation=dilation, padding_mode="replicate"
    )


class ResidualBlock(nn.Module):
    """x + conv(act(conv(act(x)))), starting as the identity; no normalisation, which would erase posture."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = conv(channels, channels, dilation=dilation)
        self.second = conv(channels, channels)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) to (B, C, T)."""
        hidden = self.first(nn.functional.silu(x))
        return x + self.second(nn.functional.silu(hidden))


class ModulatedBlock(nn.Module):
    """A residual block whose hidden channels are scaled and shifted by a style code.

    With ``normalize`` the hidden channels are instance-normalised before, which makes it AdaIN (Huang and
    Belongie, 2017); without, it is FiLM (Perez et al., 2018).
    """

    def __init__(self, channels: int, style_size: int, dilation: int = 1, normalize: bool = False) -> None:
        super().__init__()
        self.normalize = normalize
        self.first = conv(channels, channels, dilation=dilation)
        self.modulation = nn.Linear(style_size, 2 * channels)
        self.second = conv(channels, channels)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, style_code: Tensor) -> Tensor:
        """(B, C, T) and (B, S) or, for a style that changes on the way, (B, S, T) to (B, C, T)."""
        hidden = self.first(nn.functional.silu(x))
        if self.normalize:
            hidden = nn.functional.instance_norm(hidden)
        if style_code.dim() == 2:
            scale, shift = self.modulation(style_code)[..., None].chunk(2, dim=1)
        else:
            scale, shift = self.modulation(style_code.transpose(1, 2)).transpose(1, 2).chunk(2, dim=1)
        hidden = hidden * (1 + scale) + shift
        return x + self.second(nn.functional.silu(hidden))


def time_statistics(x: Tensor) -> Tensor:
    """Mean and standard deviation over time of (B, C, T), side by side (B, 2 C)."""
    return torch.cat([x.mean(-1), (x.var(-1, unbiased=False) + 1e-5).sqrt()], dim=1)
