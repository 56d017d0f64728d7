"""The wordings of actions and styles: wordings.toml, and the grammar that puts them into sentences."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

WORDINGS = Path(__file__).parent / "wordings.toml"
SIDES = ("left", "right")

_VERB = re.compile(r"\[(\w+)\]")
_DOUBLED = ("begin", "control", "sidestep", "quit")


@dataclass(frozen=True)
class Action:
    """An action and how it is said.

    Attributes:
        name: of its own; those with sides end in "/left" and "/right".
        title: what a person is told.
        contents: the labels of clips that show it.
        captions: regular expressions that a clip's own description may fit.
        ways: phrases with verbs in [brackets] and {their}, {they} for the subject.
        held_out: phrases that no training sees, to choose settings with.
        test: phrases for the evaluation alone.
        cyclic: whether any part of a clip is as good as the whole.
    """

    name: str
    title: str
    contents: tuple[str, ...]
    captions: tuple[str, ...]
    ways: tuple[str, ...]
    held_out: tuple[str, ...]
    test: tuple[str, ...] = ()
    cyclic: bool = False


@dataclass(frozen=True)
class StyleWording:
    """A style label, single words for it, phrases for it, and phrases that no training sees."""

    label: str
    words: tuple[str, ...]
    ways: tuple[str, ...]
    held_out: tuple[str, ...] = ()


@cache
def actions() -> tuple[Action, ...]:
    """All actions, one for each side where they have sides."""
    listed = []
    for name, entry in _read()["actions"].items():
        sided = "{side}" in entry["title"]
        for side in SIDES if sided else ("",):

            def fill(texts: list[str], side: str = side) -> tuple[str, ...]:
                return tuple(text.replace("{side}", side) for text in texts)

            listed.append(
                Action(
                    name=f"{name}/{side}" if side else name,
                    title=entry["title"].replace("{side}", side),
                    contents=fill(entry.get("contents", [])),
                    captions=tuple(entry.get("captions", [])),
                    ways=fill(entry["ways"]),
                    held_out=fill(entry.get("held_out", [])),
                    test=fill(entry.get("test", [])),
                    cyclic=entry.get("cyclic", False),
                )
            )
    return tuple(listed)


@cache
def styles() -> tuple[StyleWording, ...]:
    """All styles."""
    return tuple(
        StyleWording(label, tuple(e["words"]), tuple(e["ways"]), tuple(e.get("held_out", [])))
        for label, e in _read()["styles"].items()
    )


@cache
def _read() -> dict:
    return tomllib.loads(WORDINGS.read_text(encoding="utf-8"))


def phrase(way: str, form: str = "base", pronoun: str = "their") -> str:
    """A way's words: "[wave] {their} hand" to "waves his hand".

    Args:
        way: with verbs in brackets.
        form: "base" (wave), "third" (waves) or "ing" (waving).
        pronoun: for {their}: their, his, her or the.
    """
    conjugate = {"base": str, "third": third_person, "ing": participle}[form]
    words = _VERB.sub(lambda match: conjugate(match[1]), way)
    return words.replace("{their}", pronoun).replace("{they}", {"his": "he", "her": "she"}.get(pronoun, "they"))


def third_person(verb: str) -> str:
    """ "wave" to "waves"."""
    if verb == "have":
        return "has"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return f"{verb[:-1]}ies"
    return f"{verb}es" if verb.endswith(("s", "sh", "ch", "x", "z", "o")) else f"{verb}s"


def participle(verb: str) -> str:
    """ "run" to "running"."""
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        return f"{verb[:-1]}ing"
    if re.fullmatch(r"[^aeiou]*[aeiou][bdgmnprt]", verb) or verb in _DOUBLED:
        return f"{verb}{verb[-1]}ing"
    return f"{verb}ing"


def core(manner: str) -> str:
    """What a phrase for a manner is about: "like a tired king" to "tired king"."""
    words = re.sub(r"^(?:like|as if|as though|as in|in|with|full of|at)\s+", "", manner.lower())
    words = re.sub(r"^(?:an?|the|their|his|her|somebody|someone|they (?:were|had|are))\s+", "", words)
    return re.sub(r"\s+(?:way|manner|fashion|mood|style)$", "", words)


def swap_sides(text: str) -> str:
    """The text with left and right exchanged, for the mirrored motion."""
    other = {"left": "right", "right": "left", "Left": "Right", "Right": "Left"}
    return re.sub(r"left|right|Left|Right", lambda match: other[match[0]], text)


NO_SIDE, LEFT, RIGHT, BOTH = range(4)


def side_of(text: str) -> int:
    """Which side a text names: NO_SIDE, LEFT, RIGHT or BOTH. A sentence's embedding hardly tells them apart."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    left, right = bool(words & {"left", "leftward", "leftwards"}), bool(words & {"right", "rightward", "rightwards"})
    if words & {"both", "two"} or (left and right):
        return BOTH
    return LEFT if left else RIGHT if right else NO_SIDE
