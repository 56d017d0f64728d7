"""What the panels share: pages behind a switch, and an upload that shows what was found."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import gradio as gr

from stylize.io import READERS
from stylize.ui.fragments import Role, preview, source_facts
from stylize.ui.messages import failure_notice
from stylize.ui.uploads import load_upload


def segmented_pages(titles: Mapping[str, str], label: str) -> tuple[gr.Radio, dict[str, gr.Column]]:
    """Lay out a switch over pages of which the chosen one is seen; whoever asked for them fills the columns.

    Args:
        titles: value of the switch -> what is written on it; the first is chosen.
        label: what is switched, for those who do not see it.
    """
    first = next(iter(titles))
    switch = segments([(title, value) for value, title in titles.items()], first, label)
    pages = {value: gr.Column(visible=value == first, elem_classes="page") for value in titles}
    switch.change(
        lambda chosen: [gr.Column(visible=value == chosen) for value in pages],
        switch,
        list(pages.values()),
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    return switch, pages


def segments(choices: list[tuple[str, str]], value: str, label: str) -> gr.Radio:
    """A choice of a few, side by side on one bar."""
    return gr.Radio(choices, value=value, label=label, show_label=False, container=False, elem_classes="segments")


@dataclass(frozen=True)
class Upload:
    """A motion file, and which of its animations, None where it has one motion."""

    file: gr.File
    animation: gr.Dropdown


def upload_choice(role: Role, label: str, api_name: str) -> Upload:
    """Build an upload that shows what was found in the file, or in one sentence why it cannot be used."""
    with gr.Row(equal_height=False, elem_classes="choice"):
        with gr.Column(min_width=180):
            file = gr.File(
                label=label, file_types=sorted(READERS), height=110, elem_classes="upload", elem_id=f"{role}-file"
            )
            animation = gr.Dropdown([], label="Animation", visible=False, elem_classes="animation")
            facts = gr.HTML("", label="Facts", padding=False)
        picture = gr.HTML("", label="Preview", padding=False, elem_classes="picture")
    file.change(
        partial(inspect_upload, role=role),
        file,
        [facts, picture, animation],
        show_progress_on=facts,
        concurrency_id="compute",
        api_name=api_name,
        api_visibility="undocumented",
    )
    animation.input(
        partial(inspect_animation, role=role),
        [file, animation],
        [facts, picture],
        show_progress_on=facts,
        concurrency_id="compute",
        api_visibility="private",
    )
    return Upload(file, animation)


def inspect_upload(path: str | None, *, role: Role) -> tuple[str, str, gr.Dropdown]:
    """Facts of a motion file and its preview, as HTML, and the choice of its animations.

    What is wrong with the file is a sentence in place of the facts.
    """
    nothing = gr.Dropdown([], value=None, visible=False)
    if path is None:
        return "", "", nothing
    try:
        source = load_upload(path)
        names = source.animations
        taken = max((name for name in names if source.source.name.endswith(name)), key=len, default=None)
        choice = gr.Dropdown(list(names), value=taken, visible=True) if len(names) > 1 else nothing
        return source_facts(source), preview(source.motion, role), choice
    except Exception as error:
        return failure_notice(error), "", nothing


def inspect_animation(path: str, animation: str, *, role: Role) -> tuple[str, str]:
    """The same of another of the file's animations."""
    try:
        source = load_upload(path, animation)
        return source_facts(source), preview(source.motion, role)
    except Exception as error:
        return failure_notice(error), ""
