"""Which content is restyled after which reference."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stylize.errors import StyleError
from training.packs import Pack

MIN_FRAMES = 32


@dataclass(frozen=True)
class Pair:
    """A content clip, a reference of another action in the target style, both as indices of the test pack."""

    content: int
    reference: int


def usable_clips(pack: Pack, wanted: Callable[[str], bool]) -> list[int]:
    """The clips of a pack that have a wanted style and are long enough to restyle."""
    return [i for i, clip in enumerate(pack.clips) if clip.style and wanted(clip.style) and clip.frames >= MIN_FRAMES]


def choose_pairs(pack: Pack, count: int, seed: int, wanted: Callable[[str], bool], target: str = "") -> list[Pair]:
    """Contents and references, every target style equally often, never the content's own style or action.

    Args:
        pack: the test clips.
        count: how many.
        seed: of the choice.
        wanted: which styles are used.
        target: the only style to aim at; "" for each of them in turn.

    Raises:
        StyleError: the pack has no clips of the target.
    """
    rng = np.random.default_rng(seed)
    usable = usable_clips(pack, wanted)
    styles = sorted({pack.clips[i].style or "" for i in usable})
    if target and target not in styles:
        raise StyleError(f"The test pack has no clips in the style {target!r}; choose one of: {', '.join(styles)}.")
    targets = [target] if target else styles
    pairs = []
    for turn in range(count):
        aim = targets[turn % len(targets)]
        content = int(rng.choice([i for i in usable if pack.clips[i].style != aim]))
        references = [
            i for i in usable if pack.clips[i].style == aim and pack.clips[i].content != pack.clips[content].content
        ]
        pairs.append(Pair(content, int(rng.choice(references))))
    return pairs
