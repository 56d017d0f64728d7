import re
import subprocess
import sys
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
import pytest

from stylize.cli import main
from stylize.io import read_bvh
from stylize.library import MOTIONS

CONTENT = MOTIONS / "contents" / "walk.bvh"
REFERENCE = MOTIONS / "styles" / "elderly.bvh"
HEADER = "content,style_motion,style_label,output\n"


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def hierarchy_text(path: Path) -> list[str]:
    return path.read_text().split("MOTION")[0].split()


def one_error_sentence(capsys) -> str:
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: ") and lines[0].endswith(".")
    return lines[0]


def test_help_needs_neither_torch_nor_matplotlib_nor_gradio():
    script = (
        "import sys\nfrom stylize.cli import main\n"
        "try: main(['apply', '--help'])\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "loaded = {'torch', 'matplotlib', 'scipy', 'gradio'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "--style-label" in done.stdout


def test_apply_by_label_keeps_skeleton_and_length_and_changes_the_motion(tmp_path, capsys):
    out = tmp_path / "new folder" / "out.bvh"
    assert run("apply", CONTENT, "--style-label", "elderly", "--out", out) == 0
    assert capsys.readouterr().out.splitlines() == [str(out)]
    assert hierarchy_text(out) == hierarchy_text(CONTENT)
    before, after = read_bvh(CONTENT)[0], read_bvh(out)[0]
    assert len(after) == len(before)
    assert np.abs(after.local_rotations - before.local_rotations).max() > 0.1


def test_apply_writes_one_numbered_file_a_sample_and_the_same_again_for_the_same_seed(tmp_path):
    for folder in ("first", "second"):
        arguments = ("--style-motion", REFERENCE, "--samples", 2, "--seed", 5, "--out", tmp_path / folder / "o.bvh")
        assert run("apply", CONTENT, *arguments) == 0
    first, second = (sorted((tmp_path / folder).iterdir()) for folder in ("first", "second"))
    assert [path.name for path in first] == ["o_1.bvh", "o_2.bvh"]
    assert first[0].read_text() != first[1].read_text()
    assert [path.read_text() for path in first] == [path.read_text() for path in second]


def test_a_sampled_style_depends_on_the_seed(tmp_path):
    for seed in (1, 2):
        assert run("apply", CONTENT, "--sample", "--seed", seed, "--out", tmp_path / f"{seed}.bvh") == 0
    assert (tmp_path / "1.bvh").read_text() != (tmp_path / "2.bvh").read_text()


def test_apply_writes_a_side_by_side_video_when_asked(tmp_path):
    video = tmp_path / "v.mp4"
    assert run("apply", CONTENT, "--style-label", "active", "--out", tmp_path / "o.bvh", "--video", video) == 0
    with imageio.get_reader(video) as reader:
        height, width = reader.get_data(0).shape[:2]  # pyright: ignore[reportAttributeAccessIssue]
        count = reader.count_frames()  # pyright: ignore[reportAttributeAccessIssue]
    assert count == len(read_bvh(CONTENT)[0])
    assert width == 3 * height


def test_the_source_skeleton_comes_back_with_its_frame_time_and_canonical_has_22_joints(tmp_path, test_data):
    content = test_data / "samples" / "xia" / "neutral_01_000.bvh"
    for skeleton in ("source", "canonical"):
        out = tmp_path / f"{skeleton}.bvh"
        assert run("apply", content, "--style-label", "elderly", "--skeleton", skeleton, "--out", out) == 0
    before, source, canonical = (
        read_bvh(path)[0] for path in (content, tmp_path / "source.bvh", tmp_path / "canonical.bvh")
    )
    assert source.skeleton.names == before.skeleton.names
    assert np.allclose(source.skeleton.offsets, before.skeleton.offsets)
    assert source.fps == pytest.approx(before.fps)
    assert len(canonical.skeleton) == 22 and canonical.fps == pytest.approx(30)


@pytest.mark.parametrize(
    "choices", [(), ("--sample", "--style-label", "elderly"), ("--style-motion", "r.bvh", "--sample")], ids=str
)
def test_not_exactly_one_style_is_a_usage_error(choices, tmp_path, capsys):
    assert run("apply", CONTENT, *choices, "--out", tmp_path / "o.bvh") == 2
    assert "exactly one of --style-motion, --style-label and --sample" in one_error_sentence(capsys)


def test_an_output_that_is_an_input_is_refused_before_it_is_harmed(tmp_path, capsys):
    copy = tmp_path / "mine.bvh"
    copy.write_bytes(CONTENT.read_bytes())
    assert run("apply", copy, "--sample", "--out", copy) == 2
    assert "also an input" in one_error_sentence(capsys)
    assert copy.read_bytes() == CONTENT.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("no such file.bvh", "--style-label", "elderly"), "no such file.bvh"),
        ((CONTENT, "--style-label", "elderlyy"), "elderly, "),
        ((CONTENT, "--style-label", "elderly", "--strength", "9"), "strength"),
        ((CONTENT, "--style-label", "elderly", "--samples", "0"), "samples"),
        ((CONTENT, "--sample", "--checkpoint", "nowhere"), "default"),
    ],
    ids=["missing file", "unknown label", "strength", "samples", "checkpoint"],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_code_1(arguments, expected, tmp_path, capsys):
    assert run("apply", *arguments, "--out", tmp_path / "o.bvh") == 1
    assert expected in one_error_sentence(capsys)
    assert not (tmp_path / "o.bvh").exists()


def test_a_batch_goes_on_after_bad_rows_and_names_their_lines(tmp_path, capsys):
    (tmp_path / "walk.bvh").write_bytes(CONTENT.read_bytes())
    (tmp_path / "broken.bvh").write_text("not a motion")
    rows = [
        "walk.bvh,,elderly,good.bvh",
        "broken.bvh,,elderly,broken.bvh",
        "walk.bvh,,elderly,../outside.bvh",
        f"walk.bvh,{REFERENCE},elderly,two_styles.bvh",
        "walk.bvh,,nobody,unknown.bvh",
        f"walk.bvh,{REFERENCE},,deeper/also_good.bvh",
        "walk.bvh,,elderly,good.bvh",
        "walk.bvh,,elderly,a.bvh,too,many",
    ]
    (tmp_path / "pairs.csv").write_text("\ufeff" + HEADER + "\n".join(rows) + "\n")
    out = tmp_path / "out"
    assert run("batch", tmp_path / "pairs.csv", "--out-dir", out) == 1
    assert {str(path.relative_to(out)) for path in out.rglob("*.bvh")} == {"good.bvh", "deeper/also_good.bvh"}
    assert not (tmp_path / "outside.bvh").exists()
    errors = capsys.readouterr().err
    assert re.findall(r"^line (\d+):", errors, re.MULTILINE) == ["3", "4", "5", "6", "8", "9"]
    assert "2 of 8 rows" in errors
    assert "Traceback" not in errors


def test_a_batch_without_bad_rows_ends_with_exit_code_0(tmp_path):
    (tmp_path / "pairs.csv").write_text(HEADER + f"{CONTENT},,active,a.bvh\n")
    assert run("batch", tmp_path / "pairs.csv", "--out-dir", tmp_path / "out") == 0


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"content,output\na,b\n", "missing: style_motion, style_label"),
        (b"", "first line"),
        (HEADER.encode(), "no row"),
        (b"\xff\xfe\x00", "UTF-8"),
        (HEADER.encode() + b'walk.bvh,,"elderly,o.bvh\n', "malformed"),
        (None, "cannot be read"),
    ],
    ids=["columns", "empty", "no rows", "binary", "open quote", "missing"],
)
def test_a_csv_that_cannot_be_used_is_one_sentence(content, expected, tmp_path, capsys):
    path = tmp_path / "pairs.csv"
    if content is not None:
        path.write_bytes(content)
    assert run("batch", path, "--out-dir", tmp_path / "out") == 1
    assert expected in one_error_sentence(capsys)


def test_labels_lists_every_style_and_marks_the_experimental_ones(capsys):
    assert run("labels") == 0
    tried, experimental = capsys.readouterr().out.split("(experimental)")
    assert {"active", "elderly", "exhausted", "feminine", "masculine", "normal", "youthful"} <= set(tried.split())
    assert "set1/proud" in experimental and "set1/" not in tried


def test_convert_keeps_the_motion_on_its_own_skeleton(tmp_path):
    assert run("convert", CONTENT, tmp_path / "o.bvh") == 0
    before, after = read_bvh(CONTENT)[0], read_bvh(tmp_path / "o.bvh")[0]
    assert hierarchy_text(tmp_path / "o.bvh") == hierarchy_text(CONTENT)
    assert np.abs(after.positions - before.positions).max() < 1e-2  # in the file's unit


def test_convert_to_the_canonical_skeleton_has_22_joints_on_the_ground(tmp_path, test_data):
    source = test_data / "samples" / "animated-drawings" / "zombie.bvh"
    assert run("convert", source, tmp_path / "o.bvh", "--skeleton", "canonical") == 0
    motion = read_bvh(tmp_path / "o.bvh")[0]
    assert len(motion.skeleton) == 22
    assert -2 < motion.positions[..., 1].min() < 6  # centimetres


def test_convert_to_an_unknown_format_says_which_are_known(tmp_path, capsys):
    assert run("convert", CONTENT, tmp_path / "o.xyz") == 1
    assert ".bvh" in one_error_sentence(capsys)
