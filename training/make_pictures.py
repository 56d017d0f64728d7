"""Make the pictures of the README from the app as it is: two screenshots, and a moving picture of one restyle.

    python -m training.make_pictures --app http://127.0.0.1:7860

Needs the libraries of the `test` extra, and a Chromium on the path or named in CHROMIUM.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from stylize.comparison import comparison_panels
from stylize.io import load_person
from stylize.library import load_entry
from stylize.pipeline import Stylizer
from stylize.render.video import render_video
from training.command import run_command

SOFTWARE_WEBGL = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")


@dataclass(frozen=True)
class MakePictures:
    """Make the pictures of the README.

    Attributes:
        app: address of the running app.
        out: folder of the pictures.
    """

    app: str = "http://127.0.0.1:7860"
    out: Path = Path("docs/images")


def restyled(page: Page, app: str, dark: bool) -> None:
    """Open the app and restyle a wave with an active style, three samples of it in the dark."""
    page.goto(f"{app}/?__theme={'dark' if dark else 'light'}")
    page.wait_for_selector("#view [data-state=ready]")
    page.get_by_label("Wave both hands" if dark else "Walk", exact=True).first.check(force=True)
    page.get_by_label("Exhausted" if dark else "Elderly", exact=True).first.check(force=True)
    if dark:
        page.get_by_label("Samples").first.fill("3")
    page.click("#restyle")
    page.wait_for_selector("#facts dl")
    page.mouse.move(0, 0)  # or the button looks hovered
    page.wait_for_timeout(3000)
    page.locator("#view [data-do=play]").click()  # what stands still is drawn at the full resolution
    page.mouse.move(0, 0)
    page.wait_for_timeout(1000)


def main(options: MakePictures) -> None:
    """Write app.png, app_dark.png and example.webp."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(SOFTWARE_WEBGL))
        for dark in (False, True):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            restyled(page, options.app, dark)
            page.screenshot(path=options.out / ("app_dark.png" if dark else "app.png"))
            page.close()
        browser.close()
    result = Stylizer.from_pretrained().stylize(load_entry("content/walk").crop(0.0, 3.0), "elderly")
    render_video(comparison_panels(result), options.out / "example.webp", size=260, person=load_person()[0])


if __name__ == "__main__":
    run_command(main, MakePictures, __doc__)
