"""Styles of one's own, made from a few motions or opened from a file; each session sees only its own."""

import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder

from stylize.errors import StyleError
from stylize.io import READERS
from stylize.pipeline import Stylizer
from stylize.styles import MAX_STYLE_CLIPS, STYLE_SUFFIX, SavedStyle
from stylize.ui.fragments import described
from stylize.ui.messages import or_message
from stylize.ui.second_style import SecondStyle, second_style_update
from stylize.ui.uploads import load_upload

STATE_SECONDS = 2 * 3600
EXPLANATION = f"is made of 1 to {MAX_STYLE_CLIPS} motions, best of different actions; its file opens here another time."


@dataclass(frozen=True, eq=False)
class OwnStyle:
    """A style and its file, in a folder of its own."""

    style: SavedStyle
    file: Path

    @staticmethod
    def keep(style: SavedStyle) -> "OwnStyle":
        """Write the style's file within gradio's folder, so that gradio serves it and clears it away."""
        Path(get_upload_folder()).mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="style-", dir=get_upload_folder()))
        stem = re.sub(r"[^\w]+", "_", style.name, flags=re.ASCII).strip("_") or "my_style"
        return OwnStyle(style, style.save(folder / f"{stem}{STYLE_SUFFIX}"))

    def remove(self) -> None:
        """Delete the file."""
        shutil.rmtree(self.file.parent, ignore_errors=True)


@dataclass(frozen=True)
class OwnStylesPanel:
    """The components; ``kept`` holds a tuple of OwnStyle."""

    kept: gr.State
    choice: gr.Radio
    download: gr.DownloadButton
    clips: gr.File
    name: gr.Textbox
    make: gr.Button
    open: gr.UploadButton
    message: gr.HTML


def own_styles_panel() -> OwnStylesPanel:
    """Build the panel, without any style yet."""
    kept = gr.State((), time_to_live=STATE_SECONDS, delete_callback=_remove_all)
    with gr.Row(equal_height=False, elem_classes="own-styles"):
        choice = gr.Radio(
            [],
            label="Your style",
            show_label=False,
            container=False,
            visible=False,
            min_width=160,
            elem_classes="pills",
        )
        download = gr.DownloadButton(
            "Download", visible=False, size="sm", min_width=110, scale=0, elem_id="download-style"
        )
    clips = gr.File(
        label="Motion files",
        file_types=sorted(READERS),
        file_count="multiple",
        height=110,
        elem_classes="upload",
        elem_id="style-clips",
    )
    with gr.Row(elem_classes="make-style"):
        name = gr.Textbox(
            label="Name", placeholder="Name of the style", show_label=False, container=False, max_lines=1, min_width=130
        )
        make = gr.Button("Make style", size="md", min_width=120, scale=0)
    message = gr.HTML("", label="Message", padding=False)
    with gr.Row(elem_classes="open-style"):
        gr.HTML(described([("A style of your own", EXPLANATION)]), padding=False, min_width=160)
        opened = gr.UploadButton("Open file", file_types=[".safetensors"], size="sm", min_width=110, scale=0)
    return OwnStylesPanel(kept, choice, download, clips, name, make, opened, message)


def connect_own_styles(panel: OwnStylesPanel, second: SecondStyle, stylizer: Stylizer) -> None:
    """Make the panel work; its styles are offered as ``second`` style too."""
    added = [panel.kept, panel.choice, panel.download, second.kind, second.name]

    def add(kept: Sequence[OwnStyle], style: SavedStyle) -> tuple:
        kept = with_style(stylizer, kept, style)
        names = [own.style.name for own in kept]
        return *own_styles_update(kept, style.name), *second_style_update(stylizer.labels, names)

    def make_style(name: str, clips: list[str] | None, kept: tuple[OwnStyle, ...] = ()):
        """Make a style of this session from 1 to 5 motion files; the last output says what went wrong, if any."""
        return or_message(
            lambda: (*add(kept, stylizer.make_style(name, [load_upload(clip) for clip in clips or []])), None, ""),
            [*added, panel.clips, panel.name],
        )

    def open_style(file: str, kept: tuple[OwnStyle, ...] = ()):
        """Use a style file in this session; the last output says what is wrong with it, if anything is."""
        return or_message(lambda: add(kept, SavedStyle.load(file)), added)

    gr.on(
        [panel.make.click, panel.name.submit],
        make_style,
        [panel.name, panel.clips, panel.kept],
        [*added, panel.clips, panel.name, panel.message],
        show_progress_on=panel.message,
        concurrency_id="compute",
        api_name="make_style",
        api_visibility="undocumented",
    )
    panel.open.upload(
        open_style,
        [panel.open, panel.kept],
        [*added, panel.message],
        show_progress="hidden",
        api_name="open_style",
        api_visibility="undocumented",
    )
    panel.choice.input(
        lambda name, kept: next((str(own.file) for own in kept if own.style.name == name), None),
        [panel.choice, panel.kept],
        panel.download,
        show_progress="hidden",
        api_visibility="private",
    )


def with_style(stylizer: Stylizer, kept: Sequence[OwnStyle], style: SavedStyle) -> tuple[OwnStyle, ...]:
    """A session's styles with one more, in place of the one of that name; StyleError says why it cannot be used."""
    if style.name in (label.name for label in stylizer.labels):
        raise StyleError(f"There is a built-in style {style.name!r}; choose another name.")
    if not style.fits(stylizer.fingerprints):
        raise StyleError(f"The style {style.name!r} was made with another checkpoint; make it again with this one.")
    for old in (own for own in kept if own.style.name == style.name):
        old.remove()
    return *(own for own in kept if own.style.name != style.name), OwnStyle.keep(style)


def own_styles_update(kept: Sequence[OwnStyle], chosen: str) -> tuple:
    """Updates of ``kept``, ``choice`` and ``download`` where one of the session's styles is chosen."""
    file = next(own.file for own in kept if own.style.name == chosen)
    return (
        tuple(kept),
        gr.Radio([own.style.name for own in kept], value=chosen, visible=True),
        gr.DownloadButton(value=str(file), visible=True),
    )


def find_own_style(kept: Sequence[OwnStyle], name: str | None) -> SavedStyle | None:
    """The session's style of that name."""
    return next((own.style for own in kept if own.style.name == name), None)


def _remove_all(kept: Sequence[OwnStyle]) -> None:
    for own in kept or ():
        own.remove()
