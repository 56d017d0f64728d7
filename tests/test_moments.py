import torch

from training.classifiers import IGNORE
from training.moments import FeatureMoments


def batch(mean: list[float], count: int, generator: torch.Generator) -> torch.Tensor:
    return torch.tensor(mean) + 0.1 * torch.randn(count, 2, generator=generator)


def test_restyles_are_pulled_to_where_the_real_clips_of_their_style_and_action_are():
    generator = torch.Generator().manual_seed(0)
    moments = FeatureMoments(features=2, styles=2, contents=1)
    labels = torch.tensor([0, 1]), torch.tensor([0, 0])
    for _ in range(300):
        moments.see_real(torch.cat([batch([0, 0], 1, generator), batch([3, 1], 1, generator)]), *labels)
    own, wanted, action = (torch.full((8,), value) for value in (0, 1, 0))
    for _ in range(50):
        made = batch([2, 1], 8, generator).requires_grad_()
        pull, off = moments.apart(made, own, wanted, action)
    pull.backward()
    assert made.grad is not None
    assert (made.grad[:, 0] < 0).all(), "one short of the first feature"
    assert made.grad[:, 1].abs().max() < 0.2 * made.grad[:, 0].abs().max(), "the second is where it should be"
    assert 20 < off < 80, "ten deviations of one feature of two"


def test_restyles_of_clips_without_a_label_are_a_kind_of_their_own():
    moments = FeatureMoments(features=2, styles=2, contents=1)
    moments.see_real(torch.tensor([[3.0, 1.0]]), torch.tensor([1]), torch.tensor([0]))
    made = torch.zeros(2, 2, requires_grad=True)
    pull, _ = moments.apart(made, torch.tensor([IGNORE, 0]), torch.tensor([1, 1]), torch.tensor([0, 0]))
    pull.backward()
    assert made.grad is not None and (made.grad < 0).all()
    assert (moments.made[:, 0].isfinite()).sum() == 2


def test_what_is_real_of_no_style_or_of_none_that_was_seen_counts_for_nothing():
    moments = FeatureMoments(features=2, styles=2, contents=1)
    moments.see_real(torch.ones(1, 2), torch.tensor([IGNORE]), torch.tensor([0]))
    made = torch.zeros(2, 2, requires_grad=True)
    pull, _ = moments.apart(made, torch.tensor([0, IGNORE]), torch.tensor([1, 1]), torch.tensor([0, 0]))
    pull.backward()
    assert pull == 0 and (made.grad == 0).all()
