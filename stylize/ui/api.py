"""Named endpoints for programs: what the page does, without the page's state."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from stylize.errors import MotionError, StyleError, StylizeError
from stylize.io import WRITERS
from stylize.library import list_library, load_entry
from stylize.pipeline import Stylizer
from stylize.recipe import RunSettings
from stylize.restyle import Body
from stylize.styles import STYLE_SUFFIX, SavedStyle, Style
from stylize.ui.messages import FAILURE, LOGGER
from stylize.ui.runs import CANONICAL, YOURS, file_formats, start_run, write_file
from stylize.ui.uploads import load_upload


@dataclass(frozen=True, eq=False)
class Api:
    """The endpoints' functions; what is wrong is raised as gr.Error, whose text a client shows."""

    stylizer: Stylizer

    def stylize(
        self,
        motion: str | None = None,
        motion_file: str | None = None,
        style: str | None = None,
        style_file: str | None = None,
        strength: float = 1.0,
        samples: int = 1,
        seed: int = 0,
        keep_timing: bool = False,
        body: Body = "full",
        file_format: str = ".bvh",
    ) -> tuple[list[str], dict[str, Any]]:
        """Give a motion another manner: the same action, done in another style.

        Args:
            motion: a bundled motion by its name, such as "content/walk"; see list_choices.
            motion_file: a motion file of 1 to 60 seconds in place of it.
            style: a style by its name, such as "elderly"; see list_choices.
            style_file: a motion file of any action in the wanted style, or a style file, in place of it; with neither,
                the model draws a style.
            strength: 0 gives the motion back, 1 the style, up to 1.5 exaggerates it.
            samples: how many variants, 1 to 8.
            seed: of what is drawn; the same seed gives the same files.
            keep_timing: keep the motion's timing frame by frame.
            body: change the whole body ("full"), or its "upper" or "lower" half.
            file_format: suffix of the files (".bvh", ".glb", ".mp4"); on the skeleton of motion_file if it has one.

        Returns:
            The files, and what can be read of each: style match and movement kept (0 to 1), foot sliding before and
            after in m/s; with warnings.
        """
        return _told(
            lambda: self._stylize(
                motion, motion_file, style, style_file, strength, samples, seed, keep_timing, body, file_format
            )
        )

    def _stylize(
        self, motion, motion_file, style, style_file, strength, samples, seed, keep_timing, body, file_format
    ) -> tuple[list[str], dict[str, Any]]:
        if not motion and not motion_file:
            raise MotionError("No motion was given; give a bundled one by its name, or a motion file.")
        content = load_upload(motion_file) if motion_file else load_entry(motion)
        settings = RunSettings(strength, int(samples), int(seed), keep_timing, body)
        run = start_run(self.stylizer, content, _style(style, style_file), settings, lambda share, text: None)
        names = [name for _, name in file_formats(run.result)]
        wanted = [f"{skeleton}{file_format.lower()}" for skeleton in (YOURS, CANONICAL)]
        name = next((name for name in wanted if name in names), None)
        if name is None:
            known = ", ".join(sorted({f".{name.partition('.')[2]}" for name in names}))
            raise MotionError(f"There is no file format {file_format!r}; choose one of: {known}.")
        count = len(run.result.motions)
        files = [str(write_file(run, index, name, lambda share, text: None)) for index in range(count)]
        scores = [asdict(self.stylizer.scores(run.result, index)) for index in range(count)]
        return files, {"samples": scores, "warnings": list(run.result.warnings), "style": run.result.style}

    def inspect(self, motion_file: str) -> dict[str, Any]:
        """Say what a motion file holds: its skeleton, joints, frames, frame rate and length, and warnings.

        Args:
            motion_file: the file.
        """

        def work() -> dict[str, Any]:
            source = load_upload(motion_file)
            return {
                "skeleton": source.family,
                "joints": len(source.source.skeleton),
                "frames": len(source.source),
                "fps": source.source.fps,
                "seconds": round(source.source.duration, 3),
                "warnings": list(source.warnings),
            }

        return _told(work)

    def list_choices(self) -> dict[str, Any]:
        """List the bundled motions, the styles with their descriptions, and the file formats."""
        return {
            "motions": [entry.name for entry in list_library()],
            "styles": {label.name: label.description for label in self.stylizer.labels},
            "file_formats": [*WRITERS],
        }


def add_endpoints(stylizer: Stylizer, suffixes: list[str]) -> None:
    """Give the page being built its named endpoints; their components are not seen."""
    api = Api(stylizer)
    with gr.Row(visible=False):
        motion = gr.Dropdown([entry.name for entry in list_library()], value=None, label="Motion")
        motion_file = gr.File(label="Motion file", file_types=suffixes)
        style = gr.Dropdown([label.name for label in stylizer.labels], value=None, label="Style")
        style_file = gr.File(label="Style file", file_types=[*suffixes, ".safetensors"])
        strength = gr.Slider(0.0, 1.5, 1.0, label="Strength")
        samples = gr.Slider(1, 8, 1, step=1, label="Samples")
        seed = gr.Number(0, precision=0, label="Seed")
        keep_timing = gr.Checkbox(False, label="Keep timing")
        body = gr.Radio(["full", "upper", "lower"], value="full", label="Body")
        file_format = gr.Textbox(".bvh", label="File format")
        files, report = gr.File(label="Files", file_count="multiple"), gr.JSON(label="Report")
        button = gr.Button()
    inputs = [motion, motion_file, style, style_file, strength, samples, seed, keep_timing, body, file_format]
    shared: dict[str, Any] = {"concurrency_id": "compute"}
    button.click(api.stylize, inputs, [files, report], api_name="stylize", **shared)
    button.click(api.inspect, motion_file, report, api_name="inspect", **shared)
    button.click(api.list_choices, None, report, api_name="list_choices")


def _style(name: str | None, file: str | None) -> Style:
    if name and file:
        raise StyleError("A style's name and a file were given; give one of them.")
    if file and file.endswith(STYLE_SUFFIX):
        return Style.from_file(SavedStyle.load(Path(file)))
    if file:
        return Style.from_motion(load_upload(file))
    return Style.from_label(name) if name else Style.sample()


def _told(work):
    """What ``work`` returns; a sentence for people as gr.Error, anything else logged."""
    try:
        return work()
    except StylizeError as error:
        raise gr.Error(str(error), print_exception=False) from error
    except Exception as error:
        LOGGER.error("a request failed", exc_info=error)
        raise gr.Error(FAILURE, print_exception=False) from error
