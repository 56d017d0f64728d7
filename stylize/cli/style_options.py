"""Which style: the options of the command line, and the Style that they name."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import arg

from stylize.cli.terminal import UsageError

if TYPE_CHECKING:
    from stylize.styles import Style

STYLES_FOLDER = Path("styles")
"""Where saved styles are looked for, in the folder that the command is run in."""


@dataclass(frozen=True)
class StyleOptions:
    """Exactly one of --style-motion, --style-label, --style-file, --mix and --sample says which style.

    With one of --then-motion, --then-label and --then-file, that style becomes another along the clip.
    """

    style_motion: Annotated[Path | None, arg(metavar="REF")] = None
    """Motion file (.bvh or .npy) of any action in the wanted style."""
    style_label: Annotated[str | None, arg(metavar="NAME")] = None
    """Name of a built-in style, or of a saved one in the folder of --styles; `python -m stylize labels` lists both."""
    style_file: Annotated[Path | None, arg(metavar="FILE")] = None
    """Style file that `python -m stylize make-style` wrote."""
    mix: Annotated[tuple[str, ...], arg(metavar="STYLE=WEIGHT")] = ()
    """Two styles or more at once: --mix elderly=2 active=1. Each is a name, a motion file or a style file."""
    sample: bool = False
    """Let the model draw a style."""
    then_motion: Annotated[Path | None, arg(metavar="REF")] = None
    """The style becomes that of this motion file."""
    then_label: Annotated[str | None, arg(metavar="NAME")] = None
    """The style becomes this one, by its name."""
    then_file: Annotated[Path | None, arg(metavar="FILE")] = None
    """The style becomes that of this style file."""
    transition: Annotated[tuple[float, float] | None, arg(metavar="START END")] = None
    """From where to where one style becomes the other, as shares of the clip; without it, 0.25 0.75."""
    styles: Annotated[Path, arg(metavar="DIR")] = STYLES_FOLDER
    """Folder of saved styles."""

    def check(self) -> None:
        """Refuse options that do not fit together, before anything is loaded."""
        first = {
            "--style-motion": self.style_motion is not None,
            "--style-label": self.style_label is not None,
            "--style-file": self.style_file is not None,
            "--mix": bool(self.mix),
            "--sample": self.sample,
        }
        second = {
            "--then-motion": self.then_motion is not None,
            "--then-label": self.then_label is not None,
            "--then-file": self.then_file is not None,
        }
        if sum(first.values()) != 1:
            raise UsageError(f"The style needs exactly one of {_listed(first)}; {_given(first)}.")
        if sum(second.values()) > 1:
            raise UsageError(f"The style becomes only one of {_listed(second)}; {_given(second)}.")
        if self.mix and any(second.values()):
            raise UsageError("A style of --mix cannot become another; give it with one of the --style options.")
        if self.transition is not None and not any(second.values()):
            raise UsageError(f"--transition needs a second style; add one of {_listed(second)}.")
        check_styles_folder(self.styles)

    @property
    def inputs(self) -> list[Path]:
        """The files that the style is read from."""
        paths = (self.style_motion, self.style_file, self.then_motion, self.then_file)
        return [path for path in paths if path is not None] + [Path(_weighted(text)[0]) for text in self.mix]

    def style(self, labels: Collection[str]) -> "Style":
        """The Style of these options; ``labels`` are the model's own."""
        from stylize.styles import Style

        if self.mix:
            weighted = [_weighted(text) for text in self.mix]
            return Style.mix([(_named(name, labels, self.styles), weight) for name, weight in weighted])
        if self.sample:
            style = Style.sample()
        else:
            style = _chosen(self.style_motion, self.style_label, self.style_file, labels, self.styles)
        then = (self.then_motion, self.then_label, self.then_file)
        if then == (None, None, None):
            return style
        return Style.transition(style, _chosen(*then, labels, self.styles), *self.transition or ())


def check_styles_folder(folder: Path) -> None:
    """Refuse a folder that was asked for and is not there."""
    if folder != STYLES_FOLDER and not folder.is_dir():
        raise UsageError(f"There is no folder {folder}; give one with style files.")


def _listed(options: dict[str, bool]) -> str:
    *names, last = options
    return f"{', '.join(names)} and {last}"


def _given(options: dict[str, bool]) -> str:
    given = [name for name, is_given in options.items() if is_given]
    return f"{' and '.join(given)} were given" if given else "none of them was given"


def _weighted(text: str) -> tuple[str, float]:
    """The style and the weight of "elderly=2"; without a weight it is 1."""
    name, equals, weight = text.rpartition("=")
    if not equals:
        return text, 1.0
    try:
        return name, float(weight)
    except ValueError as error:
        raise UsageError(f"The weight in {text!r} is not a number; write STYLE=WEIGHT, as in elderly=2.") from error


def _chosen(
    motion: Path | None, label: str | None, file: Path | None, labels: Collection[str], folder: Path
) -> "Style":
    from stylize.styles import Style, style_by_name

    if motion is not None:
        return Style.from_motion(motion)
    if file is not None:
        return Style.from_file(file)
    assert label is not None
    return style_by_name(label, labels, folder)


def _named(name: str, labels: Collection[str], folder: Path) -> "Style":
    """A style by what was written for it: a style file, a motion file, or a name."""
    from stylize.io import READERS

    suffix = Path(name).suffix.lower()
    if suffix == ".safetensors":
        return _chosen(None, None, Path(name), labels, folder)
    if suffix in READERS:
        return _chosen(Path(name), None, None, labels, folder)
    return _chosen(None, name, None, labels, folder)
