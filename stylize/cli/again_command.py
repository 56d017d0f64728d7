"""The command that makes a result of the app again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from stylize.batch import OUTPUT_SUFFIXES
from stylize.cli.commands import load_stylizer
from stylize.cli.terminal import check_output, numbered, say


@dataclass(frozen=True)
class Again:
    """Make a result of the app again from its file of settings.

    The paths of the written files are printed, one a line.
    """

    settings: Annotated[Positional[Path], arg(metavar="SETTINGS.json")]
    """File of settings that the app wrote; the motion and styles of one's own are inside it."""
    out: Annotated[Path, arg(metavar="OUT")]
    """File to write; its ending says the format. With more samples than one, OUT_1.bvh, OUT_2.bvh and so on."""
    character: Annotated[Path | None, arg(metavar="FILE")] = None
    """Character or skeleton that shall wear the result: a .glb, .gltf, .vrm or .bvh file."""
    checkpoint: str = "default"
    """Name of a bundled model, or a checkpoint folder."""

    def run(self) -> int:
        """Carry the command out and return the exit code."""
        check_output(self.out, OUTPUT_SUFFIXES, [self.settings, *([self.character] if self.character else [])])

        from stylize.recipe import read_recipe
        from stylize.source import load_rig

        recipe = read_recipe(self.settings)
        character = load_rig(self.character) if self.character is not None else None
        if character is not None:
            character.check_can_write(self.out)
        stylizer = load_stylizer(self.checkpoint)
        if not recipe.fits(stylizer):
            say("warning: the settings were made with another checkpoint or version; the result will be another one")
        result = recipe.stylize(stylizer)
        for warning in result.warnings:
            say(f"warning: {warning}")
        count = len(result.motions)
        for index in range(count):
            out = numbered(self.out, index, count)
            result.save(out, index, character=character)
            print(out, flush=True)
        return 0
