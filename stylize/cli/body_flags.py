"""Flags that say who is seen in videos and in glTF files without a character."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from stylize.cli.terminal import say

if TYPE_CHECKING:
    from stylize.body import Person
    from stylize.io import SmplFile


@dataclass(frozen=True)
class BodyFlags:
    """Who is seen."""

    video_body: Literal["mesh", "tubes"] = "mesh"
    """What videos show: a body with a skin, or tubes along the bones."""
    body_model: Annotated[Path | None, arg(metavar="PATH")] = None
    """SMPL, SMPL-H or SMPL-X model to show, .npz or .pkl, or a folder of them by gender. Or STYLIZE_BODY_MODEL, or put
    it into checkpoints/body_models. Without one, the bundled body is shown."""

    def person(self, file: "SmplFile | None" = None) -> "Person":
        """Whom to show, with the shape that a file of the SMPL family says; and say which body that is."""
        from stylize.io import load_person

        person, sentence = load_person(self.body_model, file)
        say(sentence)
        return person

    def in_video(self, file: "SmplFile | None" = None) -> "Person | None":
        """Whom a video shows; None for tubes."""
        return self.person(file) if self.video_body == "mesh" else None
