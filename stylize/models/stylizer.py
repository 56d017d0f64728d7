"""The stylizer: content code and style code out of latents, and latents out of any pair of them.

After Guo, Mu et al., "Generative Human Motion Stylization in Latent Space", ICLR 2024. What differs, and why,
is in docs/architecture.md: no instance normalisation, and a learnt Gaussian for each label in place of the
standard normal one.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stylize.models.layers import ModulatedBlock, ResidualBlock, conv, time_statistics

NO_LOG_VARIANCE = -18.0
"""Of a style code that is no Gaussian: a draw from it is its mean, but for a ten-thousandth."""


@dataclass(frozen=True)
class StylizerConfig:
    """Sizes of the stylizer.

    Attributes:
        labels: names of the style labels, in the order of their embeddings.
        latent_channels: of the autoencoder.
        width: hidden channels.
        content_channels: numbers a content code's frame; narrow, so that it cannot carry the style.
        style_size: numbers of the style code.
        generator_blocks: depth of the generator.
        probabilistic: a Gaussian style code; otherwise its mean alone, which is then all that can be drawn of a
            reference or a label.
        normalize: instance normalisation in the generator (AdaIN) in place of FiLM, and in the content encoder.
        push: how much further from a content's own style code than where it is each style code is put to restyle; a
            network that knows no labels may stay on the near side of the styles of its clips.
        code_share: how much of its code counts of a style that comes with a posture, one that no training saw. What the
            code then leaves of the reference's mean latents is posture as well, and surer than the generator's word.
        posture_gain: how many times that posture is taken over: some of a style hides in the content code.
    """

    labels: tuple[str, ...]
    latent_channels: int = 128
    width: int = 224
    content_channels: int = 48
    style_size: int = 64
    generator_blocks: int = 6
    probabilistic: bool = True
    normalize: bool = False
    push: float = 0.0
    code_share: float = 1.0
    posture_gain: float = 1.0


class Stylizer(nn.Module):
    """Content encoder, Gaussian style encoder, generator, and the prior of the style code."""

    def __init__(self, config: StylizerConfig) -> None:
        super().__init__()
        self.config = config
        width, channels = config.width, config.latent_channels
        content_layers: list[nn.Module] = [conv(channels, width), ResidualBlock(width), ResidualBlock(width, 2)]
        if config.normalize:
            content_layers.append(nn.InstanceNorm1d(width))
        self.content_encoder = nn.Sequential(*content_layers, nn.SiLU(), conv(width, config.content_channels))
        self.style_encoder = nn.Sequential(
            conv(channels, width), ResidualBlock(width), ResidualBlock(width, 2), nn.SiLU(), conv(width, width)
        )
        code = nn.Linear(width, 2 * config.style_size)
        # A code that starts as noise would be learnt to be left alone.
        nn.init.constant_(code.bias[config.style_size :], -4.0)
        self.style_head = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), code)
        self.generator_in = conv(config.content_channels, width)
        self.generator_blocks = nn.ModuleList(
            ModulatedBlock(width, config.style_size, dilation=1 + i % 2, normalize=config.normalize)
            for i in range(config.generator_blocks)
        )
        self.generator_out = nn.Sequential(nn.SiLU(), conv(width, channels))
        self.tempo_head = nn.Sequential(
            nn.Linear(2 * config.content_channels + config.style_size, width), nn.SiLU(), nn.Linear(width, 1)
        )
        self.prior_mean = nn.Embedding(max(len(config.labels), 1), config.style_size)
        self.prior_log_variance = nn.Embedding(max(len(config.labels), 1), config.style_size)
        nn.init.zeros_(self.prior_log_variance.weight)

    def encode_content(self, latents: Tensor) -> Tensor:
        """Latents (B, C, N) to the content code (B, content_channels, N)."""
        return self.content_encoder(latents)

    def encode_style(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Latents (B, C, N) to the style code's mean and log variance (B, style_size)."""
        mean, log_variance = self.style_head(time_statistics(self.style_encoder(latents))).chunk(2, dim=1)
        return mean, self._clamp(log_variance)

    def prior(self, label_indices: Tensor) -> tuple[Tensor, Tensor]:
        """Label indices (B,) to mean and log variance (B, style_size) of the label's styles."""
        return self.prior_mean(label_indices), self._clamp(self.prior_log_variance(label_indices))

    def nearest_label(self, style_code: Tensor) -> int:
        """The index of the label whose styles a code (style_size,) is nearest to."""
        return int((self.prior_mean.weight - style_code.to(self.prior_mean.weight)).square().sum(1).argmin())

    def _clamp(self, log_variance: Tensor) -> Tensor:
        if not self.config.probabilistic:
            return torch.full_like(log_variance, NO_LOG_VARIANCE)
        return log_variance.clamp(-8.0, 2.0)

    def tempo_change(self, content_code: Tensor, style_code: Tensor, own_style_code: Tensor) -> Tensor:
        """Log of how many times as fast (B,) a content (B, C, N) of one style code (B, S) is in another."""
        content = time_statistics(content_code)
        tempos = [self.tempo_head(torch.cat([content, code], dim=1))[:, 0] for code in (style_code, own_style_code)]
        return tempos[0] - tempos[1]

    def posture(self, latents: Tensor, content_code: Tensor, style_code: Tensor) -> Tensor:
        """(B, C) the mean of what the content code and ``code_share`` of the style code do not hold of latents.

        It is how the body is held, where the codes do not say it.
        """
        return (latents - self.generate(content_code, self.config.code_share * style_code)).mean(-1)

    def generate(self, content_code: Tensor, style_code: Tensor) -> Tensor:
        """Content code (B, content_channels, N) and style code (B, style_size[, N]) to latents (B, C, N)."""
        hidden = self.generator_in(content_code)
        for block in self.generator_blocks:
            hidden = block(hidden, style_code)
        return self.generator_out(hidden)


def sample_gaussian(mean: Tensor, log_variance: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A reparameterised draw from a diagonal Gaussian."""
    noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
    return mean + noise * (0.5 * log_variance).exp()
