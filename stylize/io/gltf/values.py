"""The JSON of a glTF file, read with checks: whoever made the file may have meant harm."""

import json
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from stylize.errors import MotionFileError

MOST_VALUES = 1_500_000
MOST_DEPTH = 64
MOST_PARTS = 150_000
"""In one list, as that of all accessors."""
LARGEST = 1e9
"""No body is this large in any unit; above it a file is damaged, and kinematics would overflow."""
LONGEST_NAME = 100


def parse_json(content: bytes | memoryview, file: str) -> dict[str, Any]:
    """The object that a text of JSON holds; MotionFileError if there is none, or too much of it."""
    text = bytes(content)
    if sum(text.count(mark) for mark in (b",", b"[", b"{")) > MOST_VALUES:
        raise MotionFileError(f"{file}: its JSON has more than {MOST_VALUES:,} values; export one character alone.")
    try:
        value = json.loads(text.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MotionFileError(f"{file}: its JSON cannot be read; export the file again as glTF 2.0.") from error
    if not isinstance(value, dict):
        raise MotionFileError(f"{file} is no glTF file: its JSON is no object; export it as glTF 2.0.")
    level: list[Any] = [value]
    for _ in range(MOST_DEPTH):
        children = (item.values() if isinstance(item, dict) else item for item in level)
        level = [child for some in children for child in some if isinstance(child, dict | list)]
        if not level:
            return value
    raise MotionFileError(f"{file}: its JSON is nested more than {MOST_DEPTH} deep; export it again.")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def shown(text: str) -> str:
    """A name of the file as an error message quotes it."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


@dataclass(frozen=True)
class Part:
    """One object of a glTF file's JSON; every reading of it is checked.

    Attributes:
        value: the object.
        where: its place, as "nodes[3]", for error messages.
        file: the file's name.
    """

    value: dict[str, Any]
    where: str
    file: str

    def fail(self, problem: str, advice: str = "export the file again") -> NoReturn:
        """Raise the MotionFileError of a problem at this place."""
        raise MotionFileError(f"{self.file}: {self.where} {problem}; {advice}.")

    def part(self, key: str) -> "Part | None":
        """The object under a key, None if there is none."""
        if key not in self.value:
            return None
        where = f"{self.where}.{key}"
        value = self.value[key]
        if not isinstance(value, dict):
            Part({}, where, self.file).fail("is no object")
        return Part(value, where, self.file)

    def path(self, *keys: str) -> "Part | None":
        """The object that several keys lead to, None if one of them is not there."""
        part: Part | None = self
        for key in keys:
            part = part.part(key) if part is not None else None
        return part

    def parts(self, key: str, most: int = MOST_PARTS) -> list["Part"]:
        """The objects of the list under a key, empty if there is none."""
        top = key if self.where == "it" else f"{self.where}.{key}"
        values = self._list(key)
        if len(values) > most:
            self.fail(f"has {len(values)} {key}, and at most {most} can be used", "export one character alone")
        parts = [Part(value, f"{top}[{i}]", self.file) for i, value in enumerate(values)]
        for part in parts:
            if not isinstance(part.value, dict):
                part.fail("is no object")
        return parts

    def _list(self, key: str) -> list[Any]:
        values = self.value.get(key, [])
        if not isinstance(values, list):
            self.fail(f"has {key} that are no list")
        return values

    def integer(self, key: str, default: int | None = None, least: int = 0) -> int:
        """A whole number under a key, at least ``least``."""
        value = self.value.get(key, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int or not least <= value <= 2**40:
            self.fail(f"has no usable {key}")
        return value

    def index(self, key: str, count: int) -> int | None:
        """The index under a key into something of which there are ``count``; None if there is none."""
        if key not in self.value:
            return None
        value = self.integer(key)
        if value >= count:
            self.fail(f"has the {key} {value}, and there are only {count}")
        return value

    def indices(self, key: str, count: int) -> list[int]:
        """The list of indices under a key, empty if there is none."""
        values = self._list(key)
        for value in values:
            if type(value) is not int or not 0 <= value < count:
                self.fail(f"has {key} that are not there")
        return values

    def numbers(self, key: str, count: int) -> np.ndarray | None:
        """(count,) the finite numbers under a key; None if there are none."""
        if key not in self.value:
            return None
        values = self._list(key)
        if len(values) != count or not all(type(v) in (int, float) and abs(v) <= LARGEST for v in values):
            self.fail(f"has a {key} that is not {count} finite numbers")
        return np.array(values, float)

    def text(self, key: str, default: str = "") -> str:
        """The text under a key."""
        value = self.value.get(key, default)
        if not isinstance(value, str):
            self.fail(f"has a {key} that is no text")
        return value

    def name(self, default: str = "") -> str:
        """The name of this object, cut where it is very long."""
        return self.text("name", default)[:LONGEST_NAME] or default
