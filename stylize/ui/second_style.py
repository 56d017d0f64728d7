"""A second style: at once with the first, or after it."""

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr

from stylize.errors import StyleError
from stylize.styles import SavedStyle, Style, StyleLabel
from stylize.ui.choices import segments
from stylize.ui.fragments import shown_label

NONE, MIX, CHANGE = "none", "mix", "change"
LEAST_SHARE, MOST_SHARE = 0.05, 0.95


@dataclass(frozen=True)
class SecondStyle:
    """The components that say what comes beside the first style, or after it."""

    kind: gr.Radio
    name: gr.Dropdown
    share: gr.Slider


def second_style_choice(labels: Sequence[StyleLabel]) -> SecondStyle:
    """Build the choice; it is not seen while there is no style to choose."""
    choices = _choices(labels, ())
    titles = [("One style", NONE), ("Mix with", MIX), ("Change into", CHANGE)]
    kind = segments(titles, NONE, "Second style")
    kind.visible = bool(choices)
    with gr.Row(visible=False, elem_classes="second") as row:
        first = choices[0][1] if choices else None
        name = gr.Dropdown(choices, value=first, label="Second style", min_width=150)
        share = gr.Slider(LEAST_SHARE, MOST_SHARE, 0.5, step=0.05, label="Its share", min_width=150, buttons=[])
    kind.change(
        lambda kind: (gr.Row(visible=kind != NONE), gr.Slider(visible=kind == MIX)),
        kind,
        [row, share],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    return SecondStyle(kind, name, share)


def second_style_update(
    labels: Sequence[StyleLabel], own_names: Sequence[str], chosen: str | None = None
) -> tuple[gr.Radio, gr.Dropdown]:
    """Updates of ``kind`` and ``name`` with a session's own styles; ``chosen`` is chosen, if it is given."""
    name = gr.Dropdown(_choices(labels, own_names))
    return gr.Radio(visible=True), name if chosen is None else gr.Dropdown(_choices(labels, own_names), value=chosen)


def with_second(first: Style, kind: str, second: str | SavedStyle | None, share: float) -> Style:
    """The first style alone, mixed with a second one, or turning into it; a label or a style of one's own."""
    if kind == NONE:
        return first
    if second is None:
        raise StyleError("No second style is chosen; choose one by its name.")
    style = Style.from_file(second) if isinstance(second, SavedStyle) else Style.from_label(second)
    return Style.mix([(first, 1 - share), (style, share)]) if kind == MIX else Style.transition(first, style)


def _choices(labels: Sequence[StyleLabel], own_names: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, name) for name in own_names] + [(shown_label(label), label.name) for label in labels]
