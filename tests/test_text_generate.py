from dataclasses import replace

import numpy as np
import pytest
import torch

from stylize import generate
from stylize.checkpoint import save_network, write_json
from stylize.cli import main
from stylize.errors import CheckpointError, MotionError
from stylize.generate import MotionGenerator, fit_into, plan, share_seconds, timing_notes
from stylize.io import load_motion
from stylize.models.autoencoder import Autoencoder, AutoencoderConfig
from stylize.models.stylizer import Stylizer as StylizerNetwork
from stylize.models.stylizer import StylizerConfig
from stylize.models.text_to_motion import TextToMotion, TextToMotionConfig
from stylize.pipeline import Stylizer
from stylize.restyle import Restyler
from stylize.skeleton import SKELETON_22
from stylize.styles import StyleLabel
from stylize.text.understanding import Segment
from tests.conftest import walk
from tests.example_texts import ACTIONS, SIZE, WordEncoder, small_bank

WALK, WAVE, _, RAISE = ACTIONS
LABELS = (StyleLabel("elderly", "test", "old"), StyleLabel("set1/sad", "test", "sad"))


def segment(action, seconds=None) -> Segment:
    return Segment(action.title, action, action.title, 1.0, True, seconds=seconds)


def small_generator() -> MotionGenerator:
    torch.manual_seed(0)
    autoencoder = Autoencoder(AutoencoderConfig(16, (16, 16, 16))).eval().requires_grad_(False)
    autoencoder.feature_std.fill_(0.05)
    autoencoder.feature_mean[3] = 0.9
    network = TextToMotion(TextToMotionConfig(("normal",), 16, SIZE, 32, 1, 2, 32)).eval().requires_grad_(False)
    return MotionGenerator(network, small_bank(), autoencoder, WordEncoder())


@pytest.fixture(scope="module")
def generator() -> MotionGenerator:
    return small_generator()


@pytest.fixture(scope="module")
def stylizer(generator) -> Stylizer:
    torch.manual_seed(0)
    config = StylizerConfig(tuple(label.name for label in LABELS), 16, 16, 4, 8, 1)
    networks = {"stylizer": StylizerNetwork(config).eval().requires_grad_(False)}
    return Stylizer(Restyler(generator.autoencoder, networks, None), LABELS, generator=generator)


def test_actions_last_as_long_as_they_usually_do():
    assert share_seconds([segment(WALK), segment(RAISE)], None) == [8.0, 2.0]


def test_given_seconds_are_shared_out_by_what_is_usual():
    assert share_seconds([segment(WALK), segment(RAISE)], 5) == [4.0, 1.0]


def test_seconds_that_the_text_names_stay():
    assert share_seconds([segment(WALK, 3.0), segment(RAISE)], 5) == [3.0, 2.0]
    assert share_seconds([segment(WALK, 3.0), segment(RAISE, 1.0)], None) == [3.0, 1.0]
    assert share_seconds([segment(WALK, 9.0), segment(RAISE, 3.0)], 4) == [3.0, 1.0]


@pytest.mark.parametrize(
    ("count", "seconds", "sentence"),
    [
        (1, 0.5, r"0.5 seconds were asked for; choose 1 to 60\."),
        (1, 61, r"61 seconds were asked for"),
        (3, 2, r"3 actions do not fit into 2 s; give at least 3 s"),
    ],
)
def test_impossible_times_are_refused(count, seconds, sentence):
    with pytest.raises(MotionError, match=sentence):
        share_seconds([segment(WALK)] * count, seconds)


def test_what_has_no_end_is_made_in_pieces_of_at_most_ten_seconds():
    assert [piece.frames for piece in plan(segment(WALK), 9.0)] == [270]
    assert [piece.frames for piece in plan(segment(WALK), 25.0)] == [250, 250, 250]
    assert [piece.frames for piece in plan(segment(WALK), 1.0)] == [30]


def test_a_gesture_is_made_whole_and_again_where_there_is_time():
    assert [piece.frames for piece in plan(segment(RAISE), 4.0)] == [120]
    assert [piece.frames for piece in plan(segment(RAISE), 8.0)] == [120, 120]
    assert [piece.frames for piece in plan(segment(WAVE), 2.0)] == [150]


def test_a_motion_that_is_too_long_is_played_faster_and_then_cut():
    motion = walk(120)
    faster = fit_into(motion, 80)
    assert len(faster) == 80
    assert faster.root_positions[-1, 2] == pytest.approx(motion.root_positions[-1, 2], abs=0.1)
    cut = fit_into(motion, 40)
    assert len(cut) == 40
    assert cut.root_positions[-1, 2] == pytest.approx(1.6 * motion.root_positions[39, 2], abs=0.1)
    assert np.array_equal(fit_into(motion, 118).root_positions, motion.root_positions[:118])


def test_an_action_that_must_be_cut_is_announced(generator):
    understood = generator.understand("wave the left hand", [])
    assert timing_notes(understood, 2.0) == ["To wave with the left hand takes at least 3.1 s; in 2.0 s it is cut off."]
    assert timing_notes(understood, 4.0) == []


@pytest.mark.parametrize(("text", "seconds"), [("walk", 1.5), ("walk", 12.0), ("walk; wave the left hand; walk", 7.1)])
def test_a_motion_is_as_long_as_was_asked_for(generator, text, seconds):
    motion = generator.generate(generator.understand(text, []), seconds)
    assert motion.skeleton is SKELETON_22 and motion.fps == 30
    assert len(motion) == round(30 * seconds)
    assert np.isfinite(motion.positions).all()


def test_the_same_seed_gives_the_same_motion(generator):
    understood = generator.understand("walk", [])
    roots = [generator.generate(understood, 2, seed=seed).local_rotations for seed in (3, 3, 4)]
    assert np.array_equal(roots[0], roots[1]) and not np.allclose(roots[0], roots[2], atol=1e-3)


def test_guidance_out_of_range_is_refused(generator):
    with pytest.raises(MotionError, match=r"The guidance is 0\.5; choose one from 1 to 6"):
        generator.generate(generator.understand("walk", []), 2, guidance=0.5)


def test_the_style_of_the_text_is_given_and_can_be_changed_before(stylizer):
    understood = stylizer.understand("walk sadly")
    assert understood.style == "set1/sad"
    styled = stylizer.generate(understood, 2, num_samples=2)
    assert (len(styled.motions), len(styled.neutral), styled.style) == (2, 2, "set1/sad")
    plain = stylizer.generate(replace(understood, style=None), 2)
    assert plain.style is None and plain.motions[0] is plain.neutral[0]
    assert np.array_equal(plain.neutral[0].positions, styled.neutral[0].positions)
    assert stylizer.generate(understood, 2, style="elderly").style == "elderly"


def test_a_checkpoint_without_a_text_model_says_so(stylizer):
    without = Stylizer(stylizer.restyler, LABELS)
    for call in (without.understand, without.generate):
        with pytest.raises(CheckpointError, match="has no text model; take the checkpoint 'default'"):
            call("walk")


def save_checkpoint(stylizer: Stylizer, folder) -> None:
    network = stylizer.restyler.networks["stylizer"]
    assert stylizer.generator is not None
    parts = {
        "autoencoder": stylizer.restyler.autoencoder,
        "stylizer": network,
        "text_to_motion": stylizer.generator.network,
    }
    config = {}
    for name, part in parts.items():
        save_network(part, folder / f"{name}.safetensors")
        config[name] = part.config.__dict__
    config["labels"] = [label.__dict__ for label in LABELS]
    write_json(config, folder / "config.json")
    stylizer.generator.bank.save(folder)


def test_the_command_writes_what_the_text_asks_for(stylizer, tmp_path, capsys, monkeypatch):
    save_checkpoint(stylizer, tmp_path / "checkpoint")
    monkeypatch.setattr(generate, "MiniLM", WordEncoder)
    out = tmp_path / "walk.bvh"
    arguments = [
        "walk like an old man",
        "--seconds",
        "2",
        "--out",
        str(out),
        "--checkpoint",
        str(tmp_path / "checkpoint"),
    ]
    assert main(["generate", *arguments]) == 0
    output, messages = capsys.readouterr()
    assert output == f"{out}\n"
    assert messages.startswith("understood: walk; style elderly (like an old man)\n")
    assert load_motion(out).fps == pytest.approx(30)
    assert main(["generate", *arguments, "--no-style", "--style-label", "elderly"]) == 2
    assert "do not fit together" in capsys.readouterr().err
    assert main(["generate", "quantum chromodynamics", *arguments[1:]]) == 1
    assert "Nothing that I know is like" in capsys.readouterr().err
