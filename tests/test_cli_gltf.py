"""The command line on glTF files: which animation, which character, and what is written."""

import re
from functools import cache

import numpy as np
import pytest

from stylize.cli import main
from stylize.io import read_bvh, read_gltf
from stylize.library import MOTIONS
from stylize.pipeline import Stylizer
from tests.example_bodies import write_npz
from tests.example_gltf import BONES, humanoid, quat_about, split, waving, with_vrm

CONTENT = MOTIONS / "contents" / "walk.bvh"


@pytest.fixture(autouse=True, scope="module")
def loaded_once():
    """The real model, read from its files once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylizer, "from_pretrained", cache(Stylizer.from_pretrained))
        yield


@pytest.fixture
def hero(tmp_path):
    path = tmp_path / "hero.glb"
    example = waving(humanoid())
    example.turn("nod", list(BONES).index("neck"), np.arange(50) / 25, quat_about("x", *np.arange(50)))
    path.write_bytes(example.glb())
    return path


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_a_character_comes_back_restyled(hero, tmp_path, capsys):
    out = tmp_path / "out.glb"
    assert run("apply", hero, "--animation", "nod", "--style-label", "elderly", "--keep-timing", "--out", out) == 0
    assert capsys.readouterr().out == f"{out}\n"
    motion, character = read_gltf(out)
    assert character.animations == ("restyled", "wave", "nod")
    assert (motion.fps, len(motion)) == (25, 50)
    assert np.abs(motion.positions - read_gltf(hero, "nod")[0].positions).max() > 0.02


def test_a_restyled_motion_is_put_on_another_character(hero, tmp_path, capsys):
    (tmp_path / "rest.vrm").write_bytes(with_vrm(humanoid()).glb())
    out = tmp_path / "out.vrm"
    assert run("apply", CONTENT, "--style-label", "elderly", "--character", tmp_path / "rest.vrm", "--out", out) == 0
    motion, character = read_gltf(out)
    assert character.animations == ("restyled",)
    assert character.is_vrm
    assert np.ptp(motion.root_positions[:, 2]) > 0.5
    assert run("apply", CONTENT, "--style-label", "elderly", "--character", hero, "--out", out) == 1
    assert "out.vrm cannot hold the skeleton of a .glb file" in capsys.readouterr().err


def test_a_motion_without_a_glb_character_goes_on_the_mannequin(tmp_path):
    assert run("apply", CONTENT, "--style-label", "elderly", "--out", tmp_path / "out.glb") == 0
    document = split((tmp_path / "out.glb").read_bytes())[0]
    assert [mesh["name"] for mesh in document["meshes"]] == ["mannequin"]
    assert len(document["skins"][0]["joints"]) == 22


def test_convert_picks_the_animation_and_the_character(hero, tmp_path, capsys):
    assert run("convert", hero, tmp_path / "nod.bvh", "--animation", "nod") == 0
    motion, hierarchy = read_bvh(tmp_path / "nod.bvh")
    assert (motion.fps, len(motion), set(hierarchy.names)) == (25, 50, set(BONES))
    assert run("convert", CONTENT, tmp_path / "worn.glb", "--character", hero) == 0
    assert read_gltf(tmp_path / "worn.glb")[1].animations == ("restyled", "wave", "nod")
    assert run("convert", CONTENT, tmp_path / "mannequin.glb") == 0
    assert len(read_gltf(tmp_path / "mannequin.glb")[1].joints) == 22
    capsys.readouterr()
    assert run("convert", hero, tmp_path / "no.bvh", "--animation", "fly") == 1
    assert capsys.readouterr().err == "error: hero.glb has no animation 'fly'; choose one of: 'wave', 'nod'.\n"
    assert run("convert", CONTENT, tmp_path / "no.bvh", "--animation", "fly") == 1
    assert "walk.bvh has one motion only" in capsys.readouterr().err


def test_a_character_is_never_written_over(hero, capsys):
    assert run("apply", CONTENT, "--style-label", "elderly", "--character", hero, "--out", hero) == 2
    assert "is also an input" in capsys.readouterr().err


def test_a_body_model_of_ones_own_is_shown_in_the_shape_of_the_motion(tmp_path, capsys):
    assert run("convert", CONTENT, tmp_path / "walk.npz") == 0
    with np.load(tmp_path / "walk.npz") as file:
        np.savez(tmp_path / "tall.npz", **(dict(file) | {"betas": np.full(16, 4.0, np.float32), "gender": "male"}))
    models = tmp_path / "models"
    models.mkdir()
    for name in ("SMPL_MALE.npz", "SMPL_NEUTRAL.npz"):
        write_npz("SMPL", models / name)
    capsys.readouterr()
    places = []
    for name in ("walk", "tall"):
        out = tmp_path / f"{name}.glb"
        assert run("convert", tmp_path / f"{name}.npz", out, "--body-model", models) == 0
        places.append(read_gltf(out)[1].rest().positions)
    assert re.findall(r"SMPL_\w+", capsys.readouterr().err) == ["SMPL_NEUTRAL", "SMPL_MALE"]
    assert np.abs(places[1] - places[0]).max() > 0.002


def test_without_a_body_model_a_sentence_says_who_is_shown(tmp_path, capsys):
    assert run("convert", CONTENT, tmp_path / "out.glb") == 0
    assert capsys.readouterr().err.startswith("The body shown is the bundled one; put a model file")
    assert run("convert", CONTENT, tmp_path / "out.glb", "--body-model", tmp_path / "nowhere.npz") == 1
    assert "nowhere.npz" in capsys.readouterr().err
