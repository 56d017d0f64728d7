"""Paints the frames of one panel: studio background, ground grid, trail, soft shadow, and somebody.

A body with a skin is painted by ``SkinPainter``. The tubes are painted here: one depth-sorted LineCollection holds the
whole body, with five nested strokes a piece from a dark outline to a highlight; that looks like shaded tubes and is
many times as fast as 3D axes.
"""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.transforms import IdentityTransform
from PIL import Image
from scipy.ndimage import gaussian_filter

from stylize.body import Person
from stylize.motion import Motion
from stylize.render.body import PIECE_RADII, PIECE_SIDES, PIECE_TUBES, body_pieces
from stylize.render.camera import THREE_QUARTER_YAW, Camera, fitting_distance, follow, start_facing
from stylize.render.skin import SkinPainter

PAPER, FLOOR, GRID_COLOR, TEXT, SUBTLE_TEXT = "#f1f0ed", "#fcfbf9", "#a9a7a2", "#26272b", "#7b7a76"
GRID_STEP, GRID_REACH = 0.5, 4.0
TRAIL_SECONDS = 2.5
SHADOW_SCALE, SHADOW_STRENGTH = 4, 0.42
LIGHT_ON_GROUND = (0.30, -0.22)
"""How far a shadow falls, to the right and towards the camera, for each metre of height."""
LIGHT_IN_PICTURE = np.array([-0.55, 0.83])
SIDE_BRIGHTNESS = {0: 0.0, 1: 0.16, -1: -0.16}
STROKES = ((1.0, -0.62, 0.0), (1.0, -0.22, 0.0), (0.78, 0.0, 0.11), (0.48, 0.18, 0.25), (0.20, 0.42, 0.37))
"""Width as a share of the diameter, brightness (to black, to white), and the move towards the light in radii."""
OUTLINE_PIXELS, OUTLINE_BEHIND = 1.3, 0.10
MAX_TEXT = 36
BLOCK = 64


class Strokes(LineCollection):
    """Straight strokes whose ends can be moved without making them anew; ``ends`` is (count, 2, 2) pixels."""

    def __init__(self, count: int, **style: Any) -> None:
        self.ends = np.zeros((count, 2, 2))
        # The paths are views of ``ends``, so writing to it moves the strokes.
        super().__init__(list(self.ends), **style)

    def place(self, ends: np.ndarray, **style: Any) -> None:
        """Move the strokes to ``ends`` and give them new colours (``color``) or widths (``linewidths``)."""
        self.ends[...] = ends
        self.set(**style)


class PanelPainter:
    """Draws any frame of one motion.

    Args:
        motion: canonical.
        title: the label's first line.
        subtitle: its second line.
        accent: colour of the body.
        size: width and height in pixels.
        distance: of the camera, in metres; see ``camera_distance``.
        person: who is shown; None for tubes.
    """

    def __init__(
        self,
        motion: Motion,
        title: str,
        subtitle: str,
        accent: str,
        size: int,
        distance: float,
        person: Person | None = None,
    ) -> None:
        self.motion, self.size = motion, size
        self._block, self._block_pieces = -1, np.empty(0)
        self.targets = follow(motion.root_positions, motion.fps)
        self.camera = Camera(start_facing(motion) + THREE_QUARTER_YAW, distance, size)
        self._grid_lines = _grid_lines()
        self._grid = Strokes(len(self._grid_lines), linewidths=0.9)
        self._trail = Strokes(round(TRAIL_SECONDS * motion.fps), linewidths=2.2, capstyle="butt")
        self._body = Strokes(len(STROKES) * len(PIECE_RADII), capstyle="round")
        self._shadow = Strokes(len(PIECE_RADII), colors="black", capstyle="round")
        self._canvas = _canvas(size, [self._grid, self._trail, self._body])
        self._shadow_canvas = _canvas(-(-size // SHADOW_SCALE), [self._shadow])
        self._background = _background(self.camera, title, subtitle, accent)
        self._accent = np.array(to_rgb(accent))
        self._stroke_colors = _stroke_colors(self._accent)
        self._skin = None if person is None else SkinPainter(person, motion, self._accent)

    def paint(self, frame: int) -> np.ndarray:
        """One frame as (size, size, 3) uint8."""
        target, pieces = self.targets[frame : frame + 1], self._pieces(frame)
        renderer = self._canvas.get_renderer()
        pixels = np.asarray(renderer.buffer_rgba())
        pixels[...] = self._background
        self._place_grid(target)
        self._place_trail(frame, target)
        self._grid.draw(renderer)
        self._trail.draw(renderer)
        shade = self._shadow_mask(pieces, target)
        rows = np.flatnonzero(shade.max(axis=1) > 0.01)
        if len(rows):
            floor = pixels[rows[0] : rows[-1] + 1, :, :3]
            floor[...] = floor * (1 - SHADOW_STRENGTH * shade[rows[0] : rows[-1] + 1, :, None])
        if self._skin is None:
            self._place_body(pieces, target)
            self._body.draw(renderer)
        else:
            self._skin.draw(renderer, self.camera, frame, target)
        self._draw_time_line(pixels, frame)
        return pixels[..., :3].copy()

    def _pieces(self, frame: int) -> np.ndarray:
        """(P, 2, 3) the body in one frame; posed a block at a time, so that a long clip takes no more memory."""
        if frame // BLOCK != self._block:
            self._block = frame // BLOCK
            first = self._block * BLOCK
            self._block_pieces = body_pieces(self.motion.with_frames(slice(first, first + BLOCK)))
        return self._block_pieces[frame % BLOCK]

    def _place_grid(self, target: np.ndarray) -> None:
        nearest_node = np.round(target * [1, 0, 1] / GRID_STEP) * GRID_STEP
        lines = self._grid_lines + nearest_node
        away = np.linalg.norm((lines.mean(1) - target)[:, [0, 2]], axis=-1)
        fade = np.clip(1.05 - away / (GRID_REACH - 0.4), 0, 1)
        self._place_on_ground(self._grid, lines, target, to_rgb(GRID_COLOR), 0.75 * fade)

    def _place_trail(self, frame: int, target: np.ndarray) -> None:
        count = len(self._trail.ends)
        frames = np.clip(np.arange(frame - count, frame + 1), 0, None)
        points = self.motion.root_positions[frames] * [1, 0, 1] + [0, 0.004, 0]
        alpha = np.linspace(0, 0.85, count + 1)[1:] * (frames[1:] > 0)
        self._place_on_ground(self._trail, np.stack([points[:-1], points[1:]], axis=1), target, self._accent, alpha)

    def _place_on_ground(self, strokes: Strokes, lines: np.ndarray, target: np.ndarray, color, alpha) -> None:
        pixels, depth = self.camera.project(lines[None], target)
        behind_camera = depth[0].min(-1) < 0.3
        colors = np.column_stack([np.tile(color, (len(lines), 1)), np.where(behind_camera, 0, alpha)])
        strokes.place(np.where(behind_camera[:, None, None], 0, pixels[0]), color=colors)

    def _shadow_mask(self, pieces: np.ndarray, target: np.ndarray) -> np.ndarray:
        """(size, size) from 0 to 1 where the body keeps the light from the ground, softly."""
        heights = np.maximum(pieces[..., 1:2], 0)
        right, towards = self.camera.axes[0], self.camera.axes[2] * [1, 0, 1]
        on_ground = pieces * [1, 0, 1] + heights * (LIGHT_ON_GROUND[0] * right + LIGHT_ON_GROUND[1] * towards)
        pixels, depth = self.camera.project(on_ground[None], target)
        widths = 2 * PIECE_RADII * self.camera.focal_length / depth[0].mean(-1)
        self._shadow.place(pixels[0] / SHADOW_SCALE, linewidths=widths / SHADOW_SCALE)
        renderer = self._shadow_canvas.get_renderer()
        buffer = np.asarray(renderer.buffer_rgba())
        buffer[...] = 0
        self._shadow.draw(renderer)
        soft = gaussian_filter(buffer[..., 3].astype(np.float32), 1.6)
        wide = Image.fromarray(soft).resize((self.size, self.size), Image.Resampling.BILINEAR)
        return np.asarray(wide) / 255

    def _place_body(self, pieces: np.ndarray, target: np.ndarray) -> None:
        pixels, depth = self.camera.project(pieces[None], target)
        depth = depth[0].mean(-1)
        radii = PIECE_RADII * self.camera.focal_length / depth
        tube_depth = (np.bincount(PIECE_TUBES, depth) / np.bincount(PIECE_TUBES))[PIECE_TUBES]
        count = len(pieces)
        segments = np.empty((len(STROKES), count, 2, 2))
        widths = np.empty((len(STROKES), count))
        order = np.empty((len(STROKES), count))
        for index, (width, _, shift) in enumerate(STROKES):
            segments[index] = pixels[0] + (shift * radii)[:, None, None] * LIGHT_IN_PICTURE
            widths[index] = 2 * radii * width + (2 * OUTLINE_PIXELS if index == 0 else 0)
            # A tube's strokes lie over each other as a whole, or its pieces would show.
            order[index] = tube_depth + (OUTLINE_BEHIND if index == 0 else -1e-3 * index)
        drawn = np.argsort(-order.ravel(), kind="stable")
        self._body.place(
            segments.reshape(-1, 2, 2)[drawn], linewidths=widths.ravel()[drawn], color=self._stroke_colors[drawn]
        )

    def _draw_time_line(self, pixels: np.ndarray, frame: int) -> None:
        margin, height = round(0.06 * self.size), max(2, self.size // 160)
        top = self.size - round(0.045 * self.size)
        length = self.size - 2 * margin
        done = round(length * (frame + 1) / len(self.motion))
        pixels[top : top + height, margin : margin + length, :3] = (222, 220, 215)
        pixels[top : top + height, margin : margin + done, :3] = 255 * self._accent


def camera_distance(motion: Motion) -> float:
    """The least distance in metres from which a motion stays in the picture."""
    yaw = start_facing(motion) + THREE_QUARTER_YAW
    return fitting_distance(motion.positions, follow(motion.root_positions, motion.fps), yaw)


def _grid_lines() -> np.ndarray:
    """(N, 2, 3) the grid's lines in pieces of two steps, in metres around the origin."""
    ticks = np.arange(-GRID_REACH, GRID_REACH + 1e-9, GRID_STEP)
    across, along = (values.ravel() for values in np.meshgrid(ticks, ticks[:-1:2], indexing="ij"))
    zero = np.zeros_like(across)
    starts, ends = np.stack([across, zero, along], 1), np.stack([across, zero, along + 2 * GRID_STEP], 1)
    lines = np.stack([starts, ends], axis=1)
    return np.concatenate([lines, lines[..., ::-1]])


def _canvas(size: int, artists: list[LineCollection]) -> FigureCanvasAgg:
    """An Agg canvas of size x size pixels whose units are pixels, with artists that are drawn by hand."""
    figure = Figure(figsize=(size / 72, size / 72), dpi=72)
    canvas = FigureCanvasAgg(figure)
    for artist in artists:
        _attach(artist, figure)
    canvas.draw()
    return canvas


def _attach(artist: Artist, figure: Figure) -> None:
    artist.set_figure(figure)
    artist.set_transform(IdentityTransform())


def _background(camera: Camera, title: str, subtitle: str, accent: str) -> np.ndarray:
    """(size, size, 4) uint8: paper, a pool of light on the floor, and the label."""
    size = camera.size
    figure = Figure(figsize=(size / 72, size / 72), dpi=72, facecolor=PAPER)
    canvas = FigureCanvasAgg(figure)
    text = {"ha": "left", "va": "center", "parse_math": False}
    figure.text(0.06, 0.935, "●", color=accent, fontsize=size * 0.030, **text)
    figure.text(0.105, 0.937, _shorten(title), color=TEXT, fontsize=size * 0.036, weight="bold", **text)
    figure.text(0.06, 0.887, _shorten(subtitle), color=SUBTLE_TEXT, fontsize=size * 0.028, **text)
    canvas.draw()
    label = np.asarray(canvas.buffer_rgba()).astype(np.float32)
    distance = np.linalg.norm(np.nan_to_num(camera.ground_at_pixels(), posinf=1e3), axis=-1)
    light = np.clip(1 - distance / GRID_REACH, 0, 1)[..., None] ** 0.8
    glow = light * (np.array(to_rgb(FLOOR)) - np.array(to_rgb(PAPER))) * 255
    label[..., :3] = np.clip(label[..., :3] + glow, 0, 255)
    return label.astype(np.uint8)


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _stroke_colors(accent: np.ndarray) -> np.ndarray:
    """(strokes * pieces, 3) colours, left limbs a little lighter than right ones."""
    colors = []
    for _, brightness, _ in STROKES:
        for side in PIECE_SIDES:
            shade = brightness + SIDE_BRIGHTNESS[int(side)] * (1 - abs(brightness))
            colors.append(accent * (1 + shade) if shade < 0 else accent + (1 - accent) * shade)
    return np.clip(np.array(colors), 0, 1)
