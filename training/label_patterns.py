"""What the file names of the usual data sets say: a clip's style and action."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

DatasetName = Literal["bandai-namco", "aberman", "bfa", "xia", "100style", "cmu", "humanml3d"]


@dataclass(frozen=True)
class LabelPatterns:
    """How to read labels out of a file's stem.

    Attributes:
        patterns: regular expressions with the named groups `style` and `content`, and `set` where the labels
            of several sets must stay apart ("set1/angry"). The first that matches counts; a clip that none
            matches has no labels.
        contents: what the data set's codes for actions stand for; an action that is not listed stays as it is.
    """

    patterns: tuple[str, ...] = ()
    contents: Mapping[str, str] = field(default_factory=dict)

    def labels(self, stem: str) -> tuple[str | None, str | None]:
        """Style and content of a file's stem, None for what its name does not say."""
        for pattern in self.patterns:
            match = re.search(pattern, stem)
            if match:
                groups = match.groupdict()
                style, content = groups.get("style"), groups.get("content")
                if style and groups.get("set"):
                    style = f"set{groups['set']}/{style}"
                return style, self.contents.get(content, content) if content else content
        return None, None


BANDAI_NAMCO = LabelPatterns(
    (
        r"^dataset-2_(?P<content>.+)_(?P<style>[^_]+)_\d+$",
        r"^dataset-(?P<set>1)_(?P<content>.+)_(?P<style>[^_]+)_\d+$",
    )
)

# Aberman et al. 2020: a style and the number of the take, as in Hurried_02; the takes have no one action.
BFA = LabelPatterns((r"^(?P<style>[A-Za-z]+)_\d+$",))

XIA_STYLES = "angry|childlike|depressed|neutral|old|proud|sexy|strutting"
XIA_ACTIONS = {
    **{f"{number:02d}": "walk" for number in range(1, 13)},
    **{f"{number:02d}": "run" for number in range(13, 16)},
    **{f"{number:02d}": "jump" for number in range(16, 18)},
    **{f"{number:02d}": "punch" for number in range(18, 22)},
    **{f"{number:02d}": "kick" for number in range(22, 24)},
    **{f"{number:02d}": "transition" for number in range(24, 29)},
}
"""The 28 numbers of the retargeted copy, by the list in that copy's own code (docs/datasets.md)."""

XIA = LabelPatterns(
    (
        rf"^(?P<style>{XIA_STYLES})_(?P<content>\d\d)_\d+(_[a-z]+)?$",
        rf"^(?P<style>{XIA_STYLES})_(?P<content>[a-z]+(_[a-z]+)*)_\d+$",
    ),
    XIA_ACTIONS,
)

STYLE100_MOVEMENTS = {
    "FW": "walk",
    "BW": "walk-back",
    "SW": "walk-side",
    "FR": "run",
    "BR": "run-back",
    "SR": "run-side",
    "ID": "idle",
    "TR1": "transition",
    "TR2": "transition",
    "TR3": "transition",
}
STYLE100 = LabelPatterns(
    (rf"^(?P<style>[A-Za-z]+)_(?P<content>{'|'.join(STYLE100_MOVEMENTS)})$",),
    STYLE100_MOVEMENTS,
)

DATASETS: dict[DatasetName, LabelPatterns] = {
    "bandai-namco": BANDAI_NAMCO,
    "aberman": BFA,
    "bfa": BFA,
    "xia": XIA,
    "100style": STYLE100,
    "cmu": LabelPatterns(),
    "humanml3d": LabelPatterns(),
}
"""The data sets that `--dataset` knows; the names of the last two carry numbers only, so their clips have no labels."""

assert set(DATASETS) == set(get_args(DatasetName))
