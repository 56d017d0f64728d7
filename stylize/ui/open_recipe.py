"""A file of settings opened on the page: every input as it was, so that Restyle makes the same result."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from stylize.motion import Motion
from stylize.pipeline import BODIES, MAX_SAMPLES, MAX_STRENGTH, Stylizer
from stylize.recipe import Recipe, RecipeError, entry_of, read_recipe
from stylize.source import SourceMotion
from stylize.styles import DEFAULT_SPAN, SavedStyle, Style
from stylize.ui.content_panel import LIBRARY, RESULT, ContentPanel, trim_update
from stylize.ui.fragments import described, notice
from stylize.ui.messages import or_message
from stylize.ui.own_styles import OwnStyle, own_styles_update, with_style
from stylize.ui.run_panel import RunPanel
from stylize.ui.second_style import CHANGE, LEAST_SHARE, MIX, MOST_SHARE, NONE, second_style_update
from stylize.ui.style_panel import LABEL, OWN, SAMPLE, StylePanel
from stylize.ui.style_panel import LIBRARY as LIBRARY_STYLE

NOT_ON_THE_PAGE = "These settings hold a style that this page cannot show; use `python -m stylize again`."
IN_THE_FILE = "comes with the settings; for files on a skeleton of your own, upload its file again."


def connect_recipe(
    button: gr.UploadButton, content: ContentPanel, style: StylePanel, settings: RunPanel, stylizer: Stylizer
) -> None:
    """Make the button that opens a file of settings work."""
    inputs = {
        "origin": content.origin,
        "entry": content.entry,
        "kept": content.kept,
        "title": content.kept_title,
        "start": content.start,
        "end": content.end,
        "kind": style.kind,
        "label": style.label,
        "experimental_label": style.experimental_label,
        "reference": style.entry,
        "own_styles": style.own.kept,
        "own": style.own.choice,
        "own_file": style.own.download,
        "second_kind": settings.second.kind,
        "second": settings.second.name,
        "share": settings.second.share,
        "strength": settings.strength,
        "num_samples": settings.num_samples,
        "seed": settings.seed,
        "lock_seed": settings.lock_seed,
        "keep_timing": settings.keep_timing,
        "body": settings.body,
    }

    def open_recipe(file: str, own_styles: tuple[OwnStyle, ...] = ()):
        """Set every input to what a file of settings says; the last output says what was opened, or what is wrong."""
        said: list[str] = []

        def work() -> tuple:
            recipe = read_recipe(file)
            changed = _content_inputs(recipe) | _style_inputs(recipe.style, own_styles, stylizer) | _settings(recipe)
            said.append(_opened(recipe, stylizer))
            return tuple(changed.get(name, gr.skip()) for name in inputs)

        *updates, message = or_message(work, list(inputs))
        return *updates, message or "".join(said)

    button.upload(
        open_recipe,
        [button, style.own.kept],
        [*inputs.values(), settings.message],
        show_progress_on=settings.message,
        concurrency_id="compute",
        api_name="open_settings",
        api_visibility="undocumented",
    )


def _opened(recipe: Recipe, stylizer: Stylizer) -> str:
    if not recipe.fits(stylizer):
        return notice(
            "These settings were made with another checkpoint or version; the result will be another one.", "warning"
        )
    return notice("The settings are opened; press Restyle for the same result.", "hint")


def _content_inputs(recipe: Recipe) -> dict[str, Any]:
    motion = recipe.content.motion if isinstance(recipe.content, SourceMotion) else recipe.content
    start, end = trim_update(motion)
    if recipe.entry is not None:
        return {"origin": LIBRARY, "entry": recipe.entry, "start": start, "end": end}
    title = described([(motion.name or "The motion", IN_THE_FILE)])
    return {"origin": RESULT, "kept": motion, "title": title, "start": start, "end": end}


def _settings(recipe: Recipe) -> dict[str, Any]:
    settings = recipe.settings
    in_range = 0 <= settings.strength <= MAX_STRENGTH and 1 <= settings.num_samples <= MAX_SAMPLES
    if not in_range or settings.body not in BODIES:
        raise RecipeError("These settings are out of the range that can be used; choose another file.")
    return {**asdict(settings), "lock_seed": True}


def _style_inputs(style: Style, kept: tuple[OwnStyle, ...], stylizer: Stylizer) -> dict[str, Any]:
    """The inputs that stand for a style, or for two; what is in the file itself becomes a style of the session."""
    parts: Sequence[tuple[Style, float]] = style.parts or ((style, 1.0),)
    first = parts[0][0] if parts else style
    if len(parts) > 2 or style.span not in (None, DEFAULT_SPAN):
        raise RecipeError(NOT_ON_THE_PAGE)
    names = []
    for part, _ in parts:
        saved = _as_saved(part, stylizer)
        names.append(saved.name if saved else None)
        kept = with_style(stylizer, kept, saved) if saved else kept
    changed = {"second_kind": NONE, **_first_style_inputs(first, names[0], stylizer)}
    own_names = [own.style.name for own in kept]
    if any(names):
        shown = names[0] or own_names[-1]
        changed |= dict(zip(("own_styles", "own", "own_file"), own_styles_update(kept, shown), strict=True))
    if len(parts) == 2:
        second, share = parts[1]
        name = names[1] or _known_label(second, stylizer)
        if style.span is None and not LEAST_SHARE <= share <= MOST_SHARE:
            raise RecipeError(NOT_ON_THE_PAGE)
        changed |= {"second_kind": CHANGE} if style.span else {"second_kind": MIX, "share": share}
        changed["second"] = second_style_update(stylizer.labels, own_names, name)[1]
    return changed


def _first_style_inputs(style: Style, own_name: str | None, stylizer: Stylizer) -> dict[str, Any]:
    if own_name is not None:
        return {"kind": OWN}
    if style.motion is not None and not isinstance(style.motion, str | Path):
        return {"kind": LIBRARY_STYLE, "reference": entry_of(style.motion)}
    if style.sampled and style.label is None:
        return {"kind": SAMPLE}
    name = _known_label(style, stylizer)
    experimental = any(label.experimental for label in stylizer.labels if label.name == name)
    return {
        "kind": LABEL,
        "label": None if experimental else name,
        "experimental_label": name if experimental else None,
    }


def _known_label(style: Style, stylizer: Stylizer) -> str:
    if style.label not in [label.name for label in stylizer.labels] or style.sampled or style.label is None:
        raise RecipeError(NOT_ON_THE_PAGE)
    return style.label


def _as_saved(style: Style, stylizer: Stylizer) -> SavedStyle | None:
    """A style that is in the file itself, saved or as a motion: what either gives to a result is the same."""
    if style.saved is not None:
        return style.saved
    if not isinstance(style.motion, Motion) or entry_of(style.motion) is not None:
        return None
    name = re.sub(r"[^\w '()-]+", " ", f"like {style.motion.name}").strip()[:40].strip()
    return stylizer.make_style(name, [style.motion])
