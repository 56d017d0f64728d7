"""One person's run: the restyle itself, and the files that show and hand over its samples."""

import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gradio.utils import get_upload_folder

from stylize.comparison import comparison_panels
from stylize.motion import Motion
from stylize.pipeline import StylizationResult, Stylizer
from stylize.render.video import render_video
from stylize.restyle import Body
from stylize.source import SourceMotion
from stylize.styles import Style

Progress = Callable[[float, str], None]

RESTYLE_SHARE = 0.25
"""How much of a run's progress bar is the restyle; the rest is the video."""


@dataclass(frozen=True)
class RunSettings:
    """How much of the style, how many samples, and what of the content stays; see Stylizer.stylize."""

    strength: float = 1.0
    num_samples: int = 1
    seed: int = 0
    keep_timing: bool = False
    body: Body = "full"


@dataclass(frozen=True, eq=False)
class Run:
    """A result, and the folder that only this run writes to."""

    result: StylizationResult
    folder: Path

    def remove(self) -> None:
        """Delete the run's files."""
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True)
class SampleFiles:
    """The files of one sample; ``on_source`` is None where the content's file had no skeleton to write on."""

    video: Path
    bvh: Path
    on_source: Path | None


def start_run(
    stylizer: Stylizer,
    content: Motion | SourceMotion,
    style: Style,
    settings: RunSettings,
    progress: Progress,
) -> Run:
    """Restyle, and make the run's folder within gradio's, so that gradio serves its files and clears them away."""
    result = stylizer.stylize(
        content,
        style,
        strength=settings.strength,
        num_samples=settings.num_samples,
        seed=settings.seed,
        keep_timing=settings.keep_timing,
        body=settings.body,
        progress=lambda share, text: progress(RESTYLE_SHARE * share, text),
    )
    Path(get_upload_folder()).mkdir(parents=True, exist_ok=True)
    return Run(result, Path(tempfile.mkdtemp(prefix="run-", dir=get_upload_folder())))


def sample_files(run: Run, index: int, progress: Progress) -> SampleFiles:
    """Write what is shown and downloaded of one sample; files that are there already are kept."""
    stem = _file_stem(run.result, index)
    video, bvh = (run.folder / f"{stem}{ending}" for ending in (".mp4", ".bvh"))
    if not bvh.exists():
        run.result.save(bvh, index, skeleton="canonical")
    rig = run.result.source.rig if run.result.source is not None else None
    on_source = run.folder / f"{stem}_source{rig.suffix}" if rig is not None else None
    if on_source is not None and not on_source.exists():
        run.result.save(on_source, index, skeleton="source")
    if not video.exists():
        render_video(
            comparison_panels(run.result, index),
            video,
            progress=lambda share, text: progress(RESTYLE_SHARE + (1 - RESTYLE_SHARE) * share, text),
        )
    return SampleFiles(video, bvh, on_source)


def _file_stem(result: StylizationResult, index: int) -> str:
    words = f"{result.content.name or 'motion'} {result.style} {index + 1}"
    return re.sub(r"[^\w]+", "_", words, flags=re.ASCII).strip("_")[:80] or "motion"
