"""Training packs out of folders and archives: whose file names say what, and what is skipped or held out."""

import shutil
import tarfile
import zipfile
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from stylize.errors import StylizeError
from stylize.io import save_motion
from tests.conftest import walk
from training import prepare
from training.label_patterns import DATASETS, LabelPatterns
from training.packs import Clip, Pack


def pack_of(source: Path, out: Path, **options) -> Pack:
    prepare.main(prepare.Prepare([source], out, workers=1, **options))
    return Pack.load(out)


def labels_of(pack: Pack) -> dict[str, tuple[str | None, str | None]]:
    return {clip.name: (clip.style, clip.content) for clip in pack.clips}


@pytest.fixture(scope="module")
def walk_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("walk") / "walk.bvh"
    save_motion(walk(30), path)
    return path


def test_preparing_twice_gives_the_same_bytes_and_reports_what_it_skips(tmp_path, capsys):
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("walk_happy_1", "walk_sad_2", "other"):
        save_motion(walk(60), folder / f"{name}.bvh")
    save_motion(walk(5), folder / "short_happy_3.bvh")
    (folder / "broken.bvh").write_text("HIERARCHY\nnonsense")
    pattern = (r"^(?P<content>[a-z]+)_(?P<style>[a-z]+)_\d$",)
    for out in ("a.npz", "b.npz"):
        pack = pack_of(folder, tmp_path / out, label_pattern=pattern)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert [(clip.style, clip.content) for clip in pack.clips] == [(None, None), ("happy", "walk"), ("sad", "walk")]
    output = capsys.readouterr().out
    assert "skipped broken.bvh: broken.bvh" in output
    assert "skipped short_happy_3.bvh: 5 frames" in output
    assert "style of 2 clips: happy 1, sad 1" in output


NAMES = [
    ("bandai-namco", "dataset-2_wave-left-hand_elderly_012", ("elderly", "wave-left-hand")),
    ("bandai-namco", "dataset-1_walk-back_not-confident_001", ("set1/not-confident", "walk-back")),
    ("bandai-namco", "49_01", (None, None)),
    ("bfa", "Hurried_02", ("Hurried", None)),
    ("aberman", "FemaleModel_11", ("FemaleModel", None)),
    ("bfa", "rest", (None, None)),
    ("xia", "neutral_01_000", ("neutral", "walk")),
    ("xia", "sexy_12_001", ("sexy", "walk")),
    ("xia", "angry_13_000", ("angry", "run")),
    ("xia", "depressed_16_000", ("depressed", "jump")),
    ("xia", "old_18_000", ("old", "punch")),
    ("xia", "childlike_22_003", ("childlike", "kick")),
    ("xia", "proud_28_000", ("proud", "transition")),
    ("xia", "neutral_18_000_punch", ("neutral", "punch")),
    ("xia", "angry_transitions_001", ("angry", "transitions")),
    ("xia", "strutting_fast_punching_012", ("strutting", "fast_punching")),
    ("xia", "rest", (None, None)),
    ("100style", "Angry_FW", ("Angry", "walk")),
    ("100style", "DragLeftLeg_BR", ("DragLeftLeg", "run-back")),
    ("100style", "Neutral_SW", ("Neutral", "walk-side")),
    ("100style", "Neutral_ID", ("Neutral", "idle")),
    ("100style", "OnPhoneLeft_TR2", ("OnPhoneLeft", "transition")),
    ("100style", "Angry_XX", (None, None)),
    ("cmu", "16_15", (None, None)),
    ("humanml3d", "M012314", (None, None)),
]


@pytest.mark.parametrize(("dataset", "stem", "labels"), NAMES)
def test_names_of_each_data_set_give_its_labels(dataset, stem, labels):
    assert DATASETS[dataset].labels(stem) == labels


@pytest.mark.parametrize("dataset", sorted(DATASETS))
def test_a_folder_of_each_data_set_becomes_a_pack_with_its_labels(dataset, walk_file, tmp_path):
    expected = {stem: labels for name, stem, labels in NAMES if name == dataset}
    if dataset in ("aberman", "bfa"):  # no name says an action, and the trainers want one
        expected = {stem: (style, style and "any") for stem, (style, _) in expected.items()}
    folder = tmp_path / "source" / "inner"
    folder.mkdir(parents=True)
    for stem in expected:
        if dataset == "humanml3d":
            np.save(folder / f"{stem}.npy", walk(30).positions.astype(np.float32))
        else:
            shutil.copy(walk_file, folder / f"{stem}.bvh")
    assert labels_of(pack_of(tmp_path / "source", tmp_path / "pack.npz", dataset=dataset)) == expected


@pytest.mark.parametrize("kind", ["zip", "tar.xz"])
def test_archives_are_read_and_arrays_that_are_no_motion_are_skipped(kind, walk_file, tmp_path, capsys):
    files = [walk_file, tmp_path / "012314.npy", tmp_path / "Mean.npy"]
    np.save(files[1], walk(30).positions)
    np.save(files[2], np.zeros(263))
    archive = tmp_path / f"source.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as target:
            for path in files:
                target.write(path, f"set/{path.name}")
    else:
        with tarfile.open(archive, "w:xz") as target:
            for path in files:
                target.add(path, f"set/{path.name}")
    pack = pack_of(archive, tmp_path / "pack.npz", dataset="humanml3d")
    assert [(clip.name, clip.frames) for clip in pack.clips] == [("012314", 44), ("walk", 30)]
    assert "skipped Mean.npy: Mean.npy: its shape is (263,)" in capsys.readouterr().out


def test_frame_cuts_take_the_stylised_part_of_a_take(walk_file, tmp_path):
    folder = tmp_path / "100STYLE"
    for name in ("Angry_FW", "Angry_ID", "Cat_FW"):
        (folder / name[:3]).mkdir(parents=True, exist_ok=True)
        shutil.copy(walk_file, folder / name[:3] / f"{name}.bvh")
    table = folder / "Frame_Cuts.csv"
    table.write_text("STYLE_NAME,FW_START,FW_STOP,ID_START,ID_STOP,TR2_START,TR2_STOP\nAngry,3,25,N/A,N/A,N/A,N/A\n")
    pack = pack_of(folder, tmp_path / "pack.npz", dataset="100style", frame_cuts=table)
    assert {clip.name: clip.frames for clip in pack.clips} == {"Angry_FW": 22, "Angry_ID": 30, "Cat_FW": 30}
    whole = walk(30).positions[3:25]
    cut = pack.motion(0).positions
    np.testing.assert_allclose(np.diff(cut, axis=0), np.diff(whole, axis=0), atol=2e-3)
    table.write_text("name,start\nAngry,3\n")
    with pytest.raises(StylizeError, match="no columns such as FW_START"):
        pack_of(folder, tmp_path / "pack.npz", dataset="100style", frame_cuts=table)


def test_long_takes_become_equal_clips_that_follow_each_other(tmp_path):
    save_motion(walk(100), tmp_path / "Old_02.bvh")
    whole = pack_of(tmp_path, tmp_path / "whole.npz", dataset="bfa")
    cut = pack_of(tmp_path, tmp_path / "cut.npz", dataset="bfa", max_seconds=1.5)
    assert cut.clips == tuple(Clip(f"Old_02-{i + 1}", n, "Old", "any") for i, n in enumerate((34, 33, 33)))
    np.testing.assert_array_equal(cut.rotations, whole.rotations)
    assert whole.clips == (Clip("Old_02", 100, "Old", "any"),)


def test_validation_clips_are_in_the_second_pack_only_and_stay_the_same(walk_file, tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    names = {f"{style}_{take:02d}" for style in ("Angry", "Old") for take in range(6)}
    for name in names | {"unlabelled"}:
        shutil.copy(walk_file, folder / f"{name}.bvh")
    options = {"dataset": "bfa", "validation_share": 0.4}
    kept = pack_of(folder, tmp_path / "train.npz", validation=tmp_path / "validation.npz", **options)
    held_out = {clip.name for clip in Pack.load(tmp_path / "validation.npz").clips}
    assert held_out and held_out < names
    assert {clip.name for clip in kept.clips} == (names | {"unlabelled"}) - held_out
    (folder / f"{sorted(names - held_out)[0]}.bvh").unlink()
    pack_of(folder, tmp_path / "train.npz", validation=tmp_path / "again.npz", **options)
    assert {clip.name for clip in Pack.load(tmp_path / "again.npz").clips} == held_out


def test_holding_out_clips_without_labels_is_an_error(walk_file, tmp_path):
    with pytest.raises(StylizeError, match="would be held out"):
        pack_of(walk_file.parent, tmp_path / "a.npz", dataset="cmu", validation=tmp_path / "b.npz")
    assert not (tmp_path / "a.npz").exists()


@pytest.mark.parametrize(("pattern", "reason"), [("(?P<style>", "no regular expression"), ("walk", "neither a group")])
def test_a_label_pattern_that_can_say_nothing_is_an_error(pattern, reason, walk_file, tmp_path):
    with pytest.raises(StylizeError, match=reason):
        pack_of(walk_file.parent, tmp_path / "a.npz", label_pattern=(pattern,))


def test_an_own_pattern_replaces_the_data_sets_own():
    assert LabelPatterns((r"^(?P<content>\w+)-(?P<style>\w+)$",)).labels("01-Angry") == ("Angry", "01")


def test_real_xia_files_get_their_styles_and_actions(test_data, tmp_path):
    pack = pack_of(test_data / "samples/xia", tmp_path / "xia.npz", dataset="xia")
    assert labels_of(pack) == {
        "depressed_18_000": ("depressed", "punch"),
        "neutral_01_000": ("neutral", "walk"),
        "neutral_16_000": ("neutral", "jump"),
        "old_13_000": ("old", "run"),
        "strutting_01_000": ("strutting", "walk"),
    }
    frames = {clip.name: clip.frames for clip in pack.clips}
    assert frames["neutral_01_000"] == 82  # 327 frames at 120 a second
    travel = {name: np.ptp(pack.motion(i).root_positions, axis=0) for i, name in enumerate(frames)}
    assert travel["neutral_16_000"][1] > 0.3, "number 16 is a jump"
    speed = {name: travel[name][2] / frames[name] for name in ("neutral_01_000", "old_13_000", "depressed_18_000")}
    assert speed["old_13_000"] > speed["neutral_01_000"] > 3 * speed["depressed_18_000"]


def test_real_humanml3d_files_become_clips_without_labels(test_data, tmp_path):
    pack = pack_of(test_data / "samples/humanml3d", tmp_path / "pack.npz", dataset="humanml3d")
    assert pack.clips == (Clip("012314_features", 254), Clip("012314_joints", 254))


def test_real_cmu_and_bandai_namco_names_are_understood(test_data):
    cmu = [Path(name).stem for name, _ in islice(prepare.iterate_files(test_data / "cmu.tar.xz"), 5)]
    assert len(cmu) == 5
    assert all(DATASETS[dataset].labels(stem) == (None, None) for stem in cmu for dataset in ("cmu", "bandai-namco"))
    for name in (test_data / "bandai-namco-test.txt").read_text(encoding="utf-8").split():
        style, content = DATASETS["bandai-namco"].labels(Path(name).stem)
        assert style and content, name
