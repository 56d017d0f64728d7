"""The third step: how much, how many, and go."""

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr

from stylize.pipeline import MAX_SAMPLES, MAX_STRENGTH
from stylize.styles import StyleLabel
from stylize.ui.choices import segments
from stylize.ui.second_style import SecondStyle, second_style_choice

BODY_TITLES = [("Whole body", "full"), ("Upper body", "upper"), ("Lower body", "lower")]

DRAW_SEED = "() => Math.floor(Math.random() * 1000000)"


@dataclass(frozen=True)
class RunPanel:
    """The settings of a run, its button, and the place for what went wrong."""

    strength: gr.Slider
    num_samples: gr.Slider
    seed: gr.Number
    keep_timing: gr.Checkbox
    body: gr.Radio
    second: SecondStyle
    lock_seed: gr.Checkbox
    button: gr.Button
    stop: gr.Button
    message: gr.HTML


def run_panel(labels: Sequence[StyleLabel]) -> RunPanel:
    """Build the panel."""
    with gr.Column(elem_classes="card settings"):
        with gr.Row(equal_height=False):
            strength = gr.Slider(0.0, MAX_STRENGTH, 1.0, step=0.05, label="Strength", min_width=0, buttons=[])
            num_samples = gr.Slider(1, MAX_SAMPLES, 1, step=1, label="Samples", min_width=0, buttons=[])
            other_seed = gr.Button("New", size="sm")
            seed = gr.Number(
                0, label="Seed", precision=0, minimum=0, maximum=2**31 - 1, min_width=0, buttons=[other_seed]
            )
            button = gr.Button("Restyle", variant="primary", size="lg", min_width=150, scale=1, elem_id="restyle")
            stop = gr.Button("Stop", variant="stop", size="lg", min_width=150, scale=1, elem_id="stop")
        with gr.Accordion("More: mix, body part, timing, seed", open=False, elem_classes="more"):
            second = second_style_choice(labels)
            body = segments(BODY_TITLES, "full", "Part of the body")
            keep_timing = gr.Checkbox(False, label="Keep the content's timing", container=False)
            lock_seed = gr.Checkbox(True, label="Keep the seed from one restyle to the next", container=False)
        message = gr.HTML("", label="Message", padding=False, elem_id="message")
    other_seed.click(None, None, seed, js=DRAW_SEED, api_visibility="private")
    return RunPanel(strength, num_samples, seed, keep_timing, body, second, lock_seed, button, stop, message)
