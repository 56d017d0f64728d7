"""Make the bundled motions and their pictures with our own models: no frame of a data set is in them.

    python -m training.make_assets --pack packs/train.npz
    python -m training.make_assets --texts
    python -m training.make_assets --pictures

A motion is decoded from the content code of one clip and a style code drawn from a label's prior, or made of a text.
The pictures are the small moving ones of the app: of each motion, and of galleries of restyles and of texts.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from stylize.errors import StylizeError
from stylize.features import FPS
from stylize.io import save_motion
from stylize.library import GALLERIES, MOTIONS, PREVIEWS, list_library, load_entry
from stylize.models.stylizer import sample_gaussian
from stylize.motion import Motion
from stylize.pipeline import Stylizer
from stylize.render.sprite import sprite
from stylize.restyle import WeightedStyle
from stylize.style_codes import LABELLED
from training import metrics
from training.command import run_command
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
TEXTS = {
    "walk_then_wave": "a person walks, then waves with the right hand",
    "walk_turn_right": "walk and turn right",
    "wave_left_hand": "somebody greets a friend with the left hand",
    "run_then_raise_hands": "a person jogs, then raises both hands",
    "turn_and_bow": "turn left; walk; bow",
}
"""Bundled content -> the text that it is made of."""
SHOWN_TEXTS = (
    "an old man walks slowly",
    "someone waves happily with the left hand",
    "a woman jogs",
    "an exhausted man raises both hands",
    "a person turns right like an old man",
    "someone bows, then walks away proudly",
)
GALLERY_CONTENT, GALLERY_STYLE = "content/walk", "elderly"


@dataclass(frozen=True)
class MakeAssets:
    """Make the bundled motions.

    Attributes:
        pack: the training pack, whose clips give the content codes; none is needed for the pictures.
        pictures: leave the motions as they are.
        texts: make only the motions that texts ask for.
        checkpoint: a bundled name or a folder.
        candidates: how many clips and draws to choose the cleanest feet from.
        max_seconds: longer motions are trimmed.
    """

    pack: Path | None = None
    pictures: bool = False
    texts: bool = False
    checkpoint: str = "default"
    candidates: int = 6
    max_seconds: float = 6.0


def cleanest(motions: list[Motion]) -> Motion:
    """The motion whose feet slide, sink and float least."""
    return min(motions, key=lambda m: metrics.foot_sliding(m) + 10 * metrics.penetration(m) + 5 * metrics.floating(m))


def make_motions(options: MakeAssets, stylizer: Stylizer, pack: Pack) -> None:
    """Recombine, choose, trim, write."""
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
        (MOTIONS / folder).mkdir(parents=True, exist_ok=True)
    for name, (action, style) in CONTENTS.items():
        save_motion(make(action, style, style), MOTIONS / "contents" / f"{name}.bvh")
    for label in names:
        save_motion(make("walk", label, label), MOTIONS / "styles" / f"{label.replace('/', '-')}.bvh")


def make_texts(options: MakeAssets, stylizer: Stylizer) -> None:
    """Draw several motions of each text, choose, write."""
    for name, text in TEXTS.items():
        drawn = stylizer.generate(text, num_samples=options.candidates)
        save_motion(cleanest(list(drawn.motions)), MOTIONS / "contents" / f"{name}.bvh")


def make_pictures(stylizer: Stylizer) -> None:
    """Of every bundled motion, of one motion in every style and every motion in one style, and of texts."""
    pictures = {PREVIEWS / f"{entry.name}.webp": (load_entry(entry), entry.kind) for entry in list_library()}
    labels = [label.name for label in stylizer.labels if not label.experimental]
    contents = list_library("content")
    content, style = load_entry(GALLERY_CONTENT), GALLERY_STYLE
    restyles = {
        "same_content": [(label, stylizer.stylize(content, label)) for label in labels],
        "same_style": [(Path(e.name).name, stylizer.stylize(load_entry(e), style)) for e in contents],
    }
    galleries = restyles | {"texts": [(text.replace(" ", "_"), stylizer.generate(text)) for text in SHOWN_TEXTS]}
    for gallery, results in galleries.items():
        for old in (GALLERIES / gallery).glob("*.webp"):
            old.unlink()
        for number, (name, result) in enumerate(results, 1):
            pictures[GALLERIES / gallery / f"{number:02d}-{name}.webp"] = (result.motions[0], "result")
    for path, (motion, role) in pictures.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sprite(motion, role))


def main(options: MakeAssets) -> None:
    """Make the motions that are wanted, and the pictures."""
    torch.set_num_threads(1)
    stylizer = Stylizer.from_pretrained(options.checkpoint)
    if not options.pictures and not options.texts:
        if options.pack is None:
            raise StylizeError(
                "The motions are made from a training pack; give one with --pack, --texts or --pictures."
            )
        make_motions(options, stylizer, Pack.load(options.pack))
    if not options.pictures:
        make_texts(options, stylizer)
    make_pictures(stylizer)


if __name__ == "__main__":
    run_command(main, MakeAssets, __doc__)
