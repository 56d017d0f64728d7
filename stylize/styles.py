"""What a style can be: a motion's manner, a label, a saved style, a draw, or several of these together."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from stylize.errors import StyleError
from stylize.motion import Motion

if TYPE_CHECKING:
    from stylize.source import SourceMotion

STYLE_SUFFIX = ".style.safetensors"
MAX_STYLE_FILE_BYTES = 1_000_000
MAX_STYLE_CLIPS = 5
MAX_STYLE_TENSORS = 8
STYLE_FORMAT = "style-2"
NAME_PATTERN = re.compile(r"[\w][\w '()-]{0,39}")
DEFAULT_SPAN = (0.25, 0.75)
"""Where one style becomes another, in shares of the clip."""
LARGEST_CODE_VALUE = 20.0
"""Codes of real motions stay below 10; far beyond, a style makes no motion."""


class StyleCode(NamedTuple):
    """A style as a network sees it.

    Attributes:
        mean: (S,) of the style code.
        log_variance: (S,) of it.
        posture: (C,) what the network's two codes miss of the clips' latents in the mean: how the body is held.
    """

    mean: Tensor
    log_variance: Tensor
    posture: Tensor


@dataclass(frozen=True)
class StyleLabel:
    """A style that the model knows by name."""

    name: str
    group: str
    description: str
    experimental: bool = False


@dataclass(frozen=True, eq=False)
class SavedStyle:
    """A style that was taken from a few clips, without training.

    Attributes:
        name: what to call it.
        model: fingerprint of the checkpoint; a code means nothing to another.
        codes: the style as each network sees it, by the network's name.
        clips: from how many it was taken.
    """

    name: str
    model: str
    codes: dict[str, StyleCode]
    clips: int

    def fits(self, fingerprints: Mapping[str, str]) -> bool:
        """Whether it was made with the networks of these fingerprints (Stylizer.fingerprints)."""
        return self.model == fingerprint(fingerprints) and set(self.codes) == set(fingerprints)

    def save(self, path: str | Path) -> Path:
        """Write a style file; the name must end in .style.safetensors, or it is added."""
        path = Path(path)
        if not path.name.endswith(STYLE_SUFFIX):
            path = path.with_name(path.name.removesuffix(".safetensors") + STYLE_SUFFIX)
        metadata = {"format": STYLE_FORMAT, "name": self.name, "model": self.model, "clips": str(self.clips)}
        tensors = {
            f"{network}.{part}": values
            for network, code in self.codes.items()
            for part, values in code._asdict().items()
        }
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file(tensors, path, metadata)
        except (OSError, SafetensorError) as error:
            raise StyleError(f"The style file {path.name} cannot be written ({error}); choose another name.") from error
        return path

    @staticmethod
    def load(path: str | Path) -> "SavedStyle":
        """Read a style file; StyleError says what is wrong with it."""
        path = Path(path)
        try:
            if path.stat().st_size > MAX_STYLE_FILE_BYTES:
                raise StyleError(f"{path.name} is too large for a style file; style files have a few kilobytes.")
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                # Copies, for the tensors of safetensors stay tied to the file.
                tensors = {name: file.get_tensor(name).clone() for name in list(file.keys())[:MAX_STYLE_TENSORS]}
        except (OSError, ValueError, SafetensorError) as error:
            raise StyleError(f"{path.name} cannot be read as a style file ({error}); make it again.") from error
        networks = sorted({name.partition(".")[0] for name in tensors})
        right = metadata.get("format") == STYLE_FORMAT and networks and all(map(_is_code, tensors.values()))
        if not right or set(tensors) != {f"{network}.{part}" for network in networks for part in StyleCode._fields}:
            raise StyleError(f"{path.name} is not a style file; `python -m stylize make-style` writes one.")
        clips = metadata.get("clips", "")
        return SavedStyle(
            name=check_style_name(metadata.get("name", "")),
            model=metadata.get("model", ""),
            codes={n: StyleCode(*(tensors[f"{n}.{part}"] for part in StyleCode._fields)) for n in networks},
            clips=int(clips) if re.fullmatch("[1-9]", clips) else 1,
        )


def fingerprint(fingerprints: Mapping[str, str]) -> str:
    """One for all networks of a checkpoint."""
    return "-".join(fingerprints[name] for name in sorted(fingerprints))


def _is_code(tensor: Tensor) -> bool:
    if tensor.dtype != torch.float32 or tensor.dim() != 1:
        return False
    return bool((tensor.abs() <= LARGEST_CODE_VALUE).all())  # which NaN is not


def check_style_name(name: str) -> str:
    """The name of a style without spaces around it; StyleError if it cannot be one."""
    name = name.strip()
    if not NAME_PATTERN.fullmatch(name):
        raise StyleError(
            f"A style cannot be called {name[:60]!r}; use 1 to 40 letters, digits, spaces, hyphens or brackets."
        )
    return name


def list_saved_styles(folder: str | Path) -> list[SavedStyle]:
    """The style files of a folder, by name; none where there is no such folder."""
    return [SavedStyle.load(path) for path in sorted(Path(folder).glob(f"*{STYLE_SUFFIX}"))]


@dataclass(frozen=True)
class Style:
    """What manner to give; one of the static methods makes it.

    Attributes:
        motion: a reference motion, or the path of a motion file.
        label: name of a style that the model knows.
        sampled: draw from the label's prior, or from the whole prior.
        saved: a style from a style file.
        parts: several styles with their weights.
        span: for parts that follow each other, from where to where the change goes, as shares of the clip.
    """

    motion: "Motion | SourceMotion | str | Path | None" = None
    label: str | None = None
    sampled: bool = False
    saved: SavedStyle | None = None
    parts: "tuple[tuple[Style, float], ...]" = ()
    span: tuple[float, float] | None = None

    @staticmethod
    def from_motion(motion: "Motion | SourceMotion | str | Path") -> "Style":
        """The manner of a reference motion (or of a motion file)."""
        return Style(motion=motion)

    @staticmethod
    def from_label(name: str) -> "Style":
        """A style by its name; Stylizer.labels has them all."""
        return Style(label=name)

    @staticmethod
    def from_file(style: SavedStyle | str | Path) -> "Style":
        """A style that Stylizer.make_style made, or the path of its file."""
        return Style(saved=style if isinstance(style, SavedStyle) else SavedStyle.load(style))

    @staticmethod
    def sample(label: str | None = None) -> "Style":
        """A style drawn from the prior: of one label, or of all."""
        return Style(label=label, sampled=True)

    @staticmethod
    def mix(parts: "Mapping[str, float] | Sequence[tuple[Style | str, float]]") -> "Style":
        """Two or more styles at once; only the ratio of the weights counts.

        Raises:
            StyleError: fewer than two styles, or weights that are not positive.
        """
        pairs = list(parts.items()) if isinstance(parts, Mapping) else list(parts)
        if len(pairs) < 2:
            raise StyleError("A mixture needs two styles or more; for one, give the style itself.")
        if not all(0 < weight < float("inf") for _, weight in pairs):
            raise StyleError("The weights of a mixture must be positive numbers.")
        total = sum(weight for _, weight in pairs)
        return Style(parts=tuple((_simple(style), weight / total) for style, weight in pairs))

    @staticmethod
    def transition(
        before: "Style | str", after: "Style | str", start: float = DEFAULT_SPAN[0], end: float = DEFAULT_SPAN[1]
    ) -> "Style":
        """One style that becomes another between two shares of the clip.

        Raises:
            StyleError: the shares are not in order between 0 and 1.
        """
        if not 0 <= start < end <= 1:
            raise StyleError(f"The transition from {start:g} to {end:g} must go forward between 0 and 1.")
        return Style(parts=((_simple(before), 1.0), (_simple(after), 1.0)), span=(start, end))


def _simple(style: Style | str) -> Style:
    style = Style.from_label(style) if isinstance(style, str) else style
    if style.parts:
        raise StyleError("A mixture or a transition cannot be a part of another; list its styles themselves.")
    return style


def style_by_name(name: str, labels: Collection[str], folder: str | Path) -> Style:
    """A built-in style, or else the saved style of that name in a folder.

    A name that is neither is left to the Stylizer, whose message lists the built-in ones.
    """
    if name not in labels:
        for saved in list_saved_styles(folder):
            if saved.name == name:
                return Style.from_file(saved)
    return Style.from_label(name)


def pooled_gaussian(means: Tensor, log_variances: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log variance (S,) of a Gaussian over some Gaussians (K, S): their spread, and that between them."""
    between = means.var(0, unbiased=False)
    return means.mean(0), torch.log(log_variances.exp().mean(0) + between)
