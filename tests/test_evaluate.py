"""Measures against golden values, judges that see what they should, and cheats that do not pass."""

import json
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from stylize import features
from stylize.errors import StyleError, StylizeError
from stylize.motion import Motion
from stylize.rotations import rotvec_to_matrix
from stylize.skeleton import SKELETON_22
from stylize.styles import StyleLabel
from tests.conftest import walk
from training import baselines, distances, evaluate, metrics, tables
from training.datasets import FeatureClip
from training.exam import Exam
from training.judges import DYNAMICS, Judges, dynamics_view
from training.loop import RunOptions
from training.packs import Clip, Pack, build_pack, quantize
from training.pairs import Pair, choose_pairs
from training.variety import other_references

STYLES = {"stooped": (0.5, 1.0), "brisk": (0.0, 1.5)}
ACTIONS = {"walk": 1.4, "run": 2.4}


def styled_walk(style: str, action: str, frames: int = 64, shift: float = 0.0) -> Motion:
    """A walk with its spine bent by the style's constant, faster by its factor, and with a nod if it is brisk."""
    bend, factor = STYLES[style]
    motion = walk(frames, (ACTIONS[action] + shift) * factor, 0.8 * factor * ACTIONS[action])
    local_rotations = motion.local_rotations.copy()
    spine = SKELETON_22.joint("spine1")
    local_rotations[:, spine] = rotvec_to_matrix(np.array([bend, 0.0, 0.0])) @ local_rotations[:, spine]
    if style == "brisk":
        nod = np.outer(0.3 * np.sin(np.arange(frames) / 2), [1.0, 0.0, 0.0])
        local_rotations[:, SKELETON_22.joint("head")] = rotvec_to_matrix(nod)
    return replace(motion, local_rotations=local_rotations)


def styled_pack(shifts: tuple[float, ...]) -> Pack:
    entries = []
    for style in STYLES:
        for action in ACTIONS:
            for number, shift in enumerate(shifts):
                motion = styled_walk(style, action, 36 + 4 * number, shift)
                entries.append((Clip(f"{style}-{action}-{number}", len(motion), style, action), *quantize(motion)))
    return build_pack(entries)


def as_clips(pack: Pack) -> list[FeatureClip]:
    return [
        FeatureClip(clip.name, features.encode(pack.motion(i)), clip.style, clip.content)
        for i, clip in enumerate(pack.clips)
    ]


def judge_options(folder, steps: int = 80) -> RunOptions:
    return RunOptions(folder, steps=steps, device="cpu", bf16=False, threads=1, seed=1, learning_rate=3e-3)


@pytest.fixture(scope="module")
def exam(tmp_path_factory) -> Exam:
    clips = as_clips(styled_pack((0.0, 0.05, 0.1, -0.05)))
    return Exam(clips, styled_pack((0.02, 0.07)), judge_options(tmp_path_factory.mktemp("judges")), pairs=8)


class Labelled:
    """A stylizer that makes the right motion from nothing but the labels in the motions' names."""

    def __init__(self, exam: Exam, labels: tuple[str, ...]) -> None:
        self.exam, self.labels = exam, tuple(StyleLabel(name, "", "") for name in labels)
        network = exam.judges.style.network
        self.restyler = SimpleNamespace(autoencoder=network, networks={"synthetic": network}, predictor=network)

    def stylize(self, content, style, *, strength=1.0, seed=0, num_samples=1):
        target = style.label or (style.motion.name.split("-")[0] if style.motion is not None else "brisk")
        action = content.name.split("-")[1]
        made = [styled_walk(target, action, 44, 0.01 * k) for k in range(num_samples)]
        return SimpleNamespace(motions=tuple(made))


def test_references_are_never_of_the_contents_action_or_the_contents_style():
    pack = styled_pack((0.0, 0.1))
    for pair in choose_pairs(pack, 50, 0, lambda style: True):
        content, reference = pack.clips[pair.content], pack.clips[pair.reference]
        assert content.style != reference.style
        assert content.content != reference.content


def test_a_held_out_style_is_the_only_target_and_must_be_in_the_pack():
    pack = styled_pack((0.0,))
    pairs = choose_pairs(pack, 10, 0, lambda style: True, target="stooped")
    assert {pack.clips[pair.reference].style for pair in pairs} == {"stooped"}
    with pytest.raises(StyleError, match="'sad'; choose one of: brisk, stooped"):
        choose_pairs(pack, 10, 0, lambda style: True, target="sad")


def test_several_references_are_of_one_style_and_each_of_another_action():
    clips = [
        Clip(f"{style}-{action}", 60, style, action) for style in ("sad", "proud") for action in ["wave", "bow", "run"]
    ]
    exam = SimpleNamespace(
        pack=SimpleNamespace(clips=[*clips, replace(clips[1], name="again")]),
        motions=[clip.name for clip in clips] + ["again"],
        usable=list(range(7)),
        seed=0,
        wanted_of=lambda pair: ("sad", "run"),
    )
    pair = Pair(content=5, reference=0)
    chosen = other_references(exam, pair, 4)  # pyright: ignore[reportArgumentType]
    assert len(chosen) == 1 and chosen[0] in ("sad-bow", "again")
    assert other_references(exam, pair, 0) == []  # pyright: ignore[reportArgumentType]


def test_the_frechet_distance_of_shifted_gaussians_is_the_squared_shift():
    sample = np.random.default_rng(0).normal(size=(4000, 3))
    assert distances.frechet_distance(sample, sample) == pytest.approx(0, abs=1e-6)
    assert distances.frechet_distance(sample, sample + [2, 0, 0]) == pytest.approx(4, rel=1e-3)


def test_the_frechet_distance_of_scaled_gaussians_is_that_of_their_deviations():
    sample = np.random.default_rng(0).normal(size=(20_000, 2))
    assert distances.frechet_distance(sample, 3 * sample) == pytest.approx(2 * (3 - 1) ** 2, rel=0.05)


def test_the_bootstrap_interval_of_a_share_is_that_of_the_binomial():
    low, high = distances.bootstrap_interval(np.repeat([1, 0], [80, 20]))
    assert (low, high) == (pytest.approx(0.72, abs=0.015), pytest.approx(0.88, abs=0.015))


def test_the_mean_pairwise_distance_of_a_triangle_is_the_mean_of_its_sides():
    assert distances.mean_pairwise(np.array([[0, 0], [3, 0], [0, 4]])) == pytest.approx((3 + 4 + 5) / 3)
    assert distances.mean_pairwise(np.zeros((1, 2))) == 0


def test_a_copied_clip_is_found_wherever_it_starts_and_a_moved_joint_is_measured():
    walks = [metrics.heading_positions(walk(80, cadence)) for cadence in (1.2, 1.8, 2.4)]
    known = distances.KnownClips(walks)
    assert known.distance(walks[1][16:64]) == pytest.approx(0, abs=1e-3)
    moved = walks[1].copy()
    moved[:, :, 1] += 0.1
    assert 0.05 < known.distance(moved) <= 0.1 + 1e-3


@pytest.mark.parametrize("amplitude", [0.05, 0.5])
def test_the_tempo_of_a_sine_is_its_angular_frequency_whatever_its_size(amplitude):
    frequency = 2 * np.pi * 1.5
    positions = np.zeros((120, 22, 3))
    positions[:, 5, 0] = amplitude * np.sin(frequency * np.arange(120) / 30)
    assert metrics.tempo(positions, 30) == pytest.approx(frequency, rel=0.04)


def test_a_foot_that_is_dragged_slides_at_the_speed_it_is_dragged_at(procedural_walk):
    standing = procedural_walk.with_frames(np.zeros(60, int))
    feet = standing.joint_positions("left_foot")
    assert metrics.foot_sliding(standing) == pytest.approx(0, abs=1e-9)
    grounded = standing.translate(np.array([0.0, 0.02 - feet[0, 1], 0.0]))
    dragged = grounded.translate(np.outer(np.arange(60) / 30 * 0.5, [1.0, 0.0, 0.0]))
    assert metrics.foot_sliding(dragged) == pytest.approx(0.5, rel=1e-6)
    assert metrics.sliding_share(dragged) == pytest.approx(1, rel=1e-6)
    slow = grounded.translate(np.outer(np.arange(60) / 30 * 0.2, [1.0, 0.0, 0.0]))
    assert metrics.sliding_share(slow) == 0


def test_the_rotation_distance_of_one_turned_joint_is_its_angle_over_all_joints(procedural_walk):
    local_rotations = procedural_walk.local_rotations.copy()
    local_rotations[:, 15] = local_rotations[:, 15] @ rotvec_to_matrix(np.array([0.0, 0.44, 0.0]))
    turned = replace(procedural_walk, local_rotations=local_rotations)
    assert metrics.rotation_distance(turned, procedural_walk) == pytest.approx(0.44 / 22, rel=1e-6)


def test_motions_of_other_lengths_or_headings_are_held_against_each_other(procedural_walk):
    longer = metrics.stretched(procedural_walk, 150)
    assert len(longer) == 150
    assert metrics.rotation_distance(longer, procedural_walk) < 0.01
    turn = rotvec_to_matrix(np.array([0.0, 1.0, 0.0]))
    local_rotations = procedural_walk.local_rotations.copy()
    local_rotations[:, 0] = turn @ local_rotations[:, 0]
    elsewhere = replace(
        procedural_walk, local_rotations=local_rotations, root_positions=procedural_walk.root_positions @ turn.T
    )
    assert metrics.rotation_distance(elsewhere, procedural_walk) == pytest.approx(0, abs=1e-6)


def test_the_view_of_dynamics_does_not_see_a_posture_put_on_by_constants(random_motion):
    constants = rotvec_to_matrix(np.random.default_rng(1).normal(size=(22, 3)) * 0.5)
    constants[0] = np.eye(3)  # a turned root changes the heading too
    turned = replace(random_motion, local_rotations=constants @ random_motion.local_rotations)
    seen = dynamics_view(features.encode(turned.translate(np.array([0.0, 0.3, 0.0]))))
    np.testing.assert_allclose(seen, dynamics_view(features.encode(random_motion)), atol=1e-4)
    assert np.abs(seen.mean(0)).max() < 0.2 < np.abs(seen).max()
    assert DYNAMICS.centred


def test_constants_give_a_clip_the_mean_posture_and_the_tempo_of_the_target():
    own = baselines.MeanPosture.of([as_clips(styled_pack((0.0,)))[0]])  # stooped walk
    source = styled_walk("stooped", "walk", 90)
    target_clip = FeatureClip("", features.encode(styled_walk("brisk", "walk", 90)), "brisk", "walk")
    target = baselines.MeanPosture.of([target_clip])
    made = baselines.turned_by_constants(source, own, target)
    assert len(made) == pytest.approx(90 * own.tempo / target.tempo, abs=2)
    reached = baselines.MeanPosture.of([FeatureClip("", features.encode(made), None, None)])
    spine = SKELETON_22.joint("spine1")
    assert np.abs(own.rotations - target.rotations)[spine].max() > 0.3
    np.testing.assert_allclose(reached.rotations[spine], target.rotations[spine], atol=1e-4)


def test_judges_of_other_clips_are_refused(tmp_path):
    clips = as_clips(styled_pack((0.0, 0.1)))
    Judges.train(clips, judge_options(tmp_path, steps=1))
    with pytest.raises(StylizeError, match="judges of other clips"):
        Judges.train(clips[1:], judge_options(tmp_path, steps=1))


def test_real_clips_pass_and_every_cheat_fails(exam):
    rows = exam.baselines
    assert rows["real clips"]["all_right"] == 1
    assert rows["real clips"]["frechet_to_real"] == 1
    assert rows["content unchanged"]["style"] == 0
    assert rows["content unchanged"]["rotation_distance"] == pytest.approx(0, abs=1e-6)
    assert rows["reference unchanged"]["style"] == 1
    assert (rows["reference unchanged"]["content"], rows["reference unchanged"]["leak"]) == (0, 1)
    assert all(row["all_right"] == 0 for name, row in rows.items() if "unchanged" in name)


def test_each_real_clip_is_drawn_once_before_any_is_drawn_twice(exam):
    drawn = exam.real_clips()
    assert [motion.name.split("-")[:2] for motion in drawn] == [list(cell) for cell in exam.wanted]
    times = Counter(motion.name for motion in drawn)
    for style, action in set(exam.wanted):
        assert abs(times[f"{style}-{action}-0"] - times[f"{style}-{action}-1"]) <= 1
    clips = exam.real_training_clips([("brisk", "run")] * 4)
    assert len({clip.name for clip in clips}) == 4


def test_real_clips_that_the_test_pack_lacks_are_taken_from_the_training(exam, monkeypatch):
    usable = [i for i in exam.usable if exam.pack.clips[i].style != "brisk"]
    monkeypatch.setattr(exam, "usable", usable)
    drawn = exam.real_clips()
    assert [exam.judges(motion).style for motion in drawn] == [style for style, _ in exam.wanted]


def test_real_clips_are_no_copies_and_training_clips_are(exam):
    copies = exam.real_training_clips(exam.wanted)
    assert exam.real["nearest_clip"] > 1e-3
    assert exam.measure([features.decode(clip.features) for clip in copies])["nearest_to_real"] < 0.05


def test_a_stylizer_with_labels_is_measured_in_every_way_and_one_without_by_reference(exam):
    labelled = Labelled(exam, tuple(STYLES))
    report = evaluate.evaluate(labelled, exam, sets=1, others=exam.pack)  # pyright: ignore[reportArgumentType]
    assert report["others"]["by label"]["clips"] >= len(exam.pack.clips)
    ways = report["ways"]
    assert [name for name in ways if name.startswith("by")] == ["by reference", "by label", "by label, sampled"]
    assert ways["by reference"]["all_right"] == ways["by label"]["all_right"] == 1
    assert ways["by reference"]["leak"] == 0
    assert ways["by label"]["nearest_to_real"] < 5
    assert report["sets"]["by label, eight samples"]["all_recognised"] == 1
    assert report["sets"]["by label, eight samples"]["centimetres"] > 0.1
    unlabelled = evaluate.evaluate(Labelled(exam, ()), exam, sets=1)["ways"]  # pyright: ignore[reportArgumentType]
    assert "by label" not in unlabelled
    assert "style" not in unlabelled["unconditional sample"]
    facts = {"checkpoint": "made up", "pairs": 8, "seed": 0, "set_size": 8, "command": "none"}
    text = tables.markdown(json.loads(json.dumps(facts | report)))
    widths = {line.count("|") for line in text.splitlines() if line.startswith("| by reference |")}
    assert widths == {len(columns) + 2 for columns in (tables.ACCURACIES, tables.PHYSICS, tables.TIMING)}
