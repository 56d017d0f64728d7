"""Content, style and result side by side: what the app and the command line show of a result."""

from typing import TYPE_CHECKING

from stylize.library import list_library, load_entry
from stylize.motion import Motion
from stylize.render.video import Panel

if TYPE_CHECKING:
    from stylize.pipeline import StylizationResult


def comparison_panels(result: "StylizationResult", index: int = 0) -> list[Panel]:
    """The panels of one sample's video: content, style (where there is a motion of it) and result.

    A style that was given as a motion is shown as such; for a label, the library's example of it.
    """
    panels = [Panel(result.content, "Content", subtitle=result.content.name, role="content")]
    if result.reference is not None:
        panels.append(Panel(result.reference, "Style", subtitle=result.reference.name, role="style"))
    elif (example := label_example(result.style.removeprefix("label "))) is not None:
        panels.append(Panel(example, "Style", subtitle=f"an example of {result.style}", role="style"))
    number = f", sample {index + 1} of {len(result.motions)}" if len(result.motions) > 1 else ""
    panels.append(
        Panel(result.motions[index], "Result", subtitle=f"strength {result.strength:g}{number}", role="result")
    )
    return panels


def label_example(label: str) -> Motion | None:
    """The library's motion in a label's style, if it has one."""
    entry = next((entry for entry in list_library("style") if entry.label == label), None)
    return None if entry is None else load_entry(entry)
