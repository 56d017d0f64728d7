import logging
import os
import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

from gradio_client import Client, handle_file

import stylize.ui.runs
from stylize.io import read_bvh
from stylize.library import MOTIONS, load_entry
from stylize.pipeline import Stylizer
from stylize.styles import Style
from stylize.render.video import render_video
from stylize.ui.choices import FAILURE, inspect_upload
from stylize.ui.fragments import notice
from stylize.ui.page import build_page
from stylize.ui.runs import sample_files, start_run
from stylize.ui.theme import STYLESHEET, theme

CONTENT = MOTIONS / "contents" / "bow.bvh"


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    return Stylizer.from_pretrained()


@pytest.fixture(autouse=True, scope="module")
def small_videos():
    """The real videos, drawn smaller: most of a run's time is spent on their pixels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stylize.ui.runs, "render_video", partial(render_video, size=96))
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


def restyle(client: Client, **inputs) -> dict:
    """What the page would show after a press on Restyle; what stays as it was is None."""
    outputs = client.predict(api_name="/restyle", **inputs)
    names = ("sample", "facts", "video", "bvh", "bvh_source", "mp4", "message")
    return {
        name: output.get("value") if isinstance(output, dict) else output
        for name, output in zip(names, outputs, strict=True)
    }


def text_of(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html)


def test_the_defaults_make_a_motion_that_can_be_taken_away(client):
    shown = restyle(client)
    assert shown["message"] == ""
    assert "elderly" in shown["facts"]
    assert read_bvh(shown["bvh"])[0].skeleton.names[0] == "pelvis"
    assert Path(shown["video"]).read_bytes()[4:8] == b"ftyp"
    assert shown["bvh_source"] is None


def test_an_uploaded_file_comes_back_on_its_own_skeleton(client, tmp_path):
    upload = tmp_path / "my bow.bvh"
    upload.write_text(CONTENT.read_text().replace("OFFSET", "OFFSET "))
    shown = restyle(client, content_origin="upload", content_file=handle_file(upload), style_kind="sample")
    assert shown["message"] == ""
    before, after = read_bvh(upload)[0], read_bvh(shown["bvh_source"])[0]
    assert after.skeleton.names == before.skeleton.names
    assert len(after) == len(before)


def test_an_upload_can_be_the_style_too(client):
    shown = restyle(client, content_entry="content/bow", style_kind="upload", reference_file=handle_file(CONTENT))
    assert shown["message"] == ""
    assert "reference bow" in shown["facts"]


def test_another_sample_of_the_run_can_be_shown(client):
    first = restyle(client, content_entry="content/bow", style_kind="sample", num_samples=2)
    second = client.predict("2", api_name="/show_sample")
    assert Path(second[1]["value"]).read_text() != Path(first["bvh"]).read_text()


def test_two_people_at_once_get_their_own_results(app, tmp_path):
    def person(label: str) -> dict:
        client = Client(app, verbose=False, download_files=tmp_path / label, analytics_enabled=False)
        try:
            return restyle(client, content_entry="content/bow", label=label)
        finally:
            client.close()

    with ThreadPoolExecutor(2) as pool:
        active, elderly = pool.map(person, ("active", "elderly"))
    assert "active" in active["facts"] and "elderly" in elderly["facts"]
    assert Path(active["bvh"]).read_text() != Path(elderly["bvh"]).read_text()


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"content_origin": "upload"}, "No motion was uploaded"),
        ({"style_kind": "upload"}, "No style reference was uploaded"),
        ({"seed": None}, "seed is empty"),
    ],
    ids=["no content", "no reference", "no seed"],
)
def test_what_is_missing_is_said_in_a_sentence_and_nothing_else_changes(client, inputs, expected):
    shown = restyle(client, **inputs)
    message = text_of(shown.pop("message"))
    assert expected in message and message.endswith(".")
    assert set(shown.values()) == {None}


def test_a_broken_upload_is_explained_with_its_line(client, tmp_path):
    upload = tmp_path / "broken.bvh"
    upload.write_text("HIERARCHY\nROOT a\n{\n")
    facts, preview = client.predict(handle_file(upload), api_name="/inspect_content")
    assert "notice-error" in facts and "line" in facts
    assert preview == ""
    assert "line" in text_of(restyle(client, content_origin="upload", content_file=handle_file(upload))["message"])


def test_the_server_refuses_files_that_are_too_large_or_of_another_kind(client, tmp_path):
    large, text = tmp_path / "large.bvh", tmp_path / "notes.txt"
    large.write_bytes(b" " * (1024 * 1024 + 1))
    text.write_text("hello")
    for path in (large, text):
        with pytest.raises(Exception, match=r"(?i)size|file type|invalid|413"):
            client.predict(handle_file(path), api_name="/inspect_content")


def test_an_upload_shows_what_was_found_and_a_preview():
    facts, preview = inspect_upload(str(CONTENT), role="content")
    motion = read_bvh(CONTENT)[0]
    assert f"{len(motion)} at 30 fps" in text_of(facts)
    assert "22" in text_of(facts)
    assert 'src="data:video/mp4;base64,' in preview


def test_an_upload_of_another_length_than_can_be_used_is_told_at_once(tmp_path):
    header, _, rows = CONTENT.read_text().partition("Frame Time:")
    lines = rows.splitlines()
    upload = tmp_path / "short.bvh"
    header = re.sub(r"Frames:\s*\d+", "Frames: 10", header)
    upload.write_text(header + "Frame Time:" + "\n".join(lines[:11]) + "\n")
    facts, _ = inspect_upload(str(upload), role="content")
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
    runs = [start_run(stylizer, load_entry("content/bow"), style, 1.0, 1, 0, lambda *_: None) for _ in range(2)]
    assert runs[0].folder != runs[1].folder
    files = [sample_files(run, 0, lambda *_: None) for run in runs]
    assert all(file.video.is_relative_to(tmp_path / "gradio") for file in files)
    runs[0].remove()
    assert not files[0].bvh.exists() and files[1].bvh.exists()


def test_theme_and_stylesheet_name_no_other_host():
    assert not theme()._stylesheets
    assert "//" not in STYLESHEET.read_text()
