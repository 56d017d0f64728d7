"""What every trainer shares: seeds, steps, logs, checkpoints and resuming."""

import json
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from stylize.checkpoint import resolve_device


@dataclass(frozen=True)
class RunOptions:
    """How long and where a training runs.

    Attributes:
        out: folder of the run: state.pt to resume from, log.jsonl, TensorBoard events.
        steps: optimiser steps in all.
        learning_rate: the highest, after the warm-up and before the cosine decay.
        seed: of weights and batches.
        device: auto, cpu, cuda.
        bf16: 16-bit autocast, two to three times as fast on processors that know it.
        checkpoint_every: steps between checkpoints.
        log_every: steps between log lines.
        threads: of the processor; 0 leaves them to torch.
        average: decay a step of the running mean of the weights, with which the training ends; 0 ends with the last.
    """

    out: Path
    steps: int = 10_000
    learning_rate: float = 1e-3
    seed: int = 0
    device: str = "auto"
    bf16: bool = True
    checkpoint_every: int = 500
    log_every: int = 50
    threads: int = 0
    average: float = 0.0


class Trainer:
    """Trains one module (which may hold several networks) until the steps are done.

    Args:
        module: everything that is learnt.
        options: see RunOptions.
        rngs: numpy generators of the samplers, whose state is kept in the checkpoint.
    """

    warmup_steps = 200

    def __init__(self, module: nn.Module, options: RunOptions, rngs: list[np.random.Generator]) -> None:
        self.options, self.rngs = options, rngs
        self.device = resolve_device(options.device)
        self.module = module.to(self.device)
        self.optimizer = torch.optim.AdamW(
            [p for p in module.parameters() if p.requires_grad], lr=options.learning_rate, weight_decay=1e-4
        )
        self.average: AveragedModel | None = None
        if options.average:
            self.average = AveragedModel(self.module, multi_avg_fn=get_ema_multi_avg_fn(options.average))
        self.step = 0
        options.out.mkdir(parents=True, exist_ok=True)
        self.state_path = options.out / "state.pt"
        if self.state_path.exists():
            self._resume()

    def run(self, losses_of: Callable[[int], dict[str, Tensor]]) -> nn.Module:
        """Minimise the sum of ``losses_of(step)`` (names that start with "_" are only logged).

        Returns:
            The trained module.
        """
        options = self.options
        totals: dict[str, float] = {}
        started, last = time.monotonic(), self.step
        self.module.train()
        with (
            SummaryWriter(str(options.out)) as board,
            (options.out / "log.jsonl").open("a", encoding="utf-8") as log,
            tqdm(total=options.steps, initial=self.step, mininterval=5.0) as bar,
        ):
            while self.step < options.steps:
                for group in self.optimizer.param_groups:
                    group["lr"] = self._learning_rate()
                with torch.autocast(self.device.type, torch.bfloat16, enabled=options.bf16):
                    losses = losses_of(self.step)
                total = torch.stack([v.float() for name, v in losses.items() if not name.startswith("_")]).sum()
                self.optimizer.zero_grad(set_to_none=True)
                total.backward()
                nn.utils.clip_grad_norm_(self.module.parameters(), 1.0)
                self.optimizer.step()
                if self.average is not None:
                    self.average.update_parameters(self.module)
                self.step += 1
                bar.update()
                for name, value in losses.items():
                    totals[name] = totals.get(name, 0.0) + float(value.detach())
                if self.step % options.log_every == 0 or self.step == options.steps:
                    means = {name: value / (self.step - last) for name, value in totals.items()}
                    self._write_log(log, board, means, time.monotonic() - started)
                    totals, last = {}, self.step
                if self.step % options.checkpoint_every == 0 or self.step == options.steps:
                    self._checkpoint()
        if self.average is not None:
            self.module.load_state_dict(self.average.module.state_dict())
        return self.module.eval()

    def _learning_rate(self) -> float:
        progress = self.step / max(self.options.steps, 1)
        warmup = min(1.0, (self.step + 1) / self.warmup_steps)
        return self.options.learning_rate * warmup * (0.02 + 0.49 * (1 + math.cos(math.pi * progress)))

    def _write_log(self, log, board: SummaryWriter, means: dict[str, float], seconds: float) -> None:
        row = {"step": self.step, "seconds": round(seconds, 1)} | {k: round(v, 5) for k, v in means.items()}
        log.write(json.dumps(row) + "\n")
        log.flush()
        for name, value in means.items():
            board.add_scalar(name, value, self.step)

    def _checkpoint(self) -> None:
        state = {
            "step": self.step,
            "module": self.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "torch_rng": torch.get_rng_state(),
            "rngs": [json.dumps(rng.bit_generator.state) for rng in self.rngs],
            "average": self.average.state_dict() if self.average is not None else {},
        }
        temporary = self.state_path.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(self.state_path)

    def _resume(self) -> None:
        state = torch.load(self.state_path, map_location=self.device, weights_only=True)
        self.step = state["step"]
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        torch.set_rng_state(state["torch_rng"].cpu())
        for rng, saved in zip(self.rngs, state["rngs"], strict=True):
            rng.bit_generator.state = json.loads(saved)


def set_up(options: RunOptions) -> None:
    """Seed every generator and set the number of threads, before any network is made."""
    if options.threads:
        torch.set_num_threads(options.threads)
    random.seed(options.seed)
    np.random.seed(options.seed)  # noqa: NPY002 - for libraries that draw from the global generator
    torch.manual_seed(options.seed)
