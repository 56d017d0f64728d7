"""Choices with small moving pictures: radio buttons whose labels play a sprite of the motion that they stand for."""

from collections.abc import Mapping, Sequence
from functools import cache

import gradio as gr

from stylize.library import preview_path
from stylize.ui.fragments import picture_uri


def card_choice(names: Sequence[tuple[str, str, str]], value: str | None, label: str, elem_id: str) -> gr.Radio:
    """Build a choice of cards.

    Args:
        names: of each card its title, its value, and the bundled motion that it shows ("" for none).
        value: the chosen one.
        label: what is chosen, for those who do not see it.
        elem_id: of the choice; unique on the page.
    """
    pictures = {index: sprite_uri(motion) for index, (_, _, motion) in enumerate(names, 1) if sprite_uri(motion)}
    gr.HTML(_stylesheet(elem_id, pictures), padding=False, elem_classes="hidden")
    return gr.Radio(
        [(title, name) for title, name, _ in names],
        value=value,
        label=label,
        show_label=False,
        container=False,
        min_width=180,
        elem_id=elem_id,
        elem_classes="cards",
    )


@cache
def sprite_uri(motion: str) -> str:
    """The sprite of a bundled motion as an address that holds it, or nothing where there is none."""
    path = preview_path(motion) if motion else None
    return picture_uri(path.read_bytes()) if path else ""


def _stylesheet(elem_id: str, pictures: Mapping[int, str]) -> str:
    rules = (
        f"#{elem_id} label:nth-of-type({index})::before{{background-image:url({uri})}}"
        for index, uri in pictures.items()
    )
    return f"<style>{''.join(rules)}</style>"
