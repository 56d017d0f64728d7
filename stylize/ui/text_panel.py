"""A motion out of words: what to do, how it was understood, and the motion that came of it."""

from dataclasses import dataclass, replace

import gradio as gr

from stylize.motion import Motion
from stylize.pipeline import Stylizer
from stylize.render.video import Panel
from stylize.ui.choices import segments
from stylize.ui.fragments import described, notice
from stylize.ui.messages import or_message
from stylize.viewer.scene import scene

EXAMPLES = (
    "a person walks, then waves with the right hand",
    "an old man walks slowly",
    "run; turn left; raise both hands",
    "someone bows sadly",
)
EXPLANATION = "walking, running, turning, waving, raising hands and bowing it knows best. The manner goes to Style."
MAX_SECONDS, MAX_SAMPLES = 30, 4
NAMED = "name"
"""The style panel's value for a style by its name."""


@dataclass(frozen=True)
class TextPanel:
    """The components; ``drawn`` holds the motions that the last text made, and ``made`` the one that is restyled."""

    made: gr.State
    drawn: gr.State
    prompt: gr.Textbox
    seconds: gr.Slider
    guidance: gr.Slider
    samples: gr.Number
    seed: gr.Number
    button: gr.Button
    sample: gr.Radio
    understood: gr.HTML


def text_panel() -> TextPanel:
    """Build the panel."""
    made, drawn = gr.State(None), gr.State(())
    prompt = gr.Textbox(
        label="What somebody does, in English",
        placeholder=EXAMPLES[0],
        lines=2,
        max_lines=4,
        max_length=400,
        elem_id="prompt",
    )
    with gr.Row(elem_classes="examples"):
        for example in EXAMPLES:
            button = gr.Button(example, size="sm", min_width=120)
            button.click(None, None, prompt, js=f"() => {example!r}", api_visibility="private")
    with gr.Row(elem_classes="trim words"):
        seconds = gr.Slider(0, MAX_SECONDS, 0, step=0.5, label="Seconds (0: any)", min_width=0, buttons=[])
        guidance = gr.Slider(1, 6, 2, step=0.5, label="Follow the text", min_width=0, buttons=[])
    with gr.Row(elem_classes="make-style words"):
        samples = gr.Number(1, label="Variants", precision=0, minimum=1, maximum=MAX_SAMPLES, min_width=70)
        seed = gr.Number(0, label="Motion seed", precision=0, minimum=0, maximum=2**31 - 1, min_width=110)
        go = gr.Button("Make the motion", size="md", min_width=140, elem_id="generate")
    understood = gr.HTML(described([("Made of words:", EXPLANATION)]), label="Understood", padding=False)
    sample = segments([("Variant 1", "1")], "1", "Which of the motions is restyled")
    sample.visible = False
    return TextPanel(made, drawn, prompt, seconds, guidance, samples, seed, go, sample, understood)


def connect_text(
    panel: TextPanel, stylizer: Stylizer, view: gr.HTML, style_kind: gr.Radio, style_label: gr.Radio
) -> None:
    """Make the panel work: the motion is seen in ``view``, and the manner of the text is chosen as the style."""
    tried = [label.name for label in stylizer.labels if not label.experimental]
    outputs = [panel.drawn, panel.sample, panel.made, view, style_kind, style_label]

    def generate(prompt: str, seconds: float, guidance: float, samples: int | None, seed: int | None):
        """Make motions from a text; the last output says how it was understood, or what went wrong."""
        said: list[str] = []

        def work() -> tuple:
            understood = stylizer.understand(prompt)
            result = stylizer.generate(
                replace(understood, style=None),
                seconds or None,
                guidance=guidance,
                seed=int(seed or 0),
                num_samples=int(samples or 1),
            )
            motions = tuple(replace(motion, name=prompt[:60]) for motion in result.motions)
            by_name = understood.style in tried
            said.append(described([("Understood:", f"{understood.describe()}. {motions[0].duration:.1f} s.")]))
            said.extend(notice(text, "warning") for text in result.warnings)
            choices = [(f"Variant {number}", str(number)) for number in range(1, len(motions) + 1)]
            return (
                motions,
                gr.Radio(choices, value="1", visible=len(motions) > 1),
                motions[0],
                seen(motions),
                NAMED if by_name else gr.skip(),
                understood.style if by_name else gr.skip(),
            )

        *updates, message = or_message(work, outputs)
        return *updates, message or "".join(said)

    gr.on(
        [panel.button.click, panel.prompt.submit],
        generate,
        [panel.prompt, panel.seconds, panel.guidance, panel.samples, panel.seed],
        [*outputs, panel.understood],
        show_progress_on=panel.understood,
        concurrency_id="compute",
        api_name="generate",
        api_visibility="undocumented",
    )
    panel.sample.input(
        lambda motions, number: (motions[int(number) - 1], seen(motions[int(number) - 1 :][:1])),
        [panel.drawn, panel.sample],
        [panel.made, view],
        show_progress="hidden",
        api_visibility="private",
    )


def seen(motions: tuple[Motion, ...]):
    """The 3D view of what a text made."""
    titles = ["Content"] if len(motions) == 1 else [f"Variant {number}" for number in range(1, len(motions) + 1)]
    return scene([Panel(m, title, subtitle=m.name, role="content") for title, m in zip(titles, motions, strict=True)])
