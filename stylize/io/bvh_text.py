"""The text of a BVH file: its hierarchy and its table of channel values, before they mean anything."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np

from stylize.errors import MotionFileError
from stylize.io.files import DEFAULT_LIMITS, Limits
from stylize.skeleton import Skeleton

CHANNEL_NAMES = ("Xposition", "Yposition", "Zposition", "Xrotation", "Yrotation", "Zrotation")
_KNOWN_CHANNELS = frozenset(name.lower() for name in CHANNEL_NAMES)
_KEYWORDS = frozenset(("offset", "channels", "joint", "root", "end", "endsite", "motion", "frames:", "{", "}", ""))
_TOKEN = re.compile(r"[{}]|[^\s{}]+")
_REST_OF_LINE = re.compile(r"[^\n{}]*")
_FRAMES = re.compile(r"\s*Frames\s*:?", re.IGNORECASE)
_FRAME_TIME = re.compile(r"\s*Frame\s*Time\s*:?", re.IGNORECASE)
_WORD = re.compile(r"\S+")

LARGEST_VALUE = 1e9
"""No body is this large in any unit; above it a file is damaged, and kinematics would overflow."""


@dataclass(frozen=True, eq=False)
class BvhHierarchy:
    """The HIERARCHY section of a BVH file: all that is needed to write a motion back onto it.

    Attributes:
        names: one a joint; the file may repeat a name.
        parents: (J,), -1 for the root.
        offsets: (J, 3) in the file's unit, the root's own included.
        channels: one tuple a joint, spelled and ordered as in the file, as ("Zrotation", "Xrotation").
        end_sites: joint index -> offset (3,) of its End Site, for the joints that have one.
    """

    names: tuple[str, ...]
    parents: np.ndarray
    offsets: np.ndarray
    channels: tuple[tuple[str, ...], ...]
    end_sites: Mapping[int, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def skeleton(self) -> Skeleton:
        """The joints without their channels, in the file's unit and axes."""
        return Skeleton(self.names, self.parents, self.offsets, self.end_sites)


@dataclass(frozen=True, eq=False)
class BvhText:
    """What a BVH file says: its hierarchy, its frame time in seconds and its channel values (T, C)."""

    hierarchy: BvhHierarchy
    frame_time: float
    values: np.ndarray


def parse_text(content: bytes | str, source_name: str, limits: Limits = DEFAULT_LIMITS) -> BvhText:
    """Parse the content of a BVH file.

    Raises:
        MotionFileError: one sentence with ``source_name``, the line and what to do.
    """
    scanner = _Scanner(_decode(content, source_name), source_name)
    hierarchy = _parse_hierarchy(scanner, limits)
    frame_count, frame_time, frames_position = _parse_motion_header(scanner, len(hierarchy), limits)
    values = _parse_values(scanner, frame_count, sum(map(len, hierarchy.channels)), frames_position)
    return BvhText(hierarchy, frame_time, values)


def _decode(content: bytes | str, source_name: str) -> str:
    if isinstance(content, bytes):
        if b"\0" in content:
            line = content.count(b"\n", 0, content.index(b"\0")) + 1
            raise MotionFileError(f"{source_name}, line {line}: not plain text; export the motion as a BVH text file.")
        try:
            content = content.decode("utf-8")
        except UnicodeDecodeError:
            content = content.decode("latin-1")
    if not content.strip("\ufeff \t\r\n"):
        raise MotionFileError(f"{source_name}, line 1: the file is empty; export the motion again.")
    return content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


class _Scanner:
    """Walks through the text token by token; line numbers are counted only for an error."""

    def __init__(self, text: str, source_name: str) -> None:
        self.text, self.source_name = text, source_name
        self.start = self.end = 0

    def next(self) -> str:
        """The next brace or word, "" at the end of the file."""
        match = _TOKEN.search(self.text, self.end)
        self.start, self.end = match.span() if match else (len(self.text), len(self.text))
        return match.group() if match else ""

    def rest_of_line(self) -> str:
        match = _REST_OF_LINE.match(self.text, self.end)
        assert match is not None
        self.end = match.end()
        return match.group().strip()

    def skip(self, pattern: re.Pattern[str]) -> bool:
        match = pattern.match(self.text, self.end)
        if match:
            self.end = match.end()
        return match is not None

    def number(self, what: str) -> float:
        token = self.next()
        if not _is_plain_number(token):
            self.fail(f"{what} must be a finite number, not {shown(token)}; correct it or export the file again")
        return float(token)

    def line(self, position: int) -> int:
        return self.text.count("\n", 0, min(position, len(self.text.rstrip()))) + 1

    def fail(self, message: str, position: int | None = None) -> NoReturn:
        line = self.line(self.start if position is None else position)
        raise MotionFileError(f"{self.source_name}, line {line}: {message}.")


def shown(token: str) -> str:
    """A piece of a file as an error message quotes it."""
    if not token:
        return "the end of the file"
    return repr(token if len(token) <= 40 else token[:37] + "...")


@dataclass
class _Joint:
    name: str
    parent: int
    position: int
    offset: list[float] | None = None
    channels: tuple[str, ...] | None = None
    end_site: list[float] | None = None


def _parse_hierarchy(scanner: _Scanner, limits: Limits) -> BvhHierarchy:
    if (token := scanner.next()).upper() != "HIERARCHY":
        scanner.fail(f"a BVH file starts with HIERARCHY, not with {shown(token)}; export the motion as BVH")
    if (token := scanner.next()).upper() != "ROOT":
        scanner.fail(f"expected ROOT after HIERARCHY, not {shown(token)}; export the motion as BVH")
    joints = [_open_joint(scanner, -1)]
    current = 0
    while current >= 0:
        joint = joints[current]
        keyword = (token := scanner.next()).lower()
        if keyword in ("joint", "end", "endsite", "}") and (joint.offset is None or joint.channels is None):
            missing = "OFFSET" if joint.offset is None else "CHANNELS"
            scanner.fail(f"joint {shown(joint.name)} has no {missing} line; add it", joint.position)
        if keyword == "joint":
            if len(joints) == limits.joints:
                scanner.fail(f"the skeleton has more than {limits.joints} joints; export the body without the rest")
            joints.append(_open_joint(scanner, current))
            current = len(joints) - 1
        elif keyword == "}":
            current = joint.parent
        elif keyword in ("end", "endsite"):
            end_site = _parse_end_site(scanner)
            joint.end_site = joint.end_site or end_site
        elif keyword == "offset" and joint.offset is None:
            joint.offset = [scanner.number("an OFFSET value") for _ in range(3)]
        elif keyword == "channels" and joint.channels is None:
            joint.channels = _parse_channels(scanner)
        elif keyword in ("motion", ""):
            scanner.fail(f"joint {shown(joint.name)} is not closed before {shown(token)}; add the missing '}}'")
        elif keyword == "root":
            scanner.fail("a second ROOT; keep one skeleton a file")
        elif keyword in ("offset", "channels"):
            scanner.fail(f"joint {shown(joint.name)} has a second {keyword.upper()} line; remove one")
        else:
            scanner.fail(f"expected OFFSET, CHANNELS, JOINT, End Site or '}}', not {shown(token)}; correct the line")
    return BvhHierarchy(
        names=tuple(joint.name for joint in joints),
        parents=np.array([joint.parent for joint in joints]),
        offsets=np.array([joint.offset for joint in joints], dtype=float),
        channels=tuple(joint.channels or () for joint in joints),
        end_sites={i: np.array(joint.end_site) for i, joint in enumerate(joints) if joint.end_site is not None},
    )


def _open_joint(scanner: _Scanner, parent: int) -> _Joint:
    position = scanner.start
    name = scanner.rest_of_line()
    if not name:
        scanner.fail("a joint has no name; write one after the keyword")
    if (token := scanner.next()) != "{":
        scanner.fail(f"expected '{{' after joint {shown(name)}, not {shown(token)}; add the missing brace")
    return _Joint(name, parent, position)


def _parse_end_site(scanner: _Scanner) -> list[float]:
    scanner.rest_of_line()
    if (token := scanner.next()) != "{":
        scanner.fail(f"expected '{{' after End Site, not {shown(token)}; add the missing brace")
    offset = [0.0, 0.0, 0.0]
    if (token := scanner.next()).lower() == "offset":
        offset = [scanner.number("an OFFSET value") for _ in range(3)]
        token = scanner.next()
    if token != "}":
        scanner.fail(f"expected '}}' at the end of End Site, not {shown(token)}; add the missing brace")
    return offset


def _parse_channels(scanner: _Scanner) -> tuple[str, ...]:
    token, position = scanner.next(), scanner.start
    if token not in ("0", "1", "2", "3", "4", "5", "6"):
        scanner.fail(f"CHANNELS must be followed by a count from 0 to 6, not {shown(token)}; correct it")
    channels: list[str] = []
    for _ in range(int(token)):
        name = scanner.next()
        if name.lower() in _KEYWORDS:
            scanner.fail(f"CHANNELS says {token} but {len(channels)} names follow; correct the count", position)
        if name.lower() not in _KNOWN_CHANNELS:
            scanner.fail(f"{shown(name)} is no channel; use {', '.join(CHANNEL_NAMES)}")
        if name.lower() in map(str.lower, channels):
            scanner.fail(f"the channel {name} stands twice in one joint; remove one")
        channels.append(name)
    return tuple(channels)


def _parse_motion_header(scanner: _Scanner, joint_count: int, limits: Limits) -> tuple[int, float, int]:
    """The number of frames, the frame time, and where the number of frames stands."""
    keyword = (token := scanner.next()).upper()
    if keyword == "ROOT":
        scanner.fail("a second ROOT; keep one skeleton a file")
    if keyword == "}":
        scanner.fail("a '}' without its '{'; remove it")
    if keyword != "MOTION":
        scanner.fail(f"expected MOTION after the hierarchy, not {shown(token)}; export the file with its motion")
    if not scanner.skip(_FRAMES):
        scanner.fail(f"expected 'Frames:' after MOTION, not {shown(scanner.next())}; add it")
    token, frames_position = scanner.next(), scanner.start
    try:
        frame_count = float(token)
    except ValueError:
        frame_count = float("nan")
    if not frame_count >= 1 or frame_count % 1:
        scanner.fail(f"the number of frames must be a whole number above 0, not {shown(token)}; correct it")
    largest = min(limits.frames, limits.joint_frames // joint_count)
    if frame_count > largest:
        scanner.fail(f"{shown(token)} frames are more than the limit of {largest} for this skeleton; cut the motion")
    if not scanner.skip(_FRAME_TIME):
        scanner.fail(f"expected 'Frame Time:' after the number of frames, not {shown(scanner.next())}; add it")
    frame_time = scanner.number("the frame time")
    if not 1e-4 <= frame_time <= 10:
        scanner.fail(f"the frame time is {frame_time:g}; it must be 0.0001 to 10 seconds, as 0.033333")
    return int(frame_count), frame_time, frames_position


def _parse_values(scanner: _Scanner, frame_count: int, channel_count: int, frames_position: int) -> np.ndarray:
    """The motion's numbers (T, C), however they are broken over lines."""
    body = scanner.text[scanner.end :]
    expected = frame_count * channel_count
    # A longer text than announced is not split any further, so it cannot cost memory.
    tokens = body.split(None, expected)
    if len(tokens) == expected and body.isascii() and "_" not in body:
        try:
            values = np.fromiter(map(float, tokens), float, expected)
        except ValueError:
            pass
        else:
            if (np.abs(values) <= LARGEST_VALUE).all():
                return values.reshape(frame_count, channel_count)
    _explain_bad_values(scanner, frame_count, channel_count, frames_position)


def _explain_bad_values(scanner: _Scanner, frame_count: int, channel_count: int, frames_position: int) -> NoReturn:
    """Find what is wrong with the motion's numbers; slow, and run only when something is."""
    position = scanner.end
    total, rows, odd_rows = 0, 0, []
    for line in scanner.text[position:].split("\n"):
        count = 0
        for match in _WORD.finditer(line):
            count += 1
            if not _is_plain_number(match.group()):
                message = f"{shown(match.group())} is not a finite number below {LARGEST_VALUE:g}"
                scanner.fail(f"{message}; correct it or export the file again", position)
        if count not in (0, channel_count):
            odd_rows.append((position, count))
        rows += count > 0
        total += count
        position += len(line) + 1
    # Where most lines are odd, frames are broken over lines or share one, and no line is to blame.
    if 0 < len(odd_rows) <= rows / 2:
        position, count = odd_rows[0]
        scanner.fail(f"{count} values where a frame has {channel_count}; export the file again", position)
    message = f"{frame_count} frames of {channel_count} values are announced but {total} values follow"
    scanner.fail(f"{message}; correct 'Frames:' or export the file again", frames_position)


def _is_plain_number(token: str) -> bool:
    try:
        return abs(float(token)) <= LARGEST_VALUE and "_" not in token and token.isascii()
    except ValueError:
        return False
