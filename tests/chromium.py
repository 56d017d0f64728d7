"""Headless Chromium for tests that need a real browser."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

SOFTWARE_WEBGL = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
"""WebGL without a graphics card."""


def chromium() -> str | None:
    """The path of a Chromium, from CHROMIUM or from the usual places."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if name and (path := shutil.which(name))), None)


@contextmanager
def launched_browser() -> Iterator:
    """A browser that draws WebGL in software; the test is skipped where there is none, unless one is required."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _without_browser("playwright is not installed")
    path = chromium()
    if path is None:
        _without_browser("there is no Chromium; install it or name it in the variable CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *SOFTWARE_WEBGL])
        yield browser
        browser.close()


def _without_browser(reason: str):
    if os.environ.get("STYLIZE_REQUIRE_BROWSER"):
        pytest.fail(f"STYLIZE_REQUIRE_BROWSER is set, but {reason}")
    pytest.skip(reason)
