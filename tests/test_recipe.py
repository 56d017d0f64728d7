import base64
import json
import zlib

import numpy as np
import pytest

from stylize.cli import main
from stylize.io import read_bvh
from stylize.library import load_entry
from stylize.motion import Motion
from stylize.pipeline import Stylizer
from stylize.recipe import Recipe, RecipeError, RunSettings, maker_of, read_recipe
from stylize.styles import Style


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    return Stylizer.from_pretrained()


@pytest.fixture
def bow():
    return load_entry("content/bow").crop(0.2, 1.8)


def written(recipe: Recipe, tmp_path):
    path = tmp_path / "settings.json"
    path.write_text(recipe.to_json())
    return path


def test_motion_style_and_settings_come_back_as_they_were(stylizer, bow, tmp_path):
    saved = stylizer.make_style("mine", [load_entry("style/active")])
    mixed = Style.mix([(Style.from_file(saved), 0.3), (Style.from_motion(bow), 0.7)])
    settings = RunSettings(0.35, 2, 5, True, "lower")
    recipe = Recipe(bow, mixed, settings, maker_of(stylizer))
    again = read_recipe(written(recipe, tmp_path))
    assert again.settings == settings and again.fits(stylizer)
    assert isinstance(again.content, Motion)
    assert again.content.fps == bow.fps and again.content.name == bow.name
    assert np.array_equal(again.content.local_rotations, bow.local_rotations)
    one, other = (each.stylize(stylizer).motions[1] for each in (recipe, again))
    assert np.array_equal(one.local_rotations, other.local_rotations)
    assert np.array_equal(one.root_positions, other.root_positions)


def test_settings_of_another_version_of_the_program_say_so(stylizer, bow, tmp_path, monkeypatch):
    path = written(Recipe(bow, Style.from_label("elderly"), maker=maker_of(stylizer)), tmp_path)
    assert read_recipe(path).fits(stylizer)
    monkeypatch.setattr("stylize.recipe.__version__", "0.1.0")
    assert not read_recipe(path).fits(stylizer)


def test_a_bundled_motion_is_named_and_not_copied(tmp_path):
    content, style = load_entry("content/walk"), load_entry("style/elderly")
    path = written(Recipe(content, Style.from_motion(style)), tmp_path)
    assert path.stat().st_size < 1000
    again = read_recipe(path)
    assert again.content is content and again.style.motion is style


def test_the_command_line_makes_the_same_file(stylizer, bow, tmp_path, capsys):
    recipe = Recipe(bow, Style.from_label("elderly"), RunSettings(seed=3), maker_of(stylizer))
    recipe.stylize(stylizer).save(tmp_path / "one.bvh")
    path = written(recipe, tmp_path)
    assert main(["again", str(path), "--out", str(tmp_path / "two.bvh")]) == 0
    assert capsys.readouterr().err == ""
    one, two = (read_bvh(tmp_path / name)[0] for name in ("one.bvh", "two.bvh"))
    assert np.array_equal(one.local_rotations, two.local_rotations)
    assert main(["again", str(tmp_path / "one.bvh"), "--out", str(tmp_path / "three.bvh")]) == 1
    assert "no file of settings" in capsys.readouterr().err


def changed(recipe_json: dict, path: str, value) -> dict:
    """A copy with one value changed, by its keys with dots between them."""
    copy = json.loads(json.dumps(recipe_json))
    part = copy
    *keys, last = path.split(".")
    for key in keys:
        part = part[key]
    part[last] = value
    return copy


def packed(numbers: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(numbers.astype("<f8").tobytes())).decode("ascii")


FRAME = 22 * 9 + 3
BOMB = base64.b64encode(zlib.compress(bytes(200_000_000), 9)).decode("ascii")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("stylize.version", 99),
        ("stylize", None),
        ("content", None),
        ("content", {"library": "../../etc/passwd"}),
        ("content", {"library": 5}),
        ("content.frames", BOMB),
        ("content.frames", "&&&"),
        ("content.frames", packed(np.full((60, FRAME), np.nan))),
        ("content.frames", packed(np.zeros((60, FRAME)))),
        ("content.frames", packed(np.zeros(7))),
        ("content.frames", ""),
        ("content.fps", 0),
        ("content.fps", "many"),
        ("style", []),
        ("style", {"label": "elderly"}),
        ("style", {"saved": base64.b64encode(b"\x80\x04N.").decode()}),
        ("style", {"parts": [], "span": None}),
        ("style", {"parts": [{"label": "elderly", "sampled": False, "share": "x"}] * 2, "span": None}),
        ("style", {"parts": [{"label": "elderly", "sampled": False, "share": 0.5}] * 2, "span": [1, 0]}),
        ("settings.strength", "1"),
        ("settings.strength", float("nan")),
        ("settings.seed", 2**40),
        ("settings.seed", True),
        ("settings.num_samples", 1.5),
        ("settings", {"surprise": 1}),
    ],
)
def test_a_changed_file_is_a_sentence(bow, tmp_path, path, value):
    recipe = json.loads(Recipe(bow, Style.from_label("elderly")).to_json())
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(changed(recipe, path, value)))
    with pytest.raises(Exception) as caught:
        read_recipe(file)
    assert type(caught.value).__name__ in ("RecipeError", "StyleError", "MotionFileError")
    assert str(caught.value).endswith(".") and str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000, b"1" * 5000, b"{}", b"null"])
def test_another_file_is_a_sentence(tmp_path, content):
    file = tmp_path / "settings.json"
    file.write_bytes(content)
    with pytest.raises(RecipeError, match="no file of settings"):
        read_recipe(file)
