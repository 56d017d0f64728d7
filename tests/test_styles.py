import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from stylize.errors import StyleError
from stylize.library import load_entry
from stylize.pipeline import Stylizer
from stylize.styles import SavedStyle, Style, StyleCode, check_style_name, list_saved_styles, style_by_name


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    return Stylizer.from_pretrained()


@pytest.fixture(scope="module")
def saved(stylizer) -> SavedStyle:
    return stylizer.make_style("shuffling", [load_entry("style/elderly"), load_entry("style/exhausted")])


def code(value: float = 0.1, size: int = 64, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.full((size,), value).to(dtype)


RIGHT = {"stylizer.mean": code(), "stylizer.log_variance": code(-1.0), "stylizer.posture": code(0.0, 128)}
METADATA = {"format": "style-2", "name": "mine", "model": "abc", "clips": "2"}


def test_a_style_file_gives_back_what_was_saved(saved, tmp_path):
    path = saved.save(tmp_path / "folder" / "one")
    assert path == tmp_path / "folder" / "one.style.safetensors"
    loaded = SavedStyle.load(path)
    assert (loaded.name, loaded.model, loaded.clips) == ("shuffling", saved.model, 2)
    assert set(loaded.codes) == set(saved.codes)
    for network, gaussian in saved.codes.items():
        assert all(torch.equal(a, b) for a, b in zip(gaussian, loaded.codes[network], strict=True))
    assert path.stat().st_size < 10_000


def test_a_loaded_style_restyles_as_the_one_in_memory(stylizer, saved, tmp_path):
    content = load_entry("content/bow")
    loaded = Style.from_file(saved.save(tmp_path / "s"))
    first, second = (stylizer.stylize(content, style).motions[0] for style in (Style.from_file(saved), loaded))
    assert np.array_equal(first.local_rotations, second.local_rotations)
    assert np.abs(first.local_rotations[:5] - content.local_rotations[:5]).max() > 0.05


def test_the_file_that_the_tests_below_damage_is_right(tmp_path):
    save_file(RIGHT, tmp_path / "s.safetensors", METADATA)
    assert SavedStyle.load(tmp_path / "s.safetensors").clips == 2


NO_STYLE = "s.style.safetensors is not a style file; `python -m stylize make-style` writes one."


@pytest.mark.parametrize(
    ("tensors", "metadata", "sentence"),
    [
        ({}, {}, NO_STYLE),
        ({"stylizer.mean": code()}, {}, NO_STYLE),
        ({**RIGHT, "weights": code()}, {}, NO_STYLE),
        ({f"{k}.mean": code() for k in range(50)}, {}, NO_STYLE),
        ({"mean": code(), "log_variance": code()}, {}, NO_STYLE),
        ({**RIGHT, "stylizer.mean": code(dtype=torch.int64)}, {}, NO_STYLE),
        ({**RIGHT, "stylizer.mean": code(dtype=torch.float64)}, {}, NO_STYLE),
        ({**RIGHT, "stylizer.mean": code(dtype=torch.float8_e4m3fn)}, {}, NO_STYLE),
        ({**RIGHT, "stylizer.mean": code()[None]}, {}, NO_STYLE),
        ({**RIGHT, "stylizer.mean": code(float("nan"))}, {}, NO_STYLE),
        ({**RIGHT, "stylizer.log_variance": code(float("inf"))}, {}, NO_STYLE),
        ({**RIGHT, "stylizer.log_variance": code(90.0)}, {}, NO_STYLE),
        (RIGHT, {"format": "style-9"}, NO_STYLE),
        (RIGHT, {"name": ""}, "cannot be called ''"),
        (RIGHT, {"name": "<b>../x"}, "cannot be called '<b>../x'"),
        (RIGHT, {"name": "x" * 41}, "1 to 40 letters"),
    ],
    ids=[
        *("empty", "half", "other key", "many keys", "no network", "integers", "double", "eight bits", "shape"),
        *("NaN", "infinite", "far too large", "format", "no name", "bad name", "long name"),
    ],
)
def test_a_file_with_something_else_inside_is_one_sentence(tensors, metadata, sentence, tmp_path):
    path = tmp_path / "s.style.safetensors"
    save_file(tensors, path, METADATA | metadata)
    with pytest.raises(StyleError) as caught:
        SavedStyle.load(path)
    assert sentence in str(caught.value)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda content: content[:-5], "cannot be read as a style file"),
        (lambda content: content[:20], "cannot be read as a style file"),
        (lambda content: b"", "cannot be read as a style file"),
        (lambda content: (2**60).to_bytes(8, "little") + content[8:], "cannot be read as a style file"),
        (lambda content: pickle.dumps({"mean": [0.0]}), "cannot be read as a style file"),
        (lambda content: content + bytes(1_000_000), "too large for a style file"),
    ],
    ids=["truncated", "header only", "empty", "endless header", "pickle", "too large"],
)
def test_a_damaged_file_is_one_sentence(damage, sentence, tmp_path):
    path = tmp_path / "s.style.safetensors"
    save_file(RIGHT, path, METADATA)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StyleError, match=sentence):
        SavedStyle.load(path)


@pytest.mark.parametrize("path", ["missing", ".", "a\0b"], ids=["missing", "folder", "zero byte"])
def test_a_path_that_is_no_file_is_one_sentence(path, tmp_path):
    with pytest.raises(StyleError, match="cannot be read as a style file"):
        SavedStyle.load(tmp_path / path)


def test_a_count_of_clips_that_makes_no_sense_is_not_believed(tmp_path):
    save_file(RIGHT, tmp_path / "s.safetensors", METADATA | {"clips": "9" * 5000})
    assert SavedStyle.load(tmp_path / "s.safetensors").clips == 1


def test_a_style_that_cannot_be_written_is_one_sentence(saved, tmp_path):
    (tmp_path / "x.style.safetensors").mkdir()
    with pytest.raises(StyleError, match=r"x\.style\.safetensors cannot be written"):
        saved.save(tmp_path / "x")


def test_a_style_of_another_checkpoint_is_refused(stylizer, saved):
    short = {network: StyleCode(*(part[:-1] for part in parts)) for network, parts in saved.codes.items()}
    for other in (replace(saved, model="0" * 16), replace(saved, codes={}), replace(saved, codes=short)):
        with pytest.raises(StyleError, match="'shuffling' was made with another checkpoint"):
            stylizer.stylize(load_entry("content/bow"), Style.from_file(other))


def test_the_most_extreme_style_that_a_file_may_hold_gives_finite_motions(stylizer, saved):
    extreme = {network: StyleCode(*(code(20.0, len(part)) for part in parts)) for network, parts in saved.codes.items()}
    style = Style.from_file(replace(saved, codes=extreme))
    for motion in stylizer.stylize(load_entry("content/bow"), style, num_samples=2).motions:
        assert np.isfinite(motion.positions).all()


def test_saved_styles_are_listed_by_file_and_a_missing_folder_has_none(saved, tmp_path):
    for name in ("b", "a"):
        replace(saved, name=name).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("other files are left alone")
    assert [style.name for style in list_saved_styles(tmp_path)] == ["a", "b"]
    assert list_saved_styles(tmp_path / "missing") == []


def test_a_name_is_a_built_in_style_before_it_is_a_saved_one(saved, tmp_path):
    for name in ("elderly", "mine"):
        replace(saved, name=name).save(tmp_path / name)
    assert style_by_name("elderly", ["elderly"], tmp_path) == Style.from_label("elderly")
    found = style_by_name("mine", ["elderly"], tmp_path).saved
    assert found is not None and found.name == "mine"
    assert style_by_name("other", ["elderly"], tmp_path) == Style.from_label("other")


def test_names_lose_the_spaces_around_them():
    assert check_style_name("  Otto's walk (old) ") == "Otto's walk (old)"


def test_only_the_ratio_of_weights_counts():
    styles = Style.mix({"elderly": 6, "active": 2}).parts
    assert [(style.label, weight) for style, weight in styles] == [("elderly", 0.75), ("active", 0.25)]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Style.mix({"elderly": 1}), "needs two styles or more"),
        (lambda: Style.mix({"elderly": 1, "active": 0}), "must be positive"),
        (lambda: Style.mix({"elderly": 1, "active": float("nan")}), "must be positive"),
        (lambda: Style.transition("elderly", "active", 0.6, 0.4), "must go forward between 0 and 1"),
        (lambda: Style.transition("elderly", "active", 0.5, 0.5), "must go forward between 0 and 1"),
        (lambda: Style.transition("elderly", "active", 0.5, 1.5), "forward between 0 and 1"),
        (lambda: Style.transition(Style.mix({"elderly": 1, "active": 1}), "sad"), "cannot be a part of another"),
    ],
    ids=["one", "zero", "NaN", "transition backwards", "no span", "beyond the end", "nested"],
)
def test_styles_that_cannot_go_together_are_one_sentence(make, sentence):
    with pytest.raises(StyleError, match=sentence):
        make()
