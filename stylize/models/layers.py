"""The pieces that the networks share. Sequences are (batch, channels, time)."""

from functools import lru_cache

import torch
from torch import Tensor, nn


class SequenceConv(nn.Conv1d):
    """Conv1d with its border repeated, so that clips do not fade at their ends.

    It is one matrix product over shifted frames, in a (batch, time, channels) layout that the layers around it
    keep: in 16 bits on a processor that takes a quarter of the time of torch's own.
    """

    def __init__(
        self, channels_in: int, channels_out: int, kernel_size: int, stride: int, padding: int, dilation: int
    ) -> None:
        super().__init__(channels_in, channels_out, kernel_size, stride, padding, dilation)
        # In memory as the matrix product wants it, or every call would copy it.
        self.weight = nn.Parameter(self.weight.detach().transpose(1, 2).contiguous().transpose(1, 2))

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, T) to (B, D, T')."""
        frames, (taps,), (stride,) = input.transpose(1, 2), self.kernel_size, self.stride
        (dilation,), before = self.dilation, int(self.padding[0])
        windows = _windows(frames.shape[1], taps, stride, before, dilation, frames.device)
        shifted = frames.index_select(1, windows).unflatten(1, (-1, taps)).flatten(2)
        return nn.functional.linear(shifted, self.weight.transpose(1, 2).flatten(1), self.bias).transpose(1, 2)


@lru_cache(maxsize=256)
@torch.inference_mode(False)  # or a training after the first restyle could not use them
def _windows(count: int, taps: int, stride: int, padding: int, dilation: int, device: torch.device) -> Tensor:
    """The frame under each tap of a convolution over ``count`` frames, one output after the other."""
    outputs = (count + 2 * padding - dilation * (taps - 1) - 1) // stride + 1
    first = torch.arange(outputs, device=device) * stride - padding
    return (first[:, None] + torch.arange(taps, device=device) * dilation).clamp(0, count - 1).flatten()


def conv(channels_in: int, channels_out: int, kernel_size: int = 3, dilation: int = 1, stride: int = 1) -> SequenceConv:
    """A convolution that keeps the length, or divides it by ``stride``."""
    padding = (dilation * (kernel_size - 1) + 1 - stride + 1) // 2
    return SequenceConv(channels_in, channels_out, kernel_size, stride, padding, dilation)


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
