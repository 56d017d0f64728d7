"""What results are measured against: pairs of content and reference, judges, and real clips of the same labels."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from stylize.features import decode
from stylize.motion import Motion
from training import metrics
from training.baselines import MeanPosture, turned_by_constants
from training.datasets import FeatureClip, joint_positions, load_feature_clips, mean_pace
from training.distances import KnownClips, bootstrap_interval, frechet_distance, mean_pairwise
from training.judges import Judges
from training.loop import RunOptions
from training.packs import Pack
from training.pairs import MIN_FRAMES, Pair, choose_pairs, usable_clips

PHYSICAL = ("foot_sliding", "sliding_share", "penetration", "floating", "jerk", "bone_length_deviation")
COPIES_LOOKED_FOR = 140
"""In how many results of a way; the comparison with every training clip is the slowest measure."""

RATIOS = {
    "frechet_to_real": "frechet_distance",
    "sliding_to_real": "foot_sliding",
    "jerk_to_real": "jerk",
    "nearest_to_real": "nearest_clip",
}

Row = dict[str, Any]
"""Measures by name; a share's 95% interval is under its name and "_interval"."""
Cell = tuple[str, str]
"""A style and an action."""


class Exam:
    """One set of pairs and everything that results for them are measured against.

    Args:
        clips: real clips of the training and their mirrored twins: of the judges, of the mean postures, paces and
            tempos, and to find copies of.
        pack: clips that no training saw, to restyle, to take references from, and to compare with.
        judge: how the judges are trained, and where they are kept.
        pairs: how many restyles a way.
        seed: of the pairs and of every other choice.
        prefix: only styles whose name starts with it are used; "" for those with no "/" in them.
        target: the only target style, or "" for all.
    """

    def __init__(
        self,
        clips: list[FeatureClip],
        pack: Pack,
        judge: RunOptions,
        *,
        pairs: int,
        seed: int = 0,
        prefix: str = "",
        target: str = "",
    ) -> None:
        def wanted(style: str) -> bool:
            return style.startswith(prefix) if prefix else "/" not in style

        self.seed, self.clips, self.pack = seed, clips, pack
        self.pairs = choose_pairs(pack, pairs, seed, wanted, target)
        self.motions = [pack.motion(i) for i in range(len(pack))]
        self.usable = usable_clips(pack, wanted)
        labelled = [clip for clip in clips if clip.style and wanted(clip.style)]
        self.judges = Judges.train(labelled, judge)
        self.cells: dict[Cell, list[FeatureClip]] = {}
        for clip in labelled:
            if not clip.mirrored and len(clip.features) >= MIN_FRAMES:
                self.cells.setdefault((clip.style or "", clip.content or ""), []).append(clip)
        for cell in {self.content_cell(pair) for pair in self.pairs} | set(self.wanted):
            if cell not in self.cells:  # no clip of this action: all of the style
                self.cells[cell] = [clip for (style, _), own in self.cells.items() if style == cell[0] for clip in own]
        self.means = {cell: MeanPosture.of(members) for cell, members in self.cells.items()}
        self.paces = {cell: float(np.mean([mean_pace(c.features) for c in own])) for cell, own in self.cells.items()}

    @staticmethod
    def load(train_pack: Path, test_pack: Path, judge: RunOptions, **choices) -> "Exam":
        """From two packs; ``choices`` are the constructor's."""
        return Exam(load_feature_clips(train_pack, mirror=True), Pack.load(test_pack), judge, **choices)

    def style_of(self, pair: Pair) -> str:
        """A pair's target style."""
        return self.pack.clips[pair.reference].style or ""

    def wanted_of(self, pair: Pair) -> Cell:
        """The style and the action that the result of a pair should show."""
        return self.style_of(pair), self.content_cell(pair)[1]

    def content_cell(self, pair: Pair) -> Cell:
        """The style and the action of a pair's content."""
        clip = self.pack.clips[pair.content]
        return clip.style or "", clip.content or ""

    @cached_property
    def wanted(self) -> list[Cell]:
        """What the results should show, a cell a pair."""
        return [self.wanted_of(pair) for pair in self.pairs]

    @cached_property
    def leaked(self) -> list[str | None]:
        """The action of each pair's reference."""
        return [self.pack.clips[pair.reference].content for pair in self.pairs]

    @cached_property
    def contents(self) -> list[Motion]:
        """The content of each pair."""
        return [self.motions[pair.content] for pair in self.pairs]

    @cached_property
    def known(self) -> KnownClips:
        """All training clips, labelled or not, mirrored or not."""
        return KnownClips([joint_positions(clip.features) for clip in self.clips])

    def real_training_clips(self, cells: list[Cell]) -> list[FeatureClip]:
        """A training clip of each style and action, none twice while others are left."""
        rng = np.random.default_rng(self.seed)
        left: dict[Cell, list[int]] = {}
        chosen = []
        for cell in cells:
            if not left.get(cell):
                left[cell] = rng.permutation(len(self.cells[cell])).tolist()
            chosen.append(self.cells[cell][left[cell].pop()])
        return chosen

    def real_clips(self) -> list[Motion]:
        """A real clip for each pair, of the wanted style and action, none twice while others are left.

        They are test clips. Where the test pack has none of that style and action they are training clips, but
        none of those that results are compared with.
        """
        rng = np.random.default_rng(self.seed)
        left: dict[Cell, list[int]] = {}
        by_cell: dict[Cell, list[int]] = {}
        for i in self.usable:
            by_cell.setdefault((self.pack.clips[i].style or "", self.pack.clips[i].content or ""), []).append(i)
        missing = [cell for cell in self.wanted if cell not in by_cell]
        substitutes = iter(self.real_training_clips(self.wanted + missing)[len(self.wanted) :])
        chosen = []
        for cell in self.wanted:
            if cell not in by_cell:
                chosen.append(decode(next(substitutes).features))
                continue
            if not left.get(cell):
                left[cell] = rng.permutation(by_cell[cell]).tolist()
            chosen.append(self.motions[left[cell].pop()])
        return chosen

    def constants(self, pair: Pair) -> Motion:
        """The content with the mean posture and tempo of the target style's clips of its action."""
        own, target = self.means[self.content_cell(pair)], self.means[self.wanted_of(pair)]
        return turned_by_constants(self.motions[pair.content], own, target)

    def measure(self, results: list[Motion]) -> Row:
        """All measures of one way of making the results, one result a pair, of any lengths.

        The Fréchet distance is that of style features to as many real training clips of the same target styles
        and actions. It is biased upwards in small samples, so it is to be read beside that of real test clips
        ("/ real split"): as many of them and of the same mix. Those are fewer than the pairs, so some count more
        than once; but so do the contents among the results.
        """
        row = self._measure(results) | {
            "leak": float(np.mean([self.judges(m).content == c for m, c in zip(results, self.leaked, strict=True)])),
            "rotation_distance": _mean(metrics.rotation_distance, results, self.contents),
        }
        return self._beside_real(row)

    def measure_unconditional(self, results: list[Motion]) -> Row:
        """The measures of results that were given no style."""
        verdicts = [self.judges(motion) for motion in results]
        row: Row = {"rotation_distance": _mean(metrics.rotation_distance, results, self.contents)}
        row |= _share("content", [v.content == content for v, (_, content) in zip(verdicts, self.wanted, strict=True)])
        row["diversity"] = mean_pairwise(np.stack([v.embedding for v in verdicts]))
        return self._beside_real(row | self._physical(results))

    @cached_property
    def real(self) -> Row:
        """The measures of ``real_clips``, what a perfect stylizer would get.

        Training clips may be among them, which are their own nearest clips, so that measure is taken of all test
        clips in their place.
        """
        return self._measure(self.real_clips()) | {
            "nearest_clip": self._nearest([self.motions[i] for i in self.usable])
        }

    @cached_property
    def real_embeddings(self) -> np.ndarray:
        """Style features (N, D) of as many training clips of the wanted styles and actions as there are pairs."""
        return np.stack([self.judges.style(clip.features)[1] for clip in self.real_training_clips(self.wanted)])

    @cached_property
    def baselines(self) -> dict[str, Row]:
        """The measures of real clips and of three cheats."""
        return {
            "real clips": self._beside_real(self.real),
            "content unchanged": self.measure(self.contents),
            "reference unchanged": self.measure([self.motions[pair.reference] for pair in self.pairs]),
            "content turned by constants": self.measure([self.constants(pair) for pair in self.pairs]),
        }

    @cached_property
    def ceilings(self) -> dict[str, float]:
        """How often each judge is right on the real test clips, each taken once."""
        verdicts = [(self.pack.clips[i], self.judges(self.motions[i])) for i in self.usable]
        return {
            "style": float(np.mean([v.style == clip.style for clip, v in verdicts])),
            "dynamics": float(np.mean([v.dynamics == clip.style for clip, v in verdicts])),
            "content": float(np.mean([v.content == clip.content for clip, v in verdicts])),
            "clips": float(len(verdicts)),
        }

    def _measure(self, results: list[Motion]) -> Row:
        verdicts = [self.judges(motion) for motion in results]
        styles, contents = (np.array(labels) for labels in zip(*self.wanted, strict=True))
        style = np.array([v.style for v in verdicts]) == styles
        dynamics = np.array([v.dynamics for v in verdicts]) == styles
        content = np.array([v.content for v in verdicts]) == contents
        row = _share("style", style) | _share("dynamics", dynamics) | _share("content", content)
        row |= _share("all_right", style & dynamics & content)
        embeddings = np.stack([v.embedding for v in verdicts])
        row["frechet_distance"] = frechet_distance(embeddings, self.real_embeddings)
        row["diversity"] = float(np.mean([mean_pairwise(embeddings[styles == s]) for s in np.unique(styles)]))
        return row | self._physical(results) | self._timing(results)

    def _physical(self, results: list[Motion]) -> Row:
        row: Row = {name: _mean(getattr(metrics, name), results) for name in PHYSICAL}
        row["jerk_to_content"] = row["jerk"] / _mean(metrics.jerk, self.contents)
        return row | {"nearest_clip": self._nearest(results)}

    def _nearest(self, motions: list[Motion]) -> float:
        looked_at = [motion for motion in motions[:COPIES_LOOKED_FOR] if len(motion) >= MIN_FRAMES]
        return _mean(lambda motion: self.known.distance(metrics.heading_positions(motion)), looked_at)

    def _timing(self, results: list[Motion]) -> Row:
        """Tempo and pace over the means of real training clips: geometric mean of the ratio, and mean |log ratio|."""
        ratios: dict[str, list[float]] = {"tempo": [], "pace": []}
        for motion, cell in zip(results, self.wanted, strict=True):
            tempo = metrics.tempo(metrics.heading_positions(motion), motion.fps)
            ratios["tempo"].append(tempo / self.means[cell].tempo)
            if self.paces[cell] > metrics.MIN_PACE:
                ratios["pace"].append(max(metrics.pace(motion), 0.01) / self.paces[cell])
        row: Row = {}
        for name, values in ratios.items():
            if values:
                row[f"{name}_ratio"] = float(np.exp(np.mean(np.log(values))))
                row[f"{name}_error"] = float(np.mean(np.abs(np.log(values))))
        return row

    def _beside_real(self, row: Row) -> Row:
        for name, measure in RATIOS.items():
            if measure in row:
                row = row | {name: row[measure] / max(self.real[measure], 1e-9)}
        return row


def _share(name: str, right: Sequence[bool] | np.ndarray) -> Row:
    return {name: float(np.mean(right)), f"{name}_interval": bootstrap_interval(np.asarray(right))}


def _mean(measure: Callable[..., float], *motions: list[Motion]) -> float:
    return float(np.mean([measure(*each) for each in zip(*motions, strict=True)]))
