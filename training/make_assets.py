"""Make the bundled motions with our own models: no frame of a data set is in them.

    python -m training.make_assets --pack packs/train.npz --out assets/motions

Each is decoded from the content code of one clip and a style code drawn from a label's prior.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro

from stylize.features import FPS
from stylize.io import save_motion
from stylize.models.stylizer import sample_gaussian
from stylize.motion import Motion
from stylize.pipeline import LABELLED, Stylizer
from stylize.restyle import WeightedStyle
from training import metrics
from training.packs import Pack

CONTENTS = {
    "walk": ("walk", "normal"),
    "walk_turn_left": ("walk-turn-left", "normal"),
    "walk_backwards": ("walk-back", "set1/normal"),
    "run": ("run", "normal"),
    "wave_right_hand": ("wave-right-hand", "normal"),
    "wave_both_hands": ("wave-both-hands", "normal"),
    "raise_left_hand": ("raise-up-left-hand", "normal"),
    "raise_both_hands": ("raise-up-both-hands", "normal"),
    "bow": ("bow", "set1/normal"),
    "show_the_way": ("guide", "set1/normal"),
    "goodbye": ("byebye", "set1/normal"),
    "punch": ("punch", "set1/normal"),
}
"""Bundled content -> action and style in the training pack."""


@dataclass(frozen=True)
class MakeAssets:
    """Make the bundled motions.

    Attributes:
        pack: the training pack, whose clips give the content codes.
        out: folder; its subfolders contents and styles are written.
        checkpoint: a bundled name or a folder.
        candidates: how many clips and draws to choose the cleanest feet from.
        max_seconds: longer motions are trimmed.
    """

    pack: Path
    out: Path = Path("assets/motions")
    checkpoint: str = "default"
    candidates: int = 6
    max_seconds: float = 6.0


def cleanest(motions: list[Motion]) -> Motion:
    """The motion whose feet slide, sink and float least."""
    return min(motions, key=lambda m: metrics.foot_sliding(m) + 10 * metrics.penetration(m) + 5 * metrics.floating(m))


def main(options: MakeAssets) -> None:
    """Recombine, choose, trim, write."""
    pack = Pack.load(options.pack)
    stylizer = Stylizer.from_pretrained(options.checkpoint)
    restyler = stylizer.restyler
    network = restyler.networks[LABELLED]
    names = list(network.config.labels)
    generator = torch.Generator().manual_seed(0)

    def clips(action: str, style: str) -> list[Motion]:
        same_action = [i for i, clip in enumerate(pack.clips) if clip.content == action]
        long = [i for i in same_action if pack.clips[i].frames >= 2 * FPS] or same_action
        usable = [i for i in long if pack.clips[i].style == style] or long
        chosen = np.random.default_rng(0).permutation(usable)[: options.candidates]
        return [pack.motion(i).with_frames(slice(0, round(options.max_seconds * FPS))) for i in chosen]

    def make(action: str, source_style: str, label: str) -> Motion:
        mean, log_variance = network.prior(torch.tensor([names.index(label)]))
        sources = clips(action, source_style)
        turns = -(-options.candidates // len(sources))
        return cleanest(
            [
                restyler.recombine(clip, WeightedStyle(LABELLED, sample_gaussian(mean, log_variance, generator)))
                for clip in sources * turns
            ]
        )

    for folder in ("contents", "styles"):
        (options.out / folder).mkdir(parents=True, exist_ok=True)
    for name, (action, style) in CONTENTS.items():
        save_motion(make(action, style, style), options.out / "contents" / f"{name}.bvh")
    for label in names:
        save_motion(make("walk", label, label), options.out / "styles" / f"{label.replace('/', '-')}.bvh")


if __name__ == "__main__":
    main(tyro.cli(MakeAssets, description=__doc__))
