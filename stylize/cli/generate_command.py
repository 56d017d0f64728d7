"""``python -m stylize generate``: a motion out of a sentence."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, Positional, arg

from stylize.batch import OUTPUT_SUFFIXES
from stylize.cli.body_flags import BodyFlags
from stylize.cli.commands import load_stylizer
from stylize.cli.style_options import STYLES_FOLDER, check_styles_folder
from stylize.cli.terminal import UsageError, check_output, numbered, say


@dataclass(frozen=True)
class Generate:
    """Make a motion from a sentence, in the style that the sentence names or that is given.

    What was understood goes to stderr; the paths of the written files are printed, one a line.
    """

    text: Annotated[Positional[str], arg(metavar="TEXT")]
    """What a person does, in English: "walk; turn left; wave like an old man"."""
    out: Annotated[Path, arg(metavar="OUT")]
    """File to write, .bvh or .glb; with more samples than one, OUT_1.bvh, OUT_2.bvh and so on."""
    seconds: float | None = None
    """How long, 1 to 60; without it, as long as such actions usually take. A style may change the tempo."""
    style_label: Annotated[str | None, arg(metavar="NAME")] = None
    """Style in place of the one that the text names; `python -m stylize labels` lists them."""
    no_style: bool = False
    """Leave the motion as it was generated, whatever manner the text names."""
    strength: float = 1.0
    """0 to 1.5; how much of the style."""
    guidance: float = 2.0
    """1 to 6; how strictly the text is followed."""
    samples: int = 1
    """How many variants to make, 1 to 8."""
    seed: int = 0
    """The same seed gives the same result."""
    character: Annotated[Path | None, arg(metavar="FILE")] = None
    """Character that shall wear the result: a .glb, .gltf or .vrm file, or the skeleton of a .bvh."""
    video: Annotated[Path | None, arg(metavar="OUT.mp4")] = None
    """MP4 file to write as well."""
    shown: OmitArgPrefixes[BodyFlags] = field(default_factory=BodyFlags)
    styles: Annotated[Path, arg(metavar="DIR")] = STYLES_FOLDER
    """Folder of saved styles, which --style-label finds by name."""
    checkpoint: str = "default"
    """Name of a bundled model, or a checkpoint folder."""

    def run(self) -> int:
        """Carry the command out and return the exit code."""
        if self.no_style and self.style_label is not None:
            raise UsageError("--no-style and --style-label do not fit together; give one of them.")
        check_styles_folder(self.styles)
        check_output(self.out, OUTPUT_SUFFIXES, [self.character] if self.character else [])
        if self.video is not None:
            check_output(self.video, (".mp4",), [])

        from dataclasses import replace

        from stylize.source import load_rig
        from stylize.styles import style_by_name

        character = load_rig(self.character) if self.character is not None else None
        if character is not None:
            character.check_can_write(self.out)
        stylizer = load_stylizer(self.checkpoint)
        understood = stylizer.understand(self.text)
        if self.no_style or self.style_label is not None:
            understood = replace(understood, style=None)
        labels = [label.name for label in stylizer.labels]
        style = style_by_name(self.style_label, labels, self.styles) if self.style_label is not None else None
        result = stylizer.generate(
            understood,
            self.seconds,
            style=style,
            strength=self.strength,
            num_samples=self.samples,
            guidance=self.guidance,
            seed=self.seed,
        )
        say(f"understood: {understood.describe()}")
        if self.style_label is not None:
            say(f"style: {self.style_label}")
        for warning in result.warnings:
            say(f"warning: {warning}")
        person = self.shown.in_video() if self.video is not None else None
        for index, motion in enumerate(result.motions):
            out = numbered(self.out, index, self.samples)
            result.save(out, index, character, self.shown.body_model)
            print(out, flush=True)
            if self.video is not None:
                from stylize.render.video import Panel, render_video

                video = numbered(self.video, index, self.samples)
                render_video([Panel(motion, understood.text[:36], result.style or "")], video, person=person)
                print(video, flush=True)
        return 0
