"""The trainers on a pack of a few synthetic clips: they run, resume, and their networks load."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from stylize import features
from stylize.checkpoint import config_from_dict, read_json
from stylize.errors import CheckpointError, StylizeError
from stylize.models.autoencoder import DECODED_SIZE, Autoencoder, AutoencoderConfig, DecodedPose
from stylize.models.layers import ResidualBlock
from stylize.models.stylizer import Stylizer as StylizerNetwork
from stylize.models.stylizer import StylizerConfig
from stylize.motion import Motion
from stylize.pipeline import Stylizer
from stylize.restyle import Restyler
from stylize.styles import SavedStyle, Style
from tests.conftest import walk
from training import export, train_autoencoder, train_global_motion, train_stylizer
from training.classifiers import IGNORE, Guide
from training.command import run_command
from training.datasets import feature_mirror, load_feature_clips, mirror_content
from training.export import Export
from training.loop import RunOptions, Trainer
from training.packs import Clip, Pack, build_pack, quantize
from training.stylizer_losses import LossWeights, StylizerTraining, gaussian_kl, stride_error
from training.train_autoencoder import TrainAutoencoder, autoencoder_losses, load_autoencoder
from training.train_stylizer import StyleSampler, TrainStylizer, encode_clips, stacked


def small_pack() -> Pack:
    entries = []
    for style, speed in (("brisk", 1.5), ("slow", 0.6), ("set1/odd", 1.0)):
        for content, cadence in (("walk-left", 1.6), ("run", 2.6)):
            motion = walk(64, cadence, speed)
            entries.append((Clip(f"{style}-{content}", len(motion), style, content), *quantize(motion)))
    entries.append((Clip("unlabelled", 64), *quantize(walk(64, 1.0))))
    return build_pack(entries)


def test_a_pack_keeps_motion_to_a_tenth_of_a_millimetre_and_its_labels(tmp_path):
    pack = small_pack()
    pack.save(tmp_path / "pack.npz")
    loaded = Pack.load(tmp_path / "pack.npz")
    assert loaded.clips == pack.clips
    np.testing.assert_array_equal(loaded.rotations, pack.rotations)
    expected = walk(64, 2.6, 0.6)
    assert np.abs(loaded.motion(3).positions - expected.positions).max() < 5e-4


def test_a_training_program_says_in_one_sentence_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["train", "--pack", "none.npz", "--run.out", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"^error: There is no pack none\.npz; make it with training\.prepare\.$"):
        run_command(train_autoencoder.main, TrainAutoencoder, None)


def test_mirrored_features_are_those_of_the_mirrored_motion(random_motion):
    columns, signs = feature_mirror()
    mirrored = features.encode(random_motion)[:, columns] * signs
    np.testing.assert_allclose(mirrored, features.encode(random_motion.mirror()), atol=1e-5)
    assert mirror_content("turn-left-then-right") == "turn-right-then-left"


def short_run(folder: Path, steps: int = 3) -> RunOptions:
    return RunOptions(folder, steps=steps, device="cpu", bf16=False, checkpoint_every=2, log_every=1)


def stylizer_options(packed: Path, runs: Path, name: str, **changes) -> TrainStylizer:
    options = TrainStylizer(packed, runs / "autoencoder", short_run(runs / name), batch_size=2, guide_steps=3)
    return replace(options, **changes)


def sampler_of(pack_path: Path, autoencoder: Path, **changes) -> StyleSampler:
    options = TrainStylizer(pack_path, autoencoder, short_run(autoencoder), batch_size=4, **changes)
    return StyleSampler(load_feature_clips(pack_path, mirror=True), load_autoencoder(autoencoder).encode, options)


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pack") / "pack.npz"
    small_pack().save(path)
    return path


@pytest.fixture(scope="module")
def runs(packed, tmp_path_factory) -> Path:
    """Trained for a few steps: an autoencoder and a predictor."""
    folder = tmp_path_factory.mktemp("runs")
    train_autoencoder.main(TrainAutoencoder(packed, short_run(folder / "autoencoder"), batch_size=2))
    predictor = train_global_motion.TrainGlobalMotion(packed, short_run(folder / "global_motion"), batch_size=2)
    train_global_motion.main(predictor)
    return folder


def test_every_trainer_runs_and_the_exported_checkpoint_restyles(packed, runs, tmp_path):
    train_stylizer.main(stylizer_options(packed, runs, "stylizer"))
    train_stylizer.main(stylizer_options(packed, runs, "open", supervised=False))
    log = [json.loads(line) for line in (runs / "stylizer" / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in log] == [1, 2, 3]
    assert all(np.isfinite(list(row.values())).all() for row in log)
    export.main(
        Export(
            runs / "autoencoder",
            tmp_path,
            global_motion=runs / "global_motion",
            stylizer=runs / "stylizer",
            open_stylizer=runs / "open",
            pack=packed,
        )
    )
    stylizer = Stylizer.from_pretrained(tmp_path)
    assert [label.name for label in stylizer.labels] == ["brisk", "set1/odd", "slow"]
    assert stylizer.restyler.predictor is not None
    assert np.isfinite(stylizer.stylize(small_pack().motion(0), "slow").motions[0].positions).all()


@pytest.mark.parametrize(("count", "linked"), [(2, False), (7, True)])
def test_without_labels_groups_of_style_codes_guide_the_training(packed, runs, count, linked):
    train_stylizer.main(stylizer_options(packed, runs, "before_groups", supervised=False))
    grouped = stylizer_options(
        packed,
        runs,
        f"groups_{count}",
        supervised=False,
        groups=count,
        linked_groups=linked,
        start_from=runs / "before_groups",
        weights=LossWeights(moments=1),
    )
    train_stylizer.main(grouped)
    last = json.loads((runs / f"groups_{count}" / "log.jsonl").read_text().splitlines()[-1])
    assert np.isfinite(last["guidance_style"]) and np.isfinite(last["guidance_movement"])
    assert "guidance_content" not in last and last["_moments_off"] > 0
    assert json.loads((runs / f"groups_{count}" / "stylizer.json").read_text())["labels"] == []


def test_an_unlabelled_clip_is_of_the_action_that_the_guide_surely_sees(packed, runs):
    sampler = sampler_of(packed, runs / "autoencoder", aligned=False)
    guide = Guide(sampler.latents[0].shape[1], len(sampler.labels), len(sampler.contents))
    head = guide.whole.heads["content"]
    assert isinstance(head, nn.Linear)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    sampler.name_actions(guide)
    assert (sampler.content[-2:] == IGNORE).all() and np.isnan(sampler.tempos[IGNORE]).all()
    head.bias.data[1] = 10.0
    sampler.name_actions(guide)
    assert (sampler.content[-2:] == 1).all() and np.isfinite(sampler.tempos[IGNORE, 1])
    assert (sampler.content[:-2] != IGNORE).all()


def test_an_export_without_stylizers_or_without_a_predictor(packed, runs, tmp_path):
    with pytest.raises(StylizeError, match="--open-stylizer"):
        export.main(Export(runs / "autoencoder", tmp_path))
    train_stylizer.main(stylizer_options(packed, runs, "without_guidance", weights=LossWeights(guidance=0)))
    export.main(Export(runs / "autoencoder", tmp_path, stylizer=runs / "without_guidance"))
    stylizer = Stylizer.from_pretrained(tmp_path)
    assert stylizer.restyler.predictor is None
    motion = small_pack().motion(0)
    assert np.isfinite(stylizer.stylize(motion, "slow").motions[0].positions).all()


def test_without_a_predictor_the_root_moves_as_the_decoder_says():
    decoded = torch.randn(2, 8, DECODED_SIZE)
    restyler = Restyler(Autoencoder(AutoencoderConfig(latent=False)), {}, None)
    torch.testing.assert_close(restyler.root_velocity(DecodedPose(decoded)), decoded[..., :3])


def test_in_pose_space_the_latents_are_the_pose_and_come_back_exactly(packed, tmp_path):
    pose_space = AutoencoderConfig(latent=False)
    train_autoencoder.main(TrainAutoencoder(packed, short_run(tmp_path, steps=0), pose_space))
    autoencoder = load_autoencoder(tmp_path)
    assert not list(autoencoder.parameters())
    clip = torch.from_numpy(features.encode(walk(62, 2.0)))[None]
    latents = autoencoder.encode(clip)
    assert latents.shape == (1, 4 * DECODED_SIZE, 16)
    columns = autoencoder.decoded_columns
    torch.testing.assert_close(autoencoder.decode(latents)[:, :62], clip[..., columns], atol=1e-4, rtol=1e-4)
    frames = (clip[0, 4:8, columns] - autoencoder.feature_mean[columns]) / autoencoder.feature_std[columns]
    raw = latents[0, :, 1] * autoencoder.latent_std + autoencoder.latent_mean
    torch.testing.assert_close(raw, frames.flatten(), atol=1e-4, rtol=1e-4)
    train_stylizer.main(stylizer_options(packed, tmp_path, "stylizer", autoencoder=tmp_path))
    assert read_json(tmp_path / "stylizer" / "stylizer.json")["latent_channels"] == 4 * DECODED_SIZE


def test_strides_are_held_against_those_of_the_wanted_style_at_the_same_tempo(packed, tmp_path):
    train_autoencoder.main(TrainAutoencoder(packed, short_run(tmp_path, steps=0), AutoencoderConfig(latent=False)))
    sampler, decoder = sampler_of(packed, tmp_path), load_autoencoder(tmp_path)
    brisk, slow, run = sampler.labels.index("brisk"), sampler.labels.index("slow"), sampler.contents.index("run")
    np.testing.assert_allclose(np.exp(sampler.paces[[brisk, slow], run]), [1.5, 0.6], rtol=0.03)
    clips = [
        next(i for i, clip in enumerate(sampler.clips) if (clip.style, clip.content) == (style, "run"))
        for style in ("slow", "brisk")
    ]
    contents, made = (sampler.latents[index].T[None] for index in clips)
    wanted = torch.tensor([sampler.paces[brisk, run] - sampler.paces[slow, run]])
    assert float(stride_error(decoder, contents, made, wanted)) == pytest.approx(0, abs=0.02)
    assert float(stride_error(decoder, contents, contents, wanted)) == pytest.approx(-np.log(1.5 / 0.6), abs=0.02)
    assert not sampler.batch(torch.device("cpu")).stride_change.isnan().all()
    train_stylizer.main(stylizer_options(packed, tmp_path, "s", autoencoder=tmp_path, weights=LossWeights(stride=1)))
    log = [json.loads(line) for line in (tmp_path / "s" / "log.jsonl").read_text().splitlines()]
    assert all(row["stride"] > 0 for row in log if "stride" in row) and any("stride" in row for row in log)


def test_an_autoencoder_without_a_posterior_trains_on_its_mean(packed, tmp_path):
    plain = AutoencoderConfig(latent_channels=8, widths=(16, 16, 16), variational=False)
    train_autoencoder.main(TrainAutoencoder(packed, short_run(tmp_path), plain, batch_size=2))
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert "kl" not in log[0]
    clip = torch.from_numpy(features.encode(walk(60, 2.0)))[None]
    errors = [float(autoencoder_losses(load_autoencoder(tmp_path), clip, 0.0)["blocks"]) for _ in range(2)]
    assert errors[0] == errors[1]


def test_a_config_that_was_written_before_a_switch_existed_has_its_default(tmp_path):
    config = config_from_dict(AutoencoderConfig, {"latent_channels": 8, "widths": [8, 8, 8], "variational": True})
    assert config == AutoencoderConfig(8, (8, 8, 8))
    with pytest.raises(CheckpointError, match=r"lacks \['labels'\]"):
        config_from_dict(StylizerConfig, {"width": 8})


def test_end_to_end_the_autoencoder_is_trained_with_the_stylizer(packed, runs, tmp_path):
    options = stylizer_options(packed, runs, "end_to_end", end_to_end=True)
    train_stylizer.main(options)
    trained = load_autoencoder(options.run.out)
    zero_at_first = [block.second.weight for block in trained.modules() if isinstance(block, ResidualBlock)]
    assert all(float(weight.abs().max()) > 0 for weight in zero_at_first)
    log = [json.loads(line) for line in (options.run.out / "log.jsonl").read_text().splitlines()]
    assert {"autoencoder_blocks", "autoencoder_kl", "rebuilt", "kl"} <= set(log[0])
    assert "guidance_style" not in log[0]
    export.main(Export(options.run.out, tmp_path, stylizer=options.run.out))
    assert isinstance(Stylizer.from_pretrained(tmp_path).stylize(small_pack().motion(0), "slow").motions[0], Motion)


def test_end_to_end_the_stylizers_losses_reach_the_encoder(packed, runs):
    sampler = sampler_of(packed, runs / "autoencoder")
    sampler.encode = stacked
    sampler.latents = encode_clips(stacked, sampler.clips, torch.device("cpu"))
    autoencoder = Autoencoder(AutoencoderConfig(latent_channels=8, widths=(16, 16, 16)))
    autoencoder.feature_std.fill_(1.0)
    stylizer = StylizerNetwork(StylizerConfig(sampler.labels, latent_channels=8, width=16))
    training = StylizerTraining(stylizer, None, LossWeights(), sampler.label_counts, autoencoder)
    losses = training(sampler.batch(torch.device("cpu")))
    losses["rebuilt"].backward()
    gradients = [parameter.grad for parameter in autoencoder.encoder.parameters()]
    assert 0 < max(float(gradient.abs().max()) for gradient in gradients if gradient is not None) < 1e6
    assert all(parameter.grad is None for parameter in autoencoder.decoder.parameters())


def test_end_to_end_with_synthetic_styles_is_refused(packed, runs):
    with pytest.raises(StylizeError, match="leave --synthetic out"):
        train_stylizer.main(stylizer_options(packed, runs, "x", end_to_end=True, synthetic=(packed,)))


def test_homo_style_alignment_takes_another_clip_of_the_style_and_without_it_the_clip_itself(packed, runs):
    batch = sampler_of(packed, runs / "autoencoder").batch(torch.device("cpu"))
    assert batch.same_style.shape != batch.latents.shape or not torch.equal(batch.same_style, batch.latents)
    sampler = sampler_of(packed, runs / "autoencoder", homo_style=False)
    batch = sampler.batch(torch.device("cpu"))
    torch.testing.assert_close(batch.same_style, batch.latents)
    stylizer = StylizerNetwork(StylizerConfig(sampler.labels, width=16))
    losses = StylizerTraining(stylizer, None, LossWeights(cycle=0), sampler.label_counts)(batch)
    assert losses["alignment"].item() == 0
    assert "cycle" not in losses


def test_the_style_code_of_a_deterministic_stylizer_is_its_mean_however_often_it_is_drawn(packed, runs, tmp_path):
    model = StylizerConfig(labels=(), width=16, probabilistic=False)
    train_stylizer.main(stylizer_options(packed, runs, "deterministic", model=model))
    log = (runs / "deterministic" / "log.jsonl").read_text()
    assert '"kl"' not in log
    export.main(Export(runs / "autoencoder", tmp_path, runs / "global_motion", stylizer=runs / "deterministic"))
    stylizer = Stylizer.from_pretrained(tmp_path)
    content, reference = small_pack().motion(0), small_pack().motion(4)
    for style in (Style.from_motion(reference), Style.sample("slow"), Style.from_label("slow")):
        first, second = stylizer.stylize(content, style, num_samples=2).motions
        np.testing.assert_allclose(first.positions, second.positions, atol=1e-3)
    saved = SavedStyle.load(stylizer.make_style("mine", [reference]).save(tmp_path / "mine"))
    assert isinstance(stylizer.stylize(content, Style.from_file(saved)).motions[0], Motion)


def test_labels_without_priors_say_which_clips_are_in_one_style_and_leave_the_codes_open(packed, runs, tmp_path):
    train_stylizer.main(stylizer_options(packed, runs, "no-priors", label_priors=False))
    log = [json.loads(line) for line in (runs / "no-priors" / "log.jsonl").read_text().splitlines()]
    assert all(row["guidance_style"] > 0 for row in log)
    export.main(Export(runs / "autoencoder", tmp_path, open_stylizer=runs / "no-priors", pack=packed))
    stylizer = Stylizer.from_pretrained(tmp_path)
    assert stylizer.labels == ()
    reference = Style.from_motion(small_pack().motion(4))
    assert isinstance(stylizer.stylize(small_pack().motion(0), reference).motions[0], Motion)
    export.main(
        Export(runs / "autoencoder", tmp_path, open_stylizer=runs / "no-priors", pack=packed, push=0.35, code_share=0.5)
    )
    chosen = Stylizer.from_pretrained(tmp_path)
    plain, other = (each.restyler.networks["open_stylizer"].config for each in (stylizer, chosen))
    assert (plain.push, plain.code_share, plain.posture_gain) == (0.0, 1.0, 1.0)
    assert (other.push, other.code_share, other.posture_gain) == (0.35, 0.5, 1.0)
    assert stylizer.fingerprints != chosen.fingerprints, "a saved style holds the posture that goes with a share"


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
