"""The page of the experiments' results: a section each."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

SECTIONS = ("Main table", "Ablations", "Styles that no training saw", "Efficiency", "Text to motion")
"""Titles, in their order on the page."""

HEADER = """# Results

Written by `python -m training.experiments` and `python -m training.evaluate_text`; each section says with which
command, and a section is replaced when its experiment is run again. Every measure is explained in `training/exam.py`.
Style, dynamics (style seen by a judge of movement alone), content and "all right" (all three) are shares of results;
leak is the share that shows the reference's action. References are always of another action than the content, and of
another style. Fréchet distances are over those of the same number of real clips ("/ real").

The numbers are means over repeats of the training with other seeds, with the 95% interval (Student's t) after a
"±"; where there is one repeat, the 95% interval by bootstrap over the pairs stands in brackets. The trainings are kept
short, so that all variants can be repeated: they compare variants, and the bundled checkpoints are better.

## The paper's own figures, for orientation

**Not measured here**: other data, other judges (Guo, Mu et al., "Generative Human Motion Stylization in Latent
Space", ICLR 2024).

| | style accuracy | content accuracy |
|---|---|---|
| on the data of Aberman et al. | 0.945 | |
| zero-shot on the data of Xia et al. | 0.934 | 0.674 |
| best earlier system there | 0.891 | 0.527 |
| homo-style alignment | | 13 points better than without |
| end-to-end training, against two-stage | 0.15 against 0.92 | |
"""


def put_section(section: Mapping[str, Any], page: Path) -> None:
    """Write a section into the page, in place of the one of the same title; the others stay as they are."""
    known = re.split("^## ", page.read_text(encoding="utf-8") if page.exists() else HEADER, flags=re.MULTILINE)[2:]
    texts = {text.partition("\n")[0]: "## " + text for text in known}
    texts[section["title"]] = section_text(section)
    ordered = sorted(texts, key=lambda title: SECTIONS.index(title) if title in SECTIONS else len(SECTIONS))
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join([HEADER, *(texts[title].strip() + "\n" for title in ordered)]), encoding="utf-8")


def section_text(section: Mapping[str, Any]) -> str:
    """One section: its tables, its notes, the command, and the trainings with their times."""
    parts = [f"## {section['title']}", section["text"]]
    for table in section["tables"]:
        parts += [table["title"], table_text(table["columns"], table["rows"])]
    parts.append(f"Machine: {section['machine']}. The command:")
    parts.append(f"```\n{section['command']}\n```")
    trainings = section["trainings"]
    if trainings:
        minutes = sum(training["minutes"] for training in trainings)
        parts.append(f"The trainings that it did, or found done ({minutes:.0f} minutes on one thread of that machine):")
        lines = [f"# {t['name']}: {t['minutes']:.1f} minutes\n{t['command']}" for t in trainings]
        parts.append("```\n" + "\n".join(lines) + "\n```")
    return "\n\n".join(parts) + "\n"


def table_text(columns: Mapping[str, str], rows: Mapping[str, list[Mapping[str, Any]]]) -> str:
    """A table; ``rows`` holds, by name, the measures of each repeat."""
    lines = ["| | " + " | ".join(columns.values()) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, repeats in rows.items():
        lines.append(f"| {name} | " + " | ".join(cell_text(repeats, key) for key in columns) + " |")
    return "\n".join(lines)


def cell_text(repeats: list[Mapping[str, Any]], key: str) -> str:
    """The mean over the repeats of a measure with its 95% interval."""
    values = [row[key] for row in repeats if key in row]
    if not values:
        return ""
    if len(values) > 1:
        return f"{number(float(np.mean(values)))} ± {number(t_half_width(values))}"
    interval = repeats[0].get(f"{key}_interval")
    return number(values[0]) + (f" ({number(interval[0])} to {number(interval[1])})" if interval else "")


def t_half_width(values: list[float]) -> float:
    """Half the 95% interval of the mean of two or more values, by Student's t distribution."""
    count = len(values)
    return float(stats.t.ppf(0.975, count - 1) * np.std(values, ddof=1) / np.sqrt(count))


def number(value: float) -> str:
    """Three digits, or all of them left of the point."""
    if value == 0 or abs(value) < 1e-6:
        return "0"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
