"""Paints the skin of a body: shaded triangles from far to near, with a dark outline behind them."""

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.collections import LineCollection
from matplotlib.transforms import IdentityTransform

from stylize.body import Person
from stylize.motion import Motion
from stylize.render.camera import Camera
from stylize.skeleton import SKELETON_22
from stylize.skinned_mesh import held_by_first, smooth_normals

BLOCK = 64
KEY_LIGHT = np.array([-0.55, 0.75, 0.50]) / np.linalg.norm([-0.55, 0.75, 0.50])
"""Where the light is, seen from the camera: to the left, above and behind it."""
SKY, GROUND = np.array([0.62, 0.65, 0.70]), np.array([0.30, 0.28, 0.26])
SIDES, SIDE_BRIGHTNESS = {"left": 1.0, "right": -1.0}, 0.14
OUTLINE_PIXELS, OUTLINE_BRIGHTNESS = 2.4, 0.45


class SkinPainter:
    """Draws any frame of one motion as a body with a skin.

    Args:
        person: who is shown.
        motion: canonical.
        accent: (3,) colour from 0 to 1.
    """

    def __init__(self, person: Person, motion: Motion, accent: np.ndarray) -> None:
        self.person, self.motion, self.accent = person, motion, accent
        self.faces = person.body.faces
        self._edges, self._beside = _edges(self.faces)
        sides = [SIDES.get(name.partition("_")[0], 0.0) for name in SKELETON_22.names]
        weights = held_by_first(person.body.weights, person.body.parents, len(sides))
        self._base = (accent**2) * (1 + SIDE_BRIGHTNESS * (weights @ sides))[:, None]  # close enough to linear light
        self._block = -1
        self._vertices = self._normals = np.empty(0)

    def draw(self, renderer: RendererAgg, camera: Camera, frame: int, target: np.ndarray) -> None:
        """Paint one frame; ``target`` (1, 3) is what the camera looks at."""
        vertices, normals = self._posed(frame)
        pixels, depths = camera.project(vertices[None], target)
        pixels, depths = pixels[0], depths[0]
        corners = pixels[self.faces]
        (ax, ay), (bx, by) = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
        is_seen = ax * by - ay * bx > 0
        graphics = renderer.new_gc()
        outline = self._edges[is_seen[self._beside[:, 0]] != is_seen[self._beside[:, 1]]]
        self._draw_outline(renderer, pixels[outline])
        seen = self.faces[is_seen]
        seen = seen[np.argsort(-depths[seen].mean(1), kind="stable")]
        colors = np.column_stack([self._shaded(normals @ camera.axes.T, normals[:, 1]), np.ones(len(normals))])
        renderer.draw_gouraud_triangles(graphics, pixels[seen], colors[seen], IdentityTransform())
        graphics.restore()

    def _posed(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """Vertices and normals (V, 3) of a frame; posed a block at a time, so that long clips take no more memory."""
        if frame // BLOCK != self._block:
            self._block = frame // BLOCK
            first = self._block * BLOCK
            self._vertices = self.person.of_motion(self.motion.with_frames(slice(first, first + BLOCK)))
            self._normals = smooth_normals(self._vertices, self.faces)
        return self._vertices[frame % BLOCK], self._normals[frame % BLOCK]

    def _shaded(self, in_camera: np.ndarray, upward: np.ndarray) -> np.ndarray:
        """(V, 3) colours of matt clay under a soft sky, from normals in the camera's axes and how much they look up."""
        sky = 0.5 + 0.5 * upward[:, None]
        key = np.clip((in_camera @ KEY_LIGHT + 0.25) / 1.25, 0, 1)[:, None]
        facing = np.clip(in_camera[:, 2:], 0, 1)
        lit = self._base * (GROUND + (SKY - GROUND) * sky + 1.05 * key**2 + 0.16 * facing)
        gloss = np.clip(in_camera @ _halfway(), 0, 1)[:, None] ** 22
        return np.sqrt(np.clip(lit + 0.06 * gloss, 0, 1))

    def _draw_outline(self, renderer: RendererAgg, segments: np.ndarray) -> None:
        lines = LineCollection(list(segments), linewidths=OUTLINE_PIXELS, capstyle="round")
        lines.set_color(tuple(OUTLINE_BRIGHTNESS * self.accent))
        lines.set_transform(IdentityTransform())
        lines.draw(renderer)


def _halfway() -> np.ndarray:
    """(3,) between the light and the camera."""
    between = KEY_LIGHT + np.array([0.0, 0.0, 1.0])
    return between / np.linalg.norm(between)


def _edges(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The edges (E, 2) of a mesh between two triangles, and which triangles (E, 2) those are."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    order = np.lexsort(edges.T)
    edges, owners = edges[order], (np.arange(len(edges)) % len(faces))[order]
    is_pair = (edges[1:] == edges[:-1]).all(axis=1)
    first = np.flatnonzero(is_pair)
    return edges[first], np.stack([owners[first], owners[first + 1]], axis=1)
