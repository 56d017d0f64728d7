"""Real clips of the same action in two styles, brought to one timeline: what a restyle of the one should look like."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from stylize.features import BLOCKS
from stylize.skeleton import SKELETON_22
from training.datasets import FeatureClip, joint_positions

STEP = 2
"""Frames between those that are compared."""
MAX_STEPS = 150
"""Longer recordings are left alone where it is not known what they show."""
ALIKE = 0.5
"""The cost up to which two clips of unknown actions are taken to show the same one."""
MAX_COST = 0.75
"""That up to which two clips of one action are held against each other frame by frame."""
COMPARED = tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("wrist", "elbow", "ankle", "knee"))
STALL = 0.1
"""What it costs to let one of two clips stand still for a step."""


@dataclass(frozen=True)
class Alignment:
    """A clip on another's timeline.

    Attributes:
        other: index of the other clip.
        times: for each frame of it, the frame of the clip that shows the same moment of the action.
        cost: mean difference of the two along the way, in deviations of their joints.
    """

    other: int
    times: np.ndarray
    cost: float

    def mirrored(self) -> "Alignment":
        """The same of the two clips' mirrored twins, which follow the clips."""
        return Alignment(self.other ^ 1, self.times, self.cost)


def movement(features: np.ndarray) -> np.ndarray:
    """What is compared of a clip (N, D): where hands and feet are, without posture and amplitude."""
    positions = joint_positions(features[::STEP])
    compared = positions[:, [SKELETON_22.joint(role) for role in COMPARED]].reshape(len(positions), -1)
    turning = features[::STEP, BLOCKS["root_yaw_velocity"]]
    compared = compared - compared.mean(0)
    spread = compared.std(0)
    # Joints that hardly move in this action must not count as much as those that do.
    return np.concatenate([compared / (spread.max() + 0.02), turning / (turning.std() + 0.5)], axis=1)


def movement_pattern(features: np.ndarray) -> np.ndarray:
    """(D,) which of a clip's joints move, relative to each other."""
    return movement(features).std(0)


def movement_amounts(features: np.ndarray) -> np.ndarray:
    """(D,) how much each of a clip's joints moves, whichever way, and how much it turns."""
    *joints, turning = movement_pattern(features)
    return np.append(np.linalg.norm(np.reshape(joints, (len(COMPARED), 3)), axis=1), turning)


def align(clip: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, float]:
    """Dynamic time warping of movements (N, D), (M, D): for each step of ``other`` that of ``clip``, and the cost."""
    difference = np.linalg.norm(clip[:, None] - other[None], axis=-1)
    total = np.full((len(clip) + 1, len(other) + 1), np.inf)
    total[0, 0] = 0.0
    came_from = np.zeros(difference.shape, dtype=np.int8)
    for i, row in enumerate(difference.tolist()):
        before, now = total[i].tolist(), total[i + 1].tolist()
        for j, cost in enumerate(row):
            diagonal, up, left = before[j], before[j + 1] + STALL, now[j] + STALL
            if diagonal <= up and diagonal <= left:
                now[j + 1] = diagonal + cost
            elif up <= left:
                now[j + 1], came_from[i, j] = up + cost, 1
            else:
                now[j + 1], came_from[i, j] = left + cost, 2
        total[i + 1] = now
    i, j = len(clip) - 1, len(other) - 1
    steps: dict[int, list[int]] = defaultdict(list)
    while True:
        steps[j].append(i)
        if i == 0 and j == 0:
            break
        move = came_from[i, j]
        i, j = i - (move != 2), j - (move != 1)
    way = np.array([np.mean(steps[j]) for j in range(len(other))])
    return way, float(total[-1, -1] / (len(clip) + len(other)))


def align_clips(
    clips: list[FeatureClip], rng: np.random.Generator, candidates: int = 2
) -> dict[tuple[int, str], Alignment]:
    """For each labelled clip and each other style the best of some random clips of the same action.

    Args:
        clips: each followed by its mirrored twin.
        rng: of the choice.
        candidates: how many clips are tried.
    """
    by_label: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, clip in enumerate(clips):
        if clip.style and clip.content:
            by_label[clip.style, clip.content].append(index)
    styles = sorted({style for style, _ in by_label})
    movements = [movement(clip.features) if clip.style else None for clip in clips]
    alignments = {}
    for index in range(0, len(clips), 2):
        clip, own = clips[index], movements[index]
        if own is None or not clip.content:
            continue
        for style in styles:
            members = by_label.get((style, clip.content), [])
            if style == clip.style or not members:
                continue
            best: Alignment | None = None
            for other in rng.choice(members, size=min(candidates, len(members)), replace=False):
                way, cost = align(own, movements[other])
                if best is None or cost < best.cost:
                    best = Alignment(int(other), smooth_times(way, len(clips[other].features)), cost)
            assert best is not None
            alignments[index, style] = best
            alignments[index + 1, style] = best.mirrored()
    return alignments


def align_unlabelled(
    clips: list[FeatureClip], rng: np.random.Generator, looked_at: int = 300, candidates: int = 20, kept: int = 3
) -> dict[int, list[Alignment]]:
    """For each clip some that move alike and are carried most differently; what they do is not known.

    How much and how fast they move has no say in it, for a style changes both. Of two clips each is on the
    timeline of the other, so that the rare manners are aimed at as often as the common ones.

    Args:
        clips: each followed by its mirrored twin.
        rng: of the choice.
        looked_at: among how many clips those that move the same joints are looked for.
        candidates: how many of those are aligned at most.
        kept: how many of them are taken.
    """
    movements = [movement(clip.features) for clip in clips]
    patterns = np.stack([each.std(0) for each in movements])
    sizes = np.log([len(clip.features) for clip in clips])
    postures = np.stack([clip.features[:, BLOCKS["positions"]].mean(0) for clip in clips])
    alignments: dict[int, list[Alignment]] = defaultdict(list)

    def keep(clip: int, other: int, way: np.ndarray, cost: float) -> None:
        found = Alignment(other, smooth_times(way, len(clips[other].features)), cost)
        alignments[clip].append(found)
        alignments[clip ^ 1].append(found.mirrored())

    for index in range(0, len(clips), 2):
        others = rng.choice(len(clips), size=min(looked_at, len(clips)), replace=False)
        others = others[others // 2 != index // 2]
        apart = np.abs(patterns[others] - patterns[index]).mean(1) + 0.05 * np.abs(sizes[others] - sizes[index])
        alike = others[np.argsort(apart)[:candidates]]
        left = kept
        for other in alike[np.argsort(-np.abs(postures[alike] - postures[index]).mean(1))].tolist():
            if not left or max(len(movements[other]), len(movements[index])) > MAX_STEPS:
                continue
            way, cost = align(movements[index], movements[other])
            if cost < ALIKE:
                keep(index, other, way, cost)
                keep(other, index, *align(movements[other], movements[index]))
                left -= 1
    return dict(alignments)


def smooth_times(way: np.ndarray, frames: int) -> np.ndarray:
    """Frame times (frames,) of steps (M,), without the jerks of a path on a grid; still never backwards."""
    times = np.interp(np.arange(frames) / STEP, np.arange(len(way)), gaussian_filter1d(way, 2.0, mode="nearest"))
    return np.maximum.accumulate(times) * STEP
