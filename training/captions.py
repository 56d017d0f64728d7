"""Captions for clips: composed from the wordings of actions and styles, or a clip's own description.

No caption of a data set is in the repository: descriptions travel in the pack, and the wordings are our own.
"""

import re
from typing import Literal

import numpy as np

from stylize.text.wordings import Action, StyleWording, actions, phrase, styles, swap_sides
from training.datasets import FeatureClip

SUBJECTS = (
    ("a person", "their"), ("someone", "their"), ("somebody", "their"), ("a man", "his"), ("a woman", "her"),
    ("the person", "their"), ("the man", "his"), ("he", "his"), ("she", "her"), ("the figure", "the"),
    ("a human", "their"), ("the character", "their"), ("an actor", "his"), ("the actress", "her"), ("a guy", "his"),
)  # fmt: skip
PATTERNS = (
    ("third", "{subject} {action}"),
    ("third", "{subject} {action}."),
    ("ing", "{subject} is {action}"),
    ("base", "{action}"),
    ("base", "{action}"),
    ("ing", "{action}"),
    ("ing", "{subject} {action}"),
    ("base", "{subject} will {action}"),
    ("ing", "{subject} was {action}"),
    ("base", "{subject} starts to {action}"),
    ("third", "there is {subject} who {action}"),
    ("base", "please {action}"),
    ("third", "{action}"),
)
STYLED_PATTERNS = ("{caption} {manner}", "{caption}, {manner}", "{manner}, {caption}", "{caption} {manner}")
Wordings = Literal["ways", "held_out", "test"]
"""Of an action: those to train with, to choose settings with, and for the evaluation alone."""
OWN_DESCRIPTION_SHARE = 0.3
"""How often a clip that has a description of its own is called by it."""


def action_index(content: str | None, description: str | None, sides_swapped: bool = False) -> int | None:
    """The action of a clip, by its label (already mirrored, where the clip is) or by its description."""
    for index, action in enumerate(actions()):
        if content is not None and content in action.contents:
            return index
    if description is None:
        return None
    text = (swap_sides(description) if sides_swapped else description).lower()
    for index, action in enumerate(actions()):
        if any(re.search(pattern, text) for pattern in action.captions):
            return index
    return None


def clip_action(clip: FeatureClip) -> int | None:
    """The action that a clip shows, as an index of ``actions()``."""
    return action_index(clip.content, clip.caption, clip.mirrored)


def compose(action: Action, rng: np.random.Generator, wordings: Wordings = "ways") -> str:
    """A sentence for an action, without a manner."""
    ways = getattr(action, wordings)
    way = ways[rng.integers(len(ways))]
    form, pattern = PATTERNS[rng.integers(len(PATTERNS))]
    subject, pronoun = SUBJECTS[rng.integers(len(SUBJECTS))]
    if "{subject}" not in pattern:
        pronoun = ("their", "your", "the")[rng.integers(3)]
    elif "there is" in pattern:
        subject, pronoun = ("somebody", "their") if rng.random() < 0.5 else ("a person", "their")
    text = pattern.replace("{subject}", subject).replace("{action}", phrase(way, form, pronoun))
    return text[0].upper() + text[1:] if rng.random() < 0.4 else text


def compose_styled(action: Action, style: StyleWording, rng: np.random.Generator, wordings: Wordings = "ways") -> str:
    """A sentence for an action in a style: by a word before the subject or the verb, or by a phrase."""
    if wordings != "ways":
        return _styled(compose(action, rng, wordings), style.held_out[rng.integers(len(style.held_out))], rng)
    adverbs = [word for word in style.words if word.endswith("ly")]
    adjectives = [word for word in style.words if not word.endswith("ly")]
    chance = rng.random()
    if adjectives and chance < 0.3:
        adjective = adjectives[rng.integers(len(adjectives))]
        article = "an" if adjective[0] in "aeiou" else "a"
        noun = ("person", "man", "woman")[rng.integers(3)]
        way = action.ways[rng.integers(len(action.ways))]
        return f"{article} {adjective} {noun} {phrase(way, 'third')}"
    if adverbs and chance < 0.6:
        return _styled(compose(action, rng), adverbs[rng.integers(len(adverbs))], rng)
    return _styled(compose(action, rng), style.ways[rng.integers(len(style.ways))], rng)


def _styled(caption: str, manner: str, rng: np.random.Generator) -> str:
    pattern = STYLED_PATTERNS[rng.integers(len(STYLED_PATTERNS))]
    manner = manner.replace("{their}", "their").replace("{they}", "they")
    return pattern.replace("{caption}", caption.rstrip(".")).replace("{manner}", manner)


def captions_of(action: Action, count: int, seed: int, wordings: Wordings = "ways") -> list[str]:
    """Up to ``count`` different sentences for an action; the same seed gives the same."""
    rng = np.random.default_rng(seed)
    drawn = [compose(action, rng, wordings) for _ in range(3 * count)]
    return list(dict.fromkeys(drawn))[:count]


def style_wording(label: str | None) -> StyleWording | None:
    """How a style label is said; the second set's words serve where both sets have the style."""
    if label is None:
        return None
    same = {
        "set1/active": "active", "set1/feminine": "feminine", "set1/masculinity": "masculine", "set1/normal": "normal",
        "set1/old": "elderly", "set1/tired": "exhausted",
    }  # fmt: skip
    wanted = same.get(label, label)
    return next((style for style in styles() if style.label == wanted), None)
