"""What a checkpoint costs: numbers that it learnt, milliseconds of each step on one thread, and memory."""

import resource
import sys
from typing import Any

import numpy as np
import torch

from stylize.checkpoint import parameter_count
from stylize.models.autoencoder import DecodedPose
from stylize.motion import Motion
from stylize.pipeline import Stylizer
from stylize.source import MAX_SECONDS
from training.benchmark import median_ms

FRAMES = 160

Table = dict[str, Any]
"""Title, columns (headings by key) and rows (measures of each repeat, by name), as results_page reads them."""


def efficiency_tables(name: str, walk: Motion, repeats: int = 10) -> list[Table]:
    """Tables of the parameters, times and memory of a checkpoint.

    Args:
        name: a bundled name or a folder.
        walk: any canonical motion; it is repeated or cut to what is measured.
        repeats: of each step that is timed; medians count.
    """
    before = peak_memory()
    stylizer = Stylizer.from_pretrained(name)
    motion = walk.with_frames(np.arange(FRAMES) % len(walk))
    times = step_times(stylizer, motion, repeats)
    short = peak_memory()
    longest = walk.with_frames(np.arange(int(MAX_SECONDS) * 30) % len(walk))
    stylizer.stylize(longest, walk)
    memory = {
        "Python and its libraries": before,
        f"with the checkpoint, after {FRAMES} frames": short,
        f"after a clip of {MAX_SECONDS:g} s": peak_memory(),
    }
    return [
        _table(f"Parameters of `{name}`, in millions:", "millions", parameters(stylizer)),
        _table(f"`{name}`, {FRAMES} frames on one thread, medians of {repeats} runs:", "ms", times),
        _table("Highest memory of the process, in MB:", "MB", memory),
    ]


def parameters(stylizer: Stylizer) -> dict[str, float]:
    """Millions of learnt numbers, by network and in all."""
    restyler = stylizer.restyler
    networks = {"autoencoder": restyler.autoencoder} | restyler.networks
    rows = {network: parameter_count(module) / 1e6 for network, module in networks.items()}
    if restyler.predictor is not None:
        rows["global motion predictor"] = parameter_count(restyler.predictor) / 1e6
    return rows | {"all": sum(rows.values())}


def step_times(stylizer: Stylizer, motion: Motion, repeats: int) -> dict[str, float]:
    """Milliseconds of the steps of a restyle by reference on one thread, and of the whole."""
    torch.set_num_threads(1)
    restyler = stylizer.restyler
    network = next(iter(restyler.networks.values()))
    with torch.inference_mode():
        latents = restyler.encode(motion).latents
        code, _ = network.encode_style(latents)
        decoded = restyler.autoencoder.decode(latents)

        def style() -> None:
            network.encode_style(latents)

        def generate() -> None:
            network.generate(network.encode_content(latents), code)

        def decode() -> None:
            DecodedPose(restyler.autoencoder.decode(latents)).positions()

        def predict() -> None:
            restyler.root_velocity(DecodedPose(decoded))

        times = {
            "features and autoencoder, encoding": median_ms(lambda: restyler.encode(motion), repeats),
            "style encoder": median_ms(style, repeats),
            "content encoder and generator": median_ms(generate, repeats),
            "autoencoder, decoding, and posing": median_ms(decode, repeats),
            "global motion predictor": median_ms(predict, repeats),
        }
    times["a whole restyle by reference, feet included"] = median_ms(lambda: stylizer.stylize(motion, motion), repeats)
    return times


def peak_memory() -> float:
    """The most memory in MB that this process has had so far."""
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _table(title: str, unit: str, rows: dict[str, float]) -> Table:
    return {"title": title, "columns": {"value": unit}, "rows": {name: [{"value": v}] for name, v in rows.items()}}
