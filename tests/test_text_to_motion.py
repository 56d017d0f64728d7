from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from stylize.checkpoint import load_network, save_network
from stylize.models.text_to_motion import Condition, TextToMotion, TextToMotionConfig, sample
from training.train_text_to_motion import flow_losses

CONFIG = TextToMotionConfig(
    ("normal", "elderly"), latent_channels=6, text_size=8, width=32, layers=2, heads=2, feedforward=48
)


def condition(count: int) -> Condition:
    generator = torch.Generator().manual_seed(count)
    return Condition(
        torch.randn(count, CONFIG.text_size, generator=generator),
        torch.arange(count) % 4,
        torch.arange(count) % 2,
        torch.ones(count, dtype=torch.long),
    )


def network() -> TextToMotion:
    torch.manual_seed(0)
    made = TextToMotion(CONFIG)
    for parameter in made.parameters():
        parameter.data.normal_(std=0.2)
    return made.eval()


class Towards:
    """A perfect network: straight to the latents that a condition's first number names, if it is known."""

    config = CONFIG

    def __call__(self, latents, time, condition, lengths):
        target = condition.embedding[:, :1, None] * condition.known[:, None, None]
        return (target - latents) / (1 - time[:, None, None])


def test_what_lies_behind_the_end_of_a_clip_does_not_change_it():
    generator = network()
    latents, time = torch.randn(1, 6, 9), torch.tensor([0.3])
    alone = generator(latents[..., :5], time, condition(1), torch.tensor([5]))
    padded = generator(latents, time, condition(1), torch.tensor([5]))
    assert torch.allclose(alone[..., :4], padded[..., :4], atol=1e-5)
    changed = latents.clone()
    changed[..., 7:] += 100
    assert torch.allclose(
        generator(changed, time, condition(1), torch.tensor([5]))[..., :5], padded[..., :5], atol=1e-4
    )


def test_text_side_manner_and_length_each_count():
    generator = network()
    latents, time, base = torch.randn(1, 6, 8), torch.tensor([0.5]), condition(1)
    length = torch.tensor([8])
    reference = generator(latents, time, base, length)
    others = [
        Condition(base.embedding + 1, base.side, base.manner, base.known),
        Condition(base.embedding, base.side + 1, base.manner, base.known),
        Condition(base.embedding, base.side, base.manner + 1, base.known),
        base.unknown(),
    ]
    for other in others:
        assert not torch.allclose(generator(latents, time, other, length), reference, atol=1e-3)
    assert not torch.allclose(generator(latents, time, base, length - 2)[..., :4], reference[..., :4], atol=1e-3)


def test_what_is_not_asked_for_does_not_matter():
    generator = network()
    latents, time, length = torch.randn(1, 6, 8), torch.tensor([0.5]), torch.tensor([8])
    outputs = [
        generator(latents, time, Condition(e, s, m, torch.zeros(1)), length)
        for e, s, m in (
            (torch.zeros(1, 8), torch.tensor([0]), torch.tensor([0])),
            (torch.ones(1, 8), torch.tensor([3]), torch.tensor([1])),
        )
    ]
    assert torch.equal(*outputs)


def test_channels_that_are_not_made_stay_at_their_mean():
    config = replace(CONFIG, channels=(1, 4))
    torch.manual_seed(0)
    generator = TextToMotion(config).eval()
    latents = sample(generator, condition(1), [5], generator=torch.Generator().manual_seed(0))
    assert latents.shape == (1, CONFIG.latent_channels, 5)
    assert latents.abs().sum(dim=(0, 2)).nonzero().flatten().tolist() == [1, 4]


def test_one_batch_is_learnt():
    torch.manual_seed(0)
    generator = TextToMotion(CONFIG)
    latents, lengths = torch.randn(2, 6, 1).expand(-1, -1, 6).contiguous(), torch.tensor([6, 5])
    optimizer = torch.optim.Adam(generator.parameters(), 5e-3)
    losses = []
    for _ in range(250):
        loss = flow_losses(generator, latents, lengths, condition(2))["velocity"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    # Two clips: what is left is that two of the noises may lead to the same place.
    assert sum(losses[-20:]) < 0.25 * sum(losses[:20])


def test_sampling_follows_the_velocity_to_its_end():
    asked = Condition(torch.full((1, 8), 3.0), torch.tensor([0]), torch.tensor([0]), torch.ones(1))
    latents = sample(Towards(), asked, [7], guidance=1.0, steps=5)
    assert latents.shape == (1, 6, 7)
    assert torch.allclose(latents, torch.full_like(latents, 3.0), atol=1e-5)


def test_guidance_goes_further_from_what_nobody_asked_for():
    asked = Condition(torch.full((1, 8), 3.0), torch.tensor([0]), torch.tensor([0]), torch.ones(1))
    latents = sample(Towards(), asked, [4], guidance=2.0, steps=5)
    assert torch.allclose(latents, torch.full_like(latents, 6.0), atol=1e-4)


def test_neighbouring_segments_become_each_other():
    embedding = torch.tensor([0.0, 4.0])[:, None].expand(2, 8)
    asked = Condition(embedding, torch.zeros(2).long(), torch.zeros(2).long(), torch.ones(2))
    latents = sample(Towards(), asked, [6, 7], overlap=3, guidance=1.0, steps=4)
    assert latents.shape[-1] == 10
    expected = torch.tensor([0, 0, 0, 1, 2, 3, 4, 4, 4, 4.0])
    assert torch.allclose(latents, expected.expand_as(latents), atol=1e-4)


def test_the_same_seed_gives_the_same_latents():
    generator = network()
    drawn = [sample(generator, condition(1), [8], generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1]) and not torch.allclose(drawn[0], drawn[2], atol=1e-2)


def test_saved_weights_give_the_same_output(tmp_path):
    generator = network()
    save_network(generator, tmp_path / "g.safetensors")
    loaded = TextToMotion(CONFIG)
    load_network(loaded, tmp_path / "g.safetensors")
    arguments = torch.randn(1, 6, 8), torch.tensor([0.5]), condition(1), torch.tensor([8])
    assert torch.equal(generator(*arguments), loaded(*arguments))


def test_the_loss_is_zero_for_the_true_velocity():
    latents = torch.randn(3, 6, 5)

    class Knowing(SimpleNamespace):
        def __call__(self, noisy, time, condition, lengths):
            return (latents - noisy) / (1 - time[:, None, None])

    loss = flow_losses(Knowing(), latents, torch.tensor([5, 4, 2]), condition(3))["velocity"]
    assert loss.item() == pytest.approx(0, abs=1e-6)
