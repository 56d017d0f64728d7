"""Distances between sets of results and sets of clips, and how sure a share is."""

from itertools import combinations

import numpy as np
import torch

WINDOW, POSE_STEP, WINDOW_STEP = 24, 8, 8
"""Frames of a window, between the poses of it that are compared, and from one known window to the next."""


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Between Gaussians fitted to two sets of features (N, D); shrunk covariances, since the sets are small."""
    mean = np.square(a.mean(0) - b.mean(0)).sum()
    cov_a, cov_b = (np.cov(x.T) + 1e-4 * np.eye(x.shape[1]) for x in (a, b))
    eigenvalues = np.linalg.eigvals(cov_a @ cov_b)
    return float(mean + np.trace(cov_a) + np.trace(cov_b) - 2 * np.sqrt(np.maximum(eigenvalues.real, 0)).sum())


def bootstrap_interval(values: np.ndarray, seed: int = 0, draws: int = 2000) -> tuple[float, float]:
    """The 95% interval of the mean of values (N,), by drawing them again with replacement."""
    chosen = np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))
    low, high = np.quantile(np.asarray(values, float)[chosen].mean(1), (0.025, 0.975))
    return float(low), float(high)


def mean_pairwise(points: np.ndarray) -> float:
    """Mean Euclidean distance between all pairs of points (N, D); 0 for fewer than two."""
    distances = [np.linalg.norm(a - b) for a, b in combinations(points, 2)]
    return float(np.mean(distances)) if distances else 0.0


class KnownClips:
    """Clips that a training saw, to find what in a result was taken over from one of them.

    Poses are compared a window of 0.8 s at a time, since a result is longer or shorter than the clip that it
    may copy.

    Args:
        positions: (T, J, 3) a clip, in metres in the root's ground frame; those shorter than a window are left out.
    """

    def __init__(self, positions: list[np.ndarray]) -> None:
        windows = [_windows(clip, WINDOW_STEP) for clip in positions if len(clip) >= WINDOW]
        self.first = np.cumsum([0] + [len(w) for w in windows[:-1]])
        self.windows = torch.from_numpy(np.concatenate(windows))
        self.norms = self.windows.square().sum(1)

    def distance(self, positions: np.ndarray) -> float:
        """Of a motion (T, J, 3) to the nearest clip: the root mean square distance of a joint in metres.

        Each window of the motion is held against all windows of a clip, and the nearest counts.
        """
        windows = torch.from_numpy(_windows(positions, WINDOW))
        squared = windows.square().sum(1, keepdim=True) + self.norms - 2 * windows @ self.windows.T
        by_clip = np.minimum.reduceat(squared.numpy(), self.first, axis=1).mean(0)
        return float(np.sqrt(max(by_clip.min(), 0.0) / (windows.shape[1] / 3)))


def _windows(positions: np.ndarray, step: int) -> np.ndarray:
    """The poses of every window, flattened: (W, poses * J * 3), float32."""
    starts = np.arange(0, len(positions) - WINDOW + 1, step)
    frames = starts[:, None] + np.arange(0, WINDOW, POSE_STEP)
    return positions[frames].reshape(len(starts), -1).astype(np.float32)
