"""`inspect` and `convert`: every format in, every format out."""

import json

import imageio.v2 as imageio
import numpy as np
import pytest

from stylize.cli import main
from stylize.cli.terminal import numbered
from stylize.io import load_motion, save_motion
from stylize.io.humanml3d import humanml3d_positions
from stylize.io.humanml3d_features import features_from_positions
from stylize.library import MOTIONS
from stylize.source import load_source
from tests.conftest import walk
from tests.example_bvh import EXAMPLE

WALK_FILE = MOTIONS / "contents" / "walk.bvh"


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def inspected(capsys, *arguments: object) -> dict:
    capsys.readouterr()
    assert run("inspect", "--json", *arguments) == 0
    return json.loads(capsys.readouterr().out)


def one_error_sentence(capsys) -> str:
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: ") and lines[0].endswith(".")
    return lines[0]


def test_inspect_says_what_a_bvh_file_is_and_what_would_be_done(capsys):
    assert run("inspect", WALK_FILE) == 0
    shown = capsys.readouterr().out
    for part in ("BVH", "6 s, 180 frames at 30 a second", "Up axis:    +Y", "centimetre", "What would be done"):
        assert part in shown, shown


def test_inspect_tells_json_the_same_of_an_amass_file(tmp_path, capsys):
    save_motion(walk(90), tmp_path / "o.npz")
    found = inspected(capsys, tmp_path / "o.npz")
    assert (found["family"], found["joints"], found["roles"], found["frames"]) == ("SMPL-H", 52, 22, 90)
    assert (found["up_axis"], found["unit"], found["seconds"], found["problem"]) == ("+Z", "metre", 3.0, None)
    assert found["scale"] == pytest.approx(1.0, abs=0.02)
    assert any("+Z becomes +Y" in step for step in found["steps"])


def test_inspect_tells_an_arrays_shape_and_a_characters_animations(tmp_path, capsys):
    save_motion(walk(90), tmp_path / "o.features.npy")
    assert inspected(capsys, tmp_path / "o.features.npy")["format"] == "NumPy array of float32, 60 x 263"
    save_motion(walk(90), tmp_path / "o.glb")
    found = inspected(capsys, tmp_path / "o.glb")
    assert found["format"] == "glTF, binary" and len(found["animations"]) == 1


def test_inspect_tells_a_skeleton_that_cannot_be_used_and_why(tmp_path, capsys):
    (tmp_path / "two.bvh").write_text(EXAMPLE)
    assert run("inspect", tmp_path / "two.bvh", "--json") == 1
    output = capsys.readouterr()
    found = json.loads(output.out)
    assert found["family"] is None and found["joints"] > 0
    assert found["problem"] in output.err


def test_inspect_of_what_is_no_motion_is_one_sentence(tmp_path, capsys):
    (tmp_path / "a.npz").write_bytes(b"nothing")
    assert run("inspect", tmp_path / "a.npz") == 1
    assert "a.npz is no .npz file" in one_error_sentence(capsys)


@pytest.mark.parametrize("ending", ["bvh", "npz", "glb", "csv", "joints.npy", "features.npy"])
def test_convert_writes_every_format_and_reads_it_again(ending, tmp_path, capsys):
    out = tmp_path / f"o.{ending}"
    assert run("convert", WALK_FILE, out) == 0
    assert capsys.readouterr().out.splitlines() == [str(out)]
    found, expected = load_source(out).motion, load_source(WALK_FILE).motion
    shared = min(len(found), len(expected))
    steps = (found.positions[:shared] - expected.positions[:shared])[:, [4, 5, 7, 8, 18, 19]]
    assert np.linalg.norm(steps - steps[:1, :1], axis=-1).max() < 0.03


@pytest.mark.parametrize("ending", ["mp4", "gif", "webp"])
def test_convert_shows_a_motion_as_a_moving_picture(ending, tmp_path, monkeypatch):
    monkeypatch.setattr("stylize.io.video.VIDEO_SIZE", 96)
    monkeypatch.setattr("stylize.io.video.PICTURE_SIZE", 96)
    save_motion(walk(12), tmp_path / "short.bvh")
    assert run("convert", tmp_path / "short.bvh", tmp_path / f"o.{ending}", "--skeleton", "canonical") == 0
    frames = imageio.mimread(tmp_path / f"o.{ending}")
    assert len(frames) == (12 if ending == "mp4" else 6)
    assert np.abs(np.asarray(frames[0], float) - frames[-1]).max() > 20


def test_an_amass_file_converts_to_itself_with_its_fingers(tmp_path):
    save_motion(walk(40), tmp_path / "in.npz")
    with np.load(tmp_path / "in.npz") as arrays:
        changed = dict(arrays)
    changed["poses"][:, 100] = 0.4
    np.savez(tmp_path / "in.npz", **changed)
    assert run("convert", tmp_path / "in.npz", tmp_path / "out.npz") == 0
    with np.load(tmp_path / "out.npz") as arrays:
        np.testing.assert_allclose(arrays["poses"], changed["poses"], atol=1e-5)
        np.testing.assert_allclose(arrays["trans"], changed["trans"], atol=1e-5)


def test_joint_names_and_a_rate_come_from_the_command_line(tmp_path, capsys):
    motion = walk(60)
    np.save(tmp_path / "a.npy", motion.positions)
    (tmp_path / "names.txt").write_text("\n".join(motion.skeleton.names))
    assert (
        run("convert", tmp_path / "a.npy", tmp_path / "o.bvh", "--joint-names", tmp_path / "names.txt", "--fps", 60)
        == 0
    )
    assert len(load_motion(tmp_path / "o.bvh")) == 30
    found = inspected(capsys, tmp_path / "a.npy", "--joint-names", tmp_path / "names.txt", "--fps", "60")
    assert (found["family"], found["frames"]) == ("joint positions", 30)


def test_the_statistics_of_normalised_features_are_given_or_lie_beside_the_file(tmp_path, capsys):
    features = features_from_positions(humanml3d_positions(walk(60)))
    mean, std = features.mean(0) + 0.01, features.std(0) + 0.05
    np.save(tmp_path / "clip.npy", (features - mean) / std)
    assert run("convert", tmp_path / "clip.npy", tmp_path / "o.bvh") == 1
    assert "give the Mean.npy and Std.npy" in one_error_sentence(capsys)
    (tmp_path / "elsewhere").mkdir()
    for name, row in (("Mean", mean), ("Std", std)):
        np.save(tmp_path / "elsewhere" / f"{name}.npy", row)
    flags = ("--mean", tmp_path / "elsewhere" / "Mean.npy", "--std", tmp_path / "elsewhere" / "Std.npy")
    assert run("convert", tmp_path / "clip.npy", tmp_path / "given.bvh", *flags) == 0
    for name in ("Mean", "Std"):
        (tmp_path / "elsewhere" / f"{name}.npy").rename(tmp_path / f"{name}.npy")
    assert run("convert", tmp_path / "clip.npy", tmp_path / "beside.bvh") == 0
    assert (tmp_path / "given.bvh").read_text() == (tmp_path / "beside.bvh").read_text()
    capsys.readouterr()
    assert run("convert", tmp_path / "clip.npy", tmp_path / "o.bvh", *flags[:2]) == 2
    assert "--mean and --std belong together" in one_error_sentence(capsys)


def test_numbers_of_samples_stand_before_the_form(tmp_path):
    names = ["a.bvh", "a.features.npy", "a.joints.npy", "a.b.bvh"]
    assert [numbered(tmp_path / name, 1, 2).name for name in names] == [
        "a_2.bvh", "a_2.features.npy", "a_2.joints.npy", "a.b_2.bvh",
    ]  # fmt: skip
