"""The trainers on a pack of a few synthetic clips: they run, resume, and their networks load."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from stylize import features
from stylize.motion import Motion
from stylize.pipeline import Stylizer
from tests.conftest import walk
from training import export, train_autoencoder, train_global_motion, train_stylizer
from training.datasets import feature_mirror, mirror_content
from training.loop import RunOptions, Trainer
from training.packs import Clip, Pack, build_pack, quantize
from training.stylizer_losses import gaussian_kl


@pytest.fixture
def pack(tmp_path) -> Pack:
    entries = []
    for style, speed in (("brisk", 1.5), ("slow", 0.6), ("set1/odd", 1.0)):
        for content, cadence in (("walk-left", 1.6), ("run", 2.6)):
            motion = walk(64, cadence, speed)
            entries.append((Clip(f"{style}-{content}", len(motion), style, content), *quantize(motion)))
    entries.append((Clip("unlabelled", 64), *quantize(walk(64, 1.0))))
    return build_pack(entries)


def test_a_pack_keeps_motion_to_a_tenth_of_a_millimetre_and_its_labels(pack, tmp_path):
    pack.save(tmp_path / "pack.npz")
    loaded = Pack.load(tmp_path / "pack.npz")
    assert loaded.clips == pack.clips
    np.testing.assert_array_equal(loaded.rotations, pack.rotations)
    expected = walk(64, 2.6, 0.6)
    assert np.abs(loaded.motion(3).positions - expected.positions).max() < 5e-4


def test_mirrored_features_are_those_of_the_mirrored_motion(random_motion):
    columns, signs = feature_mirror()
    mirrored = features.encode(random_motion)[:, columns] * signs
    np.testing.assert_allclose(mirrored, features.encode(random_motion.mirror()), atol=1e-5)
    assert mirror_content("turn-left-then-right") == "turn-right-then-left"


def test_every_trainer_runs_and_the_exported_checkpoint_restyles(pack, tmp_path):
    pack.save(tmp_path / "pack.npz")
    packed, runs = tmp_path / "pack.npz", tmp_path / "runs"

    def run(name: str) -> RunOptions:
        return RunOptions(runs / name, steps=3, device="cpu", bf16=False, checkpoint_every=2, log_every=1)

    train_autoencoder.main(train_autoencoder.TrainAutoencoder(packed, run("autoencoder"), batch_size=2))
    train_global_motion.main(train_global_motion.TrainGlobalMotion(packed, run("global_motion"), batch_size=2))
    train_stylizer.main(
        train_stylizer.TrainStylizer(packed, runs / "autoencoder", run("stylizer"), batch_size=2, guide_steps=3)
    )
    log = [json.loads(line) for line in (runs / "stylizer" / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in log] == [1, 2, 3]
    assert all(np.isfinite(list(row.values())).all() for row in log)
    out = tmp_path / "checkpoint"
    export.main(export.Export(runs / "autoencoder", runs / "stylizer", runs / "global_motion", out))
    stylizer = Stylizer.from_pretrained(out)
    assert [label.name for label in stylizer.labels] == ["brisk", "set1/odd", "slow"]
    assert isinstance(stylizer.stylize(pack.motion(0), "slow").motions[0], Motion)


def train_line(folder, steps: int) -> torch.Tensor:
    torch.manual_seed(0)
    module = nn.Linear(4, 1)
    rng = np.random.default_rng(0)
    options = RunOptions(folder, steps=steps, device="cpu", bf16=False, checkpoint_every=5, log_every=5)
    trainer = Trainer(module, options, [rng])

    def losses_of(_):
        x = torch.from_numpy(rng.normal(size=(8, 4)).astype(np.float32)) + 0.1 * torch.randn(8, 4)
        return {"error": (module(x) - x.sum(1, keepdim=True)).square().mean()}

    trainer._learning_rate = lambda: 1e-2  # the schedule depends on the steps, which differ here
    trainer.run(losses_of)
    return module.weight.detach().clone()


def test_a_training_that_was_cut_off_resumes_to_the_same_weights(tmp_path):
    whole = train_line(tmp_path / "whole", 20)
    train_line(tmp_path / "cut", 10)
    torch.testing.assert_close(train_line(tmp_path / "cut", 20), whole)


def test_the_divergence_of_gaussians_matches_torch():
    torch.manual_seed(0)
    mean, log_variance, prior_mean, prior_log_variance = torch.randn(4, 5, 7)
    expected = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, (0.5 * log_variance).exp()),
        torch.distributions.Normal(prior_mean, (0.5 * prior_log_variance).exp()),
    ).sum(-1)
    torch.testing.assert_close(gaussian_kl(mean, log_variance, prior_mean, prior_log_variance), expected)
