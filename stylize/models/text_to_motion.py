"""Text to motion: a transformer that carries noise to latents along straight lines (flow matching).

After "Flow matching for generative modeling" (Lipman et al., ICLR 2023, arXiv 2210.02747); the conditioning of every
layer by one shared modulation is that of PixArt (arXiv 2310.00426).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stylize.models.layers import conv

SIDES = 4
"""No side, left, right, both."""


@dataclass(frozen=True)
class TextToMotionConfig:
    """Sizes of the generator.

    Attributes:
        manners: names of the manners that it was trained in; "normal" is what it is asked for.
        latent_channels: of the autoencoder.
        text_size: numbers of a sentence's embedding.
        width: hidden channels.
        layers: of the transformer.
        heads: of its attention.
        feedforward: hidden channels between two of its attentions.
        channels: the latent channels that are made; the others hold nothing and stay at their mean. Empty for all.
    """

    manners: tuple[str, ...]
    latent_channels: int = 128
    text_size: int = 384
    width: int = 192
    layers: int = 5
    heads: int = 4
    feedforward: int = 512
    channels: tuple[int, ...] = ()

    @property
    def made(self) -> list[int]:
        """The channels that are made."""
        return list(self.channels or range(self.latent_channels))


@dataclass(frozen=True)
class Condition:
    """What to make: embeddings (B, E), side indices (B,) and manner indices (B,); ``known`` (B,) is 0 for anything."""

    embedding: Tensor
    side: Tensor
    manner: Tensor
    known: Tensor

    def unknown(self) -> "Condition":
        """The same batch with nothing asked for."""
        return Condition(self.embedding, self.side, self.manner, torch.zeros_like(self.known))

    def joined(self, other: "Condition") -> "Condition":
        """Both batches, one after the other."""
        pairs = zip(self.parts(), other.parts(), strict=True)
        return Condition(*(torch.cat(pair) for pair in pairs))

    def parts(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Its four tensors, in order."""
        return self.embedding, self.side, self.manner, self.known


class TextToMotion(nn.Module):
    """Noisy latents, the time between noise and motion, and a condition to the velocity towards the motion."""

    embedding_mean: Tensor
    embedding_std: Tensor

    def __init__(self, config: TextToMotionConfig) -> None:
        super().__init__()
        self.config = config
        width, channels = config.width, len(config.made)
        self.latents_in = conv(channels, width)
        self.text_in = nn.Sequential(nn.Linear(config.text_size, width), nn.SiLU(), nn.Linear(width, width))
        self.side_in = nn.Embedding(SIDES, width)
        self.manner_in = nn.Embedding(len(config.manners), width)
        self.anything = nn.Parameter(torch.zeros(width))
        self.time_in = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.places_in = nn.Linear(2 * width, width)
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))
        self.layers = nn.ModuleList(
            ModulatedLayer(width, config.heads, config.feedforward) for _ in range(config.layers)
        )
        last = conv(width, channels)
        nn.init.zeros_(last.weight)
        self.latents_out = nn.Sequential(nn.LayerNorm(width), last)
        self.register_buffer("embedding_mean", torch.zeros(config.text_size))
        self.register_buffer("embedding_std", torch.ones(config.text_size))

    def forward(self, latents: Tensor, time: Tensor, condition: Condition, lengths: Tensor) -> Tensor:
        """Velocity (B, C, N) at latents (B, C, N) of the made channels and times (B,), 0 for noise and 1 for motion.

        Args:
            latents: those after a clip's ``lengths`` (B,) are not looked at.
            time: of each clip.
            condition: what is asked for.
            lengths: latent frames of each clip.
        """
        index = torch.arange(latents.shape[-1], device=latents.device)
        to_end = lengths[:, None] - 1 - index
        width = self.config.width
        # A gesture has a beginning and an end: each frame knows how far it is from both.
        places = torch.cat([waves(index.expand_as(to_end), width), waves(to_end, width)], dim=-1)
        inside = (to_end >= 0)[:, None, None]
        # Behind its end a clip goes on as it ended, so that the convolutions see no padding.
        held = torch.minimum(index, lengths[:, None] - 1)
        latents = latents.gather(2, held[:, None].expand_as(latents))
        hidden = self.latents_in(latents).transpose(1, 2) + self.places_in(places.to(latents.dtype))
        modulation = self.modulation(self.time_in(waves(1000 * time, width)) + self._asked(condition))
        modulation = modulation[:, None].chunk(6, dim=-1)
        for layer in self.layers:
            hidden = layer(hidden, modulation, inside)
        hidden = self.latents_out[0](hidden)
        hidden = hidden.gather(1, held[..., None].expand_as(hidden))
        return self.latents_out[1](hidden.transpose(1, 2))

    def _asked(self, condition: Condition) -> Tensor:
        text = (condition.embedding - self.embedding_mean) / self.embedding_std
        asked = self.text_in(text) + self.side_in(condition.side) + self.manner_in(condition.manner)
        return torch.where(condition.known[:, None] > 0, asked, self.anything)


class ModulatedLayer(nn.Module):
    """Attention and feed-forward, each scaled, shifted and gated by a modulation that all layers share."""

    def __init__(self, width: int, heads: int, feedforward: int) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width, elementwise_affine=False) for _ in range(2))
        self.own = nn.Parameter(torch.randn(6, width) / math.sqrt(width))
        self.qkv = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.feedforward = nn.Sequential(nn.Linear(width, feedforward), nn.GELU(), nn.Linear(feedforward, width))

    def forward(self, hidden: Tensor, modulation: Sequence[Tensor], inside: Tensor) -> Tensor:
        """Hidden (B, N, D), six modulations (B, 1, D) and which frames are inside (B, 1, 1, N) to (B, N, D)."""
        shift1, scale1, gate1, shift2, scale2, gate2 = (
            shared + own for shared, own in zip(modulation, self.own, strict=True)
        )
        parts = self.qkv(self.norms[0](hidden) * (1 + scale1) + shift1).chunk(3, dim=-1)
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        # Written out: for sequences this short torch's own attention takes five times as long on a processor.
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        attended = scores.masked_fill(~inside, float("-inf")).softmax(dim=-1).to(value.dtype) @ value
        hidden = hidden + gate1 * self.attended(attended.transpose(1, 2).flatten(2))
        return hidden + gate2 * self.feedforward(self.norms[1](hidden) * (1 + scale2) + shift2)


def waves(values: Tensor, size: int) -> Tensor:
    """Values (...) as sines and cosines of many wavelengths (..., size)."""
    frequencies = torch.exp(-math.log(10_000) * torch.arange(size // 2, device=values.device) / (size // 2))
    angles = values[..., None].float() * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


@torch.inference_mode()
def sample(
    network: TextToMotion,
    condition: Condition,
    lengths: Sequence[int],
    *,
    overlap: int = 0,
    guidance: float = 2.0,
    steps: int = 16,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Latents (1, C, N) of one motion in one or more segments, for the autoencoder.

    Segments that follow each other share ``overlap`` latent frames, in which at every step the velocities of both are
    mixed, from the one's to the other's. So they agree on what happens there (after DoubleTake, Shafir et al., 2023).

    Args:
        network: the generator.
        condition: of S segments.
        lengths: latent frames of each of the S segments, overlaps included.
        overlap: shared latent frames of neighbours.
        guidance: 1 follows the condition as it was learnt, more exaggerates it.
        steps: from noise to motion.
        generator: of the noise.
    """
    device = condition.embedding.device
    starts = [sum(lengths[:index]) - index * overlap for index in range(len(lengths))]
    total, longest = starts[-1] + lengths[-1], max(lengths)
    latents = torch.randn(1, len(network.config.made), total, generator=generator).to(device)
    shares = _shares(starts, lengths, overlap).to(device)
    sizes = torch.tensor([*lengths, *lengths], device=device)
    both = condition.joined(condition.unknown())
    times = torch.linspace(0, 1, steps + 1)
    for time, later in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
        parts = latents.new_zeros(len(lengths), latents.shape[1], longest)
        for part, start, length in zip(parts, starts, lengths, strict=True):
            part[:, :length] = latents[0, :, start : start + length]
        moments = torch.full((2 * len(lengths),), time, device=device)
        asked, free = network(torch.cat([parts, parts]), moments, both, sizes).chunk(2)
        velocities = free + guidance * (asked - free)
        velocity = torch.zeros_like(latents)
        for row, share, start, length in zip(velocities, shares, starts, lengths, strict=True):
            velocity[0, :, start : start + length] += share[start : start + length] * row[:, :length]
        latents = latents + (later - time) * velocity
    whole = latents.new_zeros(1, network.config.latent_channels, total)
    whole[:, network.config.made] = latents
    return whole


def _shares(starts: Sequence[int], lengths: Sequence[int], overlap: int) -> Tensor:
    """How much of each segment's velocity (S, N) each frame takes; they sum to 1."""
    shares = torch.zeros(len(starts), starts[-1] + lengths[-1])
    ramp = (torch.arange(overlap) + 1) / (overlap + 1)
    for index, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        shares[index, start : start + length] = 1
        if overlap and index:
            shares[index, start : start + overlap] = ramp
        if overlap and index < len(starts) - 1:
            shares[index, start + length - overlap : start + length] = 1 - ramp
    return shares
