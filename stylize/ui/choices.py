"""The two ways to choose a motion, each with a preview: from the library, or a file of one's own."""

import logging
from functools import partial

import gradio as gr

from stylize.errors import StylizeError
from stylize.io import READERS
from stylize.pipeline import load_source
from stylize.ui.fragments import Role, library_preview, notice, preview, source_facts

LOGGER = logging.getLogger(__name__)

FAILURE = "Something went wrong on our side and was logged; please try again, or choose another motion."


def library_choice(choice: gr.Radio | gr.Dropdown, role: Role) -> None:
    """Lay out a choice among bundled motions, whose values are their names, with the chosen one's preview beside it."""
    with gr.Row(equal_height=False, elem_classes="choice"):
        choice.render()
        shown = library_preview(choice.value, role) if choice.value else ""
        picture = gr.HTML(shown, padding=False, elem_classes="picture")
    choice.input(partial(library_preview, role=role), choice, picture, show_progress="hidden", api_visibility="private")


def upload_choice(role: Role, label: str, api_name: str) -> gr.File:
    """Build an upload that shows what was found in the file, or in one sentence why it cannot be used."""
    with gr.Row(equal_height=False, elem_classes="choice"):
        with gr.Column(min_width=180):
            file = gr.File(label=label, file_types=sorted(READERS), height=110, elem_classes="upload")
            facts = gr.HTML("", label="Facts", padding=False)
        picture = gr.HTML("", label="Preview", padding=False, elem_classes="picture")
    file.change(
        partial(inspect_upload, role=role),
        file,
        [facts, picture],
        show_progress_on=facts,
        concurrency_id="compute",
        api_name=api_name,
    )
    return file


def inspect_upload(path: str | None, *, role: Role) -> tuple[str, str]:
    """Facts of a motion file and its preview, as HTML; what is wrong with it is a sentence in place of the facts."""
    if path is None:
        return "", ""
    try:
        source = load_source(path)
        return source_facts(source), preview(source.motion, role)
    except StylizeError as error:
        return notice(str(error)), ""
    except Exception:
        LOGGER.exception("inspecting an upload failed")
        return notice(FAILURE), ""
