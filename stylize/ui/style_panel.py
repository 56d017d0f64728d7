"""The second step: the manner that the motion gets."""

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr

from stylize.errors import StyleError
from stylize.library import list_library, load_entry, style_example
from stylize.styles import MAX_STYLE_CLIPS, SavedStyle, Style, StyleLabel
from stylize.ui.cards import card_choice
from stylize.ui.choices import Upload, segmented_pages, upload_choice
from stylize.ui.fragments import described, shown_label, shown_name
from stylize.ui.own_styles import OwnStylesPanel, own_styles_panel
from stylize.ui.uploads import load_upload

LABEL, LIBRARY, UPLOAD, OWN, SAMPLE = "name", "library", "upload", "own", "sample"
TITLES = {LABEL: "Name", LIBRARY: "Example", UPLOAD: "Your file", OWN: "Your style", SAMPLE: "Surprise"}
LABEL_TITLES = ("Style", "Experimental style")
DEFAULT_LABEL = "elderly"


@dataclass(frozen=True)
class StylePanel:
    """The components that say which style was chosen."""

    kind: gr.Radio
    label: gr.Radio
    experimental_label: gr.Radio
    entry: gr.Radio
    upload: Upload
    own: OwnStylesPanel


def style_panel(labels: Sequence[StyleLabel]) -> StylePanel:
    """Build the panel; a model without labels has no choice by name."""
    titles = {value: title for value, title in TITLES.items() if labels or value != LABEL}
    with gr.Column(elem_classes="card"):
        gr.HTML("<h2>Style <small>the manner to give it</small></h2>", padding=False)
        kind, pages = segmented_pages(titles, "What gives the style")
        if labels:
            with pages[LABEL]:
                label, experimental_label = _label_choice(labels)
        else:
            label, experimental_label = (gr.Radio([], label=title, visible=False) for title in LABEL_TITLES)
        with pages[LIBRARY]:
            entry = _reference_choice(labels)
        with pages[UPLOAD]:
            upload = upload_choice("style", "Any action in the style", api_name="inspect_reference")
        with pages[OWN]:
            own = own_styles_panel()
        with pages[SAMPLE]:
            gr.HTML(
                described([("Surprise me.", "The model draws a style of its own; another seed, another style.")]),
                padding=False,
            )
    return StylePanel(kind, label, experimental_label, entry, upload, own)


def _label_choice(labels: Sequence[StyleLabel]) -> tuple[gr.Radio, gr.Radio]:
    """Two groups of names of which one name is chosen, with its description and an example."""
    by_name = {label.name: label for label in labels}
    tried = [label for label in labels if not label.experimental]
    experimental = [label for label in labels if label.experimental]
    default = by_name.get(DEFAULT_LABEL, (tried or labels)[0])

    def explain(name: str | None):
        return _description(by_name[name]) if name else gr.skip()

    tried_radio = _label_cards(tried, default.name, LABEL_TITLES[0])
    text = gr.HTML(_description(default), padding=False)
    with gr.Accordion(
        f"{len(experimental)} experimental styles",
        open=False,
        visible=bool(experimental),
        elem_classes="experimental",
    ):
        gr.HTML(described([("Experimental:", "learned from about one clip of each action, so less reliable.")]))
        experimental_radio = _label_cards(experimental, None, LABEL_TITLES[1])
    for radio, other in ((tried_radio, experimental_radio), (experimental_radio, tried_radio)):
        radio.input(None, None, other, js="() => null", api_visibility="private")
        radio.change(explain, radio, text, show_progress="hidden", queue=False, api_visibility="private")
    return tried_radio, experimental_radio


def _reference_choice(labels: Sequence[StyleLabel]) -> gr.Radio:
    """The bundled references, those of experimental styles last."""
    experimental = {label.name for label in labels if label.experimental}
    entries = sorted(list_library("style"), key=lambda entry: entry.label in experimental)
    default = next((entry.name for entry in entries if entry.label == DEFAULT_LABEL), None)
    titles: list[str] = []
    for entry in entries:  # both sets have an "active"
        title = shown_name(entry.label or entry.title)
        titles.append(f"{title} {titles.count(title) + 1}" if title in titles else title)
    cards = [(title, entry.name, entry.name) for title, entry in zip(titles, entries, strict=True)]
    return card_choice(cards, default, "Reference motion", "reference-cards")


def _label_cards(labels: Sequence[StyleLabel], value: str | None, title: str) -> gr.Radio:
    examples = {label.name: style_example(label.name) for label in labels}
    cards = [(shown_name(name), name, entry.name if entry else "") for name, entry in examples.items()]
    return card_choice(cards, value, title, title.lower().replace(" ", "-") + "-cards")


def _description(label: StyleLabel) -> str:
    return described([(shown_label(label), label.description)])


def chosen_style(
    kind: str,
    label: str | None,
    experimental_label: str | None,
    entry: str | None,
    file: str | None,
    animation: str | None,
    own: SavedStyle | None,
) -> Style:
    """The style that was chosen; StylizeError says what is missing or wrong."""
    if kind == SAMPLE:
        return Style.sample()
    if kind == LABEL:
        name = experimental_label or label
        if name is None:
            raise StyleError("No style is chosen; choose one by its name.")
        return Style.from_label(name)
    if kind == LIBRARY:
        if entry is None:
            raise StyleError("No style reference is chosen; choose one of the library, or upload a file.")
        return Style.from_motion(load_entry(entry))
    if kind == OWN:
        if own is None:
            raise StyleError(f"There is no style of yours yet; upload 1 to {MAX_STYLE_CLIPS} motions and make it.")
        return Style.from_file(own)
    if file is None:
        raise StyleError("No style reference was uploaded; upload a file, or choose the style in another way.")
    return Style.from_motion(load_upload(file, animation))
