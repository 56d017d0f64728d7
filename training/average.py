"""Average the stylizers of some runs that started from the same weights: better than each, and no slower.

    python -m training.average --runs runs/stylizer_a runs/stylizer_b --out runs/stylizer

After Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
increasing inference time", ICML 2022.
"""

from dataclasses import dataclass
from pathlib import Path

import torch

from stylize.checkpoint import config_from_dict, config_to_dict, load_network, read_json, save_network, write_json
from stylize.errors import CheckpointError
from stylize.models.stylizer import Stylizer, StylizerConfig
from training.command import run_command


@dataclass(frozen=True)
class Average:
    """Average the stylizers of some runs.

    Attributes:
        runs: folders of training.train_stylizer; their stylizers must be of the same sizes and labels.
        out: folder to write the averaged stylizer to.
        weights: of each run; the same for all without them.
    """

    runs: tuple[Path, ...]
    out: Path
    weights: tuple[float, ...] = ()


def main(options: Average) -> None:
    """Load, average, write stylizer.safetensors and stylizer.json."""
    configs = [config_from_dict(StylizerConfig, read_json(run / "stylizer.json")) for run in options.runs]
    if not configs or any(config != configs[0] for config in configs):
        raise CheckpointError("The runs hold stylizers of different sizes or labels; give runs that belong together.")
    weights = options.weights or (1.0,) * len(configs)
    if len(weights) != len(configs):
        raise CheckpointError(f"{len(weights)} weights were given for {len(configs)} runs; give one for each.")
    states = []
    for run in options.runs:
        network = Stylizer(configs[0])
        load_network(network, run / "stylizer.safetensors")
        states.append(network.state_dict())
    shares = torch.tensor(weights) / sum(weights)
    average = Stylizer(configs[0])
    average.load_state_dict(
        {name: sum(share * state[name] for share, state in zip(shares, states, strict=True)) for name in states[0]}
    )
    options.out.mkdir(parents=True, exist_ok=True)
    save_network(average, options.out / "stylizer.safetensors")
    write_json(config_to_dict(configs[0]), options.out / "stylizer.json")


if __name__ == "__main__":
    run_command(main, Average, __doc__)
