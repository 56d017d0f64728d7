"""What the labels' clips look like to the open network."""

import pytest
import torch

from stylize.models.known_styles import KnownStyles, KnownStylesConfig


@pytest.fixture
def known() -> KnownStyles:
    """Fitted to three clips of an action of one label, to one clip of each of the others, and to twins of all."""
    known = KnownStyles(KnownStylesConfig(labels=2, style_size=2, latent_channels=3))
    rows = [(0, 0, (1.0, 0.0, 0.0)), (0, 0, (3.0, 0.0, 0.0)), (0, 0, (2.0, 0.0, 0.0)), (0, 1, (2.0, 6.0, 0.0))]
    rows += [(1, 0, (0.0, 0.0, 5.0)), (1, 1, (0.0, 6.0, 5.0))]
    labels, actions = (torch.tensor([row[i] for row in rows] * 2) for i in (0, 1))
    postures = torch.tensor([row[2] for row in rows])
    twins = postures + torch.tensor([0.0, 0.0, 1.0])
    mirrored = torch.arange(2 * len(rows)) >= len(rows)
    known.fit_postures(torch.cat([postures, twins]), labels, actions, mirrored)
    return known


def test_every_action_counts_once_in_the_posture_of_a_label(known):
    torch.testing.assert_close(known.posture, torch.tensor([[2.0, 3.0, 0.5], [0.0, 3.0, 5.5]]))


def test_postures_are_drawn_as_clips_of_one_style_and_action_differ(known):
    """Actions differ in the second number, twins and labels in the third."""
    draws = torch.stack([known.sample_posture(torch.Generator().manual_seed(seed)) for seed in range(400)])
    torch.testing.assert_close(draws.std(0), torch.tensor([(2 / 6) ** 0.5, 0.0, 0.0]), atol=0.05, rtol=0)


def test_a_code_is_known_near_the_clips_of_a_reliable_label_alone():
    known = KnownStyles(KnownStylesConfig(labels=2, style_size=2, latent_channels=3))
    codes = 0.1 * torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(200) % 2
    codes += 4.0 * labels[:, None]
    known.fit(codes, labels, torch.tensor([True, False]))
    near, other, between = (known.nearest(torch.full((2,), place)) for place in (0.0, 4.0, 2.0))
    assert (near, other, between) == (0, None, None)
