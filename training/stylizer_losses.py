"""The losses of the stylizer, on latents.

After Guo, Mu et al. (ICLR 2024): reconstruction with a homo-style code, cycle consistency, style alignment and
a Gaussian style code; with two additions that keep the content where the published recipe loses it: the code
that reconstructs a clip comes from another action in the same style, and frozen classifiers of style and
content look at the recombinations.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from stylize.errors import StylizeError
from stylize.models.autoencoder import Autoencoder, DecodedPose, unstack_frames
from stylize.models.layers import ResidualBlock, conv, time_statistics
from stylize.models.stylizer import Stylizer, sample_gaussian
from stylize.quality import LIMBS
from stylize.skeleton import SKELETON_22
from training.classifiers import IGNORE, Guide
from training.moments import FeatureMoments, guide_features
from training.synthetic_styles import SyntheticBatch
from training.train_autoencoder import TrainAutoencoder, autoencoder_losses


@dataclass(frozen=True)
class LossWeights:
    """How much each loss counts.

    Attributes:
        kl: of the style code's posterior against its label's prior (the standard normal without a label).
        prior: of the labels' priors against the standard normal.
        alignment: of the codes of two clips in one style (homo-style alignment).
        cycle: of latents and content codes after going there and back.
        cycle_style: of the style code that a recombination shows, against the one that it was made with.
        guidance: of the frozen classifiers on recombined latents.
        guide_noise: deviation of the noise under which those classifiers are trained, and look.
        adversarial: of the discriminator on recombined latents.
        synthetic: of latents in a synthetic style against what they should be.
        synthetic_content: of the content codes of one clip in two synthetic styles: what they differ in is style that
            the style code does not hold.
        synthetic_posture: of the mean of latents in a synthetic style against what it should be, where it hardly
            changes along a real clip above all: there a small difference is one of style.
        tempo: of the change of tempo from one style to another.
        aligned: of recombined latents against those of a real clip of the same style and action on the same timeline.
        movement: of the paths of hands and feet in a recombination against those in its content, where no real clip
            shows what that action looks like in that style: what is judged by style alone there loses its action.
        stride: of how much longer the strides of a recombination are than its content's, where it is known of both.
        moments: of where restyles of one kind lie on average in the features of the guide, against real clips.
    """

    kl: float = 3e-3
    prior: float = 1e-3
    alignment: float = 0.02
    cycle: float = 0.5
    cycle_style: float = 0.1
    guidance: float = 0.2
    guide_noise: float = 0.6
    adversarial: float = 0.08
    synthetic: float = 1.0
    synthetic_content: float = 0.1
    synthetic_posture: float = 0.0
    tempo: float = 0.3
    aligned: float = 0.5
    movement: float = 0.5
    stride: float = 0.0
    moments: float = 0.0


@dataclass(frozen=True)
class StyleBatch:
    """Crops of latents (B, C, N) and what is known of them.

    Attributes:
        latents: the contents.
        contents: other parts of the contents, at about the tempo that ``other_style`` gives to their actions.
        same_style: another clip each, of another action in the same style (for a clip with no label, another
            part of the clip itself; without homo-style alignment the contents themselves).
        other_style: a clip each of any style and action.
        style: (B,) the contents' style labels, IGNORE where unknown.
        content: (B,) the contents' action labels, IGNORE where unknown.
        target_style: (B,) the style labels of ``other_style``.
        tempo_change: (B,) log of how many times as fast the contents are in it; NaN where unknown.
        stride_change: (B,) log of how many times as long a stride is in it; NaN where unknown, and without strides.
        aligned: latents (B, C, N) of real clips in ``other_style``, of which ``contents`` show the same moments; NaN
            where there are none.
    """

    latents: Tensor
    contents: Tensor
    same_style: Tensor
    other_style: Tensor
    style: Tensor
    content: Tensor
    target_style: Tensor
    tempo_change: Tensor
    stride_change: Tensor
    aligned: Tensor


SMALL_CHANGE = 0.15
"""Of latents, below which a synthetic style counts less and less."""


SMALL_POSTURE = 0.5
"""The same of postures, in deviations of the mean latents along a clip."""


SHOWN_NOISE = 0.2
"""Deviation of the noise through which the style of made latents is read: faint traces must not count."""


MOST_DECODED = 6
"""Recombinations a batch whose movement is looked at: decoding takes longer than all the rest."""


class Discriminator(nn.Module):
    """Tells real latents from made ones, given the labels of style and action (a projection discriminator)."""

    def __init__(self, channels: int, styles: int, contents: int, width: int = 192) -> None:
        super().__init__()
        self.contents = contents + 1
        self.body = nn.Sequential(conv(channels, width), ResidualBlock(width), ResidualBlock(width, 2), nn.SiLU())
        self.score = nn.Conv1d(width, 1, 1)
        self.style = nn.Embedding(styles + 1, width)
        self.pair = nn.Embedding((styles + 1) * (contents + 1), width)
        for embedding in (self.style, self.pair):
            nn.init.zeros_(embedding.weight)

    def forward(self, latents: Tensor, style: Tensor, content: Tensor) -> Tensor:
        """Latents (B, C, N) and labels (B,), IGNORE allowed, to scores (B, N)."""
        hidden = self.body(latents)
        # IGNORE is -1, which the remainder turns into the last, spare row.
        style, content = style % self.style.num_embeddings, content % self.contents
        known = self.style(style) + self.pair(style * self.contents + content)
        return self.score(hidden)[:, 0] + (hidden * known[..., None]).mean(1)


def gaussian_kl(mean: Tensor, log_variance: Tensor, prior_mean: Tensor, prior_log_variance: Tensor) -> Tensor:
    """KL divergence (B,) between diagonal Gaussians (B, S), in nats."""
    difference = (mean - prior_mean).square() / prior_log_variance.exp()
    ratio = (log_variance - prior_log_variance).exp()
    return 0.5 * (difference + ratio - 1 - (log_variance - prior_log_variance)).sum(-1)


def label_prior(stylizer: Stylizer, style: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log variance (B, S) of each label's prior; the standard normal for IGNORE, and without priors."""
    if not stylizer.config.labels:
        style = torch.full_like(style, IGNORE)
    mean, log_variance = stylizer.prior(style.clamp_min(0))
    known = (style != IGNORE).to(mean.dtype)[:, None]
    return mean * known, log_variance * known


class StylizerTraining(nn.Module):
    """The stylizer and what is trained with it, and their losses on a batch.

    Args:
        stylizer: to train.
        guide: frozen classifiers of its latents.
        weights: of the losses.
        label_counts: how many styles and actions have a label.
        autoencoder: trained with the stylizer (end to end), on batches of stacked features in place of latents.
        decoder: the frozen autoencoder of the latents, to see movements with.
        posture_scale: (C, C) what mean latents are multiplied by to see postures; see ``posture_scale``.
    """

    posture_scale: Tensor | None

    def __init__(
        self,
        stylizer: Stylizer,
        guide: Guide | None,
        weights: LossWeights,
        label_counts: tuple[int, int],
        autoencoder: Autoencoder | None = None,
        decoder: Autoencoder | None = None,
        posture_scale: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.stylizer = stylizer
        self.decoder = decoder
        self.register_buffer("posture_scale", posture_scale, persistent=False)
        self.discriminator = Discriminator(stylizer.config.latent_channels, *label_counts)
        self.guide = guide
        self.moments = None
        if guide is not None and weights.moments:
            styles, contents = label_counts
            self.moments = FeatureMoments(guide.whole.features + guide.moving.features, styles, max(contents, 1))
        self.weights = weights
        self.autoencoder = autoencoder

    def forward(self, batch: StyleBatch) -> dict[str, Tensor]:
        """All losses of a batch, weighted; names with a leading underscore are for the log only.

        What is rebuilt is held against latents that stand still: an encoder that learns at the same time would
        else make its latents small, and every error with them.
        """
        if self.autoencoder is not None:
            losses, batch = self._encoded(self.autoencoder, batch)
            return losses | self._losses(batch)
        return self._losses(batch)

    def _encoded(self, autoencoder: Autoencoder, batch: StyleBatch) -> tuple[dict[str, Tensor], StyleBatch]:
        """The autoencoder's own losses, and the batch of stacked features as one of latents."""
        own = autoencoder_losses(autoencoder, unstack_frames(batch.latents), TrainAutoencoder.kl_weight)
        names = {name: "_" * name.startswith("_") + "autoencoder_" + name.lstrip("_") for name in own}
        fields = ("latents", "contents", "same_style", "other_style")
        encoded = {name: autoencoder.encode(unstack_frames(getattr(batch, name))).float() for name in fields}
        with torch.no_grad():
            encoded["aligned"] = autoencoder.encode(unstack_frames(batch.aligned)).float()
        return {names[name]: loss for name, loss in own.items()}, replace(batch, **encoded)

    def _losses(self, batch: StyleBatch) -> dict[str, Tensor]:
        stylizer, weights = self.stylizer, self.weights
        content_code = stylizer.encode_content(batch.latents)
        own_mean, _ = stylizer.encode_style(batch.latents)
        same_mean, same_log_variance = stylizer.encode_style(batch.same_style)
        same_code = self._draw(same_mean, same_log_variance)
        rebuilt = stylizer.generate(content_code, same_code)
        rebuilt_error = (rebuilt - batch.latents.detach()).float()
        prior_mean, prior_log_variance = label_prior(stylizer, batch.style)
        losses = {
            "rebuilt": nn.functional.smooth_l1_loss(rebuilt_error, torch.zeros_like(rebuilt_error), beta=0.5),
            "alignment": weights.alignment * (own_mean - same_mean).square().mean(),
            "_rebuilt_error": rebuilt_error.abs().mean(),
        }
        if stylizer.config.probabilistic:
            kl = gaussian_kl(same_mean, same_log_variance, prior_mean, prior_log_variance)
            losses["kl"] = weights.kl * kl.mean()
        else:
            # Nothing else ties a label to the codes of its clips then. No other loss has a part in it.
            known = (batch.style != IGNORE)[:, None]
            losses["label"] = ((same_mean.detach() - prior_mean) * known).square().mean()
        normal = torch.zeros_like(stylizer.prior_mean.weight)
        prior_kl = gaussian_kl(stylizer.prior_mean.weight, stylizer.prior_log_variance.weight, normal, normal)
        losses["prior"] = weights.prior * prior_kl.mean()
        target_code = self._target_code(batch)
        change = stylizer.tempo_change(content_code.detach(), target_code, own_mean)
        losses["tempo"] = weights.tempo * tempo_loss(change, batch.tempo_change)
        return losses | self._recombined(batch, target_code, same_code, rebuilt)

    def synthetic(self, batch: SyntheticBatch) -> dict[str, Tensor]:
        """Losses of a batch in synthetic styles, where it is known what should come out."""
        stylizer, weights = self.stylizer, self.weights
        mean, log_variance = stylizer.encode_style(batch.references)
        code = self._draw(mean, log_variance)
        content_code = stylizer.encode_content(batch.contents)
        made = stylizer.generate(content_code, code)
        target_content_code = stylizer.encode_content(batch.targets)
        slow_mean, _ = stylizer.encode_style(batch.slow_contents)
        change = stylizer.tempo_change(stylizer.encode_content(batch.slow_contents).detach(), code, slow_mean)
        error, copied = (
            nn.functional.smooth_l1_loss(given.float(), batch.targets, beta=0.5, reduction="none").mean((1, 2))
            for given in (made, batch.contents)
        )
        losses = {
            # Against the copy's error, or the strong styles would be all that is learnt.
            "synthetic": weights.synthetic * (error / (copied + SMALL_CHANGE)).mean(),
            "synthetic_content": weights.synthetic_content * (content_code - target_content_code).abs().mean(),
            "synthetic_tempo": weights.tempo * tempo_loss(change, batch.tempo_change),
            "_synthetic_against_copy": error.mean() / copied.mean(),
        }
        if self.posture_scale is not None:
            scale, target = self.posture_scale, batch.targets.mean(-1)
            off, copied_off = ((each.float().mean(-1) - target) @ scale for each in (made, batch.contents))
            share = off.abs().mean(1) / (copied_off.abs().mean(1) + SMALL_POSTURE)
            losses["synthetic_posture"] = weights.synthetic_posture * share.mean()
        if stylizer.config.probabilistic:
            zero = torch.zeros_like(mean)
            losses["synthetic_kl"] = weights.kl * gaussian_kl(mean, log_variance, zero, zero).mean()
        return losses

    def _draw(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        return sample_gaussian(mean, log_variance) if self.stylizer.config.probabilistic else mean

    def _target_code(self, batch: StyleBatch) -> Tensor:
        """A style code (B, S) of ``other_style``, or now and then of its label's prior."""
        mean, log_variance = self.stylizer.encode_style(batch.other_style)
        by_label = torch.rand(len(mean), device=mean.device) < 0.4
        by_label &= (batch.target_style != IGNORE) & bool(self.stylizer.config.labels)
        prior_mean, prior_log_variance = label_prior(self.stylizer, batch.target_style)
        mean = torch.where(by_label[:, None], prior_mean, mean)
        return self._draw(mean, torch.where(by_label[:, None], prior_log_variance, log_variance))

    def _recombined(self, batch: StyleBatch, code: Tensor, same_code: Tensor, rebuilt: Tensor) -> dict[str, Tensor]:
        stylizer, weights = self.stylizer, self.weights
        content_code = stylizer.encode_content(batch.contents)
        made = stylizer.generate(content_code, code)
        losses = {}
        known = ~batch.aligned.isnan()
        error = nn.functional.smooth_l1_loss(made[known].float(), batch.aligned[known], beta=0.5, reduction="sum")
        losses["aligned"] = weights.aligned * error / known.sum().clamp_min(1)
        losses["_aligned_share"] = known.float().mean()
        foreign = batch.tempo_change.isnan().nonzero()[:MOST_DECODED, 0]
        if self.decoder is not None and weights.movement and len(foreign):
            lost = movement_lost(self.decoder, batch.contents[foreign], made[foreign])
            losses["movement"] = weights.movement * lost.mean()
            losses["_movement_kept"] = 1 - lost.mean()
        going = (~batch.stride_change.isnan()).nonzero()[:MOST_DECODED, 0]
        if self.decoder is not None and weights.stride and len(going):
            off = stride_error(self.decoder, batch.contents[going], made[going], batch.stride_change[going])
            losses["stride"] = weights.stride * nn.functional.smooth_l1_loss(off, torch.zeros_like(off), beta=0.1)
            losses["_stride_off"] = off.mean()
        if weights.cycle:
            back_content = stylizer.encode_content(made)
            back = stylizer.generate(back_content, same_code)
            losses["cycle"] = weights.cycle * nn.functional.smooth_l1_loss(
                back.float(), batch.contents.detach(), beta=0.5
            )
            losses["cycle_content"] = 0.2 * weights.cycle * (back_content - content_code.detach()).abs().mean()
        if weights.cycle_style:
            shown = self._shown_style(made + SHOWN_NOISE * torch.randn_like(made))
            losses["cycle_style"] = weights.cycle_style * (shown - code.detach()).abs().mean()
        if self.guide is not None:
            losses |= self._guided(self.guide.eval(), batch, made)
        if weights.adversarial:
            losses |= self._adversarial(batch, made, rebuilt)
        return losses

    def _shown_style(self, latents: Tensor) -> Tensor:
        """The style code (B, S) of latents, by an encoder that does not learn from it to see no difference."""
        hidden = latents
        for module in (self.stylizer.style_encoder, self.stylizer.style_head):
            frozen = {name: value.detach() for name, value in module.named_parameters()}
            hidden = torch.func.functional_call(module, frozen, (hidden,))
            hidden = time_statistics(hidden) if hidden.dim() == 3 else hidden
        return hidden.chunk(2, dim=1)[0]

    def _guided(self, guide: Guide, batch: StyleBatch, made: Tensor) -> dict[str, Tensor]:
        logits = guide(made + 0.5 * self.weights.guide_noise * torch.randn_like(made))
        losses = {}
        for head, target in (
            ("style", batch.target_style),
            ("movement", batch.target_style),
            ("content", batch.content),
        ):
            known = target != IGNORE
            if not known.any():
                continue
            entropy = nn.functional.cross_entropy(logits[head].float(), target, ignore_index=IGNORE)
            losses[f"guidance_{head}"] = self.weights.guidance * entropy
            right = (logits[head].argmax(1) == target)[known]
            losses[f"_guide_{head}"] = right.float().mean()
        if self.moments is not None:
            content, recorded = batch.content, torch.where(batch.tempo_change.isnan(), IGNORE, batch.content)
            if self.moments.contents == 1:  # nobody said what the clips show: they are taken for one action
                content = recorded = torch.zeros_like(content)
            with torch.no_grad():
                self.moments.see_real(guide_features(guide, batch.latents), batch.style, content)
            pull, off = self.moments.apart(guide_features(guide, made), batch.style, batch.target_style, recorded)
            losses |= {"moments": self.weights.moments * pull, "_moments_off": off}
        return losses

    def _adversarial(self, batch: StyleBatch, made: Tensor, rebuilt: Tensor) -> dict[str, Tensor]:
        # Of an action that was never recorded in a style nothing is real, and it would be turned into one that was.
        judged = ~batch.tempo_change.isnan() | (batch.target_style == IGNORE)
        fake = torch.cat([made[judged], rebuilt])
        styles = torch.cat([batch.target_style[judged], batch.style])
        contents = torch.cat([batch.content[judged], batch.content])
        # The discriminator learns from its own loss alone, the stylizer from a frozen copy of it.
        frozen = {name: value.detach() for name, value in self.discriminator.named_parameters()}
        fooled = torch.func.functional_call(self.discriminator, frozen, (fake, styles, contents))
        fake_score = self.discriminator(fake.detach(), styles, contents)
        real_score = self.discriminator(batch.latents.detach(), batch.style, batch.content)
        return {
            "adversarial": self.weights.adversarial * nn.functional.softplus(-fooled.float()).mean(),
            "discriminator": 0.5
            * (nn.functional.softplus(fake_score.float()).mean() + nn.functional.softplus(-real_score.float()).mean()),
        }


def posture_scale(latents: Sequence[Tensor], length: int) -> Tensor:
    """(C, C) by which mean latents are multiplied so that what varies along clips (N, C) counts little.

    Args:
        latents: of clips; those that are shorter than two parts have no say.
        length: of the parts whose means are held against each other.

    Raises:
        StylizeError: no clip is that long.
    """
    changes = []
    for clip in (each for each in latents if len(each) >= 2 * length):
        parts = clip.unfold(0, length, length // 2).mean(-1)
        changes.append(parts - parts.mean(0))
    if not changes:
        raise StylizeError("No clip is long enough to see what varies along it; leave --weights.synthetic-posture out.")
    spread = torch.cat(changes)
    covariance = spread.T @ spread / len(spread)
    values, vectors = torch.linalg.eigh(covariance)
    return vectors @ torch.diag((values + 0.1 * values.mean()).rsqrt()) @ vectors.T


def movement_lost(decoder: Autoencoder, contents: Tensor, made: Tensor) -> Tensor:
    """1 minus the correlation (B,) of how hands, feet, elbows and knees move in two latent sequences (B, C, N)."""
    joints = [SKELETON_22.joint(role) for role in LIMBS]
    paths = []
    for latents in (contents, made):
        decoded = decoder.decode(latents).float()
        with torch.autocast(decoded.device.type, enabled=False):
            positions = DecodedPose(decoded).positions()[..., joints, :]
        paths.append((positions - positions.mean(1, keepdim=True)).flatten(1))
    return 1 - nn.functional.cosine_similarity(paths[0].detach(), paths[1], dim=1)


def stride_error(decoder: Autoencoder, contents: Tensor, made: Tensor, wanted: Tensor) -> Tensor:
    """By how much the log pace (B,) of made latents is off that of the contents, at the same tempo, and a change."""
    logs = []
    for latents in (contents, made):
        velocity = DecodedPose(decoder.decode(latents).float()).planar_velocity
        logs.append(velocity.norm(dim=-1).mean(1).clamp_min(0.1).log())
    return logs[1] - logs[0].detach() - wanted


def tempo_loss(change: Tensor, wanted: Tensor) -> Tensor:
    """Mean error of log tempo changes (B,), where it is known what they should be."""
    known = ~wanted.isnan()
    error = nn.functional.smooth_l1_loss(change[known].float(), wanted[known], beta=0.1, reduction="sum")
    return error / known.sum().clamp_min(1)
