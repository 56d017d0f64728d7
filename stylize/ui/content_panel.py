"""The first step: the motion whose action is kept."""

import math
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from stylize.errors import MotionError
from stylize.library import list_library, load_entry
from stylize.motion import Motion
from stylize.source import MAX_SECONDS, SourceMotion
from stylize.ui.cards import card_choice
from stylize.ui.choices import Upload, segmented_pages, upload_choice
from stylize.ui.fragments import described
from stylize.ui.text_panel import TextPanel, text_panel
from stylize.ui.uploads import load_upload

LIBRARY, UPLOAD, TEXT, RESULT = "library", "upload", "text", "result"
DEFAULT_CONTENT = "walk"
# The cards scroll in a window of their own; a settings file may choose one that is out of sight.
SHOW_CHOSEN = """() => requestAnimationFrame(() => {
    const chosen = document.querySelector('#content-cards label:has(:checked)');
    if (!chosen) return;
    const cards = chosen.parentElement;
    const [top, bottom] = [chosen.offsetTop - 8, chosen.offsetTop + chosen.offsetHeight + 28];
    if (top < cards.scrollTop) cards.scrollTop = top;
    else if (bottom > cards.scrollTop + cards.clientHeight) cards.scrollTop = bottom - cards.clientHeight;
})"""
NO_RESULT = "Press “Use as motion” under a result, and it is restyled from here."


@dataclass(frozen=True)
class ContentPanel:
    """The components that say which motion was chosen.

    ``kept`` holds a result that is to be a content; ``text`` is None where the model makes no motion out of words.
    """

    origin: gr.Radio
    entry: gr.Radio
    upload: Upload
    kept: gr.State
    kept_title: gr.HTML
    text: TextPanel | None
    start: gr.Slider
    end: gr.Slider


def content_panel(with_text: bool) -> ContentPanel:
    """Build the panel, with a page for words if the model understands them."""
    entries = list_library("content")
    default = next((entry.name for entry in entries if DEFAULT_CONTENT in entry.name), None)
    entries = sorted(entries, key=lambda entry: entry.name != default)  # where the eye is first
    length = _up(load_entry(default).duration) if default else MAX_SECONDS
    kept = gr.State(None)
    with gr.Column(elem_classes="card"):
        gr.HTML("<h2>Motion <small>the action to keep</small></h2>", padding=False)
        titles = {LIBRARY: "Library", UPLOAD: "Your file", TEXT: "Words", RESULT: "A result"}
        if not with_text:
            del titles[TEXT]
        origin, pages = segmented_pages(titles, "Where the motion comes from")
        with pages[LIBRARY]:
            cards = [(entry.title, entry.name, entry.name) for entry in entries]
            entry = card_choice(cards, default, "Motion", "content-cards")
            entry.change(None, None, None, js=SHOW_CHOSEN, api_visibility="private")
        with pages[UPLOAD]:
            upload = upload_choice("content", "Motion file", api_name="inspect_content")
        text = None
        if with_text:
            with pages[TEXT]:
                text = text_panel()
        with pages[RESULT]:
            kept_title = gr.HTML(described([("No result yet.", NO_RESULT)]), padding=False)
        with gr.Accordion("Trim", open=False, elem_classes="more"), gr.Row(elem_classes="trim"):
            start = gr.Slider(0, length, 0, step=0.1, label="Start, s", min_width=0, buttons=[])
            end = gr.Slider(0, length, length, step=0.1, label="End, s", min_width=0, buttons=[])
    panel = ContentPanel(origin, entry, upload, kept, kept_title, text, start, end)
    made = text.made if text else gr.State(None)
    # By what people do: a file of settings that is opened sets the trim itself.
    gr.on(
        [origin.input, entry.input, upload.file.change, upload.animation.input, kept.change, made.change],
        _whole,
        [origin, entry, upload.file, upload.animation, kept, made],
        [start, end],
        show_progress="hidden",
        api_visibility="private",
    )
    return panel


def _whole(*choice: Any) -> tuple[gr.Slider, gr.Slider]:
    """The trim sliders over the whole of what ``_chosen`` takes; what is wrong with it is said elsewhere."""
    try:
        return trim_update(_chosen(*choice)[1])
    except Exception:  # the upload's own notice says what is wrong with the file
        return gr.Slider(), gr.Slider()


def trim_update(motion: Motion) -> tuple[gr.Slider, gr.Slider]:
    """Updates of ``start`` and ``end`` that take all of a motion."""
    duration = _up(motion.duration)
    return gr.Slider(maximum=duration, value=0), gr.Slider(maximum=duration, value=duration)


def _up(seconds: float) -> float:
    """The next step of the trim sliders, so that they show no endless fraction and still hold all of a motion."""
    return math.ceil(seconds * 10 - 1e-6) / 10


def _chosen(
    origin: str,
    entry: str | None,
    file: str | None,
    animation: str | None,
    kept: SourceMotion | Motion | None,
    made: Motion | None,
) -> tuple[Motion | SourceMotion, Motion]:
    """The chosen motion, and the same as a canonical one; StylizeError says what is missing or wrong."""
    if origin == LIBRARY:
        if entry is None:
            raise MotionError("No motion is chosen; choose one of the library, or upload a file.")
        chosen = load_entry(entry)
    elif origin == RESULT:
        if kept is None:
            raise MotionError("No result is kept yet; press “Use as motion” under a result first.")
        chosen = kept
    elif origin == TEXT:
        if made is None:
            raise MotionError("No motion was made of words yet; write what somebody does and press Make the motion.")
        chosen = made
    elif file is None:
        raise MotionError("No motion was uploaded; upload a file, or choose one of the library.")
    else:
        chosen = load_upload(file, animation)
    return chosen, chosen.motion if isinstance(chosen, SourceMotion) else chosen


def chosen_content(
    origin: str,
    entry: str | None,
    file: str | None,
    animation: str | None = None,
    kept: SourceMotion | Motion | None = None,
    made: Motion | None = None,
    start: float = 0.0,
    end: float | None = None,
) -> Motion | SourceMotion:
    """The motion that was chosen, from start to end in seconds; StylizeError says what is missing or wrong."""
    chosen, motion = _chosen(origin, entry, file, animation, kept, made)
    end = motion.duration if end is None else min(end, motion.duration)
    if start <= 0 and end >= motion.duration - 0.05:
        return chosen
    if end - start < 2 / motion.fps:
        raise MotionError(f"The motion is trimmed to {max(end - start, 0):.1f} s; move start and end further apart.")
    cut = replace(motion.crop(start, end), name=motion.name)
    if isinstance(chosen, SourceMotion):
        return replace(chosen, motion=cut, source=chosen.source.crop(start, end))
    return cut
