"""Small pieces of HTML. Everything that came from a person or a file is escaped here."""

import base64
from collections.abc import Sequence
from html import escape
from typing import Literal

from stylize.motion import Motion
from stylize.render.sprite import sprite
from stylize.results import Scores, StylizationResult
from stylize.source import MAX_SECONDS, MIN_SECONDS, SourceMotion
from stylize.styles import StyleLabel

Role = Literal["content", "style", "result"]
"""What a motion is shown as; it decides the colour."""


def notice(text: str, kind: str = "error") -> str:
    """A sentence in a coloured box; ``kind`` is error, warning or hint."""
    role = "alert" if kind == "error" else "status"
    return f'<div class="notice notice-{kind}" role="{role}">{escape(text)}</div>'


def source_facts(source: SourceMotion) -> str:
    """What was found in an uploaded file, and what a person should know about it."""
    motion = source.source
    facts = {
        "Skeleton": source.family,
        "Joints": f"{len(motion.skeleton)}",
        "Frames": f"{len(motion)} at {motion.fps:g} fps",
        "Length": f"{motion.duration:.1f} s",
    }
    warnings = list(source.warnings)
    if not MIN_SECONDS <= source.motion.duration <= MAX_SECONDS + 1:
        warnings.append(f"Only motions of {MIN_SECONDS:g} to {MAX_SECONDS:g} seconds can be used; cut this one.")
    return _facts(facts, warnings)


SCORE_TEXTS = {
    "Style match": "How much of the way from the motion's own style to the wanted one the result went, as the model's "
    "style encoder sees it. 100% is all of it.",
    "Movement kept": "How alike hands and feet move before and after, wherever they are held. 100% is the same "
    "movement; a strong style is at 60 to 90%.",
    "Foot sliding": "How fast feet that are on the ground slide over it, before and after, in centimetres a second.",
}


def result_facts(result: StylizationResult, scores: Scores) -> str:
    """What a result was made of, what can be measured of it, and the warnings that came with it."""
    values = (
        f"{scores.style_match:.0%}",
        f"{max(scores.content_kept, 0):.0%}",
        f"{100 * scores.sliding_before:.0f} → {100 * scores.sliding_after:.0f} cm/s",
    )
    facts = {
        "Style": result.style,
        "Strength": f"{result.strength:g}",
        "Seed": f"{result.seed}",
        "Length": _lengths(result),
    }
    return _facts(facts) + _facts(dict(zip(SCORE_TEXTS, values, strict=True)), result.warnings)


def _lengths(result: StylizationResult) -> str:
    """How long the samples are, and the content, where a style changed the tempo."""
    content, *samples = (f"{motion.duration:.1f}" for motion in (result.content, *result.motions))
    samples = sorted(set(samples), key=float)
    length = f"{samples[0]} to {samples[-1]} s" if len(samples) > 1 else f"{samples[0]} s"
    return length if samples == [content] else f"{length}, content {content} s"


def _facts(facts: dict[str, str], warnings: Sequence[str] = ()) -> str:
    cells = "".join(
        f"<div{_tooltip(name)}><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items()
    )
    return f'<dl class="facts">{cells}</dl>{"".join(notice(text, "warning") for text in warnings)}'


def _tooltip(name: str) -> str:
    text = SCORE_TEXTS.get(name, "")
    if not text:
        return ""
    return f' class="explained" tabindex="0" data-text="{escape(text)}" aria-description="{escape(text)}"'


def preview(motion: Motion, role: Role) -> str:
    """A small looping animation of a motion."""
    return moving_picture(picture_uri(sprite(motion, role)), motion.name)


def moving_picture(uri: str, caption: str) -> str:
    """A strip of pictures (render.sprite) that plays."""
    return f'<div class="sprite" role="img" aria-label="{escape(caption)}" style="background-image:url({uri})"></div>'


def picture_uri(content: bytes) -> str:
    """A WebP file's content as an address that holds it."""
    return f"data:image/webp;base64,{base64.b64encode(content).decode('ascii')}"


def shown_name(label: str) -> str:
    """A label as people read it: the set that it is from is left out."""
    return label.rpartition("/")[2].replace("-", " ").capitalize()


def shown_label(label: StyleLabel) -> str:
    """A label's name, marked where it is experimental."""
    return f"{shown_name(label.name)} (experimental)" if label.experimental else shown_name(label.name)


def described(pairs: Sequence[tuple[str, str]]) -> str:
    """A term and its explanation a line."""
    return "".join(f'<p class="described"><b>{escape(term)}</b> {escape(text)}</p>' for term, text in pairs)
