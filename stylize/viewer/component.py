"""The interactive 3D view as a Gradio component."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr

from stylize.body import Person
from stylize.viewer.shape import body_shape

STATIC = Path(__file__).with_name("static")

SCRIPTS = (
    "maths.js",
    "body.js",
    "track.js",
    "shaders.js",
    "renderer.js",
    "camera.js",
    "player.js",
    "resolution.js",
    "keys.js",
    "panels.js",
    "viewer.js",
)
"""Put together in this order: Gradio runs them as the body of one function, so they share no names with the page."""


def motion_viewer(
    value: dict[str, Any] | None = None,
    *,
    empty: str = "Nothing to show yet.",
    label: str = "Motion viewer",
    person: Person | None = None,
    **options: Any,
) -> gr.HTML:
    """A view of moving bodies side by side that people can turn, scrub and slow down.

    This is a function and no subclass: Gradio writes a stub file beside the source of each subclass.

    Args:
        value: what ``scene`` returns, or None for the empty state; events set it like any other output.
        empty: a sentence that is shown while there is nothing to see; plain text.
        label: what a screen reader calls the view.
        person: whom motions are shown as; None for the bundled body.
        options: passed on to ``gr.HTML`` (elem_id, elem_classes, visible, ...).
    """
    return gr.HTML(
        value,  # pyright: ignore[reportArgumentType]
        label=label,
        html_template=_static("viewer.html"),
        css_template=_static("viewer.css"),
        js_on_load=_script(person),
        apply_default_css=False,
        empty=empty,
        **options,
    )


@cache
def _static(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def _script(person: Person | None) -> str:
    body = f"const BODY = {json.dumps(body_shape(person))};"
    return "\n".join(["'use strict';", body, *map(_static, SCRIPTS)])
