"""What the buttons do: restyle, look at a result in another way, take it away, go on from it."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Any

import gradio as gr

from stylize.errors import MotionError, StylizeError
from stylize.motion import Motion
from stylize.pipeline import Stylizer
from stylize.recipe import RunSettings
from stylize.restyle import Body
from stylize.results import StylizationResult
from stylize.source import SourceMotion
from stylize.ui.content_panel import DEFAULT_CONTENT, LIBRARY, RESULT, chosen_content
from stylize.ui.fragments import described, notice
from stylize.ui.messages import or_message
from stylize.ui.own_styles import OwnStyle, find_own_style
from stylize.ui.result_panel import NOTHING, VIDEO, ResultPanel, sample_facts, shown_run, with_run
from stylize.ui.runs import Run, start_run, write_file, write_on_character
from stylize.ui.second_style import NONE as NO_SECOND
from stylize.ui.second_style import with_second
from stylize.ui.style_panel import DEFAULT_LABEL, LABEL, chosen_style
from stylize.ui.style_panel import LIBRARY as LIBRARY_STYLE

MAX_SEED = 2**31 - 1
STOPPED = "Stopped; everything is as it was."
GONE = "The results of this session are no longer kept; press Restyle again."


class StoppedError(StylizeError):
    """Somebody pressed Stop."""


@dataclass(frozen=True, eq=False)
class Actions:
    """The handlers of one page; each ends with a sentence that says what went wrong, empty if nothing did."""

    stylizer: Stylizer
    panel: ResultPanel
    running: dict[str, Event] = field(default_factory=dict)

    def restyle(
        self,
        content_origin: str,
        content_entry: str | None,
        style_kind: str,
        label: str | None,
        reference_entry: str | None,
        strength: float,
        num_samples: int,
        seed: int | None,
        content_file: str | None = None,
        content_animation: str | None = None,
        experimental_label: str | None = None,
        reference_file: str | None = None,
        reference_animation: str | None = None,
        own_style: str | None = None,
        keep_timing: bool = False,
        body: Body = "full",
        second_kind: str = NO_SECOND,
        second_style: str | None = None,
        second_share: float = 0.5,
        trim_start: float = 0.0,
        trim_end: float | None = None,
        lock_seed: bool = True,
        kept: SourceMotion | Motion | None = None,
        made: Motion | None = None,
        own_styles: tuple[OwnStyle, ...] = (),
        runs: tuple[Run, ...] = (),
        request: gr.Request | None = None,
        progress=gr.Progress(),  # noqa: B008  (gradio finds it by this default)
    ):
        """Restyle a motion; the last output says in a sentence what went wrong, if anything did."""
        session = (request.session_hash if request else None) or ""
        stopped = self.running[session] = Event()

        def report(share: float, text: str) -> None:
            if stopped.is_set():
                raise StoppedError(STOPPED)
            progress(share, desc=text)

        def work() -> tuple:
            if seed is None:
                raise MotionError("The seed is empty; give a whole number.")
            used_seed = int(seed) if lock_seed else random.randrange(MAX_SEED)
            content = chosen_content(
                content_origin, content_entry, content_file, content_animation, kept, made, trim_start, trim_end
            )
            own = find_own_style(own_styles, own_style)
            style = chosen_style(
                style_kind, label, experimental_label, reference_entry, reference_file, reference_animation, own
            )
            second = find_own_style(own_styles, second_style) or second_style
            style = with_second(style, second_kind, second, second_share)
            settings = RunSettings(strength, int(num_samples), used_seed, keep_timing, body)
            new = start_run(self.stylizer, content, style, settings, report)
            return *shown_run(self.stylizer, with_run(runs, new)), used_seed

        try:
            return or_message(work, [*self.panel.run_outputs, None])
        finally:
            self.running.pop(session, None)

    def stop(self, request: gr.Request) -> str:
        """Stop this session's restyle at its next step, and say so."""
        event = self.running.get(request.session_hash or "")
        if event is not None:
            event.set()
        return notice(STOPPED, "hint")

    def show_run(self, runs: tuple[Run, ...], place: str, compared: str):
        """Show an earlier run, or compare the shown one with another."""

        def work() -> tuple:
            index = self._index(runs, place)
            other = None if compared in (NOTHING, None, place) else self._index(runs, compared)
            return shown_run(self.stylizer, runs, index, other)

        return or_message(work, self.panel.run_outputs)

    def show_sample(self, runs: tuple[Run, ...], place: str, sample: str):
        """Say what can be read of another sample."""
        work = partial(self._sample_facts, runs, place, sample)
        return or_message(work, [self.panel.facts])

    def show_as(self, runs: tuple[Run, ...], place: str, sample: str, shown_as: str, progress=gr.Progress()):  # noqa: B008
        """Show the 3D view, or the video, which is made when it is asked for."""

        def work() -> tuple:
            if shown_as != VIDEO:
                return gr.HTML(visible=True), gr.Video(visible=False)
            run = runs[self._index(runs, place)]
            path = write_file(run, int(sample) - 1, "canonical.mp4", _reporter(progress))
            return gr.HTML(visible=False), gr.Video(value=str(path), visible=True)

        return or_message(work, [self.panel.view, self.panel.video])

    def write(self, runs: tuple[Run, ...], place: str, sample: str, file_format: str, progress=gr.Progress()):  # noqa: B008
        """Write a sample's file and hand it to the hidden button that the browser then presses."""

        def work() -> tuple:
            run = runs[self._index(runs, place)]
            return (str(write_file(run, int(sample) - 1, file_format, _reporter(progress))),)

        return or_message(work, [self.panel.file])

    def wear(self, runs: tuple[Run, ...], place: str, sample: str, character: str | None):
        """Write a sample on a person's own character, for the browser to take away; in the character's format."""

        def work() -> tuple:
            run = runs[self._index(runs, place)]
            if character is None:
                raise MotionError("No character was uploaded; upload a .glb, .gltf, .vrm or .bvh file first.")
            return (str(write_on_character(run, int(sample) - 1, character)),)

        return or_message(work, [self.panel.file])

    def use_result(self, runs: tuple[Run, ...], place: str, sample: str):
        """Make a sample the next motion to restyle, on the skeleton of the file that it came from."""

        def work() -> tuple:
            run = runs[self._index(runs, place)]
            motion = run.result.motions[int(sample) - 1]
            text = described([(run.title, f"{motion.duration:.1f} s")])
            source = run.result.source
            if source is None or source.rig is None:
                return RESULT, motion, text
            return RESULT, SourceMotion(motion, motion, source.family, source.rig), text

        return or_message(work, [None, None, None])

    def _sample_facts(self, runs: tuple[Run, ...], place: str, sample: str) -> tuple[str]:
        return (sample_facts(self.stylizer, runs[self._index(runs, place)], int(sample) - 1),)

    @staticmethod
    def _index(runs: tuple[Run, ...], place: str | None) -> int:
        if not runs or place is None or not 0 <= int(place) < len(runs):
            raise MotionError(GONE)
        return int(place)


def _reporter(progress: gr.Progress) -> Callable[[float, str], Any]:
    return lambda share, text: progress(share, desc=text)


def first_result(stylizer: Stylizer) -> StylizationResult:
    """What is seen before anybody pressed anything: the default motion in the default style."""
    by_label = LABEL if stylizer.labels else LIBRARY_STYLE
    style = chosen_style(by_label, DEFAULT_LABEL, None, f"style/{DEFAULT_LABEL}", None, None, None)
    return stylizer.stylize(chosen_content(LIBRARY, f"content/{DEFAULT_CONTENT}", None), style)
