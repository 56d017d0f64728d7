import numpy as np
import pytest
import torch

from stylize import features
from stylize.checkpoint import config_from_dict, config_to_dict, load_network, save_network
from stylize.errors import CheckpointError
from stylize.models.autoencoder import Autoencoder, AutoencoderConfig, DecodedPose
from stylize.models.global_motion import GlobalMotionConfig, GlobalMotionPredictor
from stylize.models.stylizer import Stylizer, StylizerConfig
from training.train_autoencoder import autoencoder_losses
from training.train_global_motion import ROOT_VELOCITIES, global_motion_losses

SMALL = AutoencoderConfig(latent_channels=16, widths=(32, 48, 48))


@pytest.fixture
def encoded(procedural_walk) -> torch.Tensor:
    return torch.from_numpy(features.encode(procedural_walk)[:88])[None]


def with_statistics(encoded: torch.Tensor) -> Autoencoder:
    torch.manual_seed(0)
    autoencoder = Autoencoder(SMALL)
    autoencoder.feature_mean.copy_(encoded[0].mean(0))
    autoencoder.feature_std.copy_(encoded[0].std(0) + 0.05)
    return autoencoder


@pytest.mark.parametrize("frames", [30, 31, 32, 33])
def test_latents_cover_any_number_of_frames(frames):
    autoencoder = Autoencoder(SMALL).eval()
    latents = autoencoder.encode(torch.randn(2, frames, 272))
    assert latents.shape == (2, 16, 8 if frames <= 32 else 9)
    assert autoencoder.decode(latents).shape[1] >= frames


def test_the_autoencoder_overfits_one_clip_to_millimetres(encoded):
    autoencoder = with_statistics(encoded)
    optimizer = torch.optim.AdamW(autoencoder.parameters(), lr=3e-3)
    for _ in range(150):
        losses = autoencoder_losses(autoencoder, encoded, kl_weight=0.0)
        optimizer.zero_grad()
        torch.stack([v for k, v in losses.items() if not k.startswith("_")]).sum().backward()
        optimizer.step()
    assert losses["_position_error_cm"] < 1.5


def test_posed_joints_of_the_decoder_have_rigid_bones(encoded):
    pose = DecodedPose(Autoencoder(SMALL).eval().decode(torch.randn(1, 16, 8)))
    thigh = (pose.positions()[..., 4, :] - pose.positions()[..., 1, :]).norm(dim=-1)
    torch.testing.assert_close(thigh, torch.full_like(thigh, 0.39))


def test_the_predictor_finds_the_speed_of_a_walk_after_a_few_steps(encoded):
    torch.manual_seed(0)
    predictor = GlobalMotionPredictor(GlobalMotionConfig(width=32, blocks=2))
    positions = encoded[..., features.BLOCKS["positions"]].unflatten(-1, (22, 3))
    target = encoded[..., ROOT_VELOCITIES]
    optimizer = torch.optim.AdamW(predictor.parameters(), lr=3e-3)
    for _ in range(150):
        losses = global_motion_losses(predictor, positions, target)
        optimizer.zero_grad()
        (losses["frames"] + losses["drift"]).backward()
        optimizer.step()
    assert predictor(positions)[0, :, 2].mean().item() == pytest.approx(1.2, abs=0.1)


def make_stylizer(normalize: bool = False) -> Stylizer:
    torch.manual_seed(0)
    return Stylizer(StylizerConfig(("a", "b"), latent_channels=16, width=32, generator_blocks=2, normalize=normalize))


@pytest.mark.parametrize("normalize", [False, True])
def test_a_style_code_for_every_frame_equals_the_same_code_given_once(normalize):
    stylizer = make_stylizer(normalize)
    content, style = stylizer.encode_content(torch.randn(2, 16, 12)), torch.randn(2, 64)
    torch.testing.assert_close(
        stylizer.generate(content, style), stylizer.generate(content, style[..., None].expand(-1, -1, 12))
    )


def test_the_style_code_has_one_size_for_references_of_any_length():
    stylizer = make_stylizer()
    for length in (3, 40):
        mean, log_variance = stylizer.encode_style(torch.randn(2, 16, length))
        assert mean.shape == log_variance.shape == (2, 64)


def test_saved_weights_give_the_same_output_in_full_and_nearly_in_half_precision(tmp_path, encoded):
    autoencoder = with_statistics(encoded).eval()
    expected = autoencoder.encode(encoded)
    for half, tolerance in ((False, 1e-7), (True, 2e-2)):
        save_network(autoencoder, tmp_path / "weights.safetensors", half=half)
        loaded = Autoencoder(SMALL)
        load_network(loaded, tmp_path / "weights.safetensors")
        torch.testing.assert_close(loaded.encode(encoded), expected, atol=tolerance, rtol=tolerance)


def test_weights_of_another_size_are_refused_in_one_sentence(tmp_path):
    save_network(Autoencoder(SMALL), tmp_path / "weights.safetensors")
    with pytest.raises(CheckpointError, match=r"weights\.safetensors do not fit"):
        load_network(Autoencoder(AutoencoderConfig(8, (32, 48, 48))), tmp_path / "weights.safetensors")


def test_a_config_survives_json_and_refuses_unknown_keys():
    config = StylizerConfig(("a",), normalize=True)
    as_json = config_to_dict(config) | {"labels": ["a"]}
    assert config_from_dict(StylizerConfig, as_json) == config
    with pytest.raises(CheckpointError, match="colour"):
        config_from_dict(StylizerConfig, as_json | {"colour": 1})


def test_gradients_are_finite_where_a_clip_stands_still():
    autoencoder = Autoencoder(SMALL)
    losses = autoencoder_losses(autoencoder, torch.zeros(1, 16, 272), kl_weight=1e-3)
    torch.stack([v for k, v in losses.items() if not k.startswith("_")]).sum().backward()
    gradients = [p.grad for p in autoencoder.parameters() if p.grad is not None]
    assert gradients
    assert all(np.isfinite(g.numpy()).all() for g in gradients)
