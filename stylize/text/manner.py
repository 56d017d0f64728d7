"""Splits a text into what is done and in which manner: style words, phrases such as "like a king", adverbs."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from stylize.text.wordings import StyleWording, styles

NEUTRAL_SUBJECTS = (
    "person", "man", "woman", "human", "guy", "figure", "character", "actor", "actress", "people", "somebody",
    "someone", "boy", "girl", "lady",
)  # fmt: skip
PLAIN_ADVERBS = (
    "slowly", "quickly", "slightly", "diagonally", "repeatedly", "directly", "only", "simultaneously", "politely",
    "deeply", "respectfully", "courteously", "obliquely", "gracefully", "heartily", "finally", "immediately", "once",
    "twice",
    "suddenly", "briefly", "early", "daily", "family", "fly", "lightly", "friendly", "apply", "reply", "july", "ally",
)  # fmt: skip
"""Words in -ly that tell how an action goes, not in which style, or that are no adverbs."""

INTENSIFIERS = r"(?:\b(?:very|quite|so|really|rather|extremely|completely|totally|somewhat|a bit|a little)\s+)*"
BODY = ("hand", "hands", "arm", "arms", "foot", "feet", "leg", "legs", "left", "right", "both", "knee", "knees")

_STOP = r"(?=\s*(?:[,;.!?]|$|\b(?:and|then|while|to the|with (?:the|both|his|her|their|one|my|your)|for|towards?)\b))"
_SHAPES = (
    rf"\b(?:like|as if|as though|as in)\b.+?{_STOP}",
    r"\bin (?:an? |the )?(?:[\w-]+ ){1,4}(?:way|manner|fashion|mood|style|spirit|spirits|temper)\b",
)
"""What is a manner whatever it means."""
_WITH = (
    rf"\b(?:with|without|full of|overflowing with|bursting with|overcome with|filled with|lacking|feeling)\b.+?{_STOP}"
)
"""What may be a manner, and is one where its meaning is that of a style."""
_AGES = {
    "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "ten": 10, "twelve": 12, "fifteen": 15, "sixteen": 16,
    "eighteen": 18, "twenty": 20, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_AGE = rf"\b(\d{{1,3}}|{'|'.join(_AGES)})[ -]years?[ -]old\b"

Matcher = Callable[[str], tuple[str | None, float]]
"""From a phrase to the style label of the nearest meaning, and how near it is."""


@dataclass(frozen=True)
class SplitText:
    """A text in two.

    Attributes:
        action: what is left when the manner is taken out.
        style: the label that the manner names, or None.
        style_words: the words that it was read from.
        unknown: words for a manner that no style fits.
        other_styles: words for further styles; only one is given at a time.
    """

    action: str
    style: str | None
    style_words: str = ""
    unknown: tuple[str, ...] = ()
    other_styles: tuple[str, ...] = ()


def split_manner(text: str, labels: Collection[str], nearest: Matcher, threshold: float) -> SplitText:
    """Take the words for a manner out of a text.

    Args:
        text: what a person wrote.
        labels: the styles to choose from.
        nearest: finds the meaning of phrases that are not listed.
        threshold: how near that meaning must be.
    """
    splitter = _Splitter(text, [style for style in styles() if style.label in labels], nearest, threshold)
    splitter.listed_ways()
    for shape in _SHAPES:
        splitter.shape(shape, certain=True)
    splitter.listed_words()
    splitter.subjects()
    splitter.shape(_WITH, certain=False)
    splitter.words(r"\b([a-z]{3,}ly)\b")
    splitter.words(rf"\b(?:an?|the) ([a-z-]{{4,}}) (?:{'|'.join(NEUTRAL_SUBJECTS)})\b")
    found = splitter.found
    if not found:
        return SplitText(_tidy(splitter.text), None, "", tuple(splitter.unknown))
    style = found[0][0]
    others = tuple(words for label, words in found if label != style)
    used = ", ".join(words for label, words in found if label == style)
    return SplitText(_tidy(splitter.text), style, used, tuple(splitter.unknown), others)


class _Splitter:
    """A text that gets shorter, and the manners that were taken out of it."""

    def __init__(self, text: str, wordings: list[StyleWording], nearest: Matcher, threshold: float) -> None:
        self.text, self.wordings, self.nearest, self.threshold = text, wordings, nearest, threshold
        self.found: list[tuple[str, str]] = []
        self.unknown: list[str] = []

    def listed_ways(self) -> None:
        """Phrases of the wordings, the longest first."""
        ways = [(way, wording.label) for wording in self.wordings for way in wording.ways]
        for way, label in sorted(ways, key=lambda pair: -len(pair[0])):
            self._take(rf"\b{_pattern(way)}(?!\w)", label)

    def listed_words(self) -> None:
        """Single words of the wordings."""
        for wording in self.wordings:
            for word in wording.words:
                self._take(rf"{INTENSIFIERS}(?<![\w-]){re.escape(word)}(?![\w-])", wording.label)

    def subjects(self) -> None:
        """A subject that is a style by itself ("a child waves") becomes a person."""
        for wording in self.wordings:
            for way in wording.ways:
                match = re.match(r"like (?:an?|the) ([\w -]+)$", way)
                if match is None or match[1] in NEUTRAL_SUBJECTS:
                    continue
                subject = re.search(rf"(?:^|[,;.]\s*)\b(?:an?|the) {re.escape(match[1])}\b", self.text, re.IGNORECASE)
                if subject is not None:
                    self.found.append((wording.label, match[1]))
                    self.text = self.text.replace(subject[0], "a person", 1)

    def shape(self, shape: str, *, certain: bool) -> None:
        """Phrases of a shape; those that mean no style stay in the text unless they are ``certain`` to be a manner."""
        for match in list(re.finditer(shape, self.text, re.IGNORECASE)):
            words = match[0].strip()
            parts = set(re.findall(r"[a-z-]+", words.lower()))
            if not certain and parts & set(BODY):
                continue
            label = self._by_age(words) or next((w.label for w in self.wordings if parts & set(w.words)), None)
            self._settle(words, label or self._meaning(words), certain)

    def words(self, pattern: str) -> None:
        """Adverbs and adjectives that are not listed."""
        for match in list(re.finditer(pattern, self.text, re.IGNORECASE)):
            if match[1].lower() not in PLAIN_ADVERBS:
                self._settle(match[1], self._meaning(match[1]), True)

    def _take(self, pattern: str, label: str) -> None:
        for match in reversed(list(re.finditer(pattern, self.text, re.IGNORECASE))):
            self.found.append((label, match[0].strip()))
            self.text = f"{self.text[: match.start()]} {self.text[match.end() :]}"

    def _settle(self, words: str, label: str | None, certain: bool) -> None:
        if label is not None:
            self.found.append((label, words))
        elif certain:
            self.unknown.append(words)
        if label is not None or certain:
            self.text = re.sub(rf"{INTENSIFIERS}(?<!\w){re.escape(words)}(?!\w)", " ", self.text, count=1)

    def _meaning(self, words: str) -> str | None:
        label, cosine = self.nearest(words.lower())
        return label if cosine >= self.threshold and label in {w.label for w in self.wordings} else None

    def _by_age(self, words: str) -> str | None:
        match = re.search(_AGE, words.lower())
        if match is None:
            return None
        age = int(match[1]) if match[1].isdigit() else _AGES[match[1]]
        label = "set1/childish" if age < 13 else "youthful" if age < 30 else "elderly" if age >= 60 else None
        return label if label in {w.label for w in self.wordings} else None


def _pattern(phrase: str) -> str:
    words = re.escape(phrase).replace(r"\ ", r"\s+")
    return words.replace(r"\{their\}", r"(?:their|his|her|my|your|the)").replace(r"\{they\}", r"(?:they|he|she)")


def _tidy(text: str) -> str:
    """Spaces and marks as a person would write them."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s*,(?:\s*,)+", ",", text)
    text = re.sub(r"\s+([,;.!?])", r"\1", text)
    text = re.sub(r"\b(an?) (?=(?:and|then)\b|[,;.]|$)", "", text)
    text = re.sub(r"\b(a)n(?= [^aeiou\W])", r"\1", text, flags=re.IGNORECASE)
    text = re.sub(r"([;.])\s*,", r"\1", text)
    text = re.sub(r"\b(?:and|but)\s*(?=[,;.]|$)", "", text)
    return text.strip(" ,;.!?-")
