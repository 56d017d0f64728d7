"""The first step: the motion whose action is kept."""

from dataclasses import dataclass

import gradio as gr

from stylize.errors import MotionError
from stylize.library import list_library, load_entry
from stylize.motion import Motion
from stylize.source import SourceMotion, load_source
from stylize.ui.choices import library_choice, segmented_pages, upload_choice

LIBRARY, UPLOAD = "library", "upload"
DEFAULT_CONTENT = "walk"


@dataclass(frozen=True)
class ContentPanel:
    """The components that say which motion was chosen."""

    origin: gr.Radio
    entry: gr.Radio
    file: gr.File


def content_panel() -> ContentPanel:
    """Build the panel."""
    entries = list_library("content")
    default = next((entry.name for entry in entries if DEFAULT_CONTENT in entry.name), None)
    with gr.Column(elem_classes="card"):
        gr.HTML("<h2>Motion <small>the action to keep</small></h2>", padding=False)
        origin, pages = segmented_pages({LIBRARY: "Library", UPLOAD: "Your file"}, "Where the motion comes from")
        with pages[LIBRARY]:
            entry = gr.Radio(
                [(entry.title, entry.name) for entry in entries],
                value=default,
                label="Motion",
                show_label=False,
                container=False,
                min_width=180,
                elem_classes="pills",
                render=False,
            )
            library_choice(entry, "content")
        with pages[UPLOAD]:
            file = upload_choice("content", "Motion file", api_name="inspect_content")
    return ContentPanel(origin, entry, file)


def chosen_content(origin: str, entry: str | None, file: str | None) -> Motion | SourceMotion:
    """The motion that was chosen; StylizeError says what is missing or wrong."""
    if origin == LIBRARY:
        if entry is None:
            raise MotionError("No motion is chosen; choose one of the library, or upload a file.")
        return load_entry(entry)
    if file is None:
        raise MotionError("No motion was uploaded; upload a file, or choose one of the library.")
    return load_source(file)
