"""Which clips are in one style when nobody labelled them: their style codes are near although they move unlike."""

import numpy as np
from scipy.cluster.vq import kmeans2

RESTARTS = 8
ROUNDS = 40
OFFSET_PRIOR = 20.0
"""Clips that a style's offset is held to 0 by: a style of few clips has mostly their actions in common."""


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


def action_groups(seen: list[np.ndarray], styles: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """The group (N,), below ``count``, that each clip's action is in: k-means beside an offset for each style.

    Args:
        seen: arrays (N, D) of what clips of one action have in common; each counts as much as the others.
        styles: (N,) the style group of each clip.
        count: how many groups.
        rng: of the starts, of which the tightest is taken.
    """
    points = np.concatenate([(each - each.mean(0)) / np.sqrt(each.var(0).sum()) for each in seen], axis=1)
    found = [_action_groups_once(points, styles, count, rng) for _ in range(2 * RESTARTS)]
    return min(found, key=lambda run: run[0])[1]


def _action_groups_once(
    points: np.ndarray, styles: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[float, np.ndarray]:
    """How loose the groups are, and the groups."""
    offsets = _means(points, styles, int(styles.max()) + 1, OFFSET_PRIOR)
    _, groups = kmeans2(points - offsets[styles], count, minit="++", rng=rng, iter=20)
    for _ in range(ROUNDS):
        centres = _means(points - offsets[styles], groups, count)
        offsets = _means(points - centres[groups], styles, len(offsets), OFFSET_PRIOR)
        left = points - offsets[styles]
        groups = (np.square(centres).sum(1) - 2 * left @ centres.T).argmin(1)
    return float(np.square(left - centres[groups]).sum()), groups


def _means(points: np.ndarray, groups: np.ndarray, count: int, prior: float = 1e-9) -> np.ndarray:
    """(count, D) the mean of each group's points (N, D), drawn to 0 as ``prior`` more points there would."""
    sums = np.zeros((count, points.shape[1]))
    np.add.at(sums, groups, points)
    return sums / (np.bincount(groups, minlength=count)[:, None] + prior)


def _distances(points: np.ndarray) -> np.ndarray:
    """(N, N) squared Euclidean distances of points (N, D)."""
    points = points.astype(np.float32) - points.mean(0, dtype=np.float32)
    squares = np.square(points).sum(1)
    return squares[:, None] + squares - 2 * points @ points.T
