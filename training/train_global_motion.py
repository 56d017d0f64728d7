"""Train the global motion predictor.

python -m training.train_global_motion --pack packs/train.npz --run.out runs/global_motion --run.steps 6000
"""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from stylize.checkpoint import config_to_dict, save_network, write_json
from stylize.features import BLOCKS, FPS, NUM_JOINTS
from stylize.models.global_motion import GlobalMotionConfig, GlobalMotionPredictor
from training.command import run_command
from training.datasets import CropSampler, load_feature_clips
from training.loop import RunOptions, Trainer, set_up

ROOT_VELOCITIES = slice(BLOCKS["root_yaw_velocity"].start, BLOCKS["root_planar_velocity"].stop)


@dataclass(frozen=True)
class TrainGlobalMotion:
    """Train the global motion predictor.

    Attributes:
        pack: the training pack (training.prepare).
        run: length, device, seed and folder.
        model: sizes.
        batch_size: crops of 128 frames a step.
        noise: deviation in metres of a slow offset and of a tenth as much jitter, added to the joints, so that
            the imperfect poses of a stylizer are no surprise.
    """

    pack: Path
    run: RunOptions
    model: GlobalMotionConfig = field(default_factory=GlobalMotionConfig)
    batch_size: int = 24
    noise: float = 0.01


def global_motion_losses(predictor: GlobalMotionPredictor, positions: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Losses of positions (B, T, 22, 3) against root velocities (B, T, 3): a frame's, and of half a second."""
    error = (predictor(positions).float() - target) / predictor.output_std
    window = FPS // 2
    drift = nn.functional.avg_pool1d(error.transpose(1, 2), window, stride=window // 3)
    planar = (error * predictor.output_std)[..., 1:].norm(dim=-1).mean()
    return {"frames": error.abs().mean(), "drift": drift.abs().mean(), "_planar_error_cm_a_frame": 100 * planar / FPS}


def main(options: TrainGlobalMotion) -> None:
    """Train, then write global_motion.safetensors and global_motion.json into the run's folder."""
    set_up(options.run)
    clips = load_feature_clips(options.pack, mirror=True)
    predictor = GlobalMotionPredictor(options.model)
    frames = torch.cat([torch.from_numpy(clip.features) for clip in clips[::7]])
    inputs = predictor.inputs(frames[None, :, BLOCKS["positions"]].unflatten(-1, (NUM_JOINTS, 3)))[0]
    half = inputs.shape[1] // 2
    predictor.input_mean.copy_(inputs.mean(0))
    # One scale for all positions and one for all steps: the seams between clips are rare enough.
    predictor.input_std[:half] = inputs[:, :half].std(0).mean()
    predictor.input_std[half:] = inputs[:, half:].abs().median() * 2 + 1e-4
    predictor.output_mean.copy_(frames[:, ROOT_VELOCITIES].mean(0))
    predictor.output_std.copy_(frames[:, ROOT_VELOCITIES].std(0) + 1e-3)
    sampler = CropSampler([clip.features for clip in clips], (32, 64, 128), seed=options.run.seed)
    trainer = Trainer(predictor, options.run, [sampler.rng])

    def losses_of(_: int) -> dict[str, Tensor]:
        features = torch.from_numpy(sampler.batch(options.batch_size)).to(trainer.device)
        positions = features[..., BLOCKS["positions"]].unflatten(-1, (NUM_JOINTS, 3))
        slow = torch.randn_like(positions[:, :1]) * options.noise
        jitter = torch.randn_like(positions) * options.noise * 0.1
        return global_motion_losses(predictor, positions + slow + jitter, features[..., ROOT_VELOCITIES])

    trained = trainer.run(losses_of)
    save_network(trained, options.run.out / "global_motion.safetensors")
    write_json(config_to_dict(options.model), options.run.out / "global_motion.json")


if __name__ == "__main__":
    run_command(main, TrainGlobalMotion, __doc__)
