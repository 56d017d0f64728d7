"""Makes restyles of one kind lie, on average, where real clips lie: in the features of a frozen classifier."""

import torch
from torch import Tensor, nn

from training.classifiers import IGNORE, Guide

MEMORY = 0.9
"""Decay of the running means with each time that a kind is seen."""


class FeatureMoments(nn.Module):
    """Running means of features: of real clips by style and action, of restyles also by the style that they come from.

    What a restyle keeps of its own style is the same for all of its kind, and too small beside what sets single clips
    apart to be seen in one of them. A mean shows it, and pulls only what is off: the clips of a kind stay as different
    from each other as they are.

    Args:
        features: how many of them.
        styles: how many have a label.
        contents: how many actions have a label.
    """

    real: Tensor
    made: Tensor
    spread: Tensor

    def __init__(self, features: int, styles: int, contents: int) -> None:
        super().__init__()
        self.contents = contents
        self.register_buffer("real", torch.full((styles * contents, features), torch.nan))
        self.register_buffer("made", torch.full(((styles + 1) * styles * contents, features), torch.nan))
        self.register_buffer("spread", torch.ones(features))

    def see_real(self, features: Tensor, style: Tensor, content: Tensor) -> None:
        """Take features (B, D) of real clips into account; labels (B,), IGNORE allowed."""
        known = (style != IGNORE) & (content != IGNORE)
        cells = (style * self.contents + content)[known]
        _remember(self.real, cells, features[known])
        off = (features[known] - self.real[cells]).square().mean(0)
        self.spread.lerp_(off.sqrt().clamp_min(1e-3), 0.02)

    def apart(self, features: Tensor, own: Tensor, style: Tensor, content: Tensor) -> tuple[Tensor, Tensor]:
        """What to minimise for restyles (B, D) from one style to another, and how far off they are in deviations."""
        cells = style * self.contents + content
        # IGNORE is -1, which the remainder turns into the spare style: that of all clips without a label.
        kinds = own % (len(self.made) // len(self.real)) * len(self.real) + cells
        known = (style != IGNORE) & (content != IGNORE) & (own != style)
        known &= ~self.real[cells, 0].isnan()
        features, cells, kinds = features[known], cells[known], kinds[known]
        _remember(self.made, kinds, features.detach())
        off = (self.made[kinds] - self.real[cells]) / self.spread
        pull = (off * features / self.spread).mean(1).sum() / known.sum().clamp_min(1)
        return pull, off.square().mean() if len(off) else pull.detach()


def guide_features(guide: Guide, latents: Tensor) -> Tensor:
    """Latents (B, C, N) to the features (B, D) that a guide tells style, action and manner of movement by."""
    moving = guide.moving.embed(latents - latents.mean(-1, keepdim=True))
    return torch.cat([guide.whole.embed(latents), moving], dim=1).float()


@torch.no_grad()
def _remember(means: Tensor, rows: Tensor, features: Tensor) -> None:
    """Move the means (R, D) of some rows (B,) towards features (B, D), several of one row one after the other."""
    for row, feature in zip(rows.tolist(), features, strict=True):
        means[row] = feature if means[row, 0].isnan() else torch.lerp(feature, means[row], MEMORY)
