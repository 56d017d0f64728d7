"""Measure text to motion on wordings and clips that no training saw, with judges that the generator never saw.

    python -m training.evaluate_text --train-pack packs/train.npz --test-pack packs/test.npz \\
        --retrieval runs/retrieval --out runs/evaluation_text

The prompts are the wordings that wordings.toml keeps for the evaluation alone, of the actions with many clips. Each
is generated as it is, then restyled to a style in turn; the same styles are given to real clips of the same action.
"""

import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from stylize.checkpoint import write_json
from stylize.features import decode
from stylize.motion import Motion
from stylize.pipeline import Stylizer
from stylize.text.encoder import MiniLM
from stylize.text.understanding import UnderstoodText
from stylize.text.wordings import LEFT, RIGHT, actions, side_of
from training.captions import clip_action, compose
from training.command import run_command
from training.datasets import joint_positions, load_feature_clips
from training.distances import KnownClips, frechet_distance, mean_pairwise
from training.judges import Judges
from training.loop import RunOptions
from training.pairs import MIN_FRAMES
from training.results_page import put_section, section_text
from training.text_measures import Row, physical_row, retrieval_row, section, share, side_shown
from training.train_retrieval import Retrieval, caption, load_retrieval

NORMAL = "normal"


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
        page: the results' page, whose section on this is replaced; None leaves it as it is.
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
    page: Path | None = None


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
        """Median seconds that one thread works for 5 s of motion, the reading of the text included."""
        times = []
        for seed in range(7):
            started = time.process_time()
            self.stylizer.generate("a person walks forward", 5, seed=seed)
            times.append(time.process_time() - started)
        return float(np.median(times[2:]))


def main(options: EvaluateText) -> None:
    """Measure; print the tables and write metrics.json and metrics.md, and the results' page where it is wanted."""
    exam = TextExam(options, Stylizer.from_pretrained(options.checkpoint))
    command = shlex.join(["python", "-m", "training.evaluate_text", *sys.argv[1:]])
    report = {"command": command, "checkpoint": options.checkpoint, "seed": options.seed} | exam.run()
    shown = section(report)
    print(section_text(shown))
    options.out.mkdir(parents=True, exist_ok=True)
    write_json(report, options.out / "metrics.json")
    (options.out / "metrics.md").write_text(section_text(shown), encoding="utf-8")
    if options.page is not None:
        put_section(shown, options.page)


if __name__ == "__main__":
    run_command(main, EvaluateText, __doc__)
