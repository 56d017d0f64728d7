"""How long people wait for the app, as a table: `python -m training.time_app > times.md`.

Starts `python app.py` on a free port and opens it in headless Chromium, whose 3D view is drawn by the processor too;
then uploads a walk of 160 frames and restyles it again and again. Below, the parts of the same work, timed in this
process. Needs the libraries of the `test` extra, and a Chromium on the path or named in CHROMIUM.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from playwright.sync_api import Browser, Page, sync_playwright

from stylize.comparison import comparison_panels
from stylize.errors import StylizeError
from stylize.io import read_motion, save_motion
from stylize.library import load_entry
from stylize.pipeline import Stylizer
from stylize.render.video import render_video
from stylize.retarget import Retargeter
from stylize.source import load_source
from stylize.viewer.scene import scene
from training.command import run_command
from training.make_pictures import SOFTWARE_WEBGL

ROOT = Path(__file__).resolve().parent.parent
FRAMES = 160
STYLE = "elderly"
START_SECONDS = 180
LOOKING_MILLISECONDS = 2000
"""Between two restyles, for nobody presses the next button at once."""

SHOWN = """seed => {
    const facts = [...document.querySelectorAll('#facts dl > div')];
    const shown = facts.find((fact) => fact.innerText.startsWith('Seed'))?.innerText.trim().endsWith('\\n' + seed);
    return shown && document.querySelector('#view .motion-viewer').dataset.state === 'ready';
}"""
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
START_PARTS = """
import json, os, time
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
marks = [time.perf_counter()]
import stylize.ui.page, stylize.ui.theme, torch
torch.set_num_threads(1)
marks.append(time.perf_counter())
stylizer = stylize.ui.page.Stylizer.from_pretrained()
marks.append(time.perf_counter())
stylize.ui.page.build_page(stylizer)
marks.append(time.perf_counter())
print(json.dumps([end - start for start, end in zip(marks, marks[1:])]))
"""
"""For an interpreter of its own: what the app does at start, before it serves."""
START_TITLES = (
    "`python app.py` to its first answer",
    "`python app.py` to a page whose Restyle can be pressed",
    "`python app.py` to the first pictures of the example in 3D",
)
PART_TITLES = ("import the libraries", "load the model", "build the page, with its first restyle")

VIDEO_SHOWN = """old => {
    const video = document.querySelector('#comparison video');
    return video && video.currentSrc !== old && video.readyState >= 2 && video.getBoundingClientRect().height > 0;
}"""


@dataclass(frozen=True)
class Options:
    """Time the app and the parts of its work."""

    repeats: int = 9
    """How often each thing is done; the median is shown."""
    starts: int = 5
    """How often the app is started."""


def start_app(port: int) -> tuple[subprocess.Popen, float]:
    """Start the app; the process, and the seconds until it answered."""
    begun = time.monotonic()
    command = [sys.executable, "app.py", "--port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    while time.monotonic() < begun + START_SECONDS and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server, time.monotonic() - begun
        time.sleep(0.05)
    server.terminate()
    raise StylizeError("The app did not start; run `python app.py` to see why.")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def time_start(browser: Browser) -> list[float]:
    """Seconds of a cold start: each of its parts, and from the command to each of START_TITLES."""
    done = subprocess.run([sys.executable, "-c", START_PARTS], cwd=ROOT, check=True, capture_output=True, text=True)
    begun = time.monotonic()
    port = free_port()
    server, answered = start_app(port)
    try:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        shown = open_page(page, f"http://127.0.0.1:{port}/")
        page.close()
    finally:
        server.terminate()
        server.wait(timeout=30)
    return [*json.loads(done.stdout.splitlines()[-1]), answered, *(moment - begun for moment in shown)]


def open_page(page: Page, url: str) -> tuple[float, float]:
    """Go to the app; when its button could be pressed, and when its example moved, by the monotonic clock."""
    page.goto(url, wait_until="commit")
    page.get_by_role("button", name="Restyle", exact=True).wait_for(timeout=60_000)
    pressable = time.monotonic()
    page.wait_for_selector("#view .motion-viewer[data-state=ready]", timeout=60_000)
    page.evaluate(DRAWN)
    return pressable, time.monotonic()


def time_page(page: Page, clip: Path, repeats: int) -> dict[str, list[float]]:
    """Seconds from a click to the drawn result, and from the choice of the video to its first picture."""
    page.get_by_role("radio", name="Your file", exact=True).first.check(force=True)
    page.locator("#content-file input[type=file]").set_input_files(clip)
    page.get_by_text(f"{FRAMES} at 30 fps").wait_for()
    page.locator(".picture .sprite").wait_for()
    seed = page.get_by_role("spinbutton", name="Seed").first
    times: dict[str, list[float]] = {"view": [], "video": []}
    for number in range(1, repeats + 1):
        seed.fill(str(number))
        seed.press("Tab")
        begun = time.monotonic()
        page.click("#restyle")
        page.wait_for_function(SHOWN, arg=number, polling="raf", timeout=60_000)
        page.evaluate(DRAWN)
        times["view"].append(time.monotonic() - begun)
        old = page.evaluate("document.querySelector('#comparison video')?.currentSrc ?? ''")
        page.wait_for_function("!('restyling' in document.body.dataset)")
        begun = time.monotonic()
        page.get_by_role("radio", name="Video", exact=True).check(force=True)
        page.wait_for_function(VIDEO_SHOWN, arg=old, polling="raf", timeout=60_000)
        times["video"].append(time.monotonic() - begun)
        page.get_by_role("radio", name="3D", exact=True).check(force=True)
        page.wait_for_timeout(LOOKING_MILLISECONDS)
    return times


def time_parts(clip: Path, folder: Path, repeats: int) -> dict[str, list[float]]:
    """Seconds of each part of a restyle, in the order in which the app does them."""
    stylizer = Stylizer.from_pretrained()
    motion, _ = read_motion(clip)
    source = load_source(clip)
    result = stylizer.stylize(source, STYLE)
    panels = comparison_panels(result)
    parts: dict[str, Callable[[], Any]] = {
        "parse the BVH": lambda: read_motion(clip),
        "retarget to 22 joints": lambda: Retargeter.fit(motion).to_canonical(motion),
        "model, and feet": lambda: stylizer.stylize(source, STYLE),
        "measure the result": lambda: stylizer.scores(result),
        "encode for the 3D view": lambda: scene(panels),
        "retarget back, write the BVH": lambda: result.save(folder / "out.bvh"),
        "write the GLB": lambda: save_motion(result.motions[0], folder / "out.glb"),
        "draw and encode the MP4": lambda: render_video(panels, folder / "out.mp4"),
    }
    times = {}
    for name, work in parts.items():
        times[name] = []
        for _ in range(repeats):
            begun = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - begun)
    return times


def row(name: str, seconds: list[float]) -> str:
    """A row of the table."""
    return f"| {name} | {statistics.median(seconds):.2f} | {min(seconds):.2f} to {max(seconds):.2f} |"


def main(options: Options) -> None:
    """Time everything and print the tables."""
    torch.set_num_threads(1)
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        walk = load_entry("content/walk")
        clip = folder / "walk.bvh"
        save_motion(walk.crop(0.0, FRAMES / walk.fps), clip)
        browser = playwright.chromium.launch(executable_path=executable, args=list(SOFTWARE_WEBGL))
        starts = zip(*(time_start(browser) for _ in range(options.starts)), strict=True)
        print(f"| cold start, {options.starts} times | seconds, median | from, to |", "|---|---|---|", sep="\n")
        for title, seconds in zip((*PART_TITLES, *START_TITLES), starts, strict=True):
            print(row(title, list(seconds)))
        print()
        port = free_port()
        server, _ = start_app(port)
        try:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            open_page(page, f"http://127.0.0.1:{port}/")
            times = time_page(page, clip, options.repeats)
        finally:
            server.terminate()
            server.wait(timeout=30)
        browser.close()
        head = (f"| {FRAMES} frames, {options.repeats} times | seconds, median | from, to |", "|---|---|---|")
        print(*head, sep="\n")
        print(row("click to the result in the 3D view", times["view"]))
        print(row("choice of the video to its first picture", times["video"]))
        for part, seconds in time_parts(clip, folder, options.repeats).items():
            print(row(part, seconds))


if __name__ == "__main__":
    run_command(main, Options, __doc__)
