"""The command line: one dataclass a command.

What needs torch or matplotlib is imported where it is used, so that ``--help`` answers at once.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import FlagCreatePairsOff, Positional, arg, subcommand

from stylize.errors import MotionFileError, StylizeError

SkeletonChoice = Literal["source", "canonical"]


class UsageError(StylizeError):
    """The arguments do not fit together; the exit code is 2, as for arguments that cannot be parsed."""


@dataclass(frozen=True)
class Apply:
    """Give one motion another style.

    Exactly one of --style-motion, --style-label and --sample says which. The paths of the written files
    are printed, one a line.
    """

    content: Annotated[Positional[Path], arg(metavar="CONTENT.bvh")]
    """BVH file of the action to keep."""
    out: Annotated[Path, arg(metavar="OUT.bvh")]
    """BVH file to write; with more samples than one, OUT_1.bvh, OUT_2.bvh and so on."""
    style_motion: Annotated[Path | None, arg(metavar="REF.bvh")] = None
    """BVH file of any action in the wanted style."""
    style_label: Annotated[str | None, arg(metavar="NAME")] = None
    """Name of a style; `python -m stylize labels` lists them."""
    sample: bool = False
    """Let the model draw a style."""
    strength: float = 1.0
    """0 keeps the content's own style, 1 is the full style, up to 1.5 exaggerates it."""
    samples: int = 1
    """How many variants to make, 1 to 8."""
    seed: int = 0
    """The same seed gives the same result."""
    video: Annotated[Path | None, arg(metavar="OUT.mp4")] = None
    """MP4 file to write as well: content, style and result side by side."""
    skeleton: SkeletonChoice = "source"
    """Skeleton of the written BVH: the one that came in, or the canonical 22 joints in metres."""
    checkpoint: str = "default"
    """Name of a bundled model, or a checkpoint folder."""

    def run(self) -> int:
        """Carry the command out and return the exit code."""
        choices = (self.style_motion is not None, self.style_label is not None, self.sample)
        if sum(choices) != 1:
            given = "none" if not any(choices) else str(sum(choices))
            raise UsageError(
                f"The style needs exactly one of --style-motion, --style-label and --sample; {given} of them was given."
            )
        inputs = [path for path in (self.content, self.style_motion) if path is not None]
        _check_output(self.out, ".bvh", inputs)
        if self.video is not None:
            _check_output(self.video, ".mp4", inputs)

        from stylize.pipeline import Stylizer
        from stylize.styles import Style

        if self.style_motion is not None:
            style = Style.from_motion(self.style_motion)
        elif self.style_label is not None:
            style = Style.from_label(self.style_label)
        else:
            style = Style.sample()
        stylizer = Stylizer.from_pretrained(self.checkpoint)
        result = stylizer.stylize(self.content, style, strength=self.strength, num_samples=self.samples, seed=self.seed)
        for warning in result.warnings:
            _say(f"warning: {warning}")
        for index in range(self.samples):
            out = _numbered(self.out, index, self.samples)
            result.save(out, index, skeleton=self.skeleton)
            print(out, flush=True)
            if self.video is not None:
                video = _numbered(self.video, index, self.samples)
                _render(result, index, video)
                print(video, flush=True)
        return 0


@dataclass(frozen=True)
class Batch:
    """Restyle every row of a CSV file with one load of the model.

    Columns: content, style_motion, style_label, output. Each row names its content, exactly one of the two
    styles, and the BVH file to write. A row that fails is reported and the rest go on; the exit code is 1
    if any failed.
    """

    pairs: Annotated[Positional[Path], arg(metavar="PAIRS.csv")]
    """The CSV file; paths in it are relative to its folder."""
    out_dir: Annotated[Path, arg(metavar="DIR")]
    """Folder for the outputs; none may be outside it."""
    strength: float = 1.0
    """0 keeps the content's own style, 1 is the full style, up to 1.5 exaggerates it."""
    seed: int = 0
    """The same seed gives the same results."""
    skeleton: SkeletonChoice = "source"
    """Skeleton of the written BVHs: each content's own, or the canonical 22 joints in metres."""
    checkpoint: str = "default"
    """Name of a bundled model, or a checkpoint folder."""

    def run(self) -> int:
        """Carry the command out and return the exit code."""
        from stylize.batch import read_pairs, stylize_pairs

        rows = read_pairs(self.pairs, self.out_dir)

        from stylize.pipeline import Stylizer

        stylizer = Stylizer.from_pretrained(self.checkpoint)
        failed = stylize_pairs(stylizer, rows, strength=self.strength, seed=self.seed, skeleton=self.skeleton)
        _say(f"{len(rows) - failed} of {len(rows)} rows written to {self.out_dir}")
        return 1 if failed else 0


@dataclass(frozen=True)
class Labels:
    """List the styles that have a name."""

    checkpoint: str = "default"
    """Name of a bundled model, or a checkpoint folder."""

    def run(self) -> int:
        """Carry the command out and return the exit code."""
        from stylize.pipeline import Stylizer

        labels = Stylizer.from_pretrained(self.checkpoint).labels
        width = max(len(label.name) for label in labels)
        for group in dict.fromkeys(label.group for label in labels):
            members = [label for label in labels if label.group == group]
            print(group + (" (experimental)" if all(label.experimental for label in members) else ""))
            for label in members:
                print(f"  {label.name:<{width}}  {label.description}".rstrip())
        return 0


@dataclass(frozen=True)
class Convert:
    """Read a motion file and write it as another, without restyling."""

    source: Annotated[Positional[Path], arg(metavar="IN")]
    """Motion file to read."""
    target: Annotated[Positional[Path], arg(metavar="OUT")]
    """Motion file to write; its ending says the format."""
    skeleton: SkeletonChoice = "source"
    """The skeleton that came in, or the canonical 22 joints in metres, on the ground, at 30 frames a second."""

    def run(self) -> int:
        """Carry the command out and return the exit code."""
        _check_output(self.target, None, [self.source])
        if self.skeleton == "canonical":
            self._convert_to_canonical()
        else:
            from stylize.io import load_motion, read_bvh, save_motion

            if self.source.suffix.lower() == ".bvh":
                motion, hierarchy = read_bvh(self.source)
            else:
                motion, hierarchy = load_motion(self.source), None
            save_motion(motion, self.target, hierarchy=hierarchy)
        print(self.target)
        return 0

    def _convert_to_canonical(self) -> None:
        from stylize.io import save_motion
        from stylize.pipeline import load_source

        loaded = load_source(self.source)
        for warning in loaded.warnings:
            _say(f"warning: {warning}")
        save_motion(loaded.motion, self.target)


Command = (
    Annotated[Apply, subcommand("apply")]
    | Annotated[Batch, subcommand("batch")]
    | Annotated[Labels, subcommand("labels")]
    | Annotated[Convert, subcommand("convert")]
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors for the user go to stderr as one sentence."""
    command = tyro.cli(
        Command,  # pyright: ignore[reportArgumentType]  (a union of types is what tyro takes)
        args=arguments,
        prog="python -m stylize",
        description="The same action in another manner.",
        config=(FlagCreatePairsOff,),
    )
    try:
        return command.run()
    except UsageError as error:
        _say(f"error: {error}")
        return 2
    except StylizeError as error:
        _say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        _say("stopped")
        return 130


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _check_output(path: Path, suffix: str | None, inputs: Sequence[Path]) -> None:
    """Refuse an output before any work is done, and make its folder."""
    if suffix is not None and path.suffix.lower() != suffix:
        raise UsageError(f"The output {path} must end in {suffix}.")
    if any(path.resolve() == source.resolve() for source in inputs):
        raise UsageError(f"The output {path} is also an input; choose another name.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MotionFileError(f"The folder {path.parent} cannot be made: {error.strerror}.") from error


def _numbered(path: Path, index: int, count: int) -> Path:
    return path if count == 1 else path.with_stem(f"{path.stem}_{index + 1}")


def _render(result, index: int, path: Path) -> None:
    from tqdm import tqdm

    from stylize.comparison import comparison_panels
    from stylize.render.video import render_video

    with tqdm(total=100, desc=path.name, unit="%", leave=False, disable=None, file=sys.stderr) as bar:
        render_video(comparison_panels(result, index), path, progress=_advance(bar))


def _advance(bar) -> Callable[[float, str], None]:
    def progress(share: float, _: str) -> None:
        bar.update(round(share * 100) - bar.n)

    return progress
