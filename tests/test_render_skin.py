"""Videos of a body with a skin."""

import numpy as np
import pytest

from stylize.body import Person
from stylize.io.body_models import load_body
from stylize.motion import Motion
from stylize.render.skin import SkinPainter
from stylize.render.video import Panel, iterate_frames, render_frame
from stylize.skeleton import SKELETON_22
from stylize.skinned_mesh import BUNDLED_BODY
from tests.conftest import walk

SIZE = 160


@pytest.fixture(scope="module")
def person():
    return Person(load_body(BUNDLED_BODY)[0])


def standing(turn: float = 0.0) -> Motion:
    rotations = np.tile(np.eye(3), (1, 22, 1, 1))
    cos, sin = np.cos(turn), np.sin(turn)
    rotations[:, 0] = [[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]
    return Motion(SKELETON_22, rotations, np.array([[0, 0.935, 0]]), fps=30)


def body_mask(motion: Motion, person: Person | None) -> np.ndarray:
    """(SIZE, SIZE) where there is somebody: what differs from a picture without them."""
    nobody = render_frame([Panel(motion.translate(np.array([0, -50.0, 0])), "")], 0, SIZE).astype(int)
    picture = render_frame([Panel(motion, "")], 0, SIZE, person).astype(int)
    accented = picture[..., 0] < picture[..., 2] - 12  # teal, as shadows are not
    return accented & (np.abs(picture - nobody).max(-1) > 25)


def test_the_skin_is_where_the_tubes_are(person):
    skin, tubes = body_mask(standing(), person), body_mask(standing(), None)
    assert (skin & tubes).sum() > 0.7 * tubes.sum()
    assert 0.7 * tubes.sum() < skin.sum() < 1.3 * tubes.sum()


def test_nothing_of_the_far_side_is_painted(person):
    painter = SkinPainter(person, standing(), np.array([0.2, 0.5, 0.5]))
    drawn = []

    class Renderer:
        def new_gc(self):
            return self

        def restore(self):
            pass

        def draw_gouraud_triangles(self, _, points, colors, __):
            drawn.append((points, colors))

    painter._draw_outline = lambda *_: None
    from stylize.render.camera import Camera

    painter.draw(Renderer(), Camera(0.0, 6.0, SIZE), 0, np.array([[0, 0.9, 0.0]]))
    ((points, colors),) = drawn
    (ax, ay), (bx, by) = (points[:, 1] - points[:, 0]).T, (points[:, 2] - points[:, 0]).T
    assert (ax * by - ay * bx > 0).all()
    assert 0.35 < len(points) / len(person.body.faces) < 0.65
    assert colors.min() >= 0 and colors.max() <= 1


def test_somebody_tall_is_painted_taller(person):
    tall = Person(person.body, np.array([3.0]))
    heights = [np.ptp(np.flatnonzero(body_mask(standing(), who).any(axis=1))) for who in (person, tall)]
    assert heights[1] > 1.07 * heights[0]


def test_a_panel_may_show_somebody_of_its_own(person):
    tall = Person(person.body, np.array([3.0]))
    panels = [Panel(standing(), ""), Panel(standing(), "", person=tall)]
    left, right = np.split(render_frame(panels, 0, SIZE, person), 2, axis=1)
    np.testing.assert_array_equal(left, render_frame(panels[:1], 0, SIZE, person))
    assert (left != right).any()
    without = render_frame(panels, 0, SIZE)
    np.testing.assert_array_equal(*np.split(without, 2, axis=1))  # tubes are tubes


def test_frames_beyond_a_block_are_posed(person):
    motion = walk(70)
    frames = list(iterate_frames([Panel(motion, "")], SIZE, person))
    later = render_frame([Panel(motion, "")], 66, SIZE, person)
    np.testing.assert_array_equal(frames[66], later)


def test_the_left_side_is_lighter(person):
    painter = SkinPainter(person, standing(), np.array([0.2, 0.5, 0.5]))
    base, x = painter._base[:, 0], person.body.template[:, 0]
    assert base[x > 0.3].min() > base[x < -0.3].max()
