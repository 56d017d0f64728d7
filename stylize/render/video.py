"""Side-by-side videos and pictures of motions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import imageio.v2 as imageio
import numpy as np
from PIL import Image

from stylize.body import Person
from stylize.errors import MotionError
from stylize.motion import Motion
from stylize.render.body import check_showable
from stylize.render.panel import PanelPainter, camera_distance

ACCENTS = {"content": "#5b7083", "style": "#c98a2b", "result": "#2f7f86"}
VIDEO_FPS = 30
VIDEO_SUFFIXES = (".mp4", ".gif", ".webp")
PICTURE_MS = 1000 / VIDEO_FPS * 2
"""Milliseconds that an animated picture shows each of its frames."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One motion of a video or of the 3D view.

    Attributes:
        motion: canonical.
        title: the label's first line.
        subtitle: its second line.
        role: "content", "style" or "result"; gives its colour.
        person: who is shown; None for whom all are shown as.
    """

    motion: Motion
    title: str
    subtitle: str = ""
    role: str = "result"
    person: Person | None = None


def render_video(
    panels: Sequence[Panel],
    path: Path | str,
    *,
    size: int = 480,
    crf: int = 20,
    person: Person | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> None:
    """Write panels side by side as an H.264 video that browsers play, or as an animated picture (.gif, .webp).

    All people are shown at one scale. The video lasts as long as the longest content or result; a style reference
    starts anew when it ends, the others hold their last frame. Frames are written as they are made, so memory does
    not grow with the length.

    Args:
        panels: left to right; canonical motions of any frame rate.
        path: an .mp4, .gif or .webp file; animated pictures have half the frames.
        size: width and height of a panel in pixels, even.
        crf: quality of the video, lower is better.
        person: who is shown in panels that have nobody of their own; None for tubes in all panels.
        progress: called with a share from 0 to 1 and what is being done.

    Raises:
        MotionError: no panels, a motion that is not canonical, or a file that cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in VIDEO_SUFFIXES:
        shown = path.suffix or "a file without a suffix"
        raise MotionError(f"A video cannot be written as {shown}; use {', '.join(VIDEO_SUFFIXES)}.")
    frames = iterate_frames(panels, size, person)
    total = _frame_count(panels)
    if suffix != ".mp4":
        frames, total = (frame for k, frame in enumerate(frames) if k % 2 == 0), -(-total // 2)
    frames = _reported(frames, total, progress)
    partial = path.with_name(f".{uuid4().hex}{suffix}")
    try:
        if suffix == ".webp":
            _write_webp(frames, partial)
        else:
            settings = _video_settings(crf) if suffix == ".mp4" else {"duration": PICTURE_MS, "loop": 0}
            with imageio.get_writer(partial, **settings) as writer:
                for frame in frames:
                    writer.append_data(frame)  # type: ignore[attr-defined]
        partial.replace(path)
    except OSError as error:
        raise MotionError(f"The video {path.name} cannot be written ({error}); choose another folder.") from error
    finally:
        partial.unlink(missing_ok=True)


def _reported(
    frames: Iterator[np.ndarray], total: int, progress: Callable[[float, str], None] | None
) -> Iterator[np.ndarray]:
    for index, frame in enumerate(frames):
        yield frame
        if progress and index % 10 == 0:
            progress(index / total, "Rendering the video")


def _video_settings(crf: int) -> dict[str, Any]:
    return {
        "fps": VIDEO_FPS,
        "codec": "libx264",
        "pixelformat": "yuv420p",
        "macro_block_size": 2,
        "quality": None,
        "ffmpeg_params": ["-preset", "veryfast", "-crf", str(crf), "-movflags", "+faststart"],
    }


def _write_webp(frames: Iterator[np.ndarray], path: Path) -> None:
    pictures = (Image.fromarray(frame) for frame in frames)
    next(pictures).save(path, save_all=True, append_images=pictures, duration=round(PICTURE_MS), loop=0, quality=75)


def iterate_frames(panels: Sequence[Panel], size: int = 480, person: Person | None = None) -> Iterator[np.ndarray]:
    """The frames (size, size * panels, 3) uint8 of a video, at VIDEO_FPS."""
    painters = _painters(panels, size, person)
    for frame in range(_frame_count(panels)):
        yield _paint(panels, painters, frame)


def render_frame(panels: Sequence[Panel], frame: int, size: int = 480, person: Person | None = None) -> np.ndarray:
    """One frame (size, size * panels, 3) uint8 of the video that ``render_video`` would write."""
    return _paint(panels, _painters(panels, size, person), frame)


def render_strip(motion: Motion, path: Path | str, columns: int = 8, size: int = 260) -> None:
    """Write equally spaced frames of one motion in a row, as a picture to look at."""
    painter = _painters([Panel(motion, "")], size, None)[0]
    frames = np.linspace(0, len(painter.motion) - 1, columns).astype(int)
    imageio.imwrite(path, np.concatenate([painter.paint(frame) for frame in frames], axis=1))


def _painters(panels: Sequence[Panel], size: int, person: Person | None) -> list[PanelPainter]:
    if not panels:
        raise MotionError("There is no motion to show; give at least one panel.")
    for panel in panels:
        check_showable(panel.motion)
    motions = [panel.motion.resample(VIDEO_FPS) for panel in panels]
    distance = max(camera_distance(motion) for motion in motions)
    return [
        PanelPainter(
            motion,
            panel.title,
            panel.subtitle,
            ACCENTS[panel.role],
            size,
            distance,
            None if person is None else panel.person or person,
        )
        for motion, panel in zip(motions, panels, strict=True)
    ]


def _frame_count(panels: Sequence[Panel]) -> int:
    leading = [panel for panel in panels if panel.role != "style"] or panels
    return max((len(panel.motion.resample(VIDEO_FPS)) for panel in leading), default=0)


def _paint(panels: Sequence[Panel], painters: Sequence[PanelPainter], frame: int) -> np.ndarray:
    pictures = []
    for panel, painter in zip(panels, painters, strict=True):
        count = len(painter.motion)
        pictures.append(painter.paint(frame % count if panel.role == "style" else min(frame, count - 1)))
    return np.concatenate(pictures, axis=1)
