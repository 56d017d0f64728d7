"""The third step: how much, how many, and go."""

from dataclasses import dataclass

import gradio as gr

from stylize.pipeline import MAX_SAMPLES, MAX_STRENGTH

DRAW_SEED = "() => Math.floor(Math.random() * 1000000)"


@dataclass(frozen=True)
class RunPanel:
    """The settings of a run, its button, and the place for what went wrong."""

    strength: gr.Slider
    num_samples: gr.Slider
    seed: gr.Number
    button: gr.Button
    message: gr.HTML


def run_panel() -> RunPanel:
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
        message = gr.HTML("", label="Message", padding=False, elem_id="message")
    other_seed.click(None, None, seed, js=DRAW_SEED, api_visibility="private")
    return RunPanel(strength, num_samples, seed, button, message)
