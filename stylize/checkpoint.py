"""One checkpoint folder: config.json and a safetensors file for each network."""

import dataclasses
import json
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from stylize.errors import CheckpointError

ConfigT = TypeVar("ConfigT")

CHECKPOINTS = Path(__file__).resolve().parent.parent / "checkpoints"
"""Where the bundled checkpoints are, one folder a name."""


def checkpoint_folder(name_or_folder: str | Path) -> Path:
    """The folder of a bundled checkpoint's name, or the folder itself; CheckpointError lists the names."""
    bundled = CHECKPOINTS / name_or_folder
    for folder in (bundled, Path(name_or_folder)):
        if (folder / "config.json").is_file():
            return folder
    names = sorted(path.parent.name for path in CHECKPOINTS.glob("*/config.json"))
    raise CheckpointError(
        f"There is no checkpoint {str(name_or_folder)!r}; give a folder with a config.json or one of: "
        f"{', '.join(names) or 'none is bundled'}."
    )


def save_network(network: nn.Module, path: Path, *, half: bool = False) -> None:
    """Write a network's weights; ``half`` stores the parameters (not the statistics) in 16 bits."""
    parameters = dict(network.named_parameters())
    tensors = {
        name: (tensor.half() if half and name in parameters else tensor).contiguous().cpu()
        for name, tensor in network.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)


def load_network(network: nn.Module, path: Path) -> None:
    """Read a network's weights in place, strictly; CheckpointError says what does not fit."""
    try:
        tensors = load_file(path)
        network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise CheckpointError(f"The weights {path.name} do not fit this version of the code: {reason}") from error
    network.eval().requires_grad_(False)


def write_json(content: dict[str, Any], path: Path) -> None:
    """Readable JSON with a final newline."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; CheckpointError where it is missing or broken."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path.name} of the checkpoint {path.parent.name!r} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path.name} of the checkpoint {path.parent.name!r} is not a JSON object.")
    return content


def config_from_dict(config_class: type[ConfigT], values: dict[str, Any]) -> ConfigT:
    """A config dataclass out of JSON; unknown or missing keys raise CheckpointError.

    A key that came later than a file may be missing there, since its default is what was so before.
    """
    hints = typing.get_type_hints(config_class)
    fields = {field.name: field for field in dataclasses.fields(config_class)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(fields))
    missing = sorted(name for name in set(fields) - set(values) if fields[name].default is dataclasses.MISSING)
    if unknown or missing:
        raise CheckpointError(f"{config_class.__name__} has unknown keys {unknown} and lacks {missing}.")
    return config_class(**{name: _convert(hints[name], value) for name, value in values.items()})


def _convert(hint: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return config_from_dict(hint, value)
    if typing.get_origin(hint) is tuple and isinstance(value, list):
        item = typing.get_args(hint)[0]
        return tuple(_convert(item, entry) for entry in value)
    if isinstance(hint, types.UnionType) and value is not None:
        return _convert(next(arg for arg in typing.get_args(hint) if arg is not type(None)), value)
    return value


def parameter_count(*networks: nn.Module) -> int:
    """How many learnt numbers the networks have."""
    return sum(p.numel() for network in networks for p in network.parameters())


def config_to_dict(config: Any) -> dict[str, Any]:
    """A config dataclass as JSON holds it."""
    return dataclasses.asdict(config)


def resolve_device(device: str) -> torch.device:
    """ "auto" to CUDA where there is one and the CPU elsewhere; any other name as torch has it."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device)
