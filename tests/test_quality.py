from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from stylize.library import gallery, list_library, load_entry, preview_path
from stylize.pipeline import Stylizer
from stylize.quality import movement_kept
from stylize.render.sprite import FRAMES, SIZE, sprite
from stylize.rotations import rotvec_to_matrix
from tests.conftest import walk


def test_movement_is_kept_wherever_hands_are_held_and_however_fast_it_is(procedural_walk):
    raised = procedural_walk.local_rotations.copy()
    raised[:, [16, 17]] = rotvec_to_matrix(np.array([0.0, 0.0, 0.5])) @ raised[:, [16, 17]]
    assert movement_kept(procedural_walk, procedural_walk) == pytest.approx(1)
    slower = procedural_walk.at_times(np.arange(0, 2.9, 1 / 60), 30)
    assert movement_kept(procedural_walk, slower) > 0.95
    assert movement_kept(procedural_walk, replace(procedural_walk, local_rotations=raised)) > 0.5


def test_another_movement_is_told_from_the_same_one(procedural_walk):
    assert movement_kept(procedural_walk, walk(cadence=2.7)) < 0.4
    backwards = procedural_walk.with_frames(slice(None, None, -1))
    assert movement_kept(procedural_walk, backwards) < movement_kept(procedural_walk, procedural_walk) - 0.1


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    return Stylizer.from_pretrained()


# Nobody recorded a goodbye in this style, and it takes less of it.
@pytest.mark.parametrize(
    ("content", "match"), [("content/walk", 0.8), ("content/wave_right_hand", 0.8), ("content/goodbye", 0.2)]
)
def test_scores_grow_with_the_style_and_the_action_stays(stylizer, content, match):
    scores = [stylizer.scores(stylizer.stylize(load_entry(content), "elderly", strength=s)) for s in (0.0, 0.5, 1.0)]
    matches = [each.style_match for each in scores]
    assert matches[0] == pytest.approx(0, abs=1e-6) and matches == sorted(matches) and matches[2] > match
    assert scores[0].content_kept == pytest.approx(1) and scores[2].content_kept > 0.7
    assert scores[0].sliding_after == pytest.approx(scores[0].sliding_before)


def test_a_sprite_is_a_strip_of_pictures_that_differ(procedural_walk):
    strip = np.asarray(Image.open(BytesIO(sprite(procedural_walk, "content"))))
    assert strip.shape == (SIZE, FRAMES * SIZE, 3)
    first, later = strip[:, :SIZE].astype(int), strip[:, 7 * SIZE : 8 * SIZE].astype(int)
    assert np.abs(first - later).mean() > 1


def test_every_bundled_motion_has_its_picture_and_the_galleries_are_there():
    assert all(preview_path(entry.name) for entry in list_library())
    assert len(gallery("same_content")) == 7
    assert len(gallery("same_style")) == len(list_library("content"))
    assert preview_path("content/../../secret") is None
