"""Content, style and result side by side: what the app and the command line show of a result."""

from pathlib import Path
from typing import TYPE_CHECKING

from stylize.io import load_person
from stylize.library import load_entry, style_example
from stylize.render.video import Panel

if TYPE_CHECKING:
    from stylize.results import StylizationResult


def comparison_panels(result: "StylizationResult", index: int = 0, body_model: Path | str | None = None) -> list[Panel]:
    """The panels of one sample's video: content, style (where there is a motion of it) and result.

    A style that was given as a motion is shown as such; for a label, the library's example of it. Content and result
    have the shape that the content's file says, where there is a body model to show it with: ``body_model``, or the
    default one of ``load_person``.
    """
    file = result.source.smpl_file if result.source is not None else None
    person = load_person(body_model, file)[0] if file is not None else None
    person = person if person is not None and person.betas is not None else None
    panels = [
        Panel(result.content, "Content", subtitle=shown_title(result.content.name), role="content", person=person)
    ]
    if result.reference is not None:
        panels.append(Panel(result.reference, "Style", subtitle=shown_title(result.reference.name), role="style"))
    elif (example := style_example(result.style)) is not None:
        panels.append(Panel(load_entry(example), "Style", subtitle=f"{result.style}, an example", role="style"))
    number = f", sample {index + 1} of {len(result.motions)}" if len(result.motions) > 1 else ""
    subtitle = f"strength {result.strength:g}{number}"
    panels.append(Panel(result.motions[index], "Result", subtitle=subtitle, role="result", person=person))
    return panels


def shown_title(name: str) -> str:
    """A motion's name as people read it: files are named with underscores."""
    return name.replace("_", " ")
