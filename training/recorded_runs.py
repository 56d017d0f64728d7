"""Trainings that an experiment needs: each is a command with a folder of its own, run once and remembered."""

import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from stylize.checkpoint import read_json, write_json
from stylize.errors import StylizeError
from training import synthetic_styles, train_autoencoder, train_global_motion, train_stylizer

COMMANDS: dict[str, tuple[type, Callable[[Any], None]]] = {
    "train_autoencoder": (train_autoencoder.TrainAutoencoder, train_autoencoder.main),
    "train_global_motion": (train_global_motion.TrainGlobalMotion, train_global_motion.main),
    "train_stylizer": (train_stylizer.TrainStylizer, train_stylizer.main),
    "synthetic_styles": (synthetic_styles.SyntheticStylesOptions, synthetic_styles.main),
}


@dataclass(frozen=True)
class RecordedRun:
    """A finished training: its folder, the command that does it, and the seconds that it took."""

    folder: Path
    command: str
    seconds: float


def finished_run(module: str, arguments: list[str], folder: Path) -> RecordedRun:
    """A training, done now unless it was done before; one that was cut off goes on from its last checkpoint.

    Args:
        module: a key of COMMANDS.
        arguments: of its command line; they must name the folder as where to write to.
        folder: of this training alone; run.json in it holds the command and the time.

    Raises:
        StylizeError: the folder holds another training.
    """
    command = f"python -m training.{module} {shlex.join(arguments)}"
    record = folder / "run.json"
    known = read_json(record) if record.exists() else {"command": command, "seconds": 0.0, "finished": False}
    if known["command"] != command:
        raise StylizeError(f"{folder} holds another training ({known['command']}); delete it, or choose another --out.")
    if not known["finished"]:
        print(command, flush=True)
        options_class, main = COMMANDS[module]
        started = time.monotonic()
        try:
            main(tyro.cli(options_class, args=arguments))
            known["finished"] = True
        finally:
            known["seconds"] += time.monotonic() - started
            write_json(known, record)
        for state in folder.rglob("state.pt"):  # several times as large as the weights, and of no more use
            state.unlink()
    return RecordedRun(folder, command, known["seconds"])
