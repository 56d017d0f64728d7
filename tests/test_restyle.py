"""What styles can be combined to, on the bundled checkpoint."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from stylize import features
from stylize.errors import MotionError, StyleError
from stylize.library import load_entry
from stylize.motion import Motion
from stylize.pipeline import Stylizer
from stylize.quality import movement_kept
from stylize.restyle import change_tempo
from stylize.rotations import heading_yaw, rotvec_to_matrix
from stylize.skeleton import SKELETON_22
from stylize.styles import Style
from tests.conftest import walk
from training import metrics

LEGS = [SKELETON_22.joint(f"{side}_{part}") for side in ("left", "right") for part in ("hip", "knee", "ankle", "foot")]
HANDS = [SKELETON_22.joint(f"{side}_wrist") for side in ("left", "right")]


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    return Stylizer.from_pretrained()


@pytest.fixture(scope="module")
def content() -> Motion:
    return load_entry("content/walk")


def distance(a: Motion, b: Motion, joints: list[int] | slice = slice(None)) -> float:
    """Mean distance of joints in the root's ground frame."""
    places = [metrics.heading_positions(motion)[:, joints] for motion in (a, b)]
    return float(np.linalg.norm(places[0] - places[1], axis=-1).mean())


def test_a_tempo_of_twice_as_fast_halves_the_frames_and_keeps_the_ends():
    motion = walk(121)
    fast = change_tempo(motion, np.full(5, np.log(2.0)))
    assert len(fast) == 61
    np.testing.assert_allclose(fast.root_positions[[0, -1]], motion.root_positions[[0, -1]], atol=1e-9)
    np.testing.assert_allclose(fast.root_positions[30], motion.root_positions[60], atol=1e-9)
    assert metrics.pace(fast) == pytest.approx(2 * metrics.pace(motion), rel=0.01)


def test_a_tempo_that_changes_along_the_way_is_slow_where_it_says_so():
    motion = walk(181)
    slowed = change_tempo(motion, np.array([0.0, 0.0, -0.7, -0.7]))
    assert len(slowed) > 220
    np.testing.assert_allclose(slowed.positions[30], motion.positions[30], atol=0.02)


def test_the_elderly_raise_their_hands_more_slowly_unless_the_timing_is_kept(stylizer):
    content = load_entry("content/raise_left_hand")
    slow = stylizer.stylize(content, "elderly").motions[0]
    kept = stylizer.stylize(content, "elderly", keep_timing=True).motions[0]
    assert len(slow) > 1.2 * len(content)
    assert len(kept) == len(content)


@pytest.mark.parametrize(("body", "still", "moving"), [("upper", LEGS, HANDS), ("lower", HANDS, LEGS)])
def test_half_a_body_changes_and_the_other_half_stays(stylizer, content, body, still, moving):
    result = stylizer.stylize(content, "exhausted", body=body).motions[0]
    full = stylizer.stylize(content, "exhausted", keep_timing=True).motions[0]
    assert len(result) == len(content)
    assert distance(result, content, moving) > 0.5 * distance(full, content, moving)
    if body == "upper":
        np.testing.assert_allclose(result.positions[:, still], content.positions[:, still], atol=1e-6)
    else:
        rotations = np.abs(result.global_rotations[:, still] - content.global_rotations[:, still])
        assert rotations.mean() < 0.05


def test_a_style_swings_the_pelvis_at_its_steps_and_goes_where_the_content_goes(stylizer, content):
    swings = {}
    for label in ("active", "elderly"):
        result = stylizer.stylize(content, label, keep_timing=True).motions[0]
        yaw = np.unwrap(heading_yaw(result.local_rotations[:, 0]))
        own = np.unwrap(heading_yaw(content.local_rotations[:, 0]))
        swings[label] = np.std(np.diff(yaw)) / np.std(np.diff(own))
        assert np.abs((yaw - own).mean()) < np.radians(2)
        assert np.abs(yaw - own).max() < np.radians(20)
    assert swings["active"] > 1.1
    assert swings["elderly"] < 0.8


def test_of_a_movement_that_nobody_knows_the_contents_own_contacts_say_when_feet_are_planted(
    stylizer, content, monkeypatch
):
    seen = []
    monkeypatch.setattr("stylize.restyle.clean_feet", lambda motion, contacts, lowest: seen.append(contacts) or motion)
    encoded = stylizer.restyler.encode(content)
    (styles,), _ = stylizer.codes.weighted(Style.from_label("elderly"), 1, 0)
    for kept in (1.0, 0.0):
        stylizer.restyler.restyle(encoded, styles, keep_timing=True, kept=kept)
    own = encoded.features[:, features.BLOCKS["contacts"]]
    np.testing.assert_array_equal(seen[0], own)
    assert 0.02 < np.abs(seen[1] - own).mean() < 0.5


def test_a_mixture_lies_between_its_styles(stylizer, content):
    elderly, active, mixed = (
        stylizer.stylize(content, style, keep_timing=True).motions[0]
        for style in ("elderly", "active", Style.mix({"elderly": 1, "active": 1}))
    )
    apart = distance(elderly, active)
    assert distance(mixed, elderly) < 0.8 * apart
    assert distance(mixed, active) < 0.8 * apart


def test_only_the_ratio_of_a_mixtures_weights_counts(stylizer, content):
    one, ten = (stylizer.stylize(content, Style.mix({"elderly": n, "active": 3 * n})) for n in (1, 10))
    np.testing.assert_allclose(one.motions[0].positions, ten.motions[0].positions, atol=1e-6)


def test_a_transition_starts_in_one_style_and_ends_in_the_other(stylizer, content):
    elderly, active, changing = (
        stylizer.stylize(content, style, keep_timing=True).motions[0]
        for style in ("elderly", "active", Style.transition("elderly", "active", 0.4, 0.6))
    )
    first, last = slice(0, len(content) // 4), slice(-len(content) // 4, None)
    for frames, near, far in ((first, elderly, active), (last, active, elderly)):
        part, near_part, far_part = (motion.with_frames(frames) for motion in (changing, near, far))
        assert distance(part, near_part) < 0.3 * distance(part, far_part)
    assert metrics.jerk(changing) < 1.3 * max(metrics.jerk(elderly), metrics.jerk(active))


def test_an_unknown_part_of_the_body_lists_the_known(stylizer, content):
    with pytest.raises(MotionError, match="no part of the body 'left'; choose one of: full, upper, lower"):
        stylizer.stylize(content, "elderly", body="left")


def test_a_style_of_two_clips_is_saved_and_gives_what_it_gave(stylizer, content, tmp_path):
    clips = [load_entry("style/exhausted"), load_entry("style/elderly")]
    style = stylizer.make_style("worn out", clips)
    path = style.save(tmp_path / "worn_out")
    results = [stylizer.stylize(content, Style.from_file(given)).motions[0] for given in (style, path)]
    np.testing.assert_array_equal(results[0].positions, results[1].positions)
    assert distance(stylizer.stylize(content, Style.from_file(path), keep_timing=True).motions[0], content) > 0.02


def test_a_motion_that_no_body_makes_is_changed_less_and_says_so(stylizer, content):
    twist = rotvec_to_matrix(np.random.default_rng(0).normal(0, 0.6, (1, 22, 3)))
    broken = Motion(SKELETON_22, content.local_rotations @ twist, content.root_positions, content.fps)
    result = stylizer.stylize(broken, "elderly")
    assert any("the strength was reduced to 0." in warning for warning in result.warnings)
    assert stylizer.stylize(content, "elderly").warnings == ()


def test_how_somebody_elses_skeleton_holds_trunk_and_shoulders_is_gone_at_full_strength(stylizer, content):
    rotations = content.local_rotations.copy()
    for role, turn in (("left_shoulder", (0, 0, 0.25)), ("right_shoulder", (0, 0, -0.25)), ("spine3", (-0.2, 0, 0))):
        joint = SKELETON_22.joint(role)
        rotations[:, joint] = rotvec_to_matrix(np.array(turn)) @ rotations[:, joint]
    other = replace(content, local_rotations=rotations)
    assert distance(content, other) > 0.02
    results = [stylizer.stylize(each, "elderly", keep_timing=True).motions[0] for each in (content, other)]
    assert distance(*results) < 0.3 * distance(content, other)


@pytest.mark.parametrize("strength", [0.15, 0.3, 0.35, 0.6, 0.7, 1.15, 1.4])
def test_a_familiar_motion_is_restyled_at_the_strength_that_was_asked_for(stylizer, content, strength):
    result = stylizer.stylize(content, "elderly", strength=strength)
    assert result.strength == strength and result.warnings == ()


def test_two_references_of_one_label_give_different_results(stylizer, content):
    reference = load_entry("style/elderly")
    upright = Motion(SKELETON_22, reference.local_rotations.copy(), reference.root_positions, reference.fps)
    upright.local_rotations[:, SKELETON_22.joint("spine2")] = np.eye(3)
    results = [
        stylizer.stylize(content, Style.from_motion(motion), keep_timing=True).motions[0]
        for motion in (reference, upright)
    ]
    assert distance(*results) > 0.003


def test_samples_of_a_label_differ_visibly_and_are_in_its_style(stylizer, content):
    neutral, typical = (
        stylizer.stylize(content, label, keep_timing=True).motions[0] for label in ("normal", "elderly")
    )
    samples = stylizer.stylize(content, Style.sample("elderly"), num_samples=4, keep_timing=True).motions
    assert np.mean([distance(one, other) for one, other in combinations(samples, 2)]) > 0.008
    assert all(distance(each, typical) < 0.5 * distance(each, neutral) for each in samples)


@pytest.mark.parametrize("action", ["walk", "run"])
def test_arms_that_are_held_up_in_a_way_that_no_clip_shows_are_held_up_in_the_result(stylizer, content, action):
    reference = load_entry(f"content/{action}")
    rotations = reference.local_rotations.copy()
    for side, degrees in (("left", 60), ("right", -60)):
        joint = SKELETON_22.joint(f"{side}_shoulder")
        rotations[:, joint] = rotvec_to_matrix(np.radians([0.0, 0.0, degrees])) @ rotations[:, joint]
    result = stylizer.stylize(content, replace(reference, local_rotations=rotations)).motions[0]
    before, after = (metrics.heading_positions(motion)[:, HANDS, 1].mean() for motion in (content, result))
    assert after > before + 0.15
    assert movement_kept(content, result) > 0.7


def test_the_unsupervised_checkpoint_takes_a_style_from_a_reference_or_draws_one_and_knows_no_labels(content):
    unsupervised = Stylizer.from_pretrained("unsupervised")
    assert unsupervised.labels == ()
    for style in (Style.from_motion(load_entry("style/elderly")), Style.sample()):
        result = unsupervised.stylize(content, style, keep_timing=True).motions[0]
        assert distance(result, content) > 0.01
        assert metrics.bone_length_deviation(result) < 1e-6
    with pytest.raises(StyleError, match="this checkpoint knows no labels"):
        unsupervised.stylize(content, "elderly")
