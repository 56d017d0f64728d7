import numpy as np
import pytest

from stylize.checkpoint import save_network, write_json
from stylize.errors import CheckpointError
from stylize.models.stylizer import Stylizer, StylizerConfig
from training.average import Average
from training.average import main as average
from training.style_neighbours import linked_groups, style_groups, style_neighbours


def test_clips_with_near_codes_and_other_movements_are_neighbours():
    rng = np.random.default_rng(0)
    style, action = np.repeat(np.arange(4), 10), np.tile(np.repeat(np.arange(2), 5), 4)
    codes = 10 * np.eye(4)[style] + rng.normal(0, 0.1, (40, 4))
    patterns = 10 * np.eye(2)[action] + rng.normal(0, 0.1, (40, 2))
    found = style_neighbours(codes, patterns, 5)
    assert sum(map(len, found)) > 100
    for index, neighbours in enumerate(found):
        assert np.all(style[neighbours] == style[index])
        assert np.all(action[neighbours] != action[index])
        assert all(index in found[other] for other in neighbours)


def test_clips_with_near_codes_are_one_group_and_groups_are_the_same_for_the_same_draws():
    style = np.repeat(np.arange(4), 10)
    codes = 10 * np.eye(4)[style] + np.random.default_rng(0).normal(0, 0.1, (40, 4))
    groups = style_groups(codes, 4, np.random.default_rng(1))
    assert len({(own, group) for own, group in zip(style, groups, strict=True)}) == 4
    np.testing.assert_array_equal(groups, style_groups(codes, 4, np.random.default_rng(1)))


def test_clips_of_one_style_are_one_linked_group_whatever_they_do():
    rng = np.random.default_rng(0)
    style, action = np.repeat(np.arange(8), 24), np.tile(np.repeat(np.arange(3), 8), 8)
    # What somebody does changes the codes more than how he does it, as it does in real clips.
    codes = np.eye(8)[style] + 5 * rng.normal(size=(3, 8))[action] + rng.normal(0, 0.05, (192, 8))
    amounts = np.eye(3)[action] + rng.normal(0, 0.1, (192, 3))
    groups = linked_groups(codes, codes + 1, amounts, 24, np.random.default_rng(1))
    together, same = groups[:, None] == groups, style[:, None] == style
    assert (together & same).sum() > 0.95 * together.sum()
    assert (together & same).sum() > 0.6 * same.sum()
    again = linked_groups(codes, codes + 1, amounts, 24, np.random.default_rng(1))
    np.testing.assert_array_equal(groups, again)


def tiny_run(folder, value, labels=("a",)):
    config = StylizerConfig(labels=labels, latent_channels=4, width=8, content_channels=4, style_size=4)
    network = Stylizer(config)
    for parameter in network.parameters():
        parameter.data.fill_(value)
    folder.mkdir()
    save_network(network, folder / "stylizer.safetensors")
    write_json(
        {"labels": list(labels), "latent_channels": 4, "width": 8, "content_channels": 4, "style_size": 4},
        folder / "stylizer.json",
    )
    return folder


def test_an_average_of_runs_lies_between_them_by_their_weights(tmp_path):
    from safetensors.torch import load_file

    runs = (tiny_run(tmp_path / "one", 1.0), tiny_run(tmp_path / "two", 4.0))
    average(Average(runs, tmp_path / "mean", weights=(2.0, 1.0)))
    tensors = load_file(tmp_path / "mean" / "stylizer.safetensors")
    assert all(np.allclose(tensor.numpy(), 2.0) for tensor in tensors.values())


def test_runs_that_do_not_belong_together_are_refused(tmp_path):
    runs = (tiny_run(tmp_path / "one", 1.0), tiny_run(tmp_path / "two", 4.0, labels=("b",)))
    with pytest.raises(CheckpointError, match="belong together"):
        average(Average(runs, tmp_path / "mean"))
    with pytest.raises(CheckpointError, match="one for each"):
        average(Average(runs[:1], tmp_path / "mean", weights=(1.0, 2.0)))
