"""Measure a checkpoint on clips that it never saw, with classifiers that it never saw.

    python -m training.evaluate --train-pack packs/train.npz --test-pack packs/test.npz --out runs/evaluation

References are always of another action than the content, so that an action that leaks through the style code
counts as an error twice: as a lost content and as a leak.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import tyro
from tqdm import tqdm

from stylize import features
from stylize.checkpoint import parameter_count
from stylize.features import BLOCKS, NUM_FEATURES
from stylize.motion import Motion
from stylize.pipeline import Style, Stylizer
from training import metrics
from training.classifiers import SequenceClassifier, label_index, train_classifier
from training.datasets import FeatureClip, feature_statistics, load_feature_clips, random_crop
from training.loop import RunOptions, set_up
from training.packs import Pack

JUDGED = np.concatenate([np.arange(NUM_FEATURES)[BLOCKS[name]] for name in BLOCKS if name != "contacts"])
JUDGE_FRAMES = 64
RATE = 2


@dataclass(frozen=True)
class Evaluate:
    """Measure a checkpoint.

    Attributes:
        train_pack: what the judges are trained on.
        test_pack: the clips to restyle and to take references from.
        out: folder of the judges and of metrics.json.
        checkpoint: a bundled name or a folder.
        pairs: how many restyles a way of giving the style (reference, label, sample).
        judge: how the judges are trained.
        seed: of the pairs.
        prefix: only styles whose name starts with it are targets; "" for those with no "/" in them.
    """

    train_pack: Path
    test_pack: Path
    out: Path
    checkpoint: str = "default"
    pairs: int = 600
    judge: RunOptions = field(default_factory=lambda: RunOptions(Path("runs/judge"), steps=2500, seed=77))
    seed: int = 0
    prefix: str = ""


class Judge:
    """A classifier of style and one of content in pose space, trained on real clips alone."""

    def __init__(self, clips: list[FeatureClip], options: RunOptions) -> None:
        set_up(options)
        self.styles = tuple(sorted({clip.style for clip in clips if clip.style}))
        self.contents = tuple(sorted({clip.content for clip in clips if clip.content}))
        self.mean, self.std = feature_statistics(clips)
        labelled = [clip for clip in clips if clip.style and len(clip.features) >= JUDGE_FRAMES // 2]
        rng = np.random.default_rng(options.seed)
        sequences = [self._sequence(clip.features) for clip in labelled]
        targets = {
            "style": np.array([label_index(self.styles, clip.style) for clip in labelled]),
            "content": np.array([label_index(self.contents, clip.content) for clip in labelled]),
        }
        pairs = targets["style"] * len(self.contents) + targets["content"]
        weights = 1 / np.sqrt(np.bincount(pairs)[pairs])

        def batch_of() -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            chosen = rng.choice(len(labelled), size=48, p=weights / weights.sum())
            crops = torch.stack([random_crop(sequences[i], JUDGE_FRAMES // RATE, rng).T for i in chosen])
            noisy = crops + 0.05 * torch.randn_like(crops)
            return noisy, {name: torch.from_numpy(values[chosen]) for name, values in targets.items()}

        sizes = {"style": len(self.styles), "content": len(self.contents)}
        judge = SequenceClassifier(len(JUDGED), sizes, width=160)
        self.classifier = train_classifier(judge, batch_of, options, "classifier", [rng])

    def _sequence(self, encoded: np.ndarray) -> torch.Tensor:
        normalized = (torch.from_numpy(encoded) - self.mean) / self.std
        return normalized[::RATE, JUDGED].contiguous()

    @torch.inference_mode()
    def __call__(self, motion: Motion) -> tuple[str, str, np.ndarray]:
        """The style and the content that a motion shows, and its style features."""
        sequence = self._sequence(features.encode(motion)).T[None]
        logits = self.classifier(sequence)
        style, content = (names[int(logits[head][0].argmax())] for head, names in self._heads())
        return style, content, self.classifier.embed(sequence)[0].numpy()

    def _heads(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return ("style", self.styles), ("content", self.contents)


@dataclass(frozen=True)
class Pair:
    """A content clip, a reference of another action in the target style, both as indices of the test pack."""

    content: int
    reference: int


def choose_pairs(pack: Pack, count: int, seed: int, wanted: Callable[[str], bool]) -> list[Pair]:
    """Contents and references, every target style equally often, never the content's own style or action."""
    rng = np.random.default_rng(seed)
    usable = [i for i, clip in enumerate(pack.clips) if clip.style and wanted(clip.style) and clip.frames >= 32]
    styles = sorted({pack.clips[i].style or "" for i in usable})
    pairs = []
    for turn in range(count):
        target = styles[turn % len(styles)]
        content = int(rng.choice([i for i in usable if pack.clips[i].style != target]))
        references = [
            i for i in usable if pack.clips[i].style == target and pack.clips[i].content != pack.clips[content].content
        ]
        pairs.append(Pair(content, int(rng.choice(references))))
    return pairs


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Between Gaussians fitted to two sets of features (N, D); shrunk covariances, since the sets are small."""
    mean = np.square(a.mean(0) - b.mean(0)).sum()
    cov_a, cov_b = (np.cov(x.T) + 1e-4 * np.eye(x.shape[1]) for x in (a, b))
    eigenvalues = np.linalg.eigvals(cov_a @ cov_b)
    return float(mean + np.trace(cov_a) + np.trace(cov_b) - 2 * np.sqrt(np.maximum(eigenvalues.real, 0)).sum())


def physical(results: list[Motion], contents: list[Motion]) -> dict[str, float]:
    """Physical measures, and the ratio of sliding and jerk to the contents that the results come from."""
    names = ("foot_sliding", "penetration", "floating", "jerk", "pace", "bone_length_deviation")
    values = {name: float(np.mean([getattr(metrics, name)(m) for m in results])) for name in names}
    for name in ("foot_sliding", "jerk"):
        source = float(np.mean([getattr(metrics, name)(m) for m in contents]))
        values[f"{name}_ratio"] = values[name] / source
    return values


def _share_right(verdicts: list[tuple[str, str, np.ndarray]], part: int, wanted: list[str | None]) -> float:
    return float(np.mean([verdict[part] == label for verdict, label in zip(verdicts, wanted, strict=True)]))


def judge_results(
    judge: Judge, results: list[Motion], pairs: list[Pair], pack: Pack, real_embeddings: np.ndarray
) -> dict[str, float]:
    """Accuracies of one way of making the results, and their distance to real clips."""
    verdicts = [judge(motion) for motion in results]
    targets = [pack.clips[pair.reference] for pair in pairs]
    contents = [pack.clips[pair.content] for pair in pairs]
    return {
        "style_accuracy": _share_right(verdicts, 0, [clip.style for clip in targets]),
        "content_accuracy": _share_right(verdicts, 1, [clip.content for clip in contents]),
        "leak": _share_right(verdicts, 1, [clip.content for clip in targets]),
        "frechet_distance": frechet_distance(np.stack([v[2] for v in verdicts]), real_embeddings),
    }


def latency_ms(stylizer: Stylizer, motion: Motion, repeats: int = 10) -> float:
    """Median milliseconds of one restyle by label on one thread."""
    torch.set_num_threads(1)
    times = []
    for _ in range(repeats + 2):
        started = time.perf_counter()
        stylizer.stylize(motion, Style.from_label(stylizer.labels[0].name))
        times.append(time.perf_counter() - started)
    return 1000 * float(np.median(times[2:]))


COLUMNS = {
    "style_accuracy": "style accuracy",
    "content_accuracy": "content accuracy",
    "leak": "leak",
    "frechet_distance": "Fréchet distance",
    "foot_sliding": "foot sliding, m/s",
    "jerk_ratio": "jerk / content's",
    "penetration": "penetration, m",
    "floating": "floating, m",
    "pace": "pace, m/s",
}


def markdown(table: dict[str, dict[str, float]]) -> str:
    """The table of metrics as README shows it."""
    lines = ["| | " + " | ".join(COLUMNS.values()) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, row in table.items():
        if "style_accuracy" in row:
            cells = [f"{row[key]:.3g}" if key in row else "" for key in COLUMNS]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(options: Evaluate) -> None:
    """Train or load the judges, restyle, measure; print the table and write metrics.json and metrics.md."""
    judge = Judge(load_feature_clips(options.train_pack, mirror=True), options.judge)
    pack = Pack.load(options.test_pack)
    motions = [pack.motion(i) for i in range(len(pack))]
    stylizer = Stylizer.from_pretrained(options.checkpoint)

    def wanted(style: str) -> bool:
        return style.startswith(options.prefix) if options.prefix else "/" not in style

    pairs = choose_pairs(pack, options.pairs, options.seed, wanted)
    real = [i for i, clip in enumerate(pack.clips) if clip.style and wanted(clip.style)]
    real_verdicts = [judge(motions[i]) for i in real]
    real_embeddings = np.stack([v[2] for v in real_verdicts])
    contents = [motions[pair.content] for pair in pairs]
    table: dict[str, dict[str, float]] = {
        "real clips": {
            "style_accuracy": _share_right(real_verdicts, 0, [pack.clips[i].style for i in real]),
            "content_accuracy": _share_right(real_verdicts, 1, [pack.clips[i].content for i in real]),
        }
        | physical([motions[i] for i in real], [motions[i] for i in real]),
    }
    ways: dict[str, Callable[[Pair, int], Motion]] = {
        "content unchanged": lambda pair, _: motions[pair.content],
        "reference unchanged": lambda pair, _: motions[pair.reference],
        "by reference": lambda pair, k: restyled(pair, k, Style.from_motion(motions[pair.reference])),
        "by label": lambda pair, k: restyled(pair, k, Style.from_label(pack.clips[pair.reference].style or "")),
        "by label, sampled": lambda pair, k: restyled(pair, k, Style.sample(pack.clips[pair.reference].style)),
    }

    def restyled(pair: Pair, seed: int, style: Style) -> Motion:
        return stylizer.stylize(motions[pair.content], style, seed=seed).motions[0]

    for name, way in ways.items():
        results = [way(pair, k) for k, pair in enumerate(tqdm(pairs, desc=name, mininterval=5))]
        table[name] = judge_results(judge, results, pairs, pack, real_embeddings) | physical(results, contents)
    longest = max(motions, key=len)
    restyler = stylizer.restyler
    table["cost"] = {
        "restyle_160_frames_ms": latency_ms(stylizer, longest.with_frames(slice(0, 160))),
        "million_parameters": parameter_count(restyler.autoencoder, restyler.network, restyler.predictor) / 1e6,
    }
    print(markdown(table))
    print({name: round(value, 1) for name, value in table["cost"].items()})
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "metrics.json").write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    (options.out / "metrics.md").write_text(markdown(table) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(tyro.cli(Evaluate, description=__doc__))
