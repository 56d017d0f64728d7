import inspect
import json
import logging
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
import pytest

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
from gradio_client import Client, handle_file

from stylize.io import GltfCharacter, load_motion, read_bvh, read_motion
from stylize.library import MOTIONS, load_entry
from stylize.models.stylizer import Stylizer as StylizerNetwork
from stylize.pipeline import Stylizer
from stylize.recipe import RunSettings
from stylize.render.video import render_video
from stylize.restyle import Restyler
from stylize.style_codes import OPEN
from stylize.styles import SavedStyle, Style
from stylize.ui import runs
from stylize.ui.actions import Actions
from stylize.ui.choices import inspect_upload
from stylize.ui.fragments import notice, result_facts
from stylize.ui.messages import FAILURE
from stylize.ui.page import build_page
from stylize.ui.runs import start_run
from stylize.ui.theme import STYLESHEET, theme
from tests.example_gltf import bowing, humanoid, waving

# Gradio counts its requests with an option of pandas that is on its way out.
pytestmark = pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")

CONTENT = MOTIONS / "contents" / "bow.bvh"


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    return Stylizer.from_pretrained()


@pytest.fixture(autouse=True, scope="module")
def small_videos():
    """The real videos, drawn smaller: most of a run's time is spent on their pixels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            runs, "render_video", lambda panels, path, size, person, progress: render_video(panels, path, size=96)
        )
        yield


@pytest.fixture(scope="module")
def app(stylizer, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        page = build_page(stylizer)
        _, url, _ = page.launch(
            prevent_thread_lock=True, quiet=True, max_file_size="1mb", theme=theme(), ssr_mode=False
        )
        yield url
        page.close(verbose=False)


@pytest.fixture
def client(app, tmp_path):
    client = Client(app, verbose=False, download_files=tmp_path, analytics_enabled=False)
    yield client
    client.close()


@pytest.fixture(scope="module")
def shared_client(app):
    """A session for what leaves nothing behind; each one takes a second to close."""
    client = Client(app, verbose=False, analytics_enabled=False)
    yield client
    client.close()


SHOWN = ("view", "shown_as", "video", "sample", "facts", "file_format", "run", "compared", "seed")


def restyle(client: Client, **inputs) -> dict:
    """What the page would show after a press on Restyle; what stays as it was is None."""
    outputs = client.predict(*inputs_of_restyle(client, inputs), api_name="/restyle")
    return {
        name: output.get("value") if isinstance(output, dict) and "tracks" not in output else output
        for name, output in zip((*SHOWN, "message"), outputs, strict=True)
    }


def inputs_of_restyle(client: Client, changed: dict) -> list:
    """What the page would send: what it shows at first, but for what was changed."""
    names = [name for name in inspect.signature(Actions.restyle).parameters if name != "self"]
    press = next(each for each in client.config["dependencies"] if each["api_name"] == "restyle")
    components = {each["id"]: each for each in client.config["components"]}
    inputs = [components[number] for number in press["inputs"]]
    assert set(changed) <= set(names)
    return [
        changed.get(name, component["props"].get("value"))
        for name, component in zip(names, inputs, strict=False)
        if component["type"] != "state"
    ]


def write_file(client: Client, file_format: str = "canonical.bvh", sample: str = "1", place: str = "0") -> Path:
    """The file that Download hands over."""
    update, message = client.predict(place, sample, file_format, api_name="/write_file")
    assert message == ""
    return Path(update["value"] if isinstance(update, dict) else update)


def text_of(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html)


def test_the_defaults_make_a_motion_that_can_be_seen_and_taken_away_in_every_format(client):
    shown = restyle(client)
    assert shown["message"] == ""
    assert "elderly" in shown["facts"]
    assert [track["role"] for track in shown["view"]["tracks"]] == ["content", "style", "result"]
    assert read_bvh(write_file(client))[0].skeleton.names[0] == "pelvis"
    assert write_file(client, "canonical.mp4").read_bytes()[4:8] == b"ftyp"
    assert write_file(client, "canonical.gif").read_bytes()[:3] == b"GIF"
    assert write_file(client, "canonical.glb").read_bytes()[:4] == b"glTF"
    assert load_motion(write_file(client, "canonical.npz")).fps == pytest.approx(30)
    assert json.loads(write_file(client, "canonical.json").read_text())["style"]["label"] == "elderly"


def test_the_video_is_made_when_it_is_asked_for(client):
    restyle(client, content_entry="content/bow")
    view, video, message = client.predict("0", "1", "video", api_name="/show_as")
    assert message == "" and view["visible"] is False
    assert Path(video["value"]["video"] if isinstance(video["value"], dict) else video["value"]).exists()


def test_a_result_can_be_the_next_motion(client):
    first = restyle(client, content_entry="content/bow", keep_timing=True)
    origin, title, message = client.predict("0", "1", api_name="/use_result")
    assert (origin, message) == ("result", "") and "elderly" in title
    second = restyle(client, content_origin="result", label="active", keep_timing=True)
    assert second["message"] == ""
    before, result, content = first["view"]["tracks"][0], first["view"]["tracks"][2], second["view"]["tracks"][0]
    assert content["frames"] == result["frames"] and content["roots"] != before["roots"]


def test_earlier_results_can_be_shown_again_and_compared(client):
    first = restyle(client, content_entry="content/bow")
    restyle(client, content_entry="content/walk", label="active")
    client.predict("1", "none", api_name="/show_run")
    view, *_, message = client.predict("1", "0", api_name="/show_run")
    assert message == ""
    titles = [(track["title"], track["subtitle"]) for track in view["tracks"]]
    assert [title for title, _ in titles] == ["Content", "Style", "Result", "Compared"]
    assert "active" in titles[-1][1]
    assert view["tracks"][2]["rotations"] == first["view"]["tracks"][2]["rotations"]


def test_a_motion_can_be_trimmed(client):
    shown = restyle(client, content_entry="content/walk", trim_start=1.0, trim_end=3.0)
    assert shown["message"] == "" and shown["view"]["tracks"][0]["frames"] == 60
    assert "apart" in restyle(client, trim_start=3.0, trim_end=3.0)["message"]


def test_a_seed_that_is_not_kept_is_drawn_and_shown(client):
    shown = restyle(client, content_entry="content/bow", style_kind="sample", lock_seed=False)
    again = restyle(client, content_entry="content/bow", style_kind="sample", seed=shown["seed"])
    assert shown["seed"] != 0
    assert again["view"]["tracks"][-1]["rotations"] == shown["view"]["tracks"][-1]["rotations"]


def test_programs_restyle_files_by_a_typed_endpoint(shared_client, tmp_path):
    files, report = shared_client.predict(
        motion_file=handle_file(CONTENT), style="elderly", samples=2, api_name="/stylize"
    )
    assert [read_bvh(path)[0].skeleton.names for path in files] == [read_bvh(CONTENT)[0].skeleton.names] * 2
    assert 0 < report["samples"][0]["style_match"] <= 1
    assert shared_client.predict(handle_file(CONTENT), api_name="/inspect")["joints"] == 22
    assert "content/walk" in shared_client.predict(api_name="/list_choices")["motions"]
    named = shared_client.view_api(return_format="dict")["named_endpoints"]
    assert set(named) == {"/stylize", "/inspect", "/list_choices"}  # what --mcp offers as tools, too
    with pytest.raises(Exception, match="No motion was given"):
        shared_client.predict(api_name="/stylize")
    with pytest.raises(Exception, match="choose one of"):
        shared_client.predict(motion="content/bow", file_format=".exe", api_name="/stylize")


def test_an_uploaded_file_comes_back_on_its_own_skeleton(client, tmp_path):
    upload = tmp_path / "my bow.bvh"
    upload.write_text(CONTENT.read_text().replace("OFFSET", "OFFSET "))
    shown = restyle(client, content_origin="upload", content_file=handle_file(upload), style_kind="sample")
    assert shown["message"] == ""
    before, after = read_bvh(upload)[0], read_bvh(write_file(client, "yours.bvh"))[0]
    assert after.skeleton.names == before.skeleton.names
    assert after.fps == pytest.approx(before.fps)


def test_an_upload_can_be_the_style_too(client):
    shown = restyle(client, content_entry="content/bow", style_kind="upload", reference_file=handle_file(CONTENT))
    assert shown["message"] == ""
    assert "reference bow" in shown["facts"]


@pytest.fixture
def hero(tmp_path) -> Path:
    """A character with two animations, "wave" and a longer "bow"."""
    path = tmp_path / "hero.glb"
    path.write_bytes(bowing(waving(humanoid())).glb())
    return path


def test_an_uploaded_character_comes_back_with_the_result_and_its_animations_can_be_chosen(client, hero):
    *_, choice = client.predict(handle_file(hero), api_name="/inspect_content")
    assert choice["value"] == "wave" and [name for name, _ in choice["choices"]] == ["wave", "bow"]
    inputs = {"content_origin": "upload", "content_file": handle_file(hero), "content_animation": "bow"}
    shown = restyle(client, **inputs, keep_timing=True)
    assert shown["message"] == "" and shown["view"]["tracks"][0]["frames"] == 91
    motion, character = read_motion(write_file(client, "yours.glb"))
    assert isinstance(character, GltfCharacter) and character.animations == ("restyled", "wave", "bow")
    assert motion.skeleton.names[0] == "hips" and len(motion) == 91


def test_a_result_is_worn_by_another_character(client, hero):
    restyle(client, content_entry="content/bow", keep_timing=True)
    worn, message = client.predict("0", "1", handle_file(hero), api_name="/wear")
    assert message == ""
    motion, character = read_motion(worn["value"] if isinstance(worn, dict) else worn)
    assert isinstance(character, GltfCharacter) and character.animations == ("restyled", "wave", "bow")
    assert motion.duration == pytest.approx(load_entry("content/bow").duration, abs=0.05)
    assert "No character was uploaded" in client.predict("0", "1", None, api_name="/wear")[1]


def local_rotations(client: Client) -> np.ndarray:
    """Of the last result."""
    return read_bvh(write_file(client))[0].local_rotations


def test_a_second_style_is_mixed_in_or_follows_and_timing_and_half_of_the_body_can_stay(client):
    kept = {"content_entry": "content/bow", "keep_timing": True}
    restyle(client, **kept)
    one = local_rotations(client)
    mixed = restyle(client, **kept, second_kind="mix", second_style="exhausted", second_share=0.25)
    assert "75% elderly + 25% exhausted" in mixed["facts"]
    assert "elderly to exhausted" in restyle(client, **kept, second_kind="change", second_style="exhausted")["facts"]
    changing = local_rotations(client)
    restyle(client, **kept, body="lower")
    lower = local_rotations(client)
    content, _ = read_bvh(CONTENT)
    before, names = content.local_rotations, content.skeleton.names
    assert [len(rotations) for rotations in (one, changing, lower)] == [len(before)] * 3
    start, end = (np.abs(changing - one)[part].mean() for part in (0, -1))
    assert 0 < start < end / 2
    change = np.abs(lower - before).max(axis=(0, 2, 3))
    assert change[names.index("left_elbow")] < 1e-3 < 0.05 < change[names.index("left_knee")]


def make_style(client: Client, name: str, *paths: Path) -> dict:
    """What the page would show after a press on Make style."""
    outputs = client.predict(name, [handle_file(path) for path in paths], api_name="/make_style")
    return named_style_outputs(outputs, ("clips", "name", "message"))


def named_style_outputs(outputs, more: tuple[str, ...]) -> dict:
    names = ("choice", "file", "second_kind", "second_style", *more)
    return dict(zip(names, outputs, strict=True))


def test_a_style_is_made_used_taken_away_and_opened_again_in_another_session(app, client, tmp_path):
    made = make_style(client, "shuffling", MOTIONS / "styles" / "elderly.bvh", MOTIONS / "styles" / "exhausted.bvh")
    assert made["message"] == ""
    assert made["choice"]["value"] == "shuffling"
    assert ["shuffling", "shuffling"] in [list(choice) for choice in made["second_style"]["choices"]]
    style_file = Path(made["file"]["value"])
    assert style_file.name == "shuffling.style.safetensors"
    assert SavedStyle.load(style_file).clips == 2
    content = {"content_entry": "content/bow", "keep_timing": True}
    first = restyle(client, **content, style_kind="own", own_style="shuffling")
    assert first["message"] == "" and "shuffling" in first["facts"]
    rotations = local_rotations(client)
    as_second = restyle(client, **content, second_kind="mix", second_style="shuffling")
    assert "50% elderly + 50% shuffling" in as_second["facts"]

    other = Client(app, verbose=False, download_files=tmp_path / "other", analytics_enabled=False)
    try:
        assert "no style of yours yet" in restyle(other, style_kind="own")["message"]
        opened = named_style_outputs(other.predict(handle_file(style_file), api_name="/open_style"), ("message",))
        assert opened["message"] == "" and opened["choice"]["value"] == "shuffling"
        restyle(other, **content, style_kind="own", own_style="shuffling")
        assert np.array_equal(local_rotations(other), rotations)
    finally:
        other.close()


def test_a_style_made_again_replaces_the_one_of_that_name(client):
    make_style(client, "mine", CONTENT, CONTENT)
    again = make_style(client, "mine", CONTENT)
    assert [list(choice) for choice in again["choice"]["choices"]] == [["mine", "mine"]]
    assert SavedStyle.load(again["file"]["value"]).clips == 1


@pytest.mark.parametrize(
    ("name", "count", "expected"),
    [
        ("", 1, "cannot be called"),
        ("<b>x", 1, "cannot be called &#x27;&lt;b&gt;x"),
        ("elderly", 1, "built-in style"),
        ("mine", 0, "0 were given"),
        ("mine", 6, "6 were given"),
    ],
    ids=["no name", "bad name", "built in", "no clip", "too many clips"],
)
def test_a_style_that_cannot_be_made_is_a_sentence_and_nothing_else_changes(shared_client, name, count, expected):
    shown = make_style(shared_client, name, *[CONTENT] * count)
    message = shown.pop("message")
    assert expected in message and text_of(message).endswith(".")
    assert not any("value" in update for update in shown.values() if isinstance(update, dict))


def test_a_style_file_that_cannot_be_used_is_a_sentence(shared_client, stylizer, tmp_path):
    text = tmp_path / "text.safetensors"
    text.write_text("not a style")
    style = stylizer.make_style("mine", [load_entry("content/bow")])
    other = replace(style, model="0" * 16).save(tmp_path / "other")
    built_in = replace(style, name="elderly").save(tmp_path / "built_in")
    for path, expected in ((text, "cannot be read"), (other, "another checkpoint"), (built_in, "built-in style")):
        *_, message = shared_client.predict(handle_file(path), api_name="/open_style")
        assert expected in message and text_of(message).endswith(".")


def test_the_server_refuses_style_files_of_another_kind(shared_client, tmp_path):
    path = tmp_path / "style.pkl"
    path.write_bytes(b"\x80\x04N.")
    with pytest.raises(Exception, match=r"(?i)file type|invalid"):
        shared_client.predict(handle_file(path), api_name="/open_style")


def test_a_result_of_another_length_says_so_and_its_video_shows_all_of_it(stylizer, monkeypatch, tmp_path):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    half_as_fast = np.array([np.log(0.5)])
    monkeypatch.setattr(
        Restyler, "_tempo_change", lambda self, content, _: half_as_fast.repeat(content.latents.shape[-1])
    )
    content = load_entry("content/bow")
    run = start_run(stylizer, content, Style.from_label("elderly"), RunSettings(), lambda *_: None)
    length = run.result.motions[0].duration
    assert length == pytest.approx(2 * content.duration, abs=0.04)
    assert f"{length:.1f} s, content {content.duration:.1f} s" in text_of(
        result_facts(run.result, stylizer.scores(run.result))
    )
    with imageio.get_reader(runs.write_file(run, 0, "canonical.mp4", lambda *_: None)) as video:
        assert video.count_frames() == len(run.result.motions[0])  # pyright: ignore[reportAttributeAccessIssue]


def test_a_model_without_labels_has_no_choice_by_name_but_all_others(stylizer):
    known = next(iter(stylizer.restyler.networks.values()))
    nameless = StylizerNetwork(replace(known.config, labels=())).eval()
    unsupervised = Stylizer(replace(stylizer.restyler, networks={OPEN: nameless}), (), {OPEN: "abc"})
    page = build_page(unsupervised)
    switch = next(block for block in page.blocks.values() if getattr(block, "label", "") == "What gives the style")
    assert isinstance(switch, gr.Radio)
    assert [value for _, value in switch.choices] == ["library", "upload", "own", "sample"]
    press = next(function for function in page.fns.values() if function.api_name == "restyle")
    assert press.fn is not None
    *_, message = press.fn("library", "content/bow", "sample", None, None, 1.0, 1, 0)
    assert message == ""


def test_all_samples_are_seen_and_each_can_be_taken_away(client):
    shown = restyle(client, content_entry="content/bow", style_kind="sample", num_samples=2)
    assert [track["role"] for track in shown["view"]["tracks"]] == ["content", "result", "result"]
    facts, message = client.predict("0", "2", api_name="/show_sample")
    assert "Style match" in facts and message == ""
    assert write_file(client).read_text() != write_file(client, sample="2").read_text()


def test_two_people_at_once_get_their_own_results(app, tmp_path):
    def person(label: str) -> tuple[dict, str]:
        client = Client(app, verbose=False, download_files=tmp_path / label, analytics_enabled=False)
        try:
            return restyle(client, content_entry="content/bow", label=label), write_file(client).read_text()
        finally:
            client.close()

    with ThreadPoolExecutor(2) as pool:
        active, elderly = pool.map(person, ("active", "elderly"))
    assert "active" in active[0]["facts"] and "elderly" in elderly[0]["facts"]
    assert active[1] != elderly[1]


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"content_origin": "upload"}, "No motion was uploaded"),
        ({"style_kind": "upload"}, "No style reference was uploaded"),
        ({"style_kind": "own"}, "no style of yours yet"),
        ({"second_kind": "mix", "second_style": None}, "No second style is chosen"),
        ({"seed": None}, "seed is empty"),
    ],
    ids=["no content", "no reference", "no own style", "no second style", "no seed"],
)
def test_what_is_missing_is_said_in_a_sentence_and_nothing_else_changes(shared_client, inputs, expected):
    shown = restyle(shared_client, **inputs)
    message = text_of(shown.pop("message"))
    assert expected in message and message.endswith(".")
    assert set(shown.values()) == {None}


def test_a_broken_upload_is_explained_with_its_line(shared_client, tmp_path):
    upload = tmp_path / "broken.bvh"
    upload.write_text("HIERARCHY\nROOT a\n{\n")
    facts, preview, _ = shared_client.predict(handle_file(upload), api_name="/inspect_content")
    assert "notice-error" in facts and "line" in facts
    assert preview == ""
    assert "line" in text_of(
        restyle(shared_client, content_origin="upload", content_file=handle_file(upload))["message"]
    )


def test_the_server_refuses_files_that_are_too_large_or_of_another_kind(shared_client, tmp_path):
    large, text = tmp_path / "large.bvh", tmp_path / "notes.txt"
    large.write_bytes(b" " * (1024 * 1024 + 1))
    text.write_text("hello")
    for path in (large, text):
        with pytest.raises(Exception, match=r"(?i)size|file type|invalid|413"):
            shared_client.predict(handle_file(path), api_name="/inspect_content")


def test_an_upload_shows_what_was_found_and_a_preview():
    facts, preview, _ = inspect_upload(str(CONTENT), role="content")
    motion = read_bvh(CONTENT)[0]
    assert f"{len(motion)} at 30 fps" in text_of(facts)
    assert "22" in text_of(facts)
    assert 'class="sprite"' in preview and "url(data:image/webp;base64," in preview


def test_an_upload_of_another_length_than_can_be_used_is_told_at_once(tmp_path):
    header, _, rows = CONTENT.read_text().partition("Frame Time:")
    lines = rows.splitlines()
    upload = tmp_path / "short.bvh"
    header = re.sub(r"Frames:\s*\d+", "Frames: 10", header)
    upload.write_text(header + "Frame Time:" + "\n".join(lines[:11]) + "\n")
    facts, *_ = inspect_upload(str(upload), role="content")
    assert "1 to 60 seconds" in facts


def test_text_from_people_and_files_is_escaped():
    assert "<script>" not in notice("<script>alert(1)</script>")


def test_our_own_failures_are_logged_and_shown_plainly(stylizer, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("secret detail")

    page = build_page(stylizer)
    press = next(function for function in page.fns.values() if function.api_name == "restyle")
    assert press.fn is not None
    monkeypatch.setattr(stylizer, "stylize", broken)
    with caplog.at_level(logging.ERROR):
        *_, message = press.fn("library", "content/bow", "name", "elderly", None, 1.0, 1, 0)
    assert text_of(message) == FAILURE
    assert "secret detail" in caplog.text


def test_runs_have_folders_of_their_own_where_gradio_serves_them(stylizer, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    style = Style.from_label("elderly")
    content = load_entry("content/bow")
    made = [start_run(stylizer, content, style, RunSettings(), lambda *_: None) for _ in range(2)]
    assert made[0].folder != made[1].folder
    files = [runs.write_file(run, 0, "canonical.bvh", lambda *_: None) for run in made]
    assert all(file.is_relative_to(tmp_path / "gradio") for file in files)
    made[0].remove()
    assert not files[0].exists() and files[1].exists()


def test_theme_and_stylesheet_name_no_other_host():
    assert not theme()._stylesheets
    assert "//" not in STYLESHEET.read_text()


def open_settings(client: Client, path: Path) -> dict:
    """What the page would show after a file of settings was opened; what stays as it was is None."""
    names = ("content_origin", "content_entry", "title", "trim_start", "trim_end", "style_kind", "label")
    names += ("experimental_label", "reference_entry", "own_style", "own_file", "second_kind", "second_style")
    names += ("second_share", "strength", "num_samples", "seed", "lock_seed", "keep_timing", "body", "message")
    outputs = client.predict(handle_file(path), api_name="/open_settings")
    return {
        name: output.get("value") if isinstance(output, dict) else output
        for name, output in zip(names, outputs, strict=True)
    }


def after_opening(client: Client, path: Path) -> dict:
    """What Restyle makes of opened settings."""
    opened = open_settings(client, path)
    assert "press Restyle for the same result" in opened.pop("message")
    for shown in ("title", "own_file"):
        opened.pop(shown)
    return restyle(client, **{name: value for name, value in opened.items() if value is not None})


@pytest.mark.parametrize(
    "inputs",
    [
        {"content_entry": "content/bow", "num_samples": 2, "seed": 7, "strength": 0.65, "body": "upper"},
        {"content_entry": "content/walk", "trim_start": 0.5, "trim_end": 2.5, "style_kind": "sample", "seed": 3},
        {"content_entry": "content/bow", "second_kind": "mix", "second_style": "active", "second_share": 0.35},
        {"content_entry": "content/bow", "style_kind": "library", "reference_entry": "style/active"},
        {"content_entry": "content/bow", "second_kind": "change", "second_style": "active", "keep_timing": True},
    ],
    ids=["label", "trimmed and surprised", "mixed", "example", "changed"],
)
def test_settings_opened_in_another_session_make_the_same_result_bit_for_bit(app, client, inputs):
    first = restyle(client, **inputs)
    assert first["message"] == ""
    settings = write_file(client, "canonical.json")
    other = Client(app, verbose=False, analytics_enabled=False)
    try:
        again = after_opening(other, settings)
    finally:
        other.close()
    assert [track["rotations"] for track in again["view"]["tracks"] if track["role"] == "result"] == [
        track["rotations"] for track in first["view"]["tracks"] if track["role"] == "result"
    ]


def test_settings_hold_uploads_and_styles_of_ones_own(app, client, tmp_path):
    upload, reference = tmp_path / "my bow.bvh", MOTIONS / "styles" / "exhausted.bvh"
    upload.write_text(CONTENT.read_text())
    make_style(client, "shuffling", MOTIONS / "styles" / "elderly.bvh")
    inputs = {"content_origin": "upload", "content_file": handle_file(upload), "second_kind": "mix"}
    inputs |= {"second_style": "shuffling", "style_kind": "upload", "reference_file": handle_file(reference)}
    first = restyle(client, **inputs)
    assert first["message"] == ""
    settings = write_file(client, "canonical.json")
    other = Client(app, verbose=False, analytics_enabled=False)
    try:
        assert open_settings(other, settings)["own_style"] == "like exhausted"
        again = after_opening(other, settings)
    finally:
        other.close()
    assert again["view"]["tracks"][-1]["rotations"] == first["view"]["tracks"][-1]["rotations"]
    assert "my bow" in again["view"]["tracks"][0]["subtitle"]
