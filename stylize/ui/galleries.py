"""Galleries of what the model does, made beforehand: they are there at once, and no model runs for them."""

from html import escape

import gradio as gr

from stylize.library import gallery
from stylize.ui.fragments import moving_picture, picture_uri

GALLERIES = {
    "same_content": ("One motion, every style", "The same walk in each style that the model knows by name."),
    "same_style": ("One style, every motion", "Whatever somebody does, here they do it as an elderly person."),
    "texts": ("Out of words", "Sentences alone made these, the manner included."),
}


def galleries() -> None:
    """Build the galleries; nothing where none were made."""
    for name, (title, text) in GALLERIES.items():
        pictures = gallery(name)
        if not pictures:
            continue
        figures = "".join(
            f"<figure>{moving_picture(picture_uri(path.read_bytes()), caption)}"
            f"<figcaption>{escape(caption)}</figcaption></figure>"
            for caption, path in pictures
        )
        with gr.Column(elem_classes="card gallery"):
            gr.HTML(
                f'<h2>{title} <small>{text}</small></h2><div class="figures" id="gallery-{name}">{figures}</div>',
                padding=False,
            )
