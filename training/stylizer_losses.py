"""The losses of the stylizer, on latents.

After Guo, Mu et al. (ICLR 2024): reconstruction with a homo-style code, cycle consistency, style alignment and
a Gaussian style code; with two additions that keep the content where the published recipe loses it: the code
that reconstructs a clip comes from another action in the same style, and frozen classifiers of style and
content look at the recombinations.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stylize.models.layers import ResidualBlock, conv
from stylize.models.stylizer import Stylizer, sample_gaussian
from training.classifiers import IGNORE, SequenceClassifier


@dataclass(frozen=True)
class LossWeights:
    """How much each loss counts.

    Attributes:
        kl: of the style code's posterior against its label's prior (the standard normal without a label).
        prior: of the labels' priors against the standard normal.
        alignment: of the codes of two clips in one style (homo-style alignment).
        cycle: of latents, content and style codes after going there and back.
        guidance: of the frozen classifiers on recombined latents.
        guide_noise: deviation of the noise under which those classifiers are trained, and look.
        adversarial: of the discriminator on recombined latents.
    """

    kl: float = 3e-3
    prior: float = 1e-3
    alignment: float = 0.02
    cycle: float = 0.5
    guidance: float = 0.2
    guide_noise: float = 0.6
    adversarial: float = 0.05


@dataclass(frozen=True)
class StyleBatch:
    """Crops of latents (B, C, N) and what is known of them.

    Attributes:
        latents: the contents.
        same_style: another clip each, of another action in the same style (for a clip with no label, another
            part of the clip itself).
        other_style: a clip each of any style and action.
        style: (B,) the contents' style labels, IGNORE where unknown.
        content: (B,) the contents' action labels, IGNORE where unknown.
        target_style: (B,) the style labels of ``other_style``.
    """

    latents: Tensor
    same_style: Tensor
    other_style: Tensor
    style: Tensor
    content: Tensor
    target_style: Tensor


class Discriminator(nn.Module):
    """Tells real latents from made ones, given the style label (a projection discriminator)."""

    def __init__(self, channels: int, labels: int, width: int = 192) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(channels, width), ResidualBlock(width), ResidualBlock(width, 2), nn.SiLU())
        self.score = nn.Conv1d(width, 1, 1)
        self.label = nn.Embedding(labels + 1, width)
        nn.init.zeros_(self.label.weight)

    def forward(self, latents: Tensor, style: Tensor) -> Tensor:
        """Latents (B, C, N) and labels (B,), IGNORE allowed, to scores (B, N)."""
        hidden = self.body(latents)
        known = self.label(style % self.label.num_embeddings)
        return self.score(hidden)[:, 0] + (hidden * known[..., None]).mean(1)


def gaussian_kl(mean: Tensor, log_variance: Tensor, prior_mean: Tensor, prior_log_variance: Tensor) -> Tensor:
    """KL divergence (B,) between diagonal Gaussians (B, S), in nats."""
    difference = (mean - prior_mean).square() / prior_log_variance.exp()
    ratio = (log_variance - prior_log_variance).exp()
    return 0.5 * (difference + ratio - 1 - (log_variance - prior_log_variance)).sum(-1)


def label_prior(stylizer: Stylizer, style: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log variance (B, S) of each label's prior; the standard normal for IGNORE."""
    mean, log_variance = stylizer.prior(style.clamp_min(0))
    known = (style != IGNORE).to(mean.dtype)[:, None]
    return mean * known, log_variance * known


class StylizerTraining(nn.Module):
    """The stylizer and what is trained with it, and their losses on a batch."""

    def __init__(self, stylizer: Stylizer, guide: SequenceClassifier, weights: LossWeights) -> None:
        super().__init__()
        self.stylizer = stylizer
        self.discriminator = Discriminator(stylizer.config.latent_channels, len(stylizer.config.labels))
        self.guide = guide
        self.weights = weights

    def forward(self, batch: StyleBatch) -> dict[str, Tensor]:
        """All losses of a batch, weighted; names with a leading underscore are for the log only."""
        stylizer, weights = self.stylizer, self.weights
        self.guide.eval()
        content_code = stylizer.encode_content(batch.latents)
        own_mean, _ = stylizer.encode_style(batch.latents)
        same_mean, same_log_variance = stylizer.encode_style(batch.same_style)
        same_code = sample_gaussian(same_mean, same_log_variance)
        rebuilt = stylizer.generate(content_code, same_code)
        rebuilt_error = (rebuilt - batch.latents).float()
        prior_mean, prior_log_variance = label_prior(stylizer, batch.style)
        losses = {
            "rebuilt": nn.functional.smooth_l1_loss(rebuilt_error, torch.zeros_like(rebuilt_error), beta=0.5),
            "kl": weights.kl * gaussian_kl(same_mean, same_log_variance, prior_mean, prior_log_variance).mean(),
            "alignment": weights.alignment * (own_mean - same_mean).square().mean(),
        }
        normal = torch.zeros_like(stylizer.prior_mean.weight)
        losses["prior"] = (
            weights.prior
            * gaussian_kl(stylizer.prior_mean.weight, stylizer.prior_log_variance.weight, normal, normal).mean()
        )
        losses |= self._recombined(batch, content_code, same_code, rebuilt)
        losses["_rebuilt_error"] = rebuilt_error.abs().mean()
        return losses

    def _recombined(
        self, batch: StyleBatch, content_code: Tensor, same_code: Tensor, rebuilt: Tensor
    ) -> dict[str, Tensor]:
        stylizer, weights = self.stylizer, self.weights
        other_mean, other_log_variance = stylizer.encode_style(batch.other_style)
        by_label = torch.rand(len(batch.latents), device=batch.latents.device) < 0.4
        by_label &= batch.target_style != IGNORE
        prior_mean, prior_log_variance = label_prior(stylizer, batch.target_style)
        mean = torch.where(by_label[:, None], prior_mean, other_mean)
        code = sample_gaussian(mean, torch.where(by_label[:, None], prior_log_variance, other_log_variance))
        made = stylizer.generate(content_code, code)

        back_content = stylizer.encode_content(made)
        back_style, _ = stylizer.encode_style(made)
        back = stylizer.generate(back_content, same_code)
        logits = self.guide(made + 0.5 * weights.guide_noise * torch.randn_like(made))
        styles_right = (logits["style"].argmax(1) == batch.target_style)[batch.target_style != IGNORE]
        contents_right = (logits["content"].argmax(1) == batch.content)[batch.content != IGNORE]
        losses = {
            "cycle": weights.cycle * nn.functional.smooth_l1_loss(back.float(), batch.latents, beta=0.5),
            "cycle_content": 0.2 * weights.cycle * (back_content - content_code.detach()).abs().mean(),
            "cycle_style": 0.2 * weights.cycle * (back_style - code.detach()).abs().mean(),
            "_guide_style": styles_right.float().mean(),
            "_guide_content": contents_right.float().mean(),
        }
        if weights.guidance:
            for head, target in (("style", batch.target_style), ("content", batch.content)):
                entropy = nn.functional.cross_entropy(logits[head].float(), target, ignore_index=IGNORE)
                losses[f"guidance_{head}"] = weights.guidance * entropy
        if weights.adversarial:
            fake = torch.cat([made, rebuilt])
            fake_style = torch.cat([batch.target_style, batch.style])
            # The discriminator learns from its own loss alone, the stylizer from a frozen copy of it.
            frozen = {name: value.detach() for name, value in self.discriminator.named_parameters()}
            fooled = torch.func.functional_call(self.discriminator, frozen, (fake, fake_style))
            fake_score = self.discriminator(fake.detach(), fake_style)
            real_score = self.discriminator(batch.latents, batch.style)
            losses["adversarial"] = weights.adversarial * nn.functional.softplus(-fooled.float()).mean()
            losses["discriminator"] = 0.5 * (
                nn.functional.softplus(fake_score.float()).mean() + nn.functional.softplus(-real_score.float()).mean()
            )
        return losses
