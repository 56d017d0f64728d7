import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from stylize.features import encode
from stylize.models.autoencoder import Autoencoder, AutoencoderConfig
from stylize.rotations import rotvec_to_matrix
from stylize.skeleton import SKELETON_22
from stylize.text.wordings import LEFT, RIGHT, actions, styles
from tests.conftest import walk
from tests.example_bvh import EXAMPLE
from tests.example_texts import WordEncoder
from training import prepare
from training.captions import action_index, captions_of, clip_action, compose_styled, style_wording
from training.datasets import FeatureClip, load_feature_clips
from training.evaluate_text import make_prompts
from training.loop import RunOptions
from training.packs import Clip, Pack, build_pack, quantize
from training.results_page import section_text
from training.text_measures import retrieval_row, section, share, side_shown
from training.train_retrieval import Retrieval, clip_cell
from training.train_text_to_motion import (
    CaptionPool,
    Example,
    ExampleBatches,
    TrainTextToMotion,
    example_weights,
    make_bank,
    manner_of,
    used_channels,
)

NAMES = [action.name for action in actions()]


def clip(style=None, content=None, caption=None, mirrored=False, frames=40) -> FeatureClip:
    return FeatureClip("clip", encode(walk(frames)), style, content, mirrored, caption)


def test_a_clip_shows_the_action_of_its_label_or_of_its_description():
    assert NAMES[action_index("wave-left-hand", None)] == "wave-one-hand/left"
    assert NAMES[action_index(None, "Soccer - kick ball")] == "kick-ball"
    assert NAMES[action_index("byebye", None)] == "bye"
    assert action_index(None, "something that nobody has a name for") is None
    assert action_index(None, None) is None


def test_captions_of_a_mirrored_clip_name_the_other_side(tmp_path):
    motion = walk(40)
    entries = [(Clip("a", 40, "normal", "walk-turn-left"), *quantize(motion))]
    build_pack(entries).save(tmp_path / "pack.npz")
    straight, mirrored = load_feature_clips(tmp_path / "pack.npz", mirror=True)
    sides = [NAMES[clip_action(each)] for each in (straight, mirrored)]
    assert sides == ["walk-turn/left", "walk-turn/right"]


def test_captions_are_many_and_each_names_its_own_side():
    for name, side, other in (("raise-one-hand/left", "left", "right"), ("walk-turn/right", "right", "left")):
        captions = captions_of(actions()[NAMES.index(name)], 100, 0)
        assert len(captions) == len(set(captions)) == 100
        assert not any(other in caption.lower() for caption in captions)
        assert sum(side in caption.lower() for caption in captions) > 80
        assert not any(mark in caption for caption in captions for mark in "[]{}")


def test_the_same_seed_gives_the_same_captions():
    action = actions()[0]
    assert captions_of(action, 20, 5) == captions_of(action, 20, 5) != captions_of(action, 20, 6)


def test_styled_captions_say_the_style():
    rng = np.random.default_rng(0)
    elderly = next(style for style in styles() if style.label == "elderly")
    said = (*elderly.words, *(way.replace("{their}", "their") for way in elderly.ways))
    for _ in range(50):
        caption = compose_styled(actions()[0], elderly, rng)
        assert any(words in caption.lower() for words in said), caption


def test_styles_that_both_sets_have_share_their_words():
    assert style_wording("set1/old") is style_wording("elderly")
    assert style_wording("set1/sad").label == "set1/sad"
    assert style_wording("nobody's") is None and style_wording(None) is None


def test_descriptions_of_a_table_travel_in_the_pack(tmp_path):
    folder = tmp_path / "source" / "cmu" / "takes"
    folder.mkdir(parents=True)
    for name in ("01_01", "01_02"):
        (folder / f"{name}.bvh").write_text(EXAMPLE)
    table = 'trial,file,description\n01_01,takes/01_01.bvh,"walk, then sit"\n'
    (folder.parent / "index.csv").write_text(table)
    assert prepare.read_captions(tmp_path / "source") == {"cmu/takes/01_01.bvh": "walk, then sit"}
    files = list(prepare._files(prepare.Prepare([tmp_path / "source"], tmp_path / "out.npz")))
    assert [(file.name, file.caption) for file in files] == [("01_01.bvh", "walk, then sit"), ("01_02.bvh", None)]


def test_a_pack_keeps_captions_and_old_packs_have_none(tmp_path):
    clips = [(Clip("a", 40, None, None, "ein Spaziergang – links"), *quantize(walk(40)))]
    pack = build_pack(clips)
    pack.save(tmp_path / "pack.npz")
    assert Pack.load(tmp_path / "pack.npz").clips == pack.clips
    old = {"name": "a", "frames": 40, "style": None, "content": None}
    assert Clip(**json.loads(json.dumps(old))).caption is None


def small_batches(tmp_path, clips: list[FeatureClip], lengths: list[int]) -> ExampleBatches:
    manners = ("elderly", "normal")
    examples = [
        Example(torch.randn(4, length), action_index(c.content, c.caption) or 0, manners.index(manner_of(c.style)))
        for c, length in zip(clips, lengths, strict=True)
    ]
    options = TrainTextToMotion(tmp_path, tmp_path, RunOptions(tmp_path), batch_size=6)
    pool = CaptionPool([], WordEncoder(), 8, 0)
    return ExampleBatches(examples, example_weights(examples, clips, options), pool, options)


def test_gestures_are_learnt_whole_and_walks_in_parts(tmp_path):
    clips = [clip("normal", "walk"), clip("normal", "raise-up-left-hand"), clip("elderly", "raise-up-left-hand")]
    batches = small_batches(tmp_path, clips, [60, 20, 31])
    seen: dict[int, set[int]] = {}
    for _ in range(40):
        latents, lengths, condition = batches.batch()
        assert latents.shape[-1] == lengths.max() and len(latents) == len(condition.side) == 6
        for length, embedding in zip(lengths.tolist(), condition.embedding, strict=True):
            nearest = int((batches.pool.embeddings @ embedding).argmax())
            action = int(np.searchsorted(batches.pool.first, nearest, side="right")) - 1
            seen.setdefault(action, set()).add(length)
        assert ((latents != 0).any(1).sum(1) == lengths).all()
    walk_index, raise_index = NAMES.index("walk"), NAMES.index("raise-one-hand/left")
    assert seen[raise_index] == {20, 31}
    assert min(seen[walk_index]) < 20 and max(seen[walk_index]) == 60


def test_clips_without_a_manner_come_more_often(tmp_path):
    clips = [clip("normal", "walk"), clip("elderly", "walk"), clip(None, None, "walk"), clip("set1/sad", "walk")]
    actions_shown = (0, 0, 1, 2)
    examples = [Example(torch.zeros(4, 9), shown, index) for index, shown in enumerate(actions_shown)]
    options = TrainTextToMotion(tmp_path, tmp_path, RunOptions(tmp_path))
    weights = example_weights(examples, clips, options)
    assert weights[2] == pytest.approx(options.unlabelled_share) and weights[3] == pytest.approx(options.few_share)
    assert weights[0] == pytest.approx(options.normal_weight * weights[1]) and weights.sum() == pytest.approx(1)


def test_described_clips_of_an_action_with_labels_come_seldom_and_walks_often(tmp_path):
    clips = [clip("normal", "walk"), clip(None, None, "walk"), clip(None, None, "kick"), clip("normal", "raise")]
    walking, kicking, raising = (
        next(index for index, action in enumerate(actions()) if action.name == name)
        for name in ("walk", "kick-ball", "raise-both-hands")
    )
    examples = [Example(torch.zeros(4, 9), shown, 0) for shown in (walking, walking, kicking, raising)]
    options = TrainTextToMotion(tmp_path, tmp_path, RunOptions(tmp_path))
    weights = example_weights(examples, clips, options)
    # The walks share a cell of two clips, and are cyclic.
    assert weights[0] / weights[3] == pytest.approx(options.cyclic_weight / np.sqrt(2))
    assert weights[1] / weights[2] == pytest.approx(options.described_weight * options.cyclic_weight / np.sqrt(2))


def test_channels_that_hold_nothing_are_not_made():
    autoencoder = Autoencoder(AutoencoderConfig(latent_channels=4))
    autoencoder.latent_std.copy_(torch.tensor([1.0, 0.1, 0.8, 0.0]))
    assert used_channels(autoencoder) == [0, 2]


def test_the_bank_knows_how_long_neutral_clips_are(tmp_path):
    clips = [
        replace(clip(style, "walk", frames=frames), name=f"{style} {frames}")
        for style, lengths in {"normal": (60, 90, 120, 600), "elderly": (30, 30, 30)}.items()
        for frames in lengths
    ]
    (walking,) = make_bank(clips[1:], WordEncoder()).actions
    assert walking.seconds == pytest.approx((1.0, 2.0, 8.5), abs=0.01)
    bank = make_bank(clips, WordEncoder())
    (walking,) = bank.actions
    assert walking.name == "walk" and walking.cyclic and not walking.sided
    # Of 2, 3, 4 and 10 seconds: what is longer is not learnt.
    assert walking.seconds == pytest.approx((2.15, 3.5, 9.1), abs=0.01)
    assert {index for _, index in bank.captions} == {0}
    assert {label for _, label in bank.phrases} == {style.label for style in styles()}


def test_manners_of_all_neutral_clips_are_one():
    assert [manner_of(style) for style in (None, "normal", "set1/normal", "elderly", "set1/old")] == [
        "normal", "normal", "normal", "elderly", "set1/old",
    ]  # fmt: skip


def turned(degrees: float):
    motion = walk(60)
    yaw = np.linspace(0, np.radians(degrees), 60)[:, None] * np.array([0.0, 1.0, 0.0])
    rotations = motion.local_rotations.copy()
    rotations[:, 0] = rotvec_to_matrix(yaw) @ rotations[:, 0]
    return type(motion)(SKELETON_22, rotations, motion.root_positions, 30)


def test_the_side_of_a_motion_is_seen_without_a_judge():
    assert side_shown(turned(80), "walk-turn-left") == LEFT
    assert side_shown(turned(-80), "walk-turn-left") == RIGHT
    motion = walk(60)
    rotations = motion.local_rotations.copy()
    raised = rotvec_to_matrix(np.array([0.0, 0.0, 1.2]))
    rotations[20:40, SKELETON_22.joint("left_shoulder")] = raised
    waving = type(motion)(SKELETON_22, rotations, motion.root_positions, 30)
    assert side_shown(waving, "wave-right-hand") == LEFT
    assert side_shown(waving.mirror(), "wave-right-hand") == RIGHT
    assert side_shown(waving, "wave-both-hands") is None and side_shown(waving, "walk") is None


def test_a_perfect_match_ranks_first_and_a_confused_one_does_not():
    rng = np.random.default_rng(0)
    texts = rng.normal(size=(40, 8))
    cells = [(index, "normal") for index in range(40)]
    perfect = retrieval_row(texts, texts, cells, texts, 0)
    assert perfect["r_precision_1"] == 1 and perfect["multimodal_distance"] == 0
    assert perfect["frechet_distance"] == pytest.approx(0, abs=1e-3)
    confused = retrieval_row(rng.normal(size=(40, 8)), texts, cells, texts, 0)
    # One of 32 by chance.
    assert confused["r_precision_1"] < 0.15 and confused["r_precision_1"] <= confused["r_precision_3"]


def test_prompts_take_every_style_and_action_in_turn():
    prompts = make_prompts(3, ["elderly", "active"], 0)
    assert len(prompts) == 30 and {prompt.style for prompt in prompts} == {"elderly", "active"}
    assert {prompt.content for prompt in prompts} >= {"walk", "wave-left-hand", "walk-turn-right"}
    assert all(actions()[prompt.action].test for prompt in prompts)


def test_places_are_of_length_one_and_cells_need_both_labels():
    network = Retrieval(5).eval()
    places = network.place_motions(torch.randn(3, 5, 20))
    assert places.norm(dim=1).tolist() == pytest.approx([1.0] * 3)
    assert clip_cell(clip("elderly", "walk")) == (NAMES.index("walk"), "elderly")
    assert clip_cell(clip("set1/old", "walk")) is None and clip_cell(clip(None, None, "walk")) is None


def test_the_section_of_the_results_shows_every_measure():
    shares = share([True, True, False])
    restyled = dict.fromkeys(("style", "dynamics", "content"), shares)
    measured = {"foot_sliding": 0.2, "sliding_share": 0.1, "jerk": 50.0, "nearest_clip": 0.04}
    matched = {"r_precision_1": 0.7, "multimodal_distance": 0.5, "frechet_distance": 0.06, "diversity": 1.3}
    report = {
        "command": "python -m measure",
        "action": shares | {"by_action": {"walk": 0.5, "run": 1.0}},
        "side": shares,
        "style_words": shares,
        "restyled": {"generated": restyled, "real": restyled},
        "physics": {"generated": measured, "real": measured | {"foot_sliding": 0.1}},
        "retrieval": {"real test clips": matched, "generated, restyled": matched},
        "multimodality": 0.25,
        "seconds_for_5_s": 0.5,
    }
    text = section_text(section(report))
    assert "| generated | 0.667 (0 to 1) | 0.667 (0 to 1) |  |  |" in text
    assert "| generated | 0.2 | 2 | 0.1 | 50 | 0.04 |" in text
    assert "| generated, restyled | 0.7 |  |  | 0.5 | 0.06 | 1.3 | 0.25 |" in text
    assert "python -m measure" in text and "0.50 s on one thread" in text
