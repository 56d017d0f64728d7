"""What came out: the side-by-side video, the samples to choose from, and the files to take away."""

from dataclasses import dataclass

import gradio as gr

from stylize.ui.fragments import result_facts
from stylize.ui.runs import Run, SampleFiles

EMPTY = "<p>Choose a motion and a style, then press <b>Restyle</b>.</p>"
STATE_SECONDS = 3600


@dataclass(frozen=True)
class ResultPanel:
    """The components that a run fills."""

    run: gr.State
    empty: gr.HTML
    video: gr.Video
    sample: gr.Radio
    facts: gr.HTML
    bvh: gr.DownloadButton
    bvh_source: gr.DownloadButton
    mp4: gr.DownloadButton

    @property
    def sample_outputs(self) -> list:
        """What changes with the shown sample, in the order of ``shown_sample``."""
        return [self.video, self.bvh, self.bvh_source, self.mp4]

    @property
    def run_outputs(self) -> list:
        """What a run fills, in the order of ``shown_run``."""
        return [self.run, self.sample, self.facts, *self.sample_outputs]


def result_panel() -> ResultPanel:
    """Build the panel, empty."""
    run = gr.State(None, time_to_live=STATE_SECONDS, delete_callback=lambda run: run and run.remove())
    with gr.Column(elem_classes="card result", elem_id="result"):
        empty = gr.HTML(EMPTY, padding=False, elem_classes="empty")
        video = gr.Video(
            label="Comparison",
            show_label=False,
            container=False,
            autoplay=True,
            loop=True,
            interactive=False,
            visible=False,
            buttons=[],
            elem_id="comparison",
        )
        sample = gr.Radio(
            ["1"],
            value="1",
            label="Sample",
            visible=False,
            container=False,
            show_label=False,
            elem_classes="segments samples",
        )
        facts = gr.HTML("", label="Facts", padding=False, elem_id="facts")
        with gr.Row(elem_classes="downloads"):
            bvh_source = gr.DownloadButton(
                "BVH, your skeleton", visible=False, size="md", min_width=140, elem_id="download-source"
            )
            bvh = gr.DownloadButton("BVH, 22 joints", visible=False, size="md", min_width=140, elem_id="download-bvh")
            mp4 = gr.DownloadButton("Video, MP4", visible=False, size="md", min_width=140, elem_id="download-mp4")
    return ResultPanel(run, empty, video, sample, facts, bvh, bvh_source, mp4)


def shown_sample(files: SampleFiles) -> tuple:
    """Updates of ``ResultPanel.sample_outputs``."""
    source = files.on_source
    kind = source.suffix[1:].upper() if source is not None else ""
    return (
        gr.Video(value=str(files.video), visible=True),
        gr.DownloadButton(value=str(files.bvh), visible=True),
        gr.DownloadButton(
            f"{kind}, your skeleton", value=None if source is None else str(source), visible=source is not None
        ),
        gr.DownloadButton(value=str(files.video), visible=True),
    )


def shown_run(run: Run, files: SampleFiles) -> tuple:
    """Updates of ``ResultPanel.run_outputs``."""
    count = len(run.result.motions)
    choices = [(f"Sample {number}", str(number)) for number in range(1, count + 1)]
    return (
        run,
        gr.Radio(choices, value="1", visible=count > 1),
        result_facts(run.result),
        *shown_sample(files),
    )
