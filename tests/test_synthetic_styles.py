"""Synthetic styles: what real clips show of a style is found again, mixed, and put on other clips."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from stylize.errors import StylizeError
from stylize.features import NUM_FEATURES
from stylize.motion import Motion
from stylize.quality import foot_sliding
from stylize.rotations import matrix_to_rotvec, rotvec_to_matrix
from stylize.skeleton import SKELETON_22
from tests.conftest import walk
from training import synthetic_styles, train_autoencoder, train_stylizer
from training.loop import RunOptions
from training.packs import Clip, Pack, build_pack, quantize
from training.recorded_differences import Difference, RecordedDifferences, random_weights
from training.style_operators import StyleOperator, turned
from training.stylizer_losses import LossWeights, posture_scale
from training.synthetic_styles import Groups, SyntheticStylesOptions, make_group
from training.train_autoencoder import TrainAutoencoder
from training.train_stylizer import TrainStylizer

SPINE = SKELETON_22.joint("spine1")
SLOWER = 1.5


def bent(motion: Motion, angle: float) -> Motion:
    turns = np.zeros((len(motion), 22, 3))
    turns[:, SPINE, 0] = angle
    return turned(motion, turns)


def slow(motion: Motion) -> Motion:
    return motion.at_times(np.arange(0, motion.duration, 1 / 30 / SLOWER), 30)


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    """Walks of one cadence each in three styles: as they are, bent and slow, bent back."""
    entries = []
    for number, cadence in enumerate((1.4, 1.6, 1.8)):
        neutral = walk(100, cadence)
        motions = {"normal": neutral, "bent": slow(bent(neutral, 0.5)), "back": bent(neutral, -0.4)}
        for style, motion in motions.items():
            clip = Clip(f"{style}-{number}", len(motion), style, f"walk-{number}")
            entries.append((clip, *quantize(replace(motion, name=clip.name))))
    path = tmp_path_factory.mktemp("pack") / "pack.npz"
    build_pack(entries).save(path)
    return path


def differences(packed: Path, held_out: tuple[str, ...] = ()) -> RecordedDifferences:
    return RecordedDifferences(Pack.load(packed), held_out, np.random.default_rng(0))


def of_neutral(recorded: RecordedDifferences) -> dict[int, dict[str, Difference]]:
    return {index: found for index, found in recorded.found.items() if recorded.pack.clips[index].style == "normal"}


def test_the_difference_of_two_real_clips_is_what_was_done_to_the_one(packed):
    found = of_neutral(differences(packed))
    assert len(found) == 3
    for styles in found.values():
        turns = styles["bent"].turns
        assert turns.shape == (100, 22, 3)
        assert np.abs(turns[10:-10, SPINE] - (0.5, 0, 0)).max() < 0.05
        legs = [SKELETON_22.joint(f"{side}_{part}") for side in ("left", "right") for part in ("hip", "knee")]
        assert np.sqrt(np.square(turns[10:-10, legs]).sum(-1).mean()) < 0.12
        assert styles["bent"].log_speed == pytest.approx(-np.log(SLOWER), abs=0.1)
        assert styles["back"].log_speed == pytest.approx(0, abs=0.02)


def test_styles_that_are_held_out_are_not_looked_at(packed):
    recorded = differences(packed, ("bent",))
    assert {recorded.pack.clips[index].style for index in recorded.found} == {"normal", "back"}
    assert {style for styles in recorded.found.values() for style in styles} == {"normal", "back"}


def test_a_mixture_adds_what_its_styles_do(packed):
    recorded = differences(packed)
    clips = list(of_neutral(recorded))
    mixed = recorded.mixed(clips, {"bent": 0.5, "back": -1.0})
    assert len(mixed) == 3
    for each in mixed:
        assert np.abs(each.turns[10:-10, SPINE, 0] - 0.65).max() < 0.05
        assert each.log_speed == pytest.approx(-0.5 * np.log(SLOWER), abs=0.06)


def test_the_twin_of_a_difference_turns_the_mirrored_clip_into_the_mirrored_style(packed):
    recorded = differences(packed)
    index, styles = next(iter(of_neutral(recorded).items()))
    motion, difference = recorded.pack.motion(index), styles["bent"]
    cut = slice(20, 80)
    expected = turned(motion.with_frames(cut), difference.part(cut, mirror=False).turns).mirror()
    twin = turned(motion.with_frames(cut).mirror(), difference.part(cut, mirror=True).turns)
    np.testing.assert_allclose(twin.positions, expected.positions, atol=1e-5)


def test_turning_joints_leaves_the_feet_on_the_ground(procedural_walk):
    turns = np.zeros((len(procedural_walk), 22, 3))
    turns[:, [SKELETON_22.joint("left_hip"), SKELETON_22.joint("right_hip")], 0] = -0.4
    turns[:, [SKELETON_22.joint("left_knee"), SKELETON_22.joint("right_knee")], 0] = 0.7
    changed = turned(procedural_walk, turns)
    knee = SKELETON_22.joint("left_knee")
    expected = rotvec_to_matrix(turns[:, knee]) @ procedural_walk.local_rotations[:, knee]
    np.testing.assert_allclose(changed.local_rotations[:, knee], expected, atol=1e-9)
    feet = [SKELETON_22.joint("left_foot"), SKELETON_22.joint("right_foot")]
    before, after = procedural_walk.positions[:, feet, 1].min(1), changed.positions[:, feet, 1].min(1)
    assert np.abs(before - after).max() < 0.03
    assert foot_sliding(changed) < 1.5 * foot_sliding(procedural_walk) + 0.05


def test_a_pack_with_too_few_clips_for_mixtures_is_refused(packed):
    with pytest.raises(StylizeError, match="no 4 clips of 48 frames"):
        differences(packed).clips(np.random.default_rng(0), 4, 1, 48)


def test_random_weights_hold_some_of_every_style_and_turn_some_round():
    rng = np.random.default_rng(0)
    drawn = np.array([list(random_weights(rng, ["a", "b"]).values()) for _ in range(200)])
    assert np.abs(drawn).min() >= 0.25 and np.abs(drawn).max() <= 1.0
    assert 0.2 < np.mean(drawn < 0) < 0.4


@pytest.mark.parametrize("recorded", [0.0, 1.0])
def test_every_style_of_a_group_is_the_same_clips_changed(packed, recorded):
    options = SyntheticStylesOptions(
        packed, Path(), Path(), recorded=recorded, groups=3, operators=2, clips=3, unlabelled=0
    )
    groups = list(Groups(options))
    assert len(groups) == 3
    for group in groups:
        made, speeds = make_group(group)
        frames = len(group.clips[0][0])
        assert frames in options.frames
        assert made.shape == (3, 3, frames, NUM_FEATURES) and np.isfinite(made).all()
        assert speeds[0] == 1 and (speeds > 0.3).all() and (speeds < 3).all()
        apart = np.abs(made[1:] - made[:1]).mean((1, 2, 3))
        assert (apart > 1e-3).all()


def test_how_an_arm_hangs_says_nothing_of_how_it_is_lifted():
    arms = np.zeros((60, 22, 3))
    lift = np.clip(np.linspace(-1, 2, 60), 0, 1)
    for side, sign in (("left", 1), ("right", -1)):
        arms[:, SKELETON_22.joint(f"{side}_shoulder"), 2] = -1.2 * sign
    arms[:, SKELETON_22.joint("left_shoulder"), 2] += 2.2 * lift
    motion = replace(walk(60, speed=0.0), local_rotations=rotvec_to_matrix(arms))
    plain = {name: np.zeros((22, 3)) for name in ("posture", "raised", "pose", "sway", "bob", "waver")}
    hanging = np.zeros((22, 3))
    hanging[[SKELETON_22.joint("left_shoulder"), SKELETON_22.joint("right_shoulder")], 0] = 0.6
    operator = StyleOperator(
        **plain | {"posture": hanging},
        speed=1.0,
        amplitude=np.ones(22),
        emphasis=np.zeros(22),
        pose_weight=np.zeros(22),
        waver_frequency=1.0,
    )
    change = operator(motion).local_rotations @ np.swapaxes(motion.local_rotations, -1, -2)
    angles = np.linalg.norm(matrix_to_rotvec(change), axis=-1)
    left, right = (angles[:, SKELETON_22.joint(f"{side}_shoulder")] for side in ("left", "right"))
    assert left[:10] == pytest.approx(0.6, abs=0.01)
    assert left[-10:] == pytest.approx(0.0, abs=0.02)
    assert right == pytest.approx(0.6, abs=0.01)


def test_what_varies_along_clips_says_little_of_a_posture():
    rng = np.random.default_rng(0)
    steps = np.repeat(rng.normal(size=(20, 8, 3)), 10, axis=1) * (3.0, 1.0, 0.1)
    clips = [torch.from_numpy(each).float() for each in steps + rng.normal(size=(20, 1, 3))]
    scale = posture_scale([*clips, clips[0][:15]], 10)
    torch.testing.assert_close(scale, scale.T)
    assert scale[0, 0] < 0.5 * scale[1, 1] < 0.5 * scale[2, 2]


def test_a_stylizer_is_trained_on_a_file_of_recorded_mixtures(packed, tmp_path):
    def run(name: str) -> RunOptions:
        return RunOptions(tmp_path / name, steps=2, device="cpu", bf16=False, log_every=1)

    train_autoencoder.main(TrainAutoencoder(packed, run("autoencoder"), batch_size=2))
    file = tmp_path / "synthetic.safetensors"
    synthetic_styles.main(
        SyntheticStylesOptions(
            packed, tmp_path / "autoencoder", file, recorded=1.0, groups=2, operators=2, clips=2, workers=1
        )
    )
    weights = LossWeights(adversarial=0, synthetic_posture=0.5)
    train_stylizer.main(
        TrainStylizer(
            packed,
            tmp_path / "autoencoder",
            run("open"),
            weights=weights,
            synthetic=(file,),
            supervised=False,
            aligned=False,
            batch_size=2,
            synthetic_batch_size=3,
        )
    )
    log = [json.loads(line) for line in (tmp_path / "open" / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in log] == [1, 2]
    assert all(row["synthetic_posture"] > 0 and np.isfinite(list(row.values())).all() for row in log)
