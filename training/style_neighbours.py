"""Which clips are in one style when nobody labelled them: their style codes are near although they move unlike."""

import numpy as np
from scipy.cluster.vq import kmeans2

RESTARTS = 8


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


def style_groups(codes: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """The group (N,), below ``count``, of each of the style codes (N, S): the tightest of some runs of k-means."""
    found = [kmeans2(codes, count, minit="++", rng=rng, iter=60) for _ in range(RESTARTS)]
    return min(found, key=lambda run: np.square(codes - run[0][run[1]]).sum())[1].astype(np.int64)


def _distances(points: np.ndarray) -> np.ndarray:
    """(N, N) squared Euclidean distances of points (N, D)."""
    points = points.astype(np.float32) - points.mean(0, dtype=np.float32)
    squares = np.square(points).sum(1)
    return squares[:, None] + squares - 2 * points @ points.T
