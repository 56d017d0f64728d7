"""Train the motion autoencoder.

python -m training.train_autoencoder --pack packs/train.npz --run.out runs/autoencoder --run.steps 12000
"""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from stylize.checkpoint import config_from_dict, config_to_dict, load_network, read_json, save_network, write_json
from stylize.features import BLOCKS, NUM_JOINTS
from stylize.models.autoencoder import Autoencoder, AutoencoderConfig, DecodedPose
from stylize.models.stylizer import sample_gaussian
from training.command import run_command
from training.datasets import CropSampler, FeatureClip, change_speed, feature_statistics, load_feature_clips
from training.loop import RunOptions, Trainer, set_up


@dataclass(frozen=True)
class TrainAutoencoder:
    """Train the motion autoencoder.

    Attributes:
        pack: the training pack (training.prepare).
        run: length, device, seed and folder.
        model: sizes; `--model.no-variational` for a plain autoencoder, `--model.no-latent` for none (the stylizer
            then works in pose space), which takes no steps.
        batch_size: crops of 128 frames a step; shorter crops come in larger batches.
        kl_weight: of the posterior against the standard normal.
        speeds: a copy of every clip is added at each of these speeds.
        start_from: folder of a run whose weights to go on from.
    """

    pack: Path
    run: RunOptions
    model: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    batch_size: int = 16
    kl_weight: float = 2e-4
    speeds: tuple[float, ...] = (0.7, 1.4)
    start_from: Path | None = None


def autoencoder_losses(autoencoder: Autoencoder, features: Tensor, kl_weight: float) -> dict[str, Tensor]:
    """Losses of a batch (B, T, 272): decoded blocks, posed joints, their velocities, and the posterior."""
    mean, log_variance = autoencoder.encode_distribution(features)
    raw_latents = sample_gaussian(mean, log_variance) if autoencoder.config.variational else mean
    decoded = autoencoder.decode_raw(raw_latents).float()
    columns = autoencoder.decoded_columns
    scaled_error = (decoded - features[..., columns]) / autoencoder.feature_std[columns]
    pose = DecodedPose(decoded)
    positions = pose.positions()
    target = features[..., BLOCKS["positions"]].unflatten(-1, (NUM_JOINTS, 3))
    position_error = (positions - target).norm(dim=-1)
    velocity_error = (torch.diff(positions, dim=1) - torch.diff(target, dim=1)).norm(dim=-1)
    losses = {
        "blocks": nn.functional.smooth_l1_loss(scaled_error, torch.zeros_like(scaled_error), beta=0.2),
        "positions": 5.0 * position_error.mean(),
        "steps": 20.0 * velocity_error.mean(),
        "_position_error_cm": 100.0 * position_error.mean(),
    }
    if autoencoder.config.variational:
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
        losses["kl"] = kl_weight * kl.sum(1).mean()
        losses["_kl_nats"] = kl.sum(1).mean()
    return losses


def set_feature_statistics(autoencoder: Autoencoder, clips: list[FeatureClip]) -> None:
    """Set the mean and deviation that make the features of ``clips`` standard."""
    mean, std = feature_statistics(clips)
    autoencoder.feature_mean.copy_(mean)
    autoencoder.feature_std.copy_(std)


@torch.no_grad()
def set_latent_statistics(autoencoder: Autoencoder, clips: list[FeatureClip]) -> None:
    """Set the mean and deviation that make the latents of ``clips`` standard."""
    autoencoder.latent_mean.zero_()
    autoencoder.latent_std.fill_(1.0)
    device = autoencoder.latent_mean.device
    latents = [autoencoder.encode(torch.from_numpy(clip.features)[None].to(device))[0] for clip in clips]
    frames = torch.cat(latents, dim=1)
    autoencoder.latent_mean.copy_(frames.mean(1))
    autoencoder.latent_std.copy_(frames.std(1) + 1e-4)


def load_autoencoder(folder: Path) -> Autoencoder:
    """The autoencoder that a run left in its folder, frozen."""
    autoencoder = Autoencoder(config_from_dict(AutoencoderConfig, read_json(folder / "autoencoder.json")))
    load_network(autoencoder, folder / "autoencoder.safetensors")
    return autoencoder


def save_autoencoder(autoencoder: Autoencoder, folder: Path) -> None:
    """Write what ``load_autoencoder`` reads."""
    save_network(autoencoder, folder / "autoencoder.safetensors")
    write_json(config_to_dict(autoencoder.config), folder / "autoencoder.json")


def train(autoencoder: Autoencoder, clips: list[FeatureClip], options: TrainAutoencoder) -> Autoencoder:
    """The autoencoder after its steps on the clips and their copies at other speeds."""
    sequences = [clip.features for clip in clips]
    sequences += [change_speed(features, speed) for features in sequences for speed in options.speeds]
    sampler = CropSampler(sequences, (32, 64, 128), seed=options.run.seed)
    trainer = Trainer(autoencoder, options.run, [sampler.rng])

    def losses_of(_: int) -> dict[str, Tensor]:
        features = torch.from_numpy(sampler.batch(options.batch_size)).to(trainer.device)
        return autoencoder_losses(autoencoder, features, options.kl_weight)

    trained = trainer.run(losses_of)
    assert isinstance(trained, Autoencoder)
    return trained


def main(options: TrainAutoencoder) -> None:
    """Train, then write autoencoder.safetensors and autoencoder.json into the run's folder."""
    set_up(options.run)
    clips = load_feature_clips(options.pack, mirror=True)
    autoencoder = Autoencoder(options.model)
    if options.start_from:
        load_network(autoencoder, options.start_from / "autoencoder.safetensors")
        autoencoder.requires_grad_(True)
    set_feature_statistics(autoencoder, clips)
    if options.model.latent:
        autoencoder = train(autoencoder, clips, options)
    set_latent_statistics(autoencoder, clips)
    save_autoencoder(autoencoder, options.run.out)


if __name__ == "__main__":
    run_command(main, TrainAutoencoder, __doc__)
