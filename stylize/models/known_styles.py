"""What the styles with a label look like to the network that was trained without labels."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class KnownStylesConfig:
    """Sizes: how many labels, numbers of a style code, and of a latent frame."""

    labels: int
    style_size: int
    latent_channels: int


class KnownStyles(nn.Module):
    """Gaussians over the open network's style codes, one a label, with one shape for all, and the labels' postures.

    The codes tell a reference in a known style from one in a style that has no label; a posture (the mean of what the
    open network misses of a clip's latents) tells one clip's way of showing a style from another's. Labels that were
    learnt from a few clips are not reliable: a reference like them is better served by the open network.
    """

    mean: Tensor
    whitening: Tensor
    reliable: Tensor
    limit: Tensor
    posture: Tensor
    spread: Tensor

    def __init__(self, config: KnownStylesConfig) -> None:
        super().__init__()
        self.config = config
        size, channels = config.style_size, config.latent_channels
        self.register_buffer("mean", torch.zeros(config.labels, size))
        self.register_buffer("whitening", torch.eye(size))
        self.register_buffer("reliable", torch.ones(config.labels, dtype=torch.bool))
        self.register_buffer("limit", torch.tensor(float("inf")))
        self.register_buffer("posture", torch.zeros(config.labels, channels))
        self.register_buffer("spread", torch.zeros(channels, channels))

    def fit(self, codes: Tensor, labels: Tensor, reliable: Tensor, share: float = 0.99) -> None:
        """Fit to codes (K, S) of labels (K,); that ``share`` of the ``reliable`` labels' (L,) is known afterwards."""
        self.reliable.copy_(reliable)
        for label in range(len(self.mean)):
            self.mean[label] = codes[labels == label].mean(0)
        values, vectors = _principal_axes(codes - self.mean[labels])
        self.whitening.copy_(vectors / (values + 0.05 * values.mean()).sqrt())
        nearest = self.distances(codes[reliable[labels]])[:, reliable].min(1).values
        self.limit.copy_(torch.quantile(nearest, share))

    def fit_postures(self, postures: Tensor, labels: Tensor, actions: Tensor, mirrored: Tensor) -> None:
        """Fit to postures (K, C) of labels (K,) and actions (K,) of clips and their mirrored twins (K,).

        What an action does to a posture is no way of showing a style: each counts once in its label's mean, and only
        clips of one label and action are compared. A twin has the habits of whoever was recorded on the other side:
        in the mean they cancel out, and as a difference between clips they would count for too much.
        """
        within = []
        for label in range(len(self.mean)):
            means = []
            for action in actions[labels == label].unique():
                cell = (labels == label) & (actions == action)
                means.append(postures[cell].mean(0))
                recorded = postures[cell & ~mirrored]
                within.append(recorded - recorded.mean(0))
            self.posture[label] = torch.stack(means).mean(0)
        values, vectors = _principal_axes(torch.cat(within))
        self.spread.copy_(vectors * values.clamp_min(0).sqrt())

    def distances(self, codes: Tensor) -> Tensor:
        """Mahalanobis distances (K, L) of codes (K, S) from each label, per dimension's square root."""
        difference = (codes[:, None] - self.mean) @ self.whitening
        return difference.square().mean(-1).sqrt()

    def nearest(self, code: Tensor) -> int | None:
        """The reliable label that a code (S,) belongs to; None where it is too far from all."""
        distances = torch.where(self.reliable, self.distances(code[None])[0], torch.inf)
        distance, label = distances.min(0)
        return int(label) if distance <= self.limit else None

    def sample_posture(self, generator: torch.Generator) -> Tensor:
        """(C,) by how much one clip's posture differs from others of its style and action."""
        return self.spread.cpu() @ torch.randn(len(self.spread), generator=generator)


def _principal_axes(deviations: Tensor) -> tuple[Tensor, Tensor]:
    """Variances (D,) and directions (D, D), a column each, of deviations (K, D) from their means."""
    return torch.linalg.eigh(deviations.T @ deviations / len(deviations))
