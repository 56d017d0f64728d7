"""From what a person wrote to what will be made: actions one after the other, and a style."""

import re
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from stylize.errors import StylizeError
from stylize.text.bank import KnownAction, TextBank
from stylize.text.encoder import TextEncoder
from stylize.text.manner import split_manner
from stylize.text.wordings import NO_SIDE, side_of

MAX_CHARACTERS, MAX_SEGMENTS = 400, 12
KNOWN, POSSIBLE = 0.60, 0.40
"""Cosines of a text and the nearest known caption: from the first on it is taken at its word, from the second on the
nearest is made in its place, below there is nothing like it."""
STYLE_MEANING = 0.55
"""Cosine from which a phrase that is not listed means the style of the nearest that is."""
NEIGHBOURS, SAME = 3, 0.92
"""How many captions of an action tell how near it is, and the cosine from which a single one does."""
MARGIN = 0.03
"""By how much two parts around an "and" must be better known than the whole to be two actions."""

_THEN = ("and then", "then", "and afterwards", "afterwards", "after that", "and finally", "finally", "followed by")
_SEPARATORS = rf"(?:[;!?]|\.(?!\d))+|,?\s*\b(?:{'|'.join(_THEN)})\b,?"
_DURATION = r"\bfor (?:about )?(\d+(?:\.\d+)?)\s*(?:s|sec|secs|seconds?)\b"


class TextError(StylizeError):
    """A text cannot be made into a motion."""


@dataclass(frozen=True)
class Segment:
    """One action of a text.

    Attributes:
        text: its part of the text, without the manner.
        action: what will be made.
        closest: the known caption that is nearest to it.
        similarity: their cosine.
        known: whether the text itself is followed, or only the closest caption.
        side: the side that is asked for, see ``side_of``.
        seconds: how long, where the text says so.
    """

    text: str
    action: KnownAction
    closest: str
    similarity: float
    known: bool
    side: int = NO_SIDE
    seconds: float | None = None


@dataclass(frozen=True)
class UnderstoodText:
    """What a text was understood as.

    Attributes:
        text: as it was written.
        segments: the actions, in their order.
        style: the label that the text names, or None.
        style_words: the words that it was read from.
        notes: what a person should know, in sentences.
    """

    text: str
    segments: tuple[Segment, ...]
    style: str | None = None
    style_words: str = ""
    notes: tuple[str, ...] = ()

    def describe(self) -> str:
        """In one line: "walk, then wave with the left hand; style elderly (like an old man)"."""
        actions = ", then ".join(segment.action.title for segment in self.segments)
        return f"{actions}; style {self.style} ({self.style_words})" if self.style else actions


def understand(text: str, bank: TextBank, encoder: TextEncoder, labels: Collection[str]) -> UnderstoodText:
    """What a text asks for.

    Args:
        text: at most 400 characters.
        bank: what the generator knows.
        encoder: of the bank's embeddings.
        labels: the styles to choose from.

    Raises:
        TextError: an empty or endless text, no action in it, or one that is like nothing that is known.
    """
    cleaned = " ".join("; ".join(line for line in text.splitlines() if line.strip()).split())
    if not re.search(r"[^\W\d_]", cleaned):
        raise TextError("The text is empty; say what a person does, as in: walk forward and wave.")
    if len(cleaned) > MAX_CHARACTERS:
        raise TextError(
            f"The text has {len(cleaned)} characters; describe the motion in at most {MAX_CHARACTERS}, "
            "and longer scenes in several runs."
        )
    split = split_manner(cleaned, labels, lambda manner: bank.nearest_style(manner, encoder), STYLE_MEANING)
    pieces = [piece.strip(" ,") for piece in re.split(_SEPARATORS, split.action, flags=re.IGNORECASE)]
    pieces = [piece for piece in pieces if re.search(r"[^\W\d_]", piece)]
    if not pieces:
        raise TextError(
            f"The text names a manner ({split.style_words or split.unknown[0]}) but no action; add what the person "
            "does, as in: walk sadly."
        )
    segments = [segment for piece in pieces for segment in _segments(piece, bank, encoder)]
    if len(segments) > MAX_SEGMENTS:
        raise TextError(f"The text has {len(segments)} actions; ask for at most {MAX_SEGMENTS} at a time.")
    notes = [f"{words!r} fits none of the styles and was left out." for words in split.unknown]
    notes += [f"Only one style is given at a time: {words!r} was left out." for words in split.other_styles]
    notes += [
        f"I do not know {segment.text!r}; the closest I know is: {segment.action.title}."
        for segment in segments
        if not segment.known
    ]
    return UnderstoodText(cleaned, tuple(segments), split.style, split.style_words, tuple(notes))


def _segments(piece: str, bank: TextBank, encoder: TextEncoder) -> list[Segment]:
    """A part of a text as one action, or as several where its parts around "and" or a comma are better known."""
    whole = _segment(piece, bank, encoder)
    parts = [part for part in re.split(r",|\band\b", piece) if re.search(r"[^\W\d_]", part)]
    if len(parts) > 1:
        several = [_segment(part.strip(), bank, encoder) for part in parts]
        different = len({segment.action.name for segment in several}) > 1
        if different and min(segment.similarity for segment in several) > max(whole.similarity, KNOWN) + MARGIN:
            return several
    if whole.similarity < POSSIBLE:
        raise TextError(
            f"Nothing that I know is like {piece!r}; try actions such as: walk, run, turn left, wave, raise the "
            "right hand, bow, jump, kick a ball, dance."
        )
    return [whole]


def _segment(piece: str, bank: TextBank, encoder: TextEncoder) -> Segment:
    duration = re.search(_DURATION, piece, re.IGNORECASE)
    text = re.sub(_DURATION, "", piece, flags=re.IGNORECASE).strip(" ,") or piece
    side = side_of(text)
    index, similarity = nearest_with_side(bank, encoder([text])[0], side)
    caption, action_index = bank.captions[index]
    action = bank.actions[action_index]
    if similarity < KNOWN:
        side = side_of(caption)
    if side == NO_SIDE and action.sided:
        side = side_of(action.title)
    return Segment(
        text=text,
        action=action,
        closest=caption,
        similarity=similarity,
        known=similarity >= KNOWN,
        side=side,
        seconds=float(duration[1]) if duration else None,
    )


def nearest_with_side(bank: TextBank, embedding: np.ndarray, side: int) -> tuple[int, float]:
    """The caption that an embedding (E,) is understood as, of the same side or of none: its index, and their cosine.

    It is the nearest of those of the action whose nearest captions are nearest on average: a single one may be near by
    chance. Of a hand that is not named the right one is taken.
    """
    members = np.array([action for _, action in bank.captions])
    sides = np.array([side_of(text) for text, _ in bank.captions])
    sided = np.array([action.sided for action in bank.actions])[members]
    fits = sides == side if side == NO_SIDE else (sides == side) | ((sides == NO_SIDE) & ~sided)
    cosines = np.where(fits, bank.caption_embeddings @ embedding, -1.0)
    if cosines.max() < SAME:
        near = [_mean_of_nearest(cosines[(members == index) & fits]) for index in range(len(bank.actions))]
        action = len(near) - 1 - int(np.argmax(np.round(near[::-1], 4)))
        cosines[members != action] = -1.0
    best = int(len(cosines) - 1 - np.argmax(np.round(cosines[::-1], 4)))
    return best, float(cosines[best])


def _mean_of_nearest(cosines: np.ndarray) -> float:
    return float(np.sort(cosines)[-NEIGHBOURS:].mean()) if len(cosines) else -1.0
