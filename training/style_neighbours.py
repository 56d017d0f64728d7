"""Which clips are in one style when nobody labelled them: their style codes are near although they move unlike."""

import warnings

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.cluster.vq import kmeans2
from scipy.spatial.distance import squareform

PARTINGS = 60
ACTIONS = 3, 6
"""Bounds of how many kinds of movement a parting knows; were there more, they would have styles of their own."""
STYLES = 7, 13
"""Bounds of how many groups a parting has."""
LATENTS_SHARE = 2.0
"""How much more than style codes latents count: codes are what the groups before made of them."""
SMALL = 1e-9


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
    """The group (N,), below ``count``, of each of the style codes (N, S): the tightest of some runs of k-means.

    A style comes in several groups then, each for some actions.
    """
    return _parted(codes, count, rng, runs=8)


def linked_groups(
    codes: np.ndarray, statistics: np.ndarray, amounts: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Groups of clips that are in one style whatever they do: what many partings of them agree on.

    Each parting first puts together clips that move the same joints, and then parts all clips by how their style
    codes and latents differ from the mean of those. Where it is cut by chance differs from one parting to the
    next, and what is right comes back (evidence accumulation; Fred and Jain, 2005).

    Args:
        codes: style codes (N, S).
        statistics: mean and deviation over time of the latents (N, 2 C).
        amounts: (N, D) of movement of each joint in a clip. Which way it moves depends on the style, too.
        count: the most groups there may be.
        rng: of the partings.

    Returns:
        The group (N,) of each clip, below ``count``.
    """
    points = np.hstack([_scaled(codes), LATENTS_SHARE * _scaled(statistics / (statistics.std(0) + SMALL))])
    together = np.zeros((len(points), len(points)), dtype=np.float32)
    for _ in range(PARTINGS):
        actions = _parted(amounts, int(rng.integers(*ACTIONS)), rng)
        groups = _parted(_against_mean(points, actions), int(rng.integers(*STYLES)), rng)
        together += groups[:, None] == groups
    apart = squareform(1 - together / PARTINGS, checks=False)
    return fcluster(linkage(apart, "average"), count, "maxclust").astype(np.int64) - 1


def _scaled(points: np.ndarray) -> np.ndarray:
    """Points (N, D) whose variances sum to 1."""
    return points / (np.sqrt(points.var(0).sum()) + SMALL)


def _against_mean(points: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """Points (N, D) less the mean of those of the same action (N,), as far apart in each action as in the others."""
    against = points.astype(np.float64)
    for action in np.unique(actions):
        members = against[actions == action]
        members = members - members.mean(0)
        against[actions == action] = members / (np.sqrt(np.square(members).sum(1).mean()) + SMALL)
    return against


def _parted(points: np.ndarray, count: int, rng: np.random.Generator, runs: int = 3) -> np.ndarray:
    """The group (N,), below ``count``, of each of the points (N, D): the tightest of some runs of k-means."""
    count = min(count, len(np.unique(points, axis=0)))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "One of the clusters is empty")  # which does no harm
        found = [kmeans2(points, count, minit="++", rng=rng, iter=60) for _ in range(runs)]
    return min(found, key=lambda run: np.square(points - run[0][run[1]]).sum())[1].astype(np.int64)


def _distances(points: np.ndarray) -> np.ndarray:
    """(N, N) squared Euclidean distances of points (N, D)."""
    points = points.astype(np.float32) - points.mean(0, dtype=np.float32)
    squares = np.square(points).sum(1)
    return squares[:, None] + squares - 2 * points @ points.T
