"""The experiments on a tiny pack: every variant trains and is measured, nothing twice, and the page says it all."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stylize.checkpoint import read_json
from stylize.errors import StylizeError
from tests.conftest import walk
from training import experiments, recorded_runs, results_page
from training.experiments import Experiments
from training.loop import RunOptions
from training.packs import Clip, build_pack, quantize
from training.variants import ABLATIONS, MAIN, held_out

TINY = "--batch-size 2 --guide-steps 2 --model.width 16 --run.no-bf16 --run.device cpu"


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    entries = []
    for style, speed in (("normal", 1.0), ("brisk", 1.6), ("slow", 0.6)):
        for content, cadence in (("walk", 1.6), ("run", 2.6)):
            for number in range(2):
                motion = walk(100, cadence + 0.1 * number, speed)
                entries.append((Clip(f"{style}-{content}-{number}", len(motion), style, content), *quantize(motion)))
    entries += [(Clip(f"unlabelled-{n}", 100), *quantize(walk(100, 1.0 + 0.1 * n))) for n in range(5)]
    path = tmp_path_factory.mktemp("pack") / "pack.npz"
    build_pack(entries).save(path)
    return path


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("experiments")


def options(experiment, packed: Path, out: Path, **changes) -> Experiments:
    judge = RunOptions(out / "judges", steps=2, device="cpu", bf16=False, threads=1)
    tiny = Experiments(
        experiment,
        packed,
        packed,
        out,
        page=out / "results.md",
        judge=judge,
        arguments=TINY,
        repeats=1,
        steps=2,
        autoencoder_steps=2,
        end_to_end_steps=4,
        synthetic_groups=2,
        pairs=6,
        sets=0,
    )
    return replace(tiny, **changes)


def section(out: Path, name: str) -> dict:
    return read_json(out / f"{name}.json")


def test_the_main_experiment_measures_every_way_beside_the_cheats_and_trains_nothing_twice(packed, out, monkeypatch):
    experiments.main(options("main", packed, out, repeats=2, sets=1))
    first = section(out, "main")
    rows = first["tables"][0]["rows"]
    assert {name: len(repeats) for name, repeats in rows.items()} == {
        "real clips": 1,
        "content unchanged": 1,
        "reference unchanged": 1,
        "content turned by constants": 1,
        "supervised, by reference": 2,
        "supervised, by label": 2,
        "supervised, by label, sampled": 2,
        "unsupervised, by reference": 2,
        "unsupervised, unconditional sample": 2,
    }
    assert rows["reference unchanged"][0]["rotation_distance"] > 0
    assert "supervised, by label, eight samples" in first["tables"][2]["rows"]
    assert not list(out.rglob("runs/**/state.pt"))

    def no_training(_):
        raise AssertionError("trained again")

    trainers = {name: (options_class, no_training) for name, (options_class, _) in recorded_runs.COMMANDS.items()}
    monkeypatch.setattr(recorded_runs, "COMMANDS", trainers)
    experiments.main(options("main", packed, out, repeats=2, sets=1))
    again = section(out, "main")
    assert again["tables"] == first["tables"]
    assert again["trainings"] == first["trainings"]


def test_ablations_train_what_they_change_and_are_measured(packed, out):
    only = tuple(ABLATIONS[i].name for i in (0, 1, 2, 6, 7))
    experiments.main(options("ablations", packed, out, pairs=3, only=only))
    table = section(out, "ablations")["tables"][0]["rows"]
    for name in only:
        for way in ("by reference", "by label"):
            assert np.isfinite(table[f"{name}, {way}"][0]["frechet_distance"])
    trainings = {training["name"]: training["command"] for training in section(out, "ablations")["trainings"]}
    assert "--model.no-variational" in trainings["autoencoder ae"]
    assert "--run.steps 0" in trainings["autoencoder pose"]
    assert "--run.steps 4" in trainings["end-to-end training seed 0"]
    assert "no global motion predictor seed 0" not in trainings
    config = read_json(out / "checkpoints" / "no-global-motion-predictor-0" / "config.json")
    assert "global_motion" not in config


def test_held_out_styles_are_aimed_at_by_a_training_that_saw_none_of_them(packed, out):
    experiments.main(options("held-out", packed, out))
    rows = section(out, "held-out")["tables"][0]["rows"]
    assert set(rows) == {"brisk, by reference", "slow, by reference", "mean of all styles"}
    parts = [rows[f"{style}, by reference"][0]["content"] for style in ("brisk", "slow")]
    assert rows["mean of all styles"][0]["content"] == pytest.approx(np.mean(parts))
    commands = {training["name"]: training["command"] for training in section(out, "held-out")["trainings"]}
    assert "--no-supervised" in commands["open seed 0"]
    assert commands["open seed 0"].endswith("--held-out brisk slow")
    synthetic = commands["synthetic styles without held-out styles"]
    assert synthetic.endswith("--neutral normal --held-out brisk slow")


def test_the_page_keeps_the_sections_of_other_experiments(packed, out):
    page = (out / "results.md").read_text(encoding="utf-8")
    headings = re.findall("^## (.*)$", page, re.MULTILINE)
    assert headings[1:] == ["Main table", "Ablations", "Styles that no training saw"]
    assert "supervised, by label |" in page
    assert "python -m training.train_stylizer" in page
    assert "Not measured here" in page


def test_efficiency_counts_every_network_once_and_times_every_step(packed, out, monkeypatch):
    folder = out / "checkpoints" / "supervised-0"
    monkeypatch.setattr(experiments.efficiency_tables, "__defaults__", (1,))
    experiments.main(options("efficiency", packed, out, checkpoints=(str(folder),)))
    millions, times, memory = (table["rows"] for table in section(out, "efficiency")["tables"])
    values = {name: rows[0]["value"] for name, rows in millions.items()}
    assert set(values) == {"autoencoder", "stylizer", "global motion predictor", "all"}
    assert values["all"] == pytest.approx(sum(values.values()) / 2)
    assert values["autoencoder"] == pytest.approx(4.23, abs=0.02)  # 16.94 MB of weights in 32 bits
    assert all(rows[0]["value"] > 0 for rows in times.values())
    before, _, after = (rows[0]["value"] for rows in memory.values())
    assert 0 < before <= after


def test_the_interval_over_repeats_is_students():
    # The 97.5% point of Student's t with two degrees of freedom is 4.303; the deviation of 1, 2, 3 is 1.
    assert results_page.t_half_width([1.0, 2.0, 3.0]) == pytest.approx(4.3027 / np.sqrt(3), rel=1e-4)
    assert results_page.cell_text([{"style": v} for v in (0.8, 0.9)], "style") == "0.85 ± 0.635"


def test_one_repeat_shows_the_bootstrap_interval_and_a_missing_measure_nothing():
    row = {"style": 0.8, "style_interval": (0.75, 0.85), "leak": 0.0}
    assert results_page.cell_text([row], "style") == "0.8 (0.75 to 0.85)"
    assert results_page.cell_text([row], "leak") == "0"
    assert results_page.cell_text([row], "content") == ""
    assert results_page.number(1234.5) == "1234"


def test_a_folder_that_holds_another_training_is_refused(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"command": "another", "seconds": 1, "finished": True}))
    with pytest.raises(StylizeError, match="holds another training"):
        recorded_runs.finished_run("train_stylizer", ["--run.steps", "3"], tmp_path)


def test_a_training_that_was_cut_off_is_gone_on_with_and_its_times_add_up(tmp_path, monkeypatch):
    attempts = []

    def main(options):
        attempts.append(options.run.steps)
        if len(attempts) == 1:
            raise KeyboardInterrupt

    options_class, _ = recorded_runs.COMMANDS["train_global_motion"]
    monkeypatch.setitem(recorded_runs.COMMANDS, "train_global_motion", (options_class, main))
    arguments = ["--pack", "none.npz", "--run.out", str(tmp_path), "--run.steps", "7"]
    with pytest.raises(KeyboardInterrupt):
        recorded_runs.finished_run("train_global_motion", arguments, tmp_path)
    assert not read_json(tmp_path / "run.json")["finished"]
    before = read_json(tmp_path / "run.json")["seconds"]
    run = recorded_runs.finished_run("train_global_motion", arguments, tmp_path)
    assert attempts == [7, 7]
    assert run.seconds >= before
    recorded_runs.finished_run("train_global_motion", arguments, tmp_path)
    assert len(attempts) == 2


def test_names_of_variants_are_their_own():
    names = [variant.name for variant in (*MAIN, *ABLATIONS, *held_out(["a", "b"], {"a", "b", "c"}))]
    assert len(set(names)) == len(names)
