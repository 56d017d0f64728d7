"""A motion as a strip of small pictures side by side, which a page plays by moving it along."""

from io import BytesIO

import numpy as np
from PIL import Image

from stylize.motion import Motion
from stylize.render.panel import PanelPainter, camera_distance
from stylize.render.video import ACCENTS

FRAMES, SECONDS = 20, 2.5
"""Pictures of a strip, and how much of the motion they show."""
SIZE = 112
LEFT, TOP, SHOWN = 0.14, 0.19, 0.72
"""The part of the painted panel that is shown, in shares of its size: without title, time line and wide margins."""
QUALITY = 55


def sprite(motion: Motion, role: str) -> bytes:
    """A WebP picture (SIZE high, FRAMES * SIZE wide) of a canonical motion in the colour of a role.

    A longer motion is shown around its liveliest moment.
    """
    count = min(len(motion), round(SECONDS * motion.fps))
    speed = np.linalg.norm(np.gradient(motion.positions - motion.root_positions[:, None], axis=0), axis=-1).mean(1)
    start = int(np.argmax(np.convolve(speed, np.ones(count), mode="valid")))
    painted = round(SIZE / SHOWN)
    painter = PanelPainter(motion, "", "", ACCENTS[role], painted, camera_distance(motion))
    left, top = round(LEFT * painted), round(TOP * painted)
    frames = start + np.linspace(0, count - 1, FRAMES).round().astype(int)
    pictures = [painter.paint(int(frame))[top : top + SIZE, left : left + SIZE] for frame in frames]
    strip = BytesIO()
    Image.fromarray(np.concatenate(pictures, axis=1)).save(strip, "webp", quality=QUALITY, method=6)
    return strip.getvalue()
