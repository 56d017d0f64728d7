"""``python -m stylize inspect``: what a file is."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import OmitArgPrefixes, Positional, arg

from stylize.cli.array_flags import ArrayFlags
from stylize.cli.terminal import say

if TYPE_CHECKING:
    from stylize.inspection import Inspection


@dataclass(frozen=True)
class Inspect:
    """Say what a motion file is, what was found in it, and what would be done with it.

    The exit code is 1 where the file cannot be used.
    """

    file: Annotated[Positional[Path], arg(metavar="FILE")]
    """Motion file to look at."""
    json: bool = False
    """Print it as JSON, for other programs."""
    animation: Annotated[str | None, arg(metavar="NAME")] = None
    """Which animation of a glTF file to look at; without it, the first in which something moves."""
    arrays: OmitArgPrefixes[ArrayFlags] = field(default_factory=ArrayFlags)

    def run(self) -> int:
        """Carry the command out and return the exit code."""
        self.arrays.check()

        from json import dumps

        from stylize.inspection import inspect_file

        found = inspect_file(self.file, self.animation, self.arrays.options(self.file))
        if self.json:
            print(dumps(asdict(found), indent=2))
        else:
            _show(found)
        if found.problem is not None:
            say(f"error: {found.problem}")
        return 0 if found.problem is None else 1


def _show(found: "Inspection") -> None:
    scale = "" if found.scale is None else f", 1 unit = {found.scale:.4g} m of the canonical body"
    rows = {
        "File": found.file,
        "Format": found.format,
        "Skeleton": found.family or "none that can be used",
        "Joints": f"{found.joints}" + (f", {found.roles} of the canonical 22" if found.roles else ""),
        "Length": f"{found.seconds:g} s, {found.frames} frames at {found.fps:g} a second",
        "Up axis": found.up_axis,
        "Unit": None if found.scale is None else f"{found.unit or 'unknown'}{scale}",
        "Animations": ", ".join(found.animations),
    }
    for name, value in rows.items():
        if value:
            print(f"{name + ':':<12}{value}")
    for title, sentences in (("Warnings", found.warnings), ("What would be done", found.steps)):
        if sentences:
            print(f"{title}:")
        for sentence in sentences:
            print(f"  - {sentence}")
