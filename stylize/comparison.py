"""Content, style and result side by side: what the app and the command line show of a result."""

from typing import TYPE_CHECKING

from stylize.library import load_entry, style_example
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
    elif (example := style_example(result.style)) is not None:
        panels.append(Panel(load_entry(example), "Style", subtitle=f"an example of {result.style}", role="style"))
    number = f", sample {index + 1} of {len(result.motions)}" if len(result.motions) > 1 else ""
    panels.append(
        Panel(result.motions[index], "Result", subtitle=f"strength {result.strength:g}{number}", role="result")
    )
    return panels
