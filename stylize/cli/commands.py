"""The commands, each a dataclass whose fields are its arguments."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import OmitArgPrefixes, Positional, arg

from stylize.batch import OUTPUT_SUFFIXES, read_pairs, stylize_pairs
from stylize.cli.array_flags import ArrayFlags
from stylize.cli.body_flags import BodyFlags
from stylize.cli.style_options import STYLES_FOLDER, StyleOptions, check_styles_folder
from stylize.cli.terminal import check_output, numbered, say
from stylize.errors import StyleError

if TYPE_CHECKING:
    from stylize.body import Person
    from stylize.io import ArrayOptions
    from stylize.pipeline import Stylizer
    from stylize.render.video import Panel

SkeletonChoice = Literal["source", "canonical"]
BodyChoice = Literal["full", "upper", "lower"]


@dataclass(frozen=True)
class Apply:
    """Give one motion another style.

    The paths of the written files are printed, one a line.
    """

    content: Annotated[Positional[Path], arg(metavar="CONTENT")]
    """Motion file of the action to keep: .bvh, .glb, .gltf, .vrm, AMASS's .npz, HumanML3D's .npy, .csv."""
    out: Annotated[Path, arg(metavar="OUT")]
    """File to write; its ending says the format. With more samples than one, OUT_1.bvh, OUT_2.bvh and so on."""
    style: OmitArgPrefixes[StyleOptions]
    arrays: OmitArgPrefixes[ArrayFlags] = field(default_factory=ArrayFlags)
    shown: OmitArgPrefixes[BodyFlags] = field(default_factory=BodyFlags)
    animation: Annotated[str | None, arg(metavar="NAME")] = None
    """Which animation of a glTF file to restyle; without it, the first in which something moves."""
    character: Annotated[Path | None, arg(metavar="FILE")] = None
    """Character that shall wear the result: a .glb, .gltf or .vrm file, animated or not, or the skeleton of a .bvh."""
    strength: float = 1.0
    """0 keeps the content's own style, 1 is the full style, up to 1.5 exaggerates it."""
    keep_timing: bool = False
    """Keep the content's timing frame by frame; otherwise the tempo changes with the style."""
    body: BodyChoice = "full"
    """Change the whole body, or leave one half as it was."""
    samples: int = 1
    """How many variants to make, 1 to 8."""
    seed: int = 0
    """The same seed gives the same result."""
    video: Annotated[Path | None, arg(metavar="OUT.mp4")] = None
    """MP4 file to write as well: content, style and result side by side."""
    skeleton: SkeletonChoice = "source"
    """Skeleton of the written file: the one that came in (a glTF character comes back as a whole), or the canonical 22
    joints in metres, in .glb on a mannequin."""
    checkpoint: str = "default"
    """Name of a bundled model, or a checkpoint folder."""

    def run(self) -> int:
        """Carry the command out and return the exit code."""
        self.style.check()
        self.arrays.check()
        inputs = [self.content, *self.style.inputs, *([self.character] if self.character else [])]
        check_output(self.out, OUTPUT_SUFFIXES, inputs)
        if self.video is not None:
            check_output(self.video, (".mp4",), inputs)

        from stylize.comparison import comparison_panels
        from stylize.source import load_rig, load_source

        character = load_rig(self.character) if self.character is not None else None
        if character is not None:
            character.check_can_write(self.out)
        content = load_source(self.content, self.animation, self.arrays.options(self.content))
        stylizer = load_stylizer(self.checkpoint)
        result = stylizer.stylize(
            content,
            self.style.style([label.name for label in stylizer.labels]),
            strength=self.strength,
            num_samples=self.samples,
            seed=self.seed,
            keep_timing=self.keep_timing,
            body=self.body,
        )
        for warning in result.warnings:
            say(f"warning: {warning}")
        person = self.shown.in_video(content.smpl_file) if self.video is not None else None
        for index in range(self.samples):
            out = numbered(self.out, index, self.samples)
            result.save(out, index, self.skeleton, character, self.shown.body_model)
            print(out, flush=True)
            if self.video is not None:
                video = numbered(self.video, index, self.samples)
                _render(comparison_panels(result, index, self.shown.body_model), video, person)
                print(video, flush=True)
        return 0


@dataclass(frozen=True)
class Batch:
    """Restyle every row of a CSV file with one load of the model.

    Columns: content, output, and one or more of style_motion, style_label and style_file. Each row names its
    content, exactly one style, and the file to write. A row that fails is reported and the rest go on; the
    exit code is 1 if any failed.
    """

    pairs: Annotated[Positional[Path], arg(metavar="PAIRS.csv")]
    """The CSV file; paths in it are relative to its folder."""
    out_dir: Annotated[Path, arg(metavar="DIR")]
    """Folder for the outputs; none may be outside it."""
    strength: float = 1.0
    """0 keeps the content's own style, 1 is the full style, up to 1.5 exaggerates it."""
    keep_timing: bool = False
    """Keep each content's timing frame by frame; otherwise the tempo changes with the style."""
    seed: int = 0
    """The same seed gives the same results."""
    skeleton: SkeletonChoice = "source"
    """Skeleton of the written BVHs: each content's own, or the canonical 22 joints in metres."""
    styles: Annotated[Path, arg(metavar="DIR")] = STYLES_FOLDER
    """Folder of saved styles, which style_label finds by name."""
    checkpoint: str = "default"
    """Name of a bundled model, or a checkpoint folder."""

    def run(self) -> int:
        """Carry the command out and return the exit code."""
        check_styles_folder(self.styles)
        rows = read_pairs(self.pairs, self.out_dir)

        failed = stylize_pairs(
            load_stylizer(self.checkpoint),
            rows,
            strength=self.strength,
            seed=self.seed,
            keep_timing=self.keep_timing,
            skeleton=self.skeleton,
            styles=self.styles,
        )
        say(f"{len(rows) - failed} of {len(rows)} rows written to {self.out_dir}")
        return 1 if failed else 0


@dataclass(frozen=True)
class Labels:
    """List the styles that have a name: the built-in ones, and those that were saved."""

    styles: Annotated[Path, arg(metavar="DIR")] = STYLES_FOLDER
    """Folder of saved styles."""
    checkpoint: str = "default"
    """Name of a bundled model, or a checkpoint folder."""

    def run(self) -> int:
        """Carry the command out and return the exit code."""
        check_styles_folder(self.styles)

        from stylize.styles import list_saved_styles

        stylizer = load_stylizer(self.checkpoint)
        groups: dict[str, list[tuple[str, str]]] = {}
        for label in stylizer.labels:
            members = [other for other in stylizer.labels if other.group == label.group]
            title = label.group + (" (experimental)" if all(member.experimental for member in members) else "")
            groups.setdefault(title, []).append((label.name, label.description))
        for saved in list_saved_styles(self.styles):
            description = f"from {saved.clips} clip{'s' if saved.clips > 1 else ''}"
            if not saved.fits(stylizer.fingerprints):
                description += ", made with another checkpoint"
            groups.setdefault(f"Saved in {self.styles}", []).append((saved.name, description))
        if not groups:
            say("This checkpoint knows no styles by name; give a motion of the wanted style, or make a style file.")
        width = max((len(name) for members in groups.values() for name, _ in members), default=0)
        for title, members in groups.items():
            print(title)
            for name, description in members:
                print(f"  {name:<{width}}  {description}".rstrip())
        return 0


@dataclass(frozen=True)
class MakeStyle:
    """Make a style of your own from one to five clips, without training.

    The path of the style file is printed.
    """

    name: Annotated[Positional[str], arg(metavar="NAME")]
    """What to call the style."""
    clips: Annotated[Positional[tuple[Path, ...]], arg(metavar="CLIP...")]
    """1 to 5 motion files (.bvh, .glb or .npy) of any actions in the style."""
    out: Annotated[Path | None, arg(metavar="FILE")] = None
    """Style file to write; without it, NAME.style.safetensors in ./styles, where --style-label finds it."""
    checkpoint: str = "default"
    """Name of a bundled model, or a checkpoint folder: the one that is to use the style."""

    def run(self) -> int:
        """Carry the command out and return the exit code."""
        if self.out is not None:
            check_output(self.out, None, self.clips)

        from stylize.styles import STYLE_SUFFIX

        stylizer = load_stylizer(self.checkpoint)
        if self.name in (label.name for label in stylizer.labels):
            raise StyleError(f"There is a built-in style {self.name!r}; choose another name.")
        style = stylizer.make_style(self.name, self.clips)
        print(style.save(self.out or STYLES_FOLDER / f"{style.name}{STYLE_SUFFIX}"))
        return 0


@dataclass(frozen=True)
class Convert:
    """Read a motion file and write it as another, without restyling."""

    source: Annotated[Positional[Path], arg(metavar="IN")]
    """Motion file to read."""
    target: Annotated[Positional[Path], arg(metavar="OUT")]
    """Motion file to write; its ending says the format. A name in .features.npy gets HumanML3D's features, any other
    .npy its joints."""
    skeleton: SkeletonChoice = "source"
    """The skeleton that came in, or the canonical 22 joints in metres, on the ground, at 30 frames a second. The latter
    is taken too where the format written cannot hold the former: a BVH file becomes a .glb mannequin."""
    animation: Annotated[str | None, arg(metavar="NAME")] = None
    """Which animation of a glTF file to read; without it, the first in which something moves."""
    character: Annotated[Path | None, arg(metavar="FILE")] = None
    """Character that shall wear the motion: a .glb, .gltf or .vrm file, animated or not, or the skeleton of a .bvh."""
    arrays: OmitArgPrefixes[ArrayFlags] = field(default_factory=ArrayFlags)
    shown: OmitArgPrefixes[BodyFlags] = field(default_factory=BodyFlags)

    def run(self) -> int:
        """Carry the command out and return the exit code."""
        self.arrays.check()
        check_output(self.target, None, [self.source, *([self.character] if self.character else [])])

        from stylize.io import can_hold, read_motion, save_motion

        arrays = self.arrays.options(self.source)
        motion, document = read_motion(self.source, self.animation, arrays)
        if self.character is None and self.skeleton == "source" and can_hold(self.target, document):
            save_motion(motion, self.target, document)
        else:
            self._convert_from_canonical(arrays)
        print(self.target)
        return 0

    def _convert_from_canonical(self, arrays: "ArrayOptions") -> None:
        from stylize.io import GLTF_SUFFIXES, PICTURE_SUFFIXES, save_motion, write_video
        from stylize.source import load_rig, load_source

        rig = load_rig(self.character) if self.character is not None else None
        loaded = load_source(self.source, self.animation, arrays)
        for warning in loaded.warnings:
            say(f"warning: {warning}")
        suffix = self.target.suffix.lower()
        if rig is not None:
            rig.write(loaded.motion, self.target)
        elif suffix in PICTURE_SUFFIXES:
            write_video(loaded.motion, self.target, self.shown.in_video(loaded.smpl_file))
        elif suffix in GLTF_SUFFIXES:
            save_motion(loaded.motion, self.target, person=self.shown.person(loaded.smpl_file))
        else:
            save_motion(loaded.motion, self.target)


def load_stylizer(checkpoint: str) -> "Stylizer":
    """A checkpoint by name or folder, on one thread."""
    import torch

    from stylize.pipeline import Stylizer

    torch.set_num_threads(1)  # as fast as more for models this small, and far faster where other work is going on
    return Stylizer.from_pretrained(checkpoint)


def _render(panels: "list[Panel]", path: Path, person: "Person | None") -> None:
    from tqdm import tqdm

    from stylize.render.video import render_video

    with tqdm(total=100, desc=path.name, unit="%", leave=False, disable=None, file=sys.stderr) as bar:
        render_video(panels, path, person=person, progress=_advance(bar))


def _advance(bar) -> Callable[[float, str], None]:
    def progress(share: float, _: str) -> None:
        bar.update(round(share * 100) - bar.n)

    return progress
