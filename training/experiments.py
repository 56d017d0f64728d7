"""Run one of the paper's experiments, and write what came out into docs/results.md.

    python -m training.experiments --experiment main --train-pack packs/train.npz --test-pack packs/test.npz \\
        --autoencoder runs/autoencoder --global-motion runs/global_motion --synthetic packs/synthetic.safetensors

Every training has a folder of its own under --out and is done once: a run that was cut off goes on where it stopped.
"""

import os
import platform
import shlex
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

from stylize.checkpoint import read_json, write_json
from stylize.pipeline import Stylizer
from stylize.styles import Style
from training import export
from training.command import run_command
from training.datasets import FeatureClip, load_feature_clips
from training.efficiency import Table, efficiency_tables
from training.evaluate import evaluate
from training.exam import Exam, Row
from training.loop import RunOptions
from training.packs import Pack
from training.recorded_runs import RecordedRun, finished_run
from training.results_page import put_section
from training.variants import ABLATIONS, MAIN, NEUTRAL, Variant, held_out

ACCURACY = {
    "style": "style",
    "dynamics": "dynamics",
    "content": "content",
    "all_right": "all right",
    "leak": "leak",
    "frechet_distance": "Fréchet distance",
    "frechet_to_real": "/ real",
    "rotation_distance": "geodesic distance, rad",
    "diversity": "diversity",
}
FEET = {"foot_sliding": "foot sliding, m/s", "jerk_to_content": "jerk / content", "pace_error": "pace error (log)"}
VARIETY = {"embedding": "style features apart", "centimetres": "joints apart, cm", "all_recognised": "all recognised"}
TEXTS = {
    "main": (
        "Main table",
        "Supervised and unsupervised training, by each way of giving the style, beside real clips and three cheats. "
        "Both train with synthetic styles too; of all labels, the unsupervised training knows only which clips are "
        "neutral, since synthetic styles are made of those and of unlabelled clips.",
    ),
    "ablations": (
        "Ablations",
        "The paper's system and losses with one part changed at a time, and our additions at the end. All variants "
        "share the autoencoders of their kind and the global motion predictor. A step of the end-to-end training takes "
        "about three times as long, and it is given more time than stylizer and autoencoder have together.",
    ),
    "held-out": (
        "Styles that no training saw",
        "A stylizer that saw neutral and unlabelled clips and synthetic styles made of those alone is given each of "
        "the labelled styles by reference. No clip of a style, in either set, was in its training. The autoencoder and "
        "the predictor know nothing of styles. The open network of the default checkpoint is trained with mixtures of "
        "recorded styles as well; what that gives is in its model card.",
    ),
    "efficiency": ("Efficiency", "What a checkpoint costs on a processor."),
}


@dataclass(frozen=True)
class Experiments:
    """Run one of the paper's experiments.

    Attributes:
        experiment: which one.
        train_pack: the training pack (training.prepare), of the trainings and of the judges.
        test_pack: clips that no training saw.
        out: folder of the trainings, the evaluations and the results.
        page: the page to write.
        autoencoder: folder of an autoencoder's run; trained here without it. The ablations train their own.
        global_motion: folder of a predictor's run; trained here without it.
        synthetic: synthetic styles that were made with ``autoencoder``; made here without it.
        checkpoints: bundled names or folders: of the efficiency table, and to add to the main table.
        repeats: trainings of each variant, with seeds from 0 up.
        steps: of each stylizer.
        autoencoder_steps: of each autoencoder that is trained here, and of the predictor.
        end_to_end_steps: of the training end to end.
        synthetic_groups: of synthetic styles that are made here.
        pairs: how many restyles a way of giving the style.
        sets: how many contents a style are given eight results each.
        judge: how the judges are trained, and where they are kept.
        only: names of variants, to leave the others out.
        threads: of the processor.
        arguments: more arguments of every stylizer's training, such as "--batch-size 16".
    """

    experiment: Literal["main", "ablations", "held-out", "efficiency"]
    train_pack: Path
    test_pack: Path
    out: Path = Path("runs/experiments")
    page: Path = Path("docs/results.md")
    autoencoder: Path | None = None
    global_motion: Path | None = None
    synthetic: Path | None = None
    checkpoints: tuple[str, ...] = ()
    repeats: int = 3
    steps: int = 800
    autoencoder_steps: int = 1500
    end_to_end_steps: int = 1200
    synthetic_groups: int = 150
    pairs: int = 210
    sets: int = 1
    judge: RunOptions = field(default_factory=lambda: RunOptions(Path("runs/judges"), steps=1000, seed=77))
    only: tuple[str, ...] = ()
    threads: int = 1
    arguments: str = "--batch-size 16 --guide-steps 800"


class Trainings:
    """Does the trainings of an experiment, or finds them done."""

    def __init__(self, options: Experiments) -> None:
        self.options = options
        self.done: dict[str, RecordedRun] = {}

    def _finished(self, module: str, name: str, arguments: list[str], seed: int = 0) -> RecordedRun:
        folder = self.options.out / "runs" / name.replace(" ", "-").replace(",", "")
        run = ["--run.out", str(folder), "--run.seed", str(seed), "--run.threads", str(self.options.threads)]
        shared = ["--pack", str(self.options.train_pack), *(run if module != "synthetic_styles" else [])]
        self.done[name] = finished_run(module, shared + arguments, folder)
        return self.done[name]

    def autoencoder(self, kind: str) -> Path:
        """Folder of an autoencoder: the one that was given, or a "vae", an "ae" or a "pose" trained here."""
        if kind == "given" and self.options.autoencoder:
            return self.options.autoencoder
        kinds = {"ae": ["--model.no-variational"], "pose": ["--model.no-latent"]}
        steps = 0 if kind == "pose" else self.options.autoencoder_steps
        name = "vae" if kind == "given" else kind
        arguments = ["--run.steps", str(steps), *kinds.get(kind, [])]
        return self._finished("train_autoencoder", f"autoencoder {name}", arguments).folder

    def global_motion(self) -> Path:
        """Folder of the predictor."""
        if self.options.global_motion:
            return self.options.global_motion
        steps = ["--run.steps", str(self.options.autoencoder_steps)]
        return self._finished("train_global_motion", "global motion", steps).folder

    def _synthetic(self, autoencoder: Path, held_out: tuple[str, ...]) -> Path:
        if self.options.synthetic and not held_out:
            return self.options.synthetic
        name = "synthetic styles without held-out styles" if held_out else "synthetic styles"
        path = self.options.out / "runs" / name.replace(" ", "-") / "synthetic.safetensors"
        sizes = ["--groups", str(self.options.synthetic_groups), "--workers", str(self.options.threads)]
        arguments = ["--autoencoder", str(autoencoder), "--out", str(path), *sizes, "--neutral", NEUTRAL]
        self._finished("synthetic_styles", name, [*arguments, *_held_out_arguments(held_out)])
        return path

    def stylizer(self, variant: Variant, seed: int) -> RecordedRun:
        """A variant's training with a seed."""
        options = self.options
        autoencoder = self.autoencoder(variant.autoencoder)
        steps = options.end_to_end_steps if variant.end_to_end else options.steps
        arguments = ["--autoencoder", str(autoencoder), "--run.steps", str(steps), *shlex.split(options.arguments)]
        if variant.synthetic:
            synthetic = self._synthetic(autoencoder, variant.held_out)
            arguments += ["--synthetic", str(synthetic), "--synthetic-batch-size", str(variant.synthetic)]
        name = f"{variant.training_of or variant.name} seed {seed}"
        arguments += [*variant.arguments, *_held_out_arguments(variant.held_out)]
        return self._finished("train_stylizer", name, arguments, seed)


class Measurements:
    """Measures variants and checkpoints, and keeps what was measured."""

    def __init__(self, options: Experiments, trainings: Trainings) -> None:
        self.options, self.trainings = options, trainings
        self.clips: list[FeatureClip] = []
        self.exams: dict[str, Exam] = {}

    def exam(self, target: str = "") -> Exam:
        """The exam of all styles, or of one; the last one is kept."""
        if target not in self.exams:
            self.clips = self.clips or load_feature_clips(self.options.train_pack, mirror=True)
            pack, pairs = Pack.load(self.options.test_pack), self.options.pairs
            self.exams = {target: Exam(self.clips, pack, self.options.judge, pairs=pairs, target=target)}
        return self.exams[target]

    def of_variant(self, variant: Variant, seed: int) -> dict[str, Any]:
        """What ``training.evaluate.evaluate`` returns, of a variant's training with a seed."""
        run = self.trainings.stylizer(variant, seed)
        folder = self.options.out / "checkpoints" / f"{variant.name.replace(' ', '-').replace(',', '')}-{seed}"
        known = folder / "evaluation.json"
        autoencoder = run.folder if variant.end_to_end else self.trainings.autoencoder(variant.autoencoder)
        predictor = self.trainings.global_motion() if variant.predictor else None
        settings = {"command": run.command, "autoencoder": str(autoencoder), "predictor": str(predictor)}
        settings |= {"test_pack": str(self.options.test_pack), "target": variant.target}
        settings |= {"pairs": self.options.pairs, "sets": self.options.sets}
        if known.exists() and read_json(known)["settings"] == settings:
            return read_json(known)["measured"]
        labelled, unlabelled = (run.folder, None) if variant.supervised else (None, run.folder)
        export.main(export.Export(autoencoder, folder, predictor, labelled, unlabelled, self.options.train_pack))
        measured = self.of_checkpoint(str(folder), variant.target)
        write_json({"settings": settings, "measured": measured}, known)
        return measured

    def of_checkpoint(self, name_or_folder: str, target: str = "") -> dict[str, Any]:
        """What ``training.evaluate.evaluate`` returns; for one target style only what comes of references."""
        torch.set_num_threads(self.options.threads)
        stylizer, exam = Stylizer.from_pretrained(name_or_folder), self.exam(target)
        if not target:
            return evaluate(stylizer, exam, sets=self.options.sets)
        results = [
            stylizer.stylize(exam.motions[pair.content], Style.from_motion(exam.motions[pair.reference])).motions[0]
            for pair in exam.pairs
        ]
        return {"ways": {"by reference": exam.measure(results)}, "sets": {}}


def tables_of(options: Experiments, measurements: Measurements) -> list[Table]:
    """Train and measure every variant of an experiment, a seed at a time."""
    pack = Pack.load(options.test_pack)
    styles = sorted({clip.style for clip in pack.clips if clip.style and "/" not in clip.style})
    all_styles = {clip.style for clip in Pack.load(options.train_pack).clips if clip.style}
    unseen = held_out(styles, all_styles)
    variants = {"main": MAIN, "ablations": ABLATIONS, "held-out": unseen}[options.experiment]
    chosen = [variant for variant in variants if not options.only or variant.name in options.only]
    for seed in range(options.repeats):
        for variant in chosen:
            measurements.trainings.stylizer(variant, seed)
    rows: dict[str, dict[str, list[Row]]] = {"ways": defaultdict(list), "sets": defaultdict(list)}

    def add(name: str, measured: dict[str, Any], baselines: tuple[str, ...]) -> None:
        for part, ways in rows.items():
            for way, row in measured[part].items():
                if way not in baselines:
                    ways[f"{name}, {way}"].append(row)
                elif way not in ways:
                    ways[way].append(row)

    for variant in chosen:
        baselines = () if variant.target else tuple(measurements.exam().baselines)
        for seed in range(options.repeats):
            add(variant.name, measurements.of_variant(variant, seed), baselines)
    for checkpoint in options.checkpoints if options.experiment == "main" else ():
        add(f"bundled {checkpoint}", measurements.of_checkpoint(checkpoint), tuple(measurements.exam().baselines))
    if options.experiment == "held-out":
        rows["ways"]["mean of all styles"] = mean_rows(list(rows["ways"].values()))
    tables = [{"title": "Accuracies and distances:", "columns": ACCURACY, "rows": rows["ways"]}]
    tables.append({"title": "Feet, smoothness and pace:", "columns": FEET, "rows": rows["ways"]})
    if rows["sets"]:
        title = "Multimodality: eight results for one content and one style:"
        tables.append({"title": title, "columns": VARIETY, "rows": rows["sets"]})
    return tables


def mean_rows(rows: list[list[Row]]) -> list[Row]:
    """For each repeat the means of the measures that all rows have."""
    repeats = zip(*rows, strict=True)
    return [
        {key: sum(row[key] for row in of_repeat) / len(of_repeat) for key in ACCURACY | FEET if key in of_repeat[0]}
        for of_repeat in repeats
    ]


def main(options: Experiments) -> None:
    """Train, measure, and write this experiment's section as JSON and into the page."""
    torch.set_num_threads(options.threads)
    started = time.monotonic()
    trainings = Trainings(options)
    if options.experiment == "efficiency":
        walk = max((Pack.load(options.test_pack).motion(i) for i in range(7)), key=len)
        first, *others = (efficiency_tables(name, walk) for name in options.checkpoints or ("default",))
        tables = first + [table for of_one in others for table in of_one[:-1]]  # memory is the process's highest
    else:
        tables = tables_of(options, Measurements(options, trainings))
    title, text = TEXTS[options.experiment]
    section = {
        "title": title,
        "text": text + _settings_text(options),
        "tables": tables,
        "command": shlex.join(["python", "-m", "training.experiments", *sys.argv[1:]]),
        "machine": f"{platform.machine()} processor, {options.threads} of {os.cpu_count()} threads",
        "minutes": (time.monotonic() - started) / 60,
        "trainings": [
            {"name": name, "command": run.command, "minutes": run.seconds / 60} for name, run in trainings.done.items()
        ],
    }
    write_json(section, options.out / f"{options.experiment}.json")
    put_section(section, options.page)
    print(f"{options.page} has the section {title!r}")


def _held_out_arguments(styles: tuple[str, ...]) -> list[str]:
    return ["--held-out", *styles] if styles else []


def _settings_text(options: Experiments) -> str:
    if options.experiment == "efficiency":
        return ""
    seeds = ", ".join(map(str, range(options.repeats)))
    return f" {options.steps} steps a stylizer, seeds {seeds}, {options.pairs} pairs a way, drawn with seed 0."


if __name__ == "__main__":
    run_command(main, Experiments, __doc__)
