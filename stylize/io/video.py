"""Motions as pictures that move."""

from pathlib import Path

from stylize.body import Person
from stylize.motion import Motion
from stylize.retarget import Retargeter
from stylize.skeleton import SKELETON_22

PICTURE_SUFFIXES = (".gif", ".mp4", ".webp")
VIDEO_SIZE, PICTURE_SIZE = 480, 320
"""Width and height in pixels; animated pictures are packed less well."""


def write_video(motion: Motion, path: Path | str, person: Person | None = None) -> None:
    """Show a person's motion as an .mp4 video or an animated .gif or .webp.

    Args:
        motion: of any skeleton.
        path: the file to write or to replace.
        person: who is shown; None for tubes.

    Raises:
        MotionError: the motion has no frames, or the file cannot be written.
        RetargetError: the motion is not that of a person.
    """
    from stylize.render.video import Panel, render_video  # matplotlib takes a second to load

    if motion.skeleton is not SKELETON_22:
        motion = Retargeter.fit(motion).to_canonical(motion)
    size = VIDEO_SIZE if Path(path).suffix.lower() == ".mp4" else PICTURE_SIZE
    render_video([Panel(motion, motion.name)], path, size=size, person=person)
