"""Measure a checkpoint on clips that it never saw, with judges that it never saw, beside cheats.

    python -m training.evaluate --train-pack packs/train.npz --test-pack packs/test.npz --out runs/evaluation

References are always of another action than the content, so that an action that leaks through the style code
counts as an error twice: as a lost content and as a leak.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from stylize.checkpoint import parameter_count
from stylize.motion import Motion
from stylize.pipeline import MAX_SAMPLES, Stylizer
from stylize.source import MIN_SECONDS
from stylize.styles import Style
from training.command import run_command
from training.exam import Exam
from training.foreign import foreign, other_people, unrecorded_actions
from training.loop import RunOptions
from training.packs import Pack
from training.pairs import Pair
from training.tables import markdown
from training.variety import other_references, variety

Way = Callable[[Pair, int], Motion]
"""From a pair and its number to a result."""


@dataclass(frozen=True)
class Evaluate:
    """Measure a checkpoint.

    Attributes:
        train_pack: what the judges are trained on, and results are compared with.
        test_pack: the clips to restyle and to take references from.
        out: folder of metrics.json and metrics.md.
        checkpoint: a bundled name or a folder.
        pairs: how many restyles a way of giving the style (reference, label, sample).
        sets: how many contents a style are given eight results each, for the variety of results.
        strength: of every restyle.
        judge: how the judges are trained, and where they are kept.
        seed: of the pairs.
        prefix: only styles whose name starts with it are targets; "" for those with no "/" in them.
        others: a pack of other people on other skeletons, with labels or without, to restyle as well.
        held_out: the only target style, one that the checkpoint never saw; by reference only.
        references: how many clips a reference is, each of another action than the content, where there are as many.
    """

    train_pack: Path
    test_pack: Path
    out: Path
    checkpoint: str = "default"
    pairs: int = 420
    sets: int = 2
    strength: float = 1.0
    judge: RunOptions = field(default_factory=lambda: RunOptions(Path("runs/judges"), steps=1000, seed=77))
    seed: int = 0
    prefix: str = ""
    others: Path | None = None
    held_out: str = ""
    references: int = 1


def evaluate(
    stylizer: Stylizer,
    exam: Exam,
    *,
    sets: int = 2,
    strength: float = 1.0,
    by_reference_only: bool = False,
    others: Pack | None = None,
    references: int = 1,
) -> dict[str, Any]:
    """Measure one checkpoint; one exam serves any number of them.

    Args:
        stylizer: the checkpoint.
        exam: the pairs, the judges and the real clips.
        sets: how many contents a style are given eight results each.
        strength: of every restyle.
        by_reference_only: leave the labels out, for a style that the checkpoint has no label of.
        others: motions of other people to restyle as well.
        references: how many clips a reference is.

    Returns:
        ``ways`` (rows of measures by the way of making the results), ``sets`` (rows on the variety of results),
        ``foreign`` (rows on actions that no clip of the styles shows), ``others`` (the same of other people),
        ``judges`` (their accuracies on real test clips) and ``cost``.
    """

    def restyled(pair: Pair, number: int, style: Style) -> Motion:
        return stylizer.stylize(exam.motions[pair.content], style, strength=strength, seed=number).motions[0]

    def shown(pair: Pair) -> Style:
        if references == 1:
            return Style.from_motion(exam.motions[pair.reference])
        clips = [exam.motions[pair.reference], *other_references(exam, pair, references)][:references]
        return Style.from_file(stylizer.make_style("several clips", clips))

    by_reference = "by reference" if references == 1 else f"by {references} references"
    ways: dict[str, Way] = {by_reference: lambda pair, k: restyled(pair, k, shown(pair))}
    names = {label.name for label in stylizer.labels}
    labelled = not by_reference_only and all(style in names for style, _ in exam.wanted)
    if labelled:
        ways["by label"] = lambda pair, k: restyled(pair, k, Style.from_label(exam.style_of(pair)))
        ways["by label, sampled"] = lambda pair, k: restyled(pair, k, Style.sample(exam.style_of(pair)))
    rows = dict(exam.baselines)
    for name, way in ways.items():
        rows[name] = exam.measure(_results(exam, name, way))
    if not stylizer.labels:
        results = _results(exam, "unconditional", lambda pair, k: restyled(pair, k, Style.sample()))
        rows["unconditional sample"] = exam.measure_unconditional(results)
    return {
        "ways": rows,
        "sets": variety(stylizer, exam, sets, strength, labelled),
        "foreign": foreign(stylizer, exam, unrecorded_actions(exam), labelled),
        "others": foreign(stylizer, exam, other_people(others), labelled) if others else {},
        "judges": exam.ceilings,
        "cost": cost(stylizer, exam),
    }


def _results(exam: Exam, name: str, way: Way) -> list[Motion]:
    return [way(pair, k) for k, pair in enumerate(tqdm(exam.pairs, desc=name, mininterval=5))]


def cost(stylizer: Stylizer, exam: Exam, repeats: int = 10) -> dict[str, float]:
    """Median milliseconds of one restyle on one thread, by label where there are labels, and parameters."""
    torch.set_num_threads(1)
    motion = max(exam.motions, key=len).with_frames(slice(0, 160))
    assert motion.duration >= MIN_SECONDS
    style = Style.from_label(stylizer.labels[0].name) if stylizer.labels else Style.sample()
    times = []
    for _ in range(repeats + 2):
        started = time.perf_counter()
        stylizer.stylize(motion, style)
        times.append(time.perf_counter() - started)
    restyler = stylizer.restyler
    networks = [restyler.autoencoder, *restyler.networks.values()]
    networks += [restyler.predictor] if restyler.predictor else []
    return {
        "restyle_160_frames_ms": 1000 * float(np.median(times[2:])),
        "million_parameters": parameter_count(*networks) / 1e6,
    }


def main(options: Evaluate) -> None:
    """Train or load the judges, restyle, measure; print the tables and write metrics.json and metrics.md."""
    exam = Exam.load(
        options.train_pack,
        options.test_pack,
        options.judge,
        pairs=options.pairs,
        seed=options.seed,
        prefix=options.prefix,
        target=options.held_out,
    )
    stylizer = Stylizer.from_pretrained(options.checkpoint)
    measured = evaluate(
        stylizer,
        exam,
        sets=options.sets,
        strength=options.strength,
        by_reference_only=bool(options.held_out),
        others=Pack.load(options.others) if options.others else None,
        references=options.references,
    )
    report = {
        "command": " ".join(["python -m training.evaluate", *sys.argv[1:]]),
        "checkpoint": options.checkpoint,
        "seed": options.seed,
        "pairs": options.pairs,
        "set_size": MAX_SAMPLES,
    } | measured
    print(markdown(report))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "metrics.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (options.out / "metrics.md").write_text(markdown(report), encoding="utf-8")


if __name__ == "__main__":
    run_command(main, Evaluate, __doc__)
