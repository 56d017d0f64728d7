"""Which clips are in one style when nobody labelled them: their style codes are near although they move unlike."""

import numpy as np
from scipy.cluster.vq import kmeans2

RESTARTS = 8
ACTION_SIZE = 185
"""Makes 14 clusters of actions of the training data; with fewer than 12, walks and runs are one."""


def style_neighbours(codes: np.ndarray, patterns: np.ndarray, count: int) -> list[np.ndarray]:
    """For each clip the others that are carried like it, and do something else.

    Two clips are neighbours if each is among the nearest of the other; a clip that is like none has none.

    Args:
        codes: style codes (N, S).
        patterns: (N, D) how much each joint moves in a clip; the half of all clips that is more unlike is looked at.
        count: how many nearest are looked at.

    Returns:
        Indices of each clip's neighbours.
    """
    apart = _distances(patterns)
    unlike = apart > np.median(apart, axis=1, keepdims=True)
    distances = np.where(unlike & unlike.T, _distances(codes), np.inf)
    nearest = np.argsort(distances, axis=1)[:, :count]
    chosen = np.zeros(distances.shape, dtype=bool)
    np.put_along_axis(chosen, nearest, np.isfinite(np.take_along_axis(distances, nearest, axis=1)), axis=1)
    return [np.flatnonzero(row) for row in chosen & chosen.T]


def style_groups(
    codes: np.ndarray, patterns: np.ndarray, count: int, rng: np.random.Generator, action_size: int = ACTION_SIZE
) -> np.ndarray:
    """Which clips are in one style, of many actions.

    A code holds a little of its clip's action too. Therefore clips are parted by what they do first, and codes are
    compared to the mean of those that do the same.

    Args:
        codes: style codes (N, S).
        patterns: (N, D) how much each joint moves in a clip.
        count: of groups.
        rng: where the clusters start.
        action_size: clips in a cluster of those that do the same, on average.

    Returns:
        The group (N,) of each clip, below ``count``.
    """
    doing = _clusters(patterns / (patterns.std(0) + 1e-6), max(len(codes) // action_size, 1), rng)
    codes = codes.copy()
    for action in np.unique(doing):
        codes[doing == action] -= codes[doing == action].mean(0)
    return _clusters(codes, count, rng)


def _clusters(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """The cluster (N,), below ``count``, of each of points (N, D): the tightest of some runs of k-means."""
    points = points.astype(np.float64)
    found = [kmeans2(points, count, minit="++", rng=rng, iter=60) for _ in range(RESTARTS)]
    return min(found, key=lambda run: np.square(points - run[0][run[1]]).sum())[1].astype(np.int64)


def _distances(points: np.ndarray) -> np.ndarray:
    """(N, N) squared Euclidean distances of points (N, D)."""
    points = points.astype(np.float32) - points.mean(0, dtype=np.float32)
    squares = np.square(points).sum(1)
    return squares[:, None] + squares - 2 * points @ points.T
