"""What makes a result again, bit for bit, as a small JSON file: the motion, the style and the settings.

Bundled motions are named; others are kept in the file itself, as are styles that were made of clips, so that nothing
else is needed to make the result again but the same checkpoint and the same version of the program.
"""

import base64
import json
import math
import tempfile
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stylize import __version__
from stylize.errors import StylizeError
from stylize.library import list_library, load_entry
from stylize.motion import Motion
from stylize.restyle import Body
from stylize.skeleton import SKELETON_22
from stylize.source import MAX_SECONDS, SourceMotion, as_canonical
from stylize.styles import STYLE_SUFFIX, SavedStyle, Style, fingerprint

if TYPE_CHECKING:
    from stylize.pipeline import Progress, Stylizer
    from stylize.results import StylizationResult

VERSION = 1
MAX_FILE_BYTES = 16 * 2**20
MAX_FRAMES = round((MAX_SECONDS + 1) * 30)
MAX_PARTS = 16
FRAME_NUMBERS = len(SKELETON_22) * 9 + 3
MAX_NAME = 200
LARGEST_METRES = 1e4
ROTATION_TOLERANCE = 1e-3
NO_RECIPE = "This is no file of settings; choose a .json that this app wrote."
DAMAGED = "This file of settings is damaged ({}); choose another .json that this app wrote."


class RecipeError(StylizeError):
    """A file is no recipe, or a damaged one."""


@dataclass(frozen=True)
class RunSettings:
    """How much of the style, how many samples, and what of the content stays; see Stylizer.stylize."""

    strength: float = 1.0
    num_samples: int = 1
    seed: int = 0
    keep_timing: bool = False
    body: Body = "full"


@dataclass(frozen=True, eq=False)
class Recipe:
    """A content, a style, and how the one was given the other.

    Attributes:
        content: what was restyled.
        style: it was given.
        settings: of the run.
        maker: what made it (``maker_of``).
    """

    content: Motion | SourceMotion
    style: Style
    settings: RunSettings = field(default_factory=RunSettings)
    maker: str = ""

    @property
    def entry(self) -> str | None:
        """The content's name in the library, or None if it is not from there."""
        return entry_of(self.content)

    def fits(self, stylizer: "Stylizer") -> bool:
        """Whether a stylizer is the one that made the result; another one makes another result."""
        return self.maker == maker_of(stylizer)

    def stylize(self, stylizer: "Stylizer", progress: "Progress | None" = None) -> "StylizationResult":
        """Make the result; errors as of Stylizer.stylize."""
        return stylizer.stylize(self.content, self.style, **asdict(self.settings), progress=progress)

    def to_json(self) -> str:
        """The file's text."""
        content = as_canonical(self.content, "content")
        return json.dumps(
            {
                "stylize": {"version": VERSION, "model": self.maker},
                "content": _motion_to_json(self.content, content),
                "style": _style_to_json(self.style),
                "settings": asdict(self.settings),
            },
            indent=1,
        )


def maker_of(stylizer: "Stylizer") -> str:
    """The version of the program and the checkpoint, in a few words."""
    return f"{__version__} {fingerprint(stylizer.fingerprints)}"


def read_recipe(path: str | Path) -> Recipe:
    """Read what ``Recipe.to_json`` wrote; nothing in the file is trusted.

    Raises:
        RecipeError: the file is something else, or damaged.
        MotionFileError, StyleError: it names a motion that is not there, or holds a style that cannot be used.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise RecipeError(NO_RECIPE)
        read = json.loads(path.read_bytes())
        version, maker = read["stylize"]["version"], read["stylize"]["model"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecipeError(NO_RECIPE) from error
    if version != VERSION:
        raise RecipeError(f"This file of settings has the version {str(version)[:20]}, and {VERSION} is understood.")
    try:
        return Recipe(
            _motion_from_json(read["content"]),
            _style_from_json(read["style"]),
            _settings_from_json(read["settings"]),
            str(maker)[:MAX_NAME],
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, zlib.error) as error:
        raise RecipeError(DAMAGED.format(type(error).__name__)) from error


def _settings_from_json(read: dict[str, Any]) -> RunSettings:
    """Settings of the right kinds; whether they are in range is looked at by Stylizer.stylize."""
    settings = RunSettings(**read)
    for name, kinds in {
        "strength": (int, float),
        "num_samples": (int,),
        "seed": (int,),
        "keep_timing": (bool,),
        "body": (str,),
    }.items():
        value = getattr(settings, name)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise RecipeError(DAMAGED.format(f"{name} is {str(value)[:40]!r}"))
    if not math.isfinite(settings.strength) or not 0 <= settings.seed < 2**31:
        raise RecipeError(DAMAGED.format("a number is out of range"))
    return settings


def entry_of(motion: Motion | SourceMotion) -> str | None:
    """The name of a motion that is one of the library, which loads each once."""
    return next((entry.name for entry in list_library() if load_entry(entry) is motion), None)


def _motion_to_json(motion: Motion | SourceMotion, canonical: Motion) -> dict[str, Any]:
    entry = entry_of(motion)
    if entry is not None:
        return {"library": entry}
    numbers = np.concatenate(
        [canonical.local_rotations.reshape(len(canonical), -1), canonical.root_positions], axis=1
    ).astype("<f8")
    frames = base64.b64encode(zlib.compress(numbers.tobytes(), 9)).decode("ascii")
    return {"name": canonical.name[:MAX_NAME], "fps": float(canonical.fps), "frames": frames}


def _motion_from_json(read: dict[str, Any]) -> Motion:
    if "library" in read:
        return load_entry(str(read["library"])[:MAX_NAME])
    limit = MAX_FRAMES * FRAME_NUMBERS * 8
    packed = zlib.decompressobj()
    content = packed.decompress(base64.b64decode(read["frames"], validate=True), limit)
    if packed.unconsumed_tail or not content:
        raise RecipeError(DAMAGED.format("the motion is empty or too long"))
    numbers = np.frombuffer(content, "<f8").reshape(-1, FRAME_NUMBERS).astype(float)
    rotations = numbers[:, :-3].reshape(-1, len(SKELETON_22), 3, 3)
    roots = numbers[:, -3:]
    fps = float(read["fps"])
    if not (np.isfinite(numbers).all() and np.abs(roots).max() < LARGEST_METRES and 1 <= fps <= 1000):
        raise RecipeError(DAMAGED.format("the motion has numbers out of range"))
    square = rotations @ rotations.swapaxes(-1, -2)
    if np.abs(square - np.eye(3)).max() > ROTATION_TOLERANCE or np.linalg.det(rotations).min() < 0:
        raise RecipeError(DAMAGED.format("the motion has no true rotations"))
    return Motion(SKELETON_22, rotations, roots, fps, name=str(read["name"])[:MAX_NAME])


def _style_to_json(style: Style) -> dict[str, Any]:
    if style.parts:
        parts = [{**_style_to_json(part), "share": share} for part, share in style.parts]
        return {"parts": parts, "span": style.span}
    if style.saved is not None:
        return {"saved": base64.b64encode(_style_file(style.saved)).decode("ascii")}
    if style.motion is not None:
        assert not isinstance(style.motion, str | Path), "a motion that was read"
        return {"motion": _motion_to_json(style.motion, as_canonical(style.motion, "style reference"))}
    return {"label": style.label, "sampled": style.sampled}


def _style_from_json(read: dict[str, Any], is_part: bool = False) -> Style:
    if "parts" in read and not is_part:
        parts = read["parts"]
        if not 2 <= len(parts) <= MAX_PARTS:
            raise RecipeError(DAMAGED.format("the style has too few or too many parts"))
        span = read["span"]
        if span is not None:
            start, end = map(float, span)
            if not 0 <= start < end <= 1 or len(parts) != 2:
                raise RecipeError(DAMAGED.format("the styles do not follow each other"))
            span = (start, end)
        shares = [float(part["share"]) for part in parts]
        if not all(0 < share <= 1 for share in shares):
            raise RecipeError(DAMAGED.format("a style's share is out of range"))
        styles = [_style_from_json(part, is_part=True) for part in parts]
        return Style(parts=tuple(zip(styles, shares, strict=True)), span=span)
    if "saved" in read:
        return Style.from_file(_style_of_file(base64.b64decode(read["saved"], validate=True)))
    if "motion" in read:
        return Style.from_motion(_motion_from_json(read["motion"]))
    label = read["label"]
    return Style(label=None if label is None else str(label)[:MAX_NAME], sampled=read["sampled"] is True)


def _style_file(style: SavedStyle) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return style.save(Path(folder) / f"style{STYLE_SUFFIX}").read_bytes()


def _style_of_file(content: bytes) -> SavedStyle:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"style{STYLE_SUFFIX}"
        path.write_bytes(content)
        return SavedStyle.load(path)
