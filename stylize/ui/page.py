"""The whole page: the panels, and what happens between them."""

from typing import Any

import gradio as gr

from stylize.comparison import comparison_panels
from stylize.io import READERS
from stylize.pipeline import Stylizer
from stylize.ui.actions import Actions, first_result
from stylize.ui.api import add_endpoints
from stylize.ui.content_panel import ContentPanel, content_panel
from stylize.ui.fragments import notice
from stylize.ui.galleries import galleries
from stylize.ui.open_recipe import connect_recipe
from stylize.ui.own_styles import connect_own_styles
from stylize.ui.result_panel import ResultPanel, result_panel
from stylize.ui.run_panel import RunPanel, run_panel
from stylize.ui.style_panel import style_panel
from stylize.ui.text_panel import connect_text
from stylize.ui.uploads import REFUSE_AT_ONCE
from stylize.viewer.scene import scene

try:  # Hugging Face lends a GPU to functions that are marked so; elsewhere there is nothing to mark
    from spaces import GPU as on_gpu  # noqa: N811  # pyright: ignore[reportMissingImports]
except ImportError:

    def on_gpu(function):
        """Leave the function as it is."""
        return function


TITLE = "Motion Stylizer"
HEADER = f"<header><h1>{TITLE}</h1><p>The same action in another manner: a walk becomes an old man's walk.</p></header>"
CACHE_CHECK_SECONDS, CACHE_AGE_SECONDS = 600, 3600
QUEUE_SIZE, PEOPLE_AT_ONCE = 20, 2

# While a restyle runs, the button that stops it is seen in place of the one that starts it.
RUNNING = """() => {
    document.body.dataset.restyling = '';
    const result = document.getElementById('result');
    if (result && result.getBoundingClientRect().top > window.innerHeight * 0.6) {
        result.scrollIntoView({behavior: 'smooth', block: 'start'});
    }
}"""

NOT_RUNNING = "() => { delete document.body.dataset.restyling; }"

# Gradio itself refuses a run where too many wait; a run that was stopped looks the same to it.
REFUSED = f"""(said) => {{
    if (!('restyling' in document.body.dataset)) return said;
    delete document.body.dataset.restyling;
    return `{notice("The app is busy, or was stopped; press Restyle again in a moment. Everything is as it was.")}`;
}}"""

# Gradio names each radio button apart, so that the arrow keys would not move between those of one choice. A choice
# keeps its name: two that had the same for a moment would take the check mark from each other.
NAME_CHOICES = """() => {
    let named = 0;
    const nameAll = () => document.querySelectorAll('.cards, .segments, .pills').forEach((choice) => {
        choice.dataset.choice ??= `choice-${named++}`;
        choice.querySelectorAll('input[type=radio]').forEach((radio) => { radio.name = choice.dataset.choice; });
    });
    document.addEventListener('focusin', nameAll);
    nameAll();
}"""

# The right side stays in sight while the left one scrolls; where it is higher than the window, its lower end does.
KEEP_IN_SIGHT = """() => {
    const side = document.querySelector('.sticky');
    const place = () => { side.style.top = `${Math.min(16, window.innerHeight - side.offsetHeight - 16)}px`; };
    new ResizeObserver(place).observe(side);
    window.addEventListener('resize', place);
}"""

PRESS_DOWNLOAD = """() => {
    setTimeout(() => document.querySelector('#download-file, #download-file a')?.click(), 50);
}"""


def build_page(stylizer: Stylizer, queue_size: int = QUEUE_SIZE) -> gr.Blocks:
    """The app for one loaded model; whoever launches it adds theme and stylesheet."""
    with gr.Blocks(title=TITLE, delete_cache=(CACHE_CHECK_SECONDS, CACHE_AGE_SECONDS), analytics_enabled=False) as page:
        with gr.Row(elem_classes="header"):
            gr.HTML(HEADER, padding=False)
            opened = gr.UploadButton(
                "Open settings file", file_types=[".json"], size="sm", min_width=150, scale=0, elem_id="open-settings"
            )
        with gr.Row(equal_height=False, elem_classes="columns"):
            with gr.Column(scale=5, min_width=325):
                content = content_panel(with_text=stylizer.generator is not None)
                style = style_panel(stylizer.labels)
            with gr.Column(scale=8, min_width=300, elem_classes="sticky"):
                settings = run_panel(stylizer.labels)
                result = result_panel(scene(comparison_panels(first_result(stylizer))))
        galleries()
        add_endpoints(stylizer, sorted(READERS))
        connect_own_styles(style.own, settings.second, stylizer)
        if content.text is not None:
            connect_text(content.text, stylizer, result.view, style.kind, style.label)
        connect_recipe(opened, content, style, settings, stylizer)
        actions = Actions(stylizer, result)
        inputs = [
            *(content.origin, content.entry),
            *(style.kind, style.label, style.entry),
            *(settings.strength, settings.num_samples, settings.seed),
            *(content.upload.file, content.upload.animation),
            *(style.experimental_label, style.upload.file, style.upload.animation, style.own.choice),
            *(settings.keep_timing, settings.body),
            *(settings.second.kind, settings.second.name, settings.second.share),
            *(content.start, content.end, settings.lock_seed),
            *(content.kept, content.text.made if content.text else gr.State(None), style.own.kept, result.runs),
        ]
        # Gradio runs what a click starts in this order, each after the one before it.
        settings.button.click(None, None, None, js=RUNNING, api_visibility="private")
        started = settings.button.click(
            on_gpu(actions.restyle),
            inputs,
            [*result.run_outputs, settings.seed, settings.message],
            show_progress_on=result.view,
            concurrency_id="compute",
            concurrency_limit=PEOPLE_AT_ONCE,
            api_name="restyle",
            api_visibility="undocumented",
        )
        started.then(None, None, None, js=NOT_RUNNING, api_visibility="private")
        started.failure(None, settings.message, settings.message, js=REFUSED, api_visibility="private")
        # The browser waits no longer, be it for the run or in the queue; a run itself ends at its next step.
        settings.stop.click(
            actions.stop,
            None,
            settings.message,
            js=NOT_RUNNING,
            cancels=[started],
            queue=False,
            api_visibility="private",
        )
        _connect_result(actions, result, content, settings)
        for script in (NAME_CHOICES, KEEP_IN_SIGHT, REFUSE_AT_ONCE):
            page.load(None, None, None, js=script, api_visibility="private")
    page.queue(max_size=queue_size, default_concurrency_limit=PEOPLE_AT_ONCE)
    return page


def _connect_result(actions: Actions, result: ResultPanel, content: ContentPanel, settings: RunPanel) -> None:
    chosen = [result.runs, result.run, result.sample]
    shown: dict[str, Any] = {"concurrency_id": "compute", "api_visibility": "undocumented"}
    for dropdown in (result.run, result.compared):
        dropdown.input(
            actions.show_run,
            [result.runs, result.run, result.compared],
            [*result.run_outputs, settings.message],
            show_progress="hidden",
            api_name="show_run",
            **shown,
        )
    result.sample.input(
        actions.show_sample,
        chosen,
        [result.facts, settings.message],
        show_progress="hidden",
        api_name="show_sample",
        **shown,
    )
    gr.on(
        [result.shown_as.input, result.sample.input],
        actions.show_as,
        [*chosen, result.shown_as],
        [result.view, result.video, settings.message],
        show_progress_on=result.video,
        api_name="show_as",
        **shown,
    )
    result.download.click(
        actions.write,
        [*chosen, result.file_format],
        [result.file, settings.message],
        show_progress_on=result.file_format,
        api_name="write_file",
        **shown,
    ).success(None, None, None, js=PRESS_DOWNLOAD, api_visibility="private")
    result.wear.click(
        actions.wear,
        [*chosen, result.character],
        [result.file, result.character_message],
        show_progress_on=result.character_message,
        api_name="wear",
        **shown,
    ).success(None, None, None, js=PRESS_DOWNLOAD, api_visibility="private")
    result.use.click(
        actions.use_result,
        chosen,
        [content.origin, content.kept, content.kept_title, settings.message],
        show_progress="hidden",
        api_name="use_result",
        **shown,
    )
