"""Worker processes beside torch's threads."""

import pytest
import torch

from training.processes import process_pool

LARGE = (1_000_000,)
"""As many numbers as torch shares out among its threads."""


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    torch.exp(torch.ones(LARGE))
    yield
    torch.set_num_threads(before)


def test_work_on_processes_is_done_although_torch_has_threads(two_threads):
    with process_pool(2) as pool:
        done = [pool.submit(torch.full, LARGE, float(value)) for value in range(3)]
        assert [float(each.result(timeout=60).exp()[0]) for each in done] == pytest.approx([1, 2.718282, 7.389056])
