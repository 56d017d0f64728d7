"""What the commands share: what they say, and where they may write."""

import sys
from collections.abc import Sequence
from pathlib import Path

from stylize.errors import MotionFileError, StylizeError


class UsageError(StylizeError):
    """The arguments do not fit together; the exit code is 2, as for arguments that cannot be parsed."""


def say(text: str) -> None:
    """Write to stderr; stdout is for what other programs read."""
    print(text, file=sys.stderr, flush=True)


def check_output(path: Path, suffixes: Sequence[str] | None, inputs: Sequence[Path]) -> None:
    """Refuse an output before any work is done, and make its folder; ``suffixes`` are what it may end in."""
    if suffixes is not None and path.suffix.lower() not in suffixes:
        raise UsageError(f"The output {path} must end in {' or '.join(suffixes)}.")
    if any(path.resolve() == source.resolve() for source in inputs):
        raise UsageError(f"The output {path} is also an input; choose another name.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MotionFileError(f"The folder {path.parent} cannot be made: {error.strerror}.") from error


def numbered(path: Path, index: int, count: int) -> Path:
    """The name of one sample's file."""
    if count == 1:
        return path
    name, form = path.stem, ""
    for ending in (".joints", ".features"):  # HumanML3D's two forms are told apart by the end of the name
        if path.suffix.lower() == ".npy" and name.lower().endswith(ending):
            name, form = name[: -len(ending)], name[-len(ending) :]
    return path.with_name(f"{name}_{index + 1}{form}{path.suffix}")
