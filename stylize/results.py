"""What comes out of a restyle: motions to look at and to write, and what a person wants to know of them."""

from dataclasses import dataclass, field
from pathlib import Path

from stylize.errors import MotionError
from stylize.motion import Motion
from stylize.restyle import WeightedStyle
from stylize.source import Rig, SourceMotion, save_shown


@dataclass(frozen=True, eq=False)
class StylizationResult:
    """Stylised motions and what made them.

    Attributes:
        motions: one a sample, canonical, 30 fps.
        content: the canonical motion that was restyled.
        reference: the canonical style reference, if the style came from a motion.
        style: the style in a few words.
        seed: of the draws; the same seed gives the same motions.
        strength: how far towards the style, 0 to 1.5.
        warnings: what a person should know, in sentences.
        source: where the content came from a file, that file's motion and skeleton.
        applied: the style codes of each sample, as the networks were given them.
    """

    motions: tuple[Motion, ...]
    content: Motion
    reference: Motion | None
    style: str
    seed: int
    strength: float
    warnings: tuple[str, ...] = ()
    source: SourceMotion | None = field(default=None, repr=False)
    applied: tuple[tuple[WeightedStyle, ...], ...] = field(default=(), repr=False)

    def save(
        self,
        path: str | Path,
        index: int = 0,
        skeleton: str = "source",
        character: Rig | None = None,
        body_model: str | Path | None = None,
    ) -> None:
        """Write one motion, in the format that the path's suffix names.

        Args:
            path: the file to write.
            index: of the sample.
            skeleton: "source" for the content file's own skeleton, unit, frame rate and, in its own format, all else
                that it has, or "canonical". The canonical one is taken too where the content came from no file, or
                from one without a skeleton, or where the format is not the file's and cannot hold its skeleton.
            character: a skeleton to write on in place of these; see ``load_rig``.
            body_model: of whom to show in glTF files and videos without a character; see ``load_person``.

        Raises:
            MotionFileError: the file cannot be written, or not in this format.
        """
        if skeleton not in ("source", "canonical"):
            raise MotionError(f"There is no skeleton {skeleton!r} to write; choose source or canonical.")
        motion = self.motions[index]
        if character is None and skeleton == "source" and self.source is not None and self.source.can_write_back(path):
            self.source.write_back(motion, path)
        else:
            save_shown(motion, path, character, body_model, self.source.smpl_file if self.source else None)


@dataclass(frozen=True)
class Scores:
    """What a person wants to know of one result; see ``Stylizer.scores``.

    Attributes:
        style_match: how much of the way from the content's own style to the wanted one the result went, 0 to 1.
        content_kept: how alike hands and feet move before and after, 1 at most.
        sliding_before: metres a second at which the content's planted feet slide.
        sliding_after: the same of the result.
    """

    style_match: float
    content_kept: float
    sliding_before: float
    sliding_after: float
