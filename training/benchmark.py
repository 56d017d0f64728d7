"""Time what a user waits for, beside something else in the same run that does part of the same work.

python -m training.benchmark
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from stylize.comparison import comparison_panels
from stylize.io import read_bvh, save_motion
from stylize.library import load_entry
from stylize.pipeline import Stylizer
from stylize.render.video import render_video
from stylize.retarget import Retargeter
from training.command import run_command


@dataclass(frozen=True)
class Benchmark:
    """Time what a user waits for.

    Attributes:
        checkpoint: a bundled name or a folder.
        frames: of the motion, at 30 a second.
        repeats: runs of each; the median is printed.
        threads: of torch.
    """

    checkpoint: str = "default"
    frames: int = 160
    repeats: int = 7
    threads: int = 1


def median_ms(work: Callable[[], object], repeats: int) -> float:
    """Median milliseconds of ``work`` after one run that does not count."""
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return 1000 * float(np.median(times))


def main(options: Benchmark) -> None:
    """Print a line for each piece of work: milliseconds, and how many times what it is compared with."""
    torch.set_num_threads(options.threads)
    stylizer = Stylizer.from_pretrained(options.checkpoint)
    walk = load_entry("content/walk")
    motion = walk.with_frames(np.arange(options.frames) % len(walk))
    result = stylizer.stylize(motion, "elderly")
    restyler = stylizer.restyler

    @torch.inference_mode()
    def round_trip() -> None:
        restyler.autoencoder.decode(restyler.encode(motion).latents)

    with tempfile.TemporaryDirectory() as folder:
        bvh, video = Path(folder) / "walk.bvh", Path(folder) / "walk.mp4"
        save_motion(motion, bvh)
        source, _ = read_bvh(bvh)
        size = bvh.stat().st_size / 1e6
        rows: list[tuple[str, Callable[[], object], str]] = [
            (f"read BVH ({size:.2f} MB)", lambda: read_bvh(bvh), ""),
            ("read its bytes and numbers with numpy alone", lambda: _numbers_alone(bvh), "read BVH"),
            ("retarget", lambda: Retargeter.fit(source).to_canonical(source), "read BVH"),
            ("autoencoder, there and back", round_trip, ""),
            ("restyle by label", lambda: stylizer.stylize(motion, "elderly"), "autoencoder"),
            ("video, one panel", lambda: render_video(comparison_panels(result)[-1:], video), ""),
            ("video, three panels", lambda: render_video(comparison_panels(result), video), "video, one"),
        ]
        times: dict[str, float] = {}
        for name, work, beside in rows:
            times[name] = median_ms(work, 2 if name.startswith("video") else options.repeats)
            other = next((value for key, value in times.items() if beside and key.startswith(beside)), None)
            ratio = f"  {times[name] / other:5.2f} x {beside}" if other else ""
            print(f"{name:46s} {times[name]:9.1f} ms{ratio}")


def _numbers_alone(path: Path) -> np.ndarray:
    text = path.read_text().partition("Frame Time")[2].partition("\n")[2]
    return np.array(text.split(), float)


if __name__ == "__main__":
    run_command(main, Benchmark, __doc__)
