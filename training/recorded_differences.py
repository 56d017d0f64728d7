"""What sets a style apart from another one, as real clips of the same action show it frame by frame.

Mixtures of such differences, some of them turned round, are styles that nobody recorded, but which lie where real
styles lie: in how a body moves, not only in how it is held, and alike in one action and another.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from stylize.errors import StylizeError
from stylize.features import FPS, encode
from stylize.rotations import heading_free, matrix_to_rotvec
from stylize.skeleton import SKELETON_22
from training.aligned_clips import MAX_COST, align, movement, smooth_times
from training.datasets import log_tempo
from training.packs import Pack
from training.style_operators import MIRROR

MAX_TURN = 2.0
"""Radians of a difference; larger ones are a joint's way round the other side."""
SMOOTHING = 1.0
"""Frames."""
TRIES = 1000
"""Draws of a clip and styles before it is clear that none goes together with enough others."""
TURNED_ROUND = 0.3
"""Share of differences that are taken the other way round."""


@dataclass(frozen=True, eq=False)
class Difference:
    """From a clip to one of the same action in another style, on its timeline.

    Attributes:
        turns: (T, J, 3) rotation vectors in the parents' frames, the root's in its heading frame.
        log_speed: log of how many times as fast the style's clip is.
    """

    turns: np.ndarray
    log_speed: float

    def part(self, frames: slice, mirror: bool) -> "Difference":
        """That of some frames, or of their mirrored twins."""
        turns = self.turns[frames]
        return replace(self, turns=turns[:, SKELETON_22.mirrored_joints] * MIRROR if mirror else turns)


class RecordedDifferences:
    """The differences between the clips of a pack in one style and those in the others of its set.

    Args:
        pack: of the training.
        held_out: style labels that are not looked at.
        rng: of the choice of clips.
        members: how many clips of each style and action are looked at.
        candidates: how many clips of another style are tried for each of them; the most alike is taken.
    """

    def __init__(
        self,
        pack: Pack,
        held_out: tuple[str, ...],
        rng: np.random.Generator,
        members: int = 12,
        candidates: int = 2,
    ) -> None:
        by_label: dict[tuple[str, str], list[int]] = {}
        for index, clip in enumerate(pack.clips):
            if clip.style and clip.content and clip.style not in held_out:
                by_label.setdefault((clip.style, clip.content), []).append(index)
        self.pack = pack
        self.movements: dict[int, tuple[np.ndarray, float]] = {}
        self.found: dict[int, dict[str, Difference]] = {}
        for (own, content), clips in by_label.items():
            others = {
                style: indices
                for (style, action), indices in by_label.items()
                if action == content and style != own and _set_of(style) == _set_of(own)
            }
            for index in rng.choice(clips, min(members, len(clips)), replace=False).tolist() if others else ():
                found = {
                    style: self._difference(index, rng.choice(indices, min(candidates, len(indices)), replace=False))
                    for style, indices in others.items()
                }
                if any(found.values()):
                    self.found[index] = {style: each for style, each in found.items() if each is not None}

    def _difference(self, index: int, others: np.ndarray) -> Difference | None:
        own, tempo = self._seen(index)
        aligned = {other: align(self._seen(other)[0], own) for other in others.tolist()}
        best = min(aligned, key=lambda other: aligned[other][1])
        way, cost = aligned[best]
        if cost > MAX_COST:
            return None
        motion = self.pack.motion(index)
        styled = self.pack.motion(best).at_times(smooth_times(way, len(motion)) / FPS, FPS)
        before, after = (heading_free(each.local_rotations)[1] for each in (motion, styled))
        turns = after @ np.swapaxes(before, -1, -2)
        vectors = gaussian_filter1d(matrix_to_rotvec(turns), SMOOTHING, axis=0, mode="nearest")
        sizes = np.linalg.norm(vectors, axis=-1, keepdims=True)
        vectors *= np.minimum(1.0, MAX_TURN / np.maximum(sizes, 1e-9))
        return Difference(vectors.astype(np.float32), self._seen(best)[1] - tempo)

    def _seen(self, index: int) -> tuple[np.ndarray, float]:
        """How a clip moves, to align it by, and its log tempo; each is looked at for many others."""
        if index not in self.movements:
            features = encode(self.pack.motion(index))
            self.movements[index] = movement(features), log_tempo(features)
        return self.movements[index]

    def clips(self, rng: np.random.Generator, count: int, styles: int, frames: int) -> tuple[list[int], list[str]]:
        """Clips of one style and at least ``frames``, and other styles whose differences are known for all of them.

        Raises:
            StylizeError: the pack has too few such clips.
        """
        usable = [index for index in self.found if self.pack.clips[index].frames >= frames]
        for _ in range(TRIES if usable else 0):
            first = int(rng.choice(usable))
            names = sorted(self.found[first])
            chosen = rng.choice(names, min(styles, len(names)), replace=False).tolist()
            alike = [
                index
                for index in usable
                if self.pack.clips[index].style == self.pack.clips[first].style
                and set(chosen) <= set(self.found[index])
            ]
            if len(alike) >= count:
                return rng.choice(alike, count, replace=False).tolist(), chosen
        raise StylizeError(
            f"The pack has no {count} clips of {frames} frames in one style whose actions it shows in another one; "
            "lower --clips or --frames, or leave --recorded out."
        )

    def mixed(self, clips: list[int], weights: dict[str, float]) -> list[Difference]:
        """A weighted sum of styles' differences for each of some clips; the speed is that of all of them."""
        log_speed = float(
            np.mean([sum(w * self.found[i][style].log_speed for style, w in weights.items()) for i in clips])
        )
        return [
            Difference(np.sum([w * self.found[i][style].turns for style, w in weights.items()], axis=0), log_speed)
            for i in clips
        ]


def _set_of(style: str) -> str:
    return style.rpartition("/")[0]


def random_weights(rng: np.random.Generator, styles: list[str]) -> dict[str, float]:
    """How much of each of some styles a mixture holds: less than a style where there are several."""
    most = 1.3 if len(styles) == 1 else 1.0
    sign = np.where(rng.random(len(styles)) < TURNED_ROUND, -1.0, 1.0)
    return dict(zip(styles, sign * rng.uniform(0.25, most, len(styles)), strict=True))
