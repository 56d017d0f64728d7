"""What the styles with a label look like to the network that was trained without labels."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class KnownStylesConfig:
    """Sizes: how many labels, and numbers of a style code."""

    labels: int
    style_size: int


class KnownStyles(nn.Module):
    """Gaussians over the open network's style codes, one a label, with one shape for all.

    They tell a reference in a known style from one in a style that has no label, and one clip's way of showing
    a style from what all clips of the style have in common. Labels that were learnt from a few clips are not
    reliable: a reference like them is better served by the open network.
    """

    mean: Tensor
    deviation: Tensor
    whitening: Tensor
    reliable: Tensor
    limit: Tensor

    def __init__(self, config: KnownStylesConfig) -> None:
        super().__init__()
        size = config.style_size
        self.register_buffer("mean", torch.zeros(config.labels, size))
        self.register_buffer("deviation", torch.ones(config.labels, size))
        self.register_buffer("whitening", torch.eye(size))
        self.register_buffer("reliable", torch.ones(config.labels, dtype=torch.bool))
        self.register_buffer("limit", torch.tensor(float("inf")))

    def fit(self, codes: Tensor, labels: Tensor, reliable: Tensor, share: float = 0.99) -> None:
        """Fit to codes (K, S) of labels (K,); that ``share`` of the ``reliable`` labels' (L,) is known afterwards."""
        self.reliable.copy_(reliable)
        for label in range(len(self.mean)):
            self.mean[label] = codes[labels == label].mean(0)
            self.deviation[label] = codes[labels == label].std(0)
        within = codes - self.mean[labels]
        covariance = within.T @ within / len(within)
        covariance += 0.05 * covariance.diagonal().mean() * torch.eye(covariance.shape[0])
        values, vectors = torch.linalg.eigh(covariance)
        self.whitening.copy_(vectors / values.sqrt())
        nearest = self.distances(codes[reliable[labels]])[:, reliable].min(1).values
        self.limit.copy_(torch.quantile(nearest, share))

    def distances(self, codes: Tensor) -> Tensor:
        """Mahalanobis distances (K, L) of codes (K, S) from each label, per dimension's square root."""
        difference = (codes[:, None] - self.mean) @ self.whitening
        return difference.square().mean(-1).sqrt()

    def nearest(self, code: Tensor) -> int | None:
        """The reliable label that a code (S,) belongs to; None where it is too far from all."""
        distances = torch.where(self.reliable, self.distances(code[None])[0], torch.inf)
        distance, label = distances.min(0)
        return int(label) if distance <= self.limit else None
