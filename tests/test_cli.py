import re
import subprocess
import sys
from functools import cache, partial
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
import pytest

import stylize.render.video
from stylize.cli import main
from stylize.io import read_bvh
from stylize.library import MOTIONS
from stylize.pipeline import Stylizer
from stylize.render.video import render_video
from stylize.restyle import Restyler

CONTENT = MOTIONS / "contents" / "walk.bvh"
REFERENCE = MOTIONS / "styles" / "elderly.bvh"
HEADER = "content,style_motion,style_label,output\n"


@pytest.fixture(autouse=True, scope="module")
def loaded_once():
    """The real model, read from its files once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylizer, "from_pretrained", cache(Stylizer.from_pretrained))
        yield


@pytest.fixture
def small_video(monkeypatch):
    """The real video, drawn smaller: its pixels take the time."""
    monkeypatch.setattr(stylize.render.video, "render_video", partial(render_video, size=96))


@pytest.fixture
def twice_as_fast(monkeypatch):
    """Every style halves the length."""
    change = np.array([np.log(2)])
    monkeypatch.setattr(Restyler, "_tempo_change", lambda self, content, _: change.repeat(content.latents.shape[-1]))


@pytest.fixture(scope="module")
def saved_styles(tmp_path_factory) -> Path:
    """A folder with the saved style "shuffling"."""
    folder = tmp_path_factory.mktemp("styles")
    file = folder / "shuffling.style.safetensors"
    assert run("make-style", "shuffling", REFERENCE, MOTIONS / "styles" / "exhausted.bvh", "--out", file) == 0
    return folder


def restyled(out: Path, *arguments: object) -> np.ndarray:
    """The local rotations that `apply` writes for the walk."""
    assert run("apply", CONTENT, *arguments, "--keep-timing", "--out", out) == 0
    return read_bvh(out)[0].local_rotations


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


def test_apply_by_label_keeps_skeleton_and_timing_and_changes_the_motion(tmp_path, capsys):
    out = tmp_path / "new folder" / "out.bvh"
    assert run("apply", CONTENT, "--style-label", "elderly", "--keep-timing", "--out", out) == 0
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


def test_apply_writes_a_side_by_side_video_when_asked(tmp_path, small_video):
    video = tmp_path / "v.mp4"
    arguments = ("--style-label", "active", "--out", tmp_path / "o.bvh", "--video", video)
    assert run("apply", CONTENT, *arguments, "--keep-timing") == 0
    assert video_shape(video) == (3, len(read_bvh(CONTENT)[0]))


def video_shape(path: Path) -> tuple[int, int]:
    """Panels and frames."""
    with imageio.get_reader(path) as reader:
        height, width = reader.get_data(0).shape[:2]  # pyright: ignore[reportAttributeAccessIssue]
        return width // height, reader.count_frames()  # pyright: ignore[reportAttributeAccessIssue]


def test_a_result_of_another_length_comes_back_whole_and_its_video_shows_all_of_the_content(
    tmp_path, twice_as_fast, small_video
):
    out, video = tmp_path / "o.bvh", tmp_path / "v.mp4"
    assert run("apply", CONTENT, "--style-label", "active", "--out", out, "--video", video) == 0
    before, after = read_bvh(CONTENT)[0], read_bvh(out)[0]
    assert hierarchy_text(out) == hierarchy_text(CONTENT)
    assert after.fps == pytest.approx(before.fps)
    assert after.duration == pytest.approx(before.duration / 2, abs=0.04)
    assert video_shape(video) == (3, len(before))


def test_timing_is_kept_when_asked(tmp_path, twice_as_fast):
    assert len(restyled(tmp_path / "o.bvh", "--style-label", "active")) == len(read_bvh(CONTENT)[0])


def test_a_humanml3d_file_can_be_content_and_style(tmp_path, test_data):
    content = sorted((test_data / "samples").rglob("*.npy"))[0]
    out = tmp_path / "o.bvh"
    assert run("apply", content, "--style-motion", content, "--keep-timing", "--out", out) == 0
    assert len(read_bvh(out)[0].skeleton) == 22


@pytest.mark.parametrize(("body", "still"), [("upper", "hip"), ("lower", "shoulder")])
def test_one_half_of_the_body_stays_as_it_was(body, still, tmp_path):
    result = restyled(tmp_path / "o.bvh", "--style-label", "exhausted", "--body", body)
    content, _ = read_bvh(CONTENT)
    joints = {part: content.skeleton.names.index(f"left_{part}") for part in ("hip", "shoulder")}
    change = {part: np.abs(result[:, j] - content.local_rotations[:, j]).max() for part, j in joints.items()}
    assert change.pop(still) < 2e-3 < 0.05 < min(change.values())


def test_a_mixture_is_between_its_styles_and_nearer_to_the_heavier(tmp_path):
    elderly, active, mixed = (
        restyled(tmp_path / f"{k}.bvh", *choice)
        for k, choice in enumerate(
            [("--style-label", "elderly"), ("--style-label", "active"), ("--mix", "elderly=3", "active")]
        )
    )
    to_elderly, to_active = np.abs(mixed - elderly).mean(), np.abs(mixed - active).mean()
    assert 0 < to_elderly < to_active < np.abs(elderly - active).mean()


def test_a_mixture_takes_names_motion_files_and_style_files(saved_styles, tmp_path):
    choices = (f"{REFERENCE}=1", "shuffling=0.5", f"{saved_styles / 'shuffling.style.safetensors'}=1.5", "active")
    restyled(tmp_path / "o.bvh", "--mix", *choices, "--styles", saved_styles)


@pytest.mark.parametrize(
    "second", [("--then-label", "active"), ("--then-motion", MOTIONS / "styles" / "active.bvh")], ids=str
)
def test_a_style_becomes_another_along_the_clip(second, tmp_path):
    first = restyled(tmp_path / "first.bvh", "--style-label", "elderly")
    both = restyled(tmp_path / "both.bvh", "--style-label", "elderly", *second, "--transition", 0.6, 0.9)
    difference = np.abs(both - first).max(axis=(1, 2, 3))
    frames = len(first)
    assert difference[: frames // 2].max() < 0.03 < 0.1 < difference[-5:].max()


def test_a_saved_style_is_the_same_by_file_and_by_name_and_is_listed(saved_styles, tmp_path, capsys):
    by_file = restyled(tmp_path / "1.bvh", "--style-file", saved_styles / "shuffling.style.safetensors")
    by_name = restyled(tmp_path / "2.bvh", "--style-label", "shuffling", "--styles", saved_styles)
    assert np.array_equal(by_file, by_name)
    capsys.readouterr()
    assert run("labels", "--styles", saved_styles) == 0
    assert re.search(r"^  shuffling +from 2 clips$", capsys.readouterr().out, re.MULTILINE)


def test_make_style_prints_where_it_wrote_and_takes_the_styles_folder_by_default(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("make-style", "my walk", REFERENCE) == 0
    assert run("make-style", "my walk", REFERENCE, "--out", "other") == 0
    assert capsys.readouterr().out.splitlines() == ["styles/my walk.style.safetensors", "other.style.safetensors"]
    restyled(tmp_path / "o.bvh", "--style-label", "my walk")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("elderly", REFERENCE), "built-in style 'elderly'"),
        (("../up", REFERENCE), "cannot be called '../up'"),
        (("mine", *[REFERENCE] * 6), "6 were given"),
        (("mine",), "0 were given"),
        (("mine", "missing.bvh"), "missing.bvh"),
    ],
    ids=["built in", "name", "too many", "none", "missing"],
)
def test_a_style_that_cannot_be_made_is_one_sentence(arguments, expected, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("make-style", *arguments) == 1
    assert expected in one_error_sentence(capsys)
    assert not list(tmp_path.iterdir())


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


LABEL = ("--style-label", "elderly")


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ((), "exactly one of --style-motion, --style-label, --style-file, --mix and --sample; none of them was given"),
        (("--sample", *LABEL), "--style-label and --sample were given"),
        (("--style-motion", "r.bvh", "--sample"), "--style-motion and --sample were given"),
        (("--style-file", "x.safetensors", "--mix", "a", "b"), "--style-file and --mix were given"),
        ((*LABEL, "--then-label", "active", "--then-motion", "r.bvh"), "only one of --then-motion, --then-label and"),
        ((*LABEL, "--transition", "0.1", "0.2"), "--transition needs a second style"),
        (("--mix", "elderly", "active", "--then-label", "sad"), "--mix cannot become another"),
        (("--mix", "elderly=much", "active"), "The weight in 'elderly=much' is not a number"),
        ((*LABEL, "--styles", "nowhere"), "no folder nowhere"),
    ],
    ids=str,
)
def test_styles_that_do_not_fit_together_are_a_usage_error(choices, expected, tmp_path, capsys):
    assert run("apply", CONTENT, *choices, "--out", tmp_path / "o.bvh") == 2
    assert expected in one_error_sentence(capsys)


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
        ((CONTENT, "--mix", "elderly=1"), "two styles or more"),
        ((CONTENT, "--mix", "elderly=1", "active=-1"), "positive"),
        ((CONTENT, "--mix", "elderly", "no_such.bvh"), "no_such.bvh"),
        ((CONTENT, "--style-file", CONTENT), "cannot be read as a style file"),
        ((CONTENT, *LABEL, "--then-label", "active", "--transition", "0.8", "0.2"), "from 0.8 to 0.2 must go forward"),
    ],
    ids=[
        *("missing file", "unknown label", "strength", "samples", "checkpoint"),
        *("one style", "negative weight", "missing in mixture", "no style file", "backward"),
    ],
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


def test_a_batch_takes_saved_styles_and_keeps_the_timing_when_asked(saved_styles, tmp_path, twice_as_fast):
    rows = [f"{CONTENT},{saved_styles / 'shuffling.style.safetensors'},,file.bvh", f"{CONTENT},,shuffling,name.bvh"]
    (tmp_path / "pairs.csv").write_text("content,style_file,style_label,output\n" + "\n".join(rows))
    arguments = ("batch", tmp_path / "pairs.csv", "--out-dir", tmp_path / "out", "--styles", saved_styles)
    lengths = []
    for options in ((), ("--keep-timing",)):
        assert run(*arguments, *options) == 0
        lengths.append(len(read_bvh(tmp_path / "out" / "name.bvh")[0]))
        assert (tmp_path / "out" / "file.bvh").read_text() == (tmp_path / "out" / "name.bvh").read_text()
    assert lengths[0] < 0.6 * lengths[1] and lengths[1] == len(read_bvh(CONTENT)[0])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"content,output\na,b\n", "one or more of style_motion, style_label, style_file"),
        (b"content,style_label\na,b\n", "columns content and output"),
        (b"", "first line"),
        (HEADER.encode(), "no row"),
        (b"\xff\xfe\x00", "UTF-8"),
        (HEADER.encode() + b'walk.bvh,,"elderly,o.bvh\n', "malformed"),
        (None, "cannot be read"),
    ],
    ids=["no style column", "no output column", "empty", "no rows", "binary", "open quote", "missing"],
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
