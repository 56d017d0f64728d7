"""Measure text to motion on wordings and clips that no training saw, with judges that the generator never saw.

    python -m training.evaluate_text --train-pack packs/train.npz --test-pack packs/test.npz \\
        --retrieval runs/retrieval --out runs/evaluation_text

The prompts are the wordings that wordings.toml keeps for the evaluation alone, of the actions with many clips. Each
is generated as it is, then restyled to a style in turn; the same styles are given to real clips of the same action.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from tqdm import tqdm

from stylize.features import decode
from stylize.motion import Motion
from stylize.pipeline import Stylizer
from stylize.rotations import heading_yaw
from stylize.text.encoder import MiniLM
from stylize.text.understanding import UnderstoodText
from stylize.text.wordings import LEFT, RIGHT, actions, side_of
from training import metrics
from training.captions import clip_action, compose
from training.datasets import joint_positions, load_feature_clips
from training.distances import KnownClips, bootstrap_interval, frechet_distance, mean_pairwise
from training.judges import Judges
from training.loop import RunOptions
from training.pairs import MIN_FRAMES
from training.train_retrieval import Retrieval, caption, load_retrieval

CANDIDATES = 32
"""Texts of which one is a motion's own."""
DRAWS = 20
"""How often those candidates are drawn anew."""
NORMAL = "normal"

Row = dict[str, Any]
"""Measures by name."""


@dataclass(frozen=True)
class EvaluateText:
    """Measure text to motion.

    Attributes:
        train_pack: what the judges are trained on, and results are compared with.
        test_pack: real clips that no training saw.
        retrieval: folder of the retrieval model's run; None leaves out what needs it.
        out: folder of metrics.json and metrics.md.
        checkpoint: a bundled name or a folder.
        prompts: for each action.
        repeats: samples of one prompt, for the multimodality.
        judge: how the judges are trained, and where they are kept.
        seed: of prompts and samples.
    """

    train_pack: Path
    test_pack: Path
    retrieval: Path | None
    out: Path
    checkpoint: str = "default"
    prompts: int = 12
    repeats: int = 4
    judge: RunOptions = field(default_factory=lambda: RunOptions(Path("runs/judges"), steps=1000, seed=77))
    seed: int = 0


@dataclass(frozen=True)
class Prompt:
    """A text without a manner, the action that it names, the style to give, and a text that names both."""

    text: str
    action: int
    style: str
    styled_text: str

    @property
    def content(self) -> str:
        """The judges' label of the action."""
        return actions()[self.action].contents[0]


def make_prompts(count: int, styles: Sequence[str], seed: int) -> list[Prompt]:
    """``count`` test wordings of every action that has some, each with a style in turn."""
    rng = np.random.default_rng(seed)
    prompts = []
    for index, action in enumerate(actions()):
        for _ in range(count if action.test else 0):
            style = styles[len(prompts) % len(styles)]
            prompts.append(Prompt(compose(action, rng, "test"), index, style, caption((index, style), rng, "test")))
    return prompts


def side_shown(motion: Motion, content: str) -> int | None:
    """The side that a motion shows, by its geometry alone: the higher hand, or the way that it turns."""
    if "turn" in content:
        yaw = np.unwrap(heading_yaw(motion.local_rotations[:, 0]))
        return LEFT if yaw[-1] > yaw[0] else RIGHT
    if "both" in content or "hand" not in content:
        return None
    left, right = (motion.joint_positions(f"{side}_wrist")[:, 1].max() for side in ("left", "right"))
    return LEFT if left > right else RIGHT


def retrieval_row(
    places: np.ndarray, texts: np.ndarray, cells: Sequence[tuple[int, str]], real: np.ndarray, seed: int
) -> Row:
    """How well motions fit their texts.

    Args:
        places: of motions (N, D).
        texts: places of each motion's own text (N, D).
        cells: action and style that each text names; the candidates of a motion never share its own.
        real: places of real test clips (M, D).
        seed: of the candidates.
    """
    rng = np.random.default_rng(seed)
    keys = np.array([f"{action} {style}" for action, style in cells])
    ranks = []
    for index, place in enumerate(places):
        others = np.flatnonzero(keys != keys[index])
        for _ in range(DRAWS):
            drawn = rng.choice(others, min(CANDIDATES - 1, len(others)), replace=False)
            distances = np.linalg.norm(texts[drawn] - place, axis=1)
            ranks.append(int((distances < np.linalg.norm(texts[index] - place)).sum()))
    tops = {f"r_precision_{top}": float(np.mean(np.array(ranks) < top)) for top in (1, 2, 3)}
    return tops | {
        "multimodal_distance": float(np.linalg.norm(places - texts, axis=1).mean()),
        "frechet_distance": frechet_distance(places, real),
        "diversity": mean_pairwise(places),
    }


def physical_row(motions: list[Motion], known: KnownClips) -> Row:
    """Feet, smoothness and the nearest training clip."""
    long_enough = [motion for motion in motions if len(motion) >= MIN_FRAMES]
    measures: dict[str, Callable[[Motion], float]] = {
        name: getattr(metrics, name) for name in ("foot_sliding", "sliding_share", "penetration", "floating", "jerk")
    }
    row = {name: float(np.mean([measure(motion) for motion in motions])) for name, measure in measures.items()}
    nearest = [known.distance(metrics.heading_positions(motion)) for motion in long_enough]
    return row | {"nearest_clip": float(np.mean(nearest))}


def share(right: Sequence[bool]) -> Row:
    """A share with its 95% interval."""
    low, high = bootstrap_interval(np.asarray(right))
    return {"share": float(np.mean(right)), "interval": [low, high], "count": len(right)}


class TextExam:
    """The prompts, the judges and the real clips."""

    def __init__(self, options: EvaluateText, stylizer: Stylizer) -> None:
        self.options, self.stylizer = options, stylizer
        clips = load_feature_clips(options.train_pack, mirror=True)
        labelled = [clip for clip in clips if clip.style and "/" not in clip.style]
        self.judges = Judges.train(labelled, options.judge)
        self.styles = sorted({clip.style for clip in labelled if clip.style and clip.style != NORMAL})
        self.known = KnownClips([joint_positions(clip.features) for clip in clips])
        self.test = [
            clip
            for clip in load_feature_clips(options.test_pack, mirror=False)
            if clip.style and "/" not in clip.style and len(clip.features) >= MIN_FRAMES
        ]
        self.retrieval = load_retrieval(options.retrieval) if options.retrieval else None
        self.encoder = MiniLM()
        self.prompts = make_prompts(options.prompts, self.styles, options.seed)
        torch.set_num_threads(1)

    def run(self) -> Row:
        """All measures."""
        generated = [self._generate(prompt.text, index) for index, prompt in enumerate(tqdm(self.prompts))]
        real = self._real_clips()
        styled = [self._restyle(m, p.style) for m, p in zip(generated, self.prompts, strict=True)]
        real_styled = [self._restyle(m, p.style) for m, p in zip(real, self.prompts, strict=True)]
        matched = {}
        if self.retrieval is not None:
            matched = {
                "retrieval": self._retrieval(self.retrieval, styled, real_styled),
                "multimodality": self._multimodality(self.retrieval),
            }
        return matched | {
            "action": self._accuracies(generated),
            "side": self._sides(generated),
            "restyled": {"generated": self._styled_row(styled), "real": self._styled_row(real_styled)},
            "style_words": self._style_words(),
            "physics": {
                "generated": physical_row(generated, self.known),
                "real": physical_row(real, self.known),
                "generated, restyled": physical_row(styled, self.known),
                "real, restyled": physical_row(real_styled, self.known),
            },
            "seconds_for_5_s": self._cost(),
        }

    def _generate(self, text: str, seed: int) -> Motion:
        return self.stylizer.generate(self._without_style(text), seed=seed + self.options.seed).motions[0]

    def _without_style(self, text: str) -> UnderstoodText:
        return replace(self.stylizer.understand(text), style=None)

    def _restyle(self, motion: Motion, style: str) -> Motion:
        return self.stylizer.stylize(motion, style).motions[0]

    def _real_clips(self) -> list[Motion]:
        """A real neutral test clip of each prompt's action, else a test clip of it in any style but the wanted."""
        rng = np.random.default_rng(self.options.seed)
        chosen = []
        for prompt in self.prompts:
            of_action = [clip for clip in self.test if clip.content == prompt.content]
            plain = [clip for clip in of_action if clip.style == NORMAL]
            pool = plain or [clip for clip in of_action if clip.style != prompt.style]
            chosen.append(decode(pool[rng.integers(len(pool))].features))
        return chosen

    def _accuracies(self, motions: list[Motion]) -> Row:
        right = [self.judges(m).content == p.content for m, p in zip(motions, self.prompts, strict=True)]
        row = share(right)
        row["by_action"] = {
            content: float(np.mean([r for r, p in zip(right, self.prompts, strict=True) if p.content == content]))
            for content in dict.fromkeys(prompt.content for prompt in self.prompts)
        }
        row["wrong"] = [prompt.text for prompt, good in zip(self.prompts, right, strict=True) if not good]
        return row

    def _sides(self, motions: list[Motion]) -> Row:
        right = []
        for motion, prompt in zip(motions, self.prompts, strict=True):
            shown = side_shown(motion, prompt.content)
            if shown is not None and side_of(prompt.text) in (LEFT, RIGHT):
                right.append(shown == side_of(prompt.text))
        return share(right)

    def _styled_row(self, motions: list[Motion]) -> Row:
        verdicts = [self.judges(motion) for motion in motions]
        pairs = list(zip(verdicts, self.prompts, strict=True))
        return {
            "style": share([v.style == p.style for v, p in pairs]),
            "dynamics": share([v.dynamics == p.style for v, p in pairs]),
            "content": share([v.content == p.content for v, p in pairs]),
        }

    def _style_words(self) -> Row:
        """How often the manner in a text is understood as its style."""
        return share([self.stylizer.understand(p.styled_text).style == p.style for p in self.prompts])

    def _retrieval(self, retrieval: Retrieval, styled: list[Motion], real_styled: list[Motion]) -> Row:
        rng = np.random.default_rng(self.options.seed + 1)
        cells = [(prompt.action, prompt.style) for prompt in self.prompts]
        texts = retrieval.of_texts([prompt.styled_text for prompt in self.prompts], self.encoder)
        clips, own = [], []
        for clip in self.test:
            action = clip_action(clip)
            if action is not None and actions()[action].test:
                clips.append(clip)
                own.append((action, clip.style or ""))
        real = np.stack([retrieval.of_motion(decode(clip.features)) for clip in clips])
        real_texts = retrieval.of_texts([caption(cell, rng, "test") for cell in own], self.encoder)
        rows = {"real test clips": retrieval_row(real, real_texts, own, real, self.options.seed)}
        # Half against half: what the distance is between sets of real clips of this size.
        order = rng.permutation(len(real))
        halves = real[order[::2]], real[order[1::2]]
        rows["real test clips"]["frechet_distance"] = frechet_distance(*halves)
        for name, motions in {"generated, restyled": styled, "real, restyled": real_styled}.items():
            places = np.stack([retrieval.of_motion(motion) for motion in motions])
            rows[name] = retrieval_row(places, texts, cells, real, self.options.seed)
        return rows

    def _multimodality(self, retrieval: Retrieval) -> float:
        """How far apart several samples of one text are, in the retrieval model's places."""
        apart = []
        for prompt in self.prompts[:: max(len(self.prompts) // 20, 1)]:
            motions = [self._generate(prompt.text, 10_000 + k) for k in range(self.options.repeats)]
            apart.append(mean_pairwise(np.stack([retrieval.of_motion(motion) for motion in motions])))
        return float(np.mean(apart))

    def _cost(self) -> float:
        """Median seconds of 5 s of motion on one thread, the reading of the text included."""
        times = []
        for seed in range(7):
            started = time.perf_counter()
            self.stylizer.generate("a person walks forward", 5, seed=seed)
            times.append(time.perf_counter() - started)
        return float(np.median(times[2:]))


def markdown(report: Row) -> str:
    """The measures as a person reads them."""
    lines = [f"Text to motion of {report['checkpoint']}: {report['action']['count']} prompts in test wordings.", ""]

    def shown(row: Row) -> str:
        return f"{row['share']:.3f} ({row['interval'][0]:.3f} to {row['interval'][1]:.3f}, {row['count']})"

    lines += ["| | share (95% interval, count) |", "|---|---|"]
    lines.append(f"| action recognised | {shown(report['action'])} |")
    lines.append(f"| named side obeyed | {shown(report['side'])} |")
    lines.append(f"| style words understood | {shown(report['style_words'])} |")
    lines += ["", "| restyled | style | style by dynamics | content |", "|---|---|---|---|"]
    for name, row in report["restyled"].items():
        lines.append(f"| {name} | {shown(row['style'])} | {shown(row['dynamics'])} | {shown(row['content'])} |")
    for title in ("physics", *(["retrieval"] if "retrieval" in report else [])):
        rows = report[title]
        columns = list(next(iter(rows.values())))
        lines += ["", f"| {title} | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
        lines += [f"| {name} | " + " | ".join(f"{row[c]:.3g}" for c in columns) + " |" for name, row in rows.items()]
    if "multimodality" in report:
        lines += ["", f"Multimodality {report['multimodality']:.3f}."]
    lines += ["", f"{report['seconds_for_5_s']:.2f} s for 5 s of motion."]
    lines += ["", f"Made by `{report['command']}`."]
    return "\n".join(lines) + "\n"


def main(options: EvaluateText) -> None:
    """Measure; print the tables and write metrics.json and metrics.md."""
    exam = TextExam(options, Stylizer.from_pretrained(options.checkpoint))
    command = " ".join(["python -m training.evaluate_text", *sys.argv[1:]])
    report = {"command": command, "checkpoint": options.checkpoint, "seed": options.seed} | exam.run()
    print(markdown(report))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "metrics.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (options.out / "metrics.md").write_text(markdown(report), encoding="utf-8")


if __name__ == "__main__":
    main(tyro.cli(EvaluateText, description=__doc__))
