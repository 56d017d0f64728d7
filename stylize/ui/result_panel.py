"""What came out: the 3D view, the samples to choose from, what can be read of them, and the files to take away."""

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr

from stylize.io import GLTF_SUFFIXES, load_person
from stylize.pipeline import Stylizer
from stylize.ui.choices import segments
from stylize.ui.fragments import result_facts
from stylize.ui.runs import Run, file_formats, remove_all, shown_panels
from stylize.viewer.component import motion_viewer
from stylize.viewer.scene import scene

EMPTY = "Choose a motion and a style, then press Restyle."
STATE_SECONDS = 3600
MOST_KEPT = 12
"""Runs of a session that can be gone back to."""
NOTHING = "none"
VIEW, VIDEO = "view", "video"


@dataclass(frozen=True)
class ResultPanel:
    """The components that a run fills; ``runs`` holds a tuple of Run, the last one first."""

    runs: gr.State
    shown_as: gr.Radio
    view: gr.HTML
    video: gr.Video
    sample: gr.Radio
    facts: gr.HTML
    actions: gr.Row
    file_format: gr.Dropdown
    download: gr.Button
    file: gr.DownloadButton
    use: gr.Button
    on_character: gr.Accordion
    character: gr.File
    wear: gr.Button
    character_message: gr.HTML
    earlier: gr.Row
    run: gr.Dropdown
    compared: gr.Dropdown

    @property
    def run_outputs(self) -> list:
        """What a run fills, in the order of ``shown_run``."""
        return [
            *(self.runs, self.view, self.shown_as, self.video, self.sample, self.facts),
            *(self.actions, self.file_format, self.on_character, self.earlier, self.run, self.compared),
        ]


def result_panel(first: dict) -> ResultPanel:
    """Build the panel; ``first`` is the scene that is seen before anything was restyled."""
    runs = gr.State((), time_to_live=STATE_SECONDS, delete_callback=remove_all)
    with gr.Column(elem_classes="card result", elem_id="result"):
        shown_as = segments([("3D", VIEW), ("Video", VIDEO)], VIEW, "How the result is shown")
        shown_as.visible = False
        person, _ = load_person()
        view = motion_viewer(first, empty=EMPTY, label="Content, style and result", person=person, elem_id="view")
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
        with gr.Row(visible=False, elem_classes="actions") as actions:
            file_format = gr.Dropdown([], label="File", show_label=False, container=False, min_width=180, scale=2)
            download = gr.Button("Download", size="md", min_width=110, scale=1, elem_id="download")
            use = gr.Button("Use as motion", size="md", min_width=130, scale=1, elem_id="use-result")
            file = gr.DownloadButton("File", visible="hidden", elem_id="download-file")
        with gr.Accordion("On your own character", open=False, visible=False, elem_classes="more") as on_character:
            character = gr.File(
                label="Character",
                file_types=[*GLTF_SUFFIXES, ".bvh"],
                height=110,
                elem_classes="upload",
                elem_id="character-file",
            )
            wear = gr.Button("Download on this character", size="md", elem_id="wear")
            character_message = gr.HTML("", label="Message", padding=False)
        with gr.Row(visible=False, elem_classes="earlier") as earlier:
            run = gr.Dropdown([], label="Results of this session", min_width=200, elem_id="earlier")
            compared = gr.Dropdown([], label="Compare with", min_width=200, elem_id="compare")
    return ResultPanel(
        *(runs, shown_as, view, video, sample, facts, actions, file_format, download, file, use),
        *(on_character, character, wear, character_message, earlier, run, compared),
    )


def with_run(runs: Sequence[Run], new: Run) -> tuple[Run, ...]:
    """A session's runs with a new one first; the oldest go, with their files."""
    remove_all(runs[MOST_KEPT - 1 :])
    return (new, *runs[: MOST_KEPT - 1])


def shown_run(stylizer: Stylizer, runs: tuple[Run, ...], index: int = 0, compared: int | None = None) -> tuple:
    """Updates of ``ResultPanel.run_outputs`` that show one of a session's runs, beside another if asked for."""
    run = runs[index]
    count = len(run.result.motions)
    samples = [(f"Sample {number}", str(number)) for number in range(1, count + 1)]
    formats = file_formats(run.result)
    titles = [(f"{len(runs) - place}: {each.title}", str(place)) for place, each in enumerate(runs)]
    others = [("Nothing", NOTHING), *(choice for choice in titles if choice[1] != str(index))]
    return (
        runs,
        scene(shown_panels(run, None if compared is None else runs[compared])),
        gr.Radio(value=VIEW, visible=True),
        gr.Video(value=None, visible=False),
        gr.Radio(samples, value="1", visible=count > 1),
        sample_facts(stylizer, run, 0),
        gr.Row(visible=True),
        gr.Dropdown(formats, value=formats[0][1]),
        gr.Accordion(visible=True),
        gr.Row(visible=len(runs) > 1),
        gr.Dropdown(titles, value=str(index)),
        gr.Dropdown(others, value=NOTHING if compared is None else str(compared)),
    )


def sample_facts(stylizer: Stylizer, run: Run, index: int) -> str:
    """What can be read of one sample; each is measured once."""
    if index not in run.scores:
        run.scores[index] = stylizer.scores(run.result, index)
    return result_facts(run.result, run.scores[index])
