"""The real app, driven as a person would, in headless Chromium and with the network watched."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from stylize.io import read_bvh
from stylize.library import MOTIONS
from tests.chromium import launched_browser

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS, RUN_MILLISECONDS = 120, 120_000

WATCH_CONNECTIONS = """
import os, socket

def watched(name, host_of):
    original = getattr(socket, name) if name == "getaddrinfo" else getattr(socket.socket, name)
    def call(*arguments, **options):
        host = host_of(*arguments)
        if host not in (None, "", "127.0.0.1", "localhost", "::1", "0.0.0.0"):
            with open(os.environ["ASKED_HOSTS"], "a") as log:
                log.write(f"{name} {host}\\n")
            raise OSError("there is no network in this test")
        return original(*arguments, **options)
    return call

open(os.environ["ASKED_HOSTS"], "a").close()
socket.getaddrinfo = watched("getaddrinfo", lambda host, *_: host.decode() if isinstance(host, bytes) else host)
for name in ("connect", "connect_ex"):
    setattr(socket.socket, name, watched(name, lambda s, address: address[0] if isinstance(address, tuple) else None))
"""
"""Put before the app as sitecustomize: any host but this machine is noted and cannot be reached."""


@pytest.fixture(scope="module")
def browser():
    with launched_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def asked_hosts(tmp_path_factory) -> Path:
    """The file that lists every host but this machine that the app asked for."""
    return tmp_path_factory.mktemp("network") / "hosts.txt"


@pytest.fixture(scope="module")
def app(browser, asked_hosts, tmp_path_factory):
    """The address of ``python app.py``, started on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (asked_hosts.parent / "sitecustomize.py").write_text(WATCH_CONNECTIONS)
    log = tmp_path_factory.mktemp("log") / "app.log"
    environment = {**os.environ, "PYTHONPATH": str(asked_hosts.parent), "ASKED_HOSTS": str(asked_hosts)}
    with log.open("w") as output:
        command = [sys.executable, "app.py", "--port", str(port)]
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until_it_answers(f"http://127.0.0.1:{port}/", server, log)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_until_it_answers(url: str, server: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert server.poll() is None, f"the app stopped at start:\n{log.read_text()}"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"the app did not answer within {START_SECONDS} s:\n{log.read_text()}")


@pytest.fixture
def page(browser, app):
    """The opened app; at the end it must have asked no other host and have logged no error."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page = context.new_page()
    hosts, errors = set(), []
    page.on("request", lambda request: hosts.add(request.url.split("?")[0]))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(app)
    page.get_by_role("button", name="Restyle").wait_for()
    yield page
    context.close()
    assert {url for url in hosts if not url.startswith((app, "data:", "blob:"))} == set()
    assert errors == []


def run_and_wait_for_video(page) -> float:
    """Press Restyle, and the duration of the video that comes, in seconds."""
    page.get_by_role("button", name="Restyle").click()
    video = page.locator("#comparison video")
    video.wait_for(timeout=RUN_MILLISECONDS)
    page.wait_for_function("document.querySelector('#comparison video')?.duration > 0")
    return video.evaluate("video => video.duration")


def downloaded(page, button: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.locator(f"#{button}").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_pick_a_motion_and_a_label_run_watch_and_download(page, tmp_path):
    page.get_by_role("radio", name="Bow", exact=True).check(force=True)
    page.get_by_role("radio", name="Exhausted", exact=True).check(force=True)
    content = read_bvh(MOTIONS / "contents" / "bow.bvh")[0]
    shown = run_and_wait_for_video(page)
    assert "exhausted" in page.locator("#facts").inner_text()
    result, _ = read_bvh(downloaded(page, "download-bvh", tmp_path))
    assert shown == pytest.approx(max(content.duration, result.duration), abs=0.1)
    assert downloaded(page, "download-mp4", tmp_path).read_bytes()[4:8] == b"ftyp"


def test_upload_a_broken_file_read_why_then_upload_a_good_one(page, tmp_path):
    page.get_by_role("radio", name="Your file").first.check(force=True)
    broken = tmp_path / "broken.bvh"
    broken.write_text("HIERARCHY\nROOT hips\n{\n")
    upload = page.locator("input[type=file]").first
    upload.set_input_files(broken)
    page.get_by_role("alert").filter(has_text="line").wait_for()
    page.get_by_role("button", name="Remove").or_(page.get_by_label("Clear")).first.click()
    upload.set_input_files(MOTIONS / "contents" / "bow.bvh")
    page.get_by_text("at 30 fps").wait_for()
    run_and_wait_for_video(page)
    assert downloaded(page, "download-source", tmp_path).read_text().startswith("HIERARCHY")


def test_make_a_style_of_two_clips_use_it_take_its_file_away_and_open_it_again(page, tmp_path):
    page.get_by_role("radio", name="Bow", exact=True).check(force=True)
    page.get_by_role("radio", name="Your style").check(force=True)
    clips = [MOTIONS / "styles" / f"{label}.bvh" for label in ("elderly", "exhausted")]
    page.locator("#style-clips input[type=file]").set_input_files(clips)
    page.locator("#style-clips").get_by_text("KB").nth(1).wait_for()
    page.get_by_role("button", name="Make style").click()
    page.get_by_role("alert").filter(has_text="cannot be called").wait_for()
    page.get_by_placeholder("Name of the style").fill("shuffling")
    page.get_by_role("button", name="Make style").click()
    page.get_by_role("radio", name="shuffling").wait_for(state="attached")
    assert page.get_by_role("radio", name="shuffling").is_checked()
    assert page.get_by_role("alert").count() == 0
    page.get_by_role("button", name="More").click()
    page.get_by_role("radio", name="Change into").check(force=True)
    page.get_by_role("radio", name="Upper body").check(force=True)
    page.get_by_role("checkbox", name="Keep the content's timing").check()
    run_and_wait_for_video(page)
    assert "shuffling to active" in page.locator("#facts").inner_text()
    result, _ = read_bvh(downloaded(page, "download-bvh", tmp_path))
    assert len(result) == len(read_bvh(MOTIONS / "contents" / "bow.bvh")[0])

    file = downloaded(page, "download-style", tmp_path)
    page.reload()
    page.get_by_role("radio", name="Your style").check(force=True)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Open file").click()
    chooser.value.set_files(file)
    page.get_by_role("radio", name="shuffling").wait_for(state="attached")
    assert page.get_by_role("radio", name="shuffling").is_checked()


def test_a_run_without_what_it_needs_says_so_and_keeps_the_inputs(page):
    page.get_by_role("radio", name="Your file").last.check(force=True)
    page.get_by_role("button", name="Restyle").click()
    page.get_by_role("alert").filter(has_text="No style reference was uploaded").wait_for()
    assert page.get_by_role("radio", name="Your file").last.is_checked()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (375, "light"), (375, "dark")])
def test_nothing_is_wider_than_the_screen(browser, app, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 812}, color_scheme=scheme)
    page = context.new_page()
    page.goto(app)
    page.get_by_role("button", name="Restyle").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()


def test_the_app_asked_no_host_for_anything(app, asked_hosts):
    assert asked_hosts.read_text() == ""  # the watcher itself made the file
