"""One person's run: the restyle itself, what is said of it, and the files that it can be taken away in."""

import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gradio.utils import get_upload_folder

from stylize.comparison import comparison_panels, shown_title
from stylize.errors import MotionError
from stylize.io import WRITERS, load_person
from stylize.motion import Motion
from stylize.pipeline import Stylizer
from stylize.recipe import Recipe, RunSettings, maker_of
from stylize.render.video import Panel, render_video
from stylize.results import Scores, StylizationResult
from stylize.source import SourceMotion, load_rig
from stylize.styles import Style

Progress = Callable[[float, str], None]

VIDEO_SUFFIXES = (".mp4", ".gif", ".webp")
RECIPE = ".json"
FORMAT_TITLES = {
    ".bvh": "BVH",
    ".glb": "GLB",
    ".vrm": "VRM",
    ".gltf": "glTF",
    ".npz": "SMPL, AMASS .npz",
    ".mp4": "Video, MP4",
    ".gif": "Animated picture, GIF",
    ".webp": "Animated picture, WebP",
    ".csv": "Joint positions, .csv",
    ".npy": "HumanML3D joints, .npy",
}
YOURS, CANONICAL = "yours", "canonical"


@dataclass(frozen=True, eq=False)
class Run:
    """A result, and the folder that only this run writes to.

    Attributes:
        result: of the stylizer.
        recipe: what makes it again.
        folder: for its files.
        title: in a few words.
        scores: of the samples that were looked at.
    """

    result: StylizationResult
    recipe: Recipe
    folder: Path
    title: str
    scores: dict[int, Scores] = field(default_factory=dict)

    def remove(self) -> None:
        """Delete the run's files."""
        shutil.rmtree(self.folder, ignore_errors=True)


def start_run(
    stylizer: Stylizer,
    content: Motion | SourceMotion,
    style: Style,
    settings: RunSettings,
    progress: Progress,
) -> Run:
    """Restyle, and make the run's folder within gradio's, so that gradio serves its files and clears them away."""
    recipe = Recipe(content, style, settings, maker_of(stylizer))
    result = recipe.stylize(stylizer, progress)
    Path(get_upload_folder()).mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=get_upload_folder()))
    name = shown_title(result.content.name) or "motion"
    title = f"{name}, {result.style}, strength {result.strength:g}, seed {result.seed}"
    return Run(result, recipe, folder, title)


def shown_panels(run: Run, compared: Run | None = None) -> list[Panel]:
    """Content, style and every sample of a run, and the first sample of another run to compare with."""
    first, *others = (comparison_panels(run.result, index) for index in range(len(run.result.motions)))
    panels = [*first, *(each[-1] for each in others)]
    if others:
        strength = f"strength {run.result.strength:g}"
        samples = panels[-len(run.result.motions) :]
        panels[-len(samples) :] = [
            replace(panel, title=f"Sample {number}", subtitle=strength) for number, panel in enumerate(samples, 1)
        ]
    if compared is not None:
        panels.append(Panel(compared.result.motions[0], "Compared", subtitle=compared.title, role="result"))
    return panels


def file_formats(result: StylizationResult) -> list[tuple[str, str]]:
    """Titles and names of what a result can be taken away as: "yours.bvh", "canonical.glb", "canonical.mp4"."""
    formats = []
    for suffix in sorted(WRITERS, key=[*FORMAT_TITLES, *WRITERS].index):
        title = FORMAT_TITLES.get(suffix, suffix)
        if result.source is not None and result.source.can_write_back(f"motion{suffix}"):
            formats.append((f"{title}, on your skeleton", YOURS + suffix))
        if suffix in (".bvh", ".glb") or suffix not in (".vrm", ".gltf"):
            formats.append((title if suffix != ".bvh" else "BVH, 22 joints", CANONICAL + suffix))
    formats.sort(key=lambda each: not each[1].startswith(YOURS))
    return [*formats, ("Settings, JSON", CANONICAL + RECIPE)]


def write_file(run: Run, index: int, file_format: str, progress: Progress) -> Path:
    """Write a sample in one of ``file_formats``; a file that is there already is kept."""
    if file_format not in (name for _, name in file_formats(run.result)):
        raise MotionError(f"There is no format {file_format!r} for this result; choose one of the list.")
    skeleton, _, suffix = file_format.partition(".")
    suffix = f".{suffix}"
    path = run.folder / f"{_file_stem(run.result, index)}{'_source' * (skeleton == YOURS)}{suffix}"
    if path.exists():
        return path
    if suffix == RECIPE:
        path.write_text(run.recipe.to_json(), encoding="utf-8")
    elif suffix in VIDEO_SUFFIXES:
        render_video(
            comparison_panels(run.result, index),
            path,
            size=480 if suffix == ".mp4" else 240,
            person=load_person()[0],
            progress=progress,
        )
    else:
        run.result.save(path, index, skeleton="source" if skeleton == YOURS else "canonical")
    return path


def write_on_character(run: Run, index: int, character: str) -> Path:
    """Write a sample on the character, or the skeleton, of another file; StylizeError says why it cannot wear it."""
    path = run.folder / f"{_file_stem(run.result, index)}_character{Path(character).suffix.lower()}"
    run.result.save(path, index, character=load_rig(character))
    return path


def remove_all(runs: Sequence[Run]) -> None:
    """Delete the files of a session's runs."""
    for run in runs or ():
        run.remove()


def _file_stem(result: StylizationResult, index: int) -> str:
    words = f"{result.content.name or 'motion'} {result.style} {index + 1}"
    return re.sub(r"[^\w]+", "_", words, flags=re.ASCII).strip("_")[:80] or "motion"
