"""The whole page: the panels, and what happens between them."""

from collections.abc import Callable

import gradio as gr

from stylize.errors import MotionError
from stylize.pipeline import Stylizer
from stylize.restyle import Body
from stylize.ui.content_panel import chosen_content, content_panel
from stylize.ui.messages import or_message
from stylize.ui.own_styles import OwnStyle, connect_own_styles, find_own_style
from stylize.ui.result_panel import ResultPanel, result_panel, shown_run, shown_sample
from stylize.ui.run_panel import run_panel
from stylize.ui.runs import Run, RunSettings, sample_files, start_run
from stylize.ui.second_style import NONE as NO_SECOND
from stylize.ui.second_style import with_second
from stylize.ui.style_panel import chosen_style, style_panel

try:  # Hugging Face lends a GPU to functions that are marked so; elsewhere there is nothing to mark
    from spaces import GPU as on_gpu  # noqa: N811  # pyright: ignore[reportMissingImports]
except ImportError:

    def on_gpu(function):
        """Leave the function as it is."""
        return function


TITLE = "Motion Stylizer"
HEADER = f"<header><h1>{TITLE}</h1><p>The same action in another manner: a walk becomes an old man's walk.</p></header>"
CACHE_CHECK_SECONDS, CACHE_AGE_SECONDS = 600, 2 * 3600
QUEUE_SIZE, PEOPLE_AT_ONCE = 20, 2

SHOW_PROGRESS = """() => {
    const result = document.getElementById('result');
    if (result && result.getBoundingClientRect().top > window.innerHeight * 0.6) {
        result.scrollIntoView({behavior: 'smooth', block: 'start'});
    }
}"""

# On a narrow screen the video is wider than the screen, and the result is on its right.
SHOW_RESULT_SIDE = """() => {
    setTimeout(() => document.querySelector('#comparison .mirror-wrap')?.scrollTo({left: 10000}), 300);
}"""


def build_page(stylizer: Stylizer) -> gr.Blocks:
    """The app for one loaded model; whoever launches it adds theme and stylesheet."""
    with gr.Blocks(title=TITLE, delete_cache=(CACHE_CHECK_SECONDS, CACHE_AGE_SECONDS), analytics_enabled=False) as page:
        gr.HTML(HEADER, padding=False)
        with gr.Row(equal_height=False, elem_classes="columns"):
            with gr.Column(scale=5, min_width=300):
                content = content_panel()
                style = style_panel(stylizer.labels)
            with gr.Column(scale=8, min_width=300, elem_classes="sticky"):
                settings = run_panel(stylizer.labels)
                result = result_panel()
        connect_own_styles(style.own, settings.second, stylizer)

        restyle, show_sample = _handlers(stylizer, result)
        inputs = [
            *(content.origin, content.entry),
            *(style.kind, style.label, style.entry),
            *(settings.strength, settings.num_samples, settings.seed),
            *(content.file, style.experimental_label, style.file, style.own.choice),
            *(settings.keep_timing, settings.body),
            *(settings.second.kind, settings.second.name, settings.second.share),
            *(style.own.kept, result.run),
        ]
        shown = result.sample.input(
            show_sample,
            [result.run, result.sample],
            [*result.sample_outputs, settings.message],
            show_progress_on=result.video,
            concurrency_id="compute",
            api_name="show_sample",
        )
        finished = settings.button.click(
            restyle,
            inputs,
            [*result.run_outputs, settings.message],
            show_progress_on=[result.video, result.empty],
            concurrency_id="compute",
            concurrency_limit=PEOPLE_AT_ONCE,
            cancels=shown,
            api_name="restyle",
        )
        for start, end in ((settings.button.click, finished), (result.sample.input, shown)):
            start(None, None, None, js=SHOW_PROGRESS, api_visibility="private")
            end.then(None, None, None, js=SHOW_RESULT_SIDE, api_visibility="private")
    page.queue(max_size=QUEUE_SIZE, default_concurrency_limit=PEOPLE_AT_ONCE)
    return page


def _handlers(stylizer: Stylizer, panel: ResultPanel):
    @on_gpu
    def restyle(
        content_origin: str,
        content_entry: str | None,
        style_kind: str,
        label: str | None,
        reference_entry: str | None,
        strength: float,
        num_samples: int,
        seed: int | None,
        content_file: str | None = None,
        experimental_label: str | None = None,
        reference_file: str | None = None,
        own_style: str | None = None,
        keep_timing: bool = False,
        body: Body = "full",
        second_kind: str = NO_SECOND,
        second_style: str | None = None,
        second_share: float = 0.5,
        own_styles: tuple[OwnStyle, ...] = (),
        previous: Run | None = None,
        progress=gr.Progress(),  # noqa: B008  (gradio finds it by this default)
    ):
        """Restyle a motion; the last output says in a sentence what went wrong, if anything did."""
        report = _reporter(progress)

        def work() -> tuple:
            if seed is None:
                raise MotionError("The seed is empty; give a whole number.")
            content = chosen_content(content_origin, content_entry, content_file)
            own = find_own_style(own_styles, own_style)
            style = chosen_style(style_kind, label, experimental_label, reference_entry, reference_file, own)
            second = find_own_style(own_styles, second_style) or second_style
            style = with_second(style, second_kind, second, second_share)
            settings = RunSettings(strength, int(num_samples), int(seed), keep_timing, body)
            run = start_run(stylizer, content, style, settings, report)
            files = sample_files(run, 0, report)
            if previous is not None:
                previous.remove()
            return shown_run(run, files)

        return or_message(work, panel.run_outputs)

    def show_sample(run: Run | None, sample: str, progress=gr.Progress()):  # noqa: B008
        """Show and hand out another sample of this session's last run."""

        def work() -> tuple:
            if run is None:
                raise MotionError("The samples are no longer kept; press Restyle again.")
            return shown_sample(sample_files(run, int(sample) - 1, _reporter(progress)))

        return or_message(work, panel.sample_outputs)

    return restyle, show_sample


def _reporter(progress: gr.Progress) -> Callable[[float, str], None]:
    def report(share: float, text: str) -> None:
        progress(share, desc=text)

    return report
