"""Many restyles from one CSV file."""

import csv
import sys
import traceback
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from stylize.errors import StylizeError

if TYPE_CHECKING:
    from stylize.pipeline import Stylizer
    from stylize.styles import Style

NEEDED_COLUMNS = ("content", "output")
OUTPUT_SUFFIXES = (".bvh", ".glb", ".gltf", ".vrm", ".npz", ".npy", ".csv", ".mp4", ".gif", ".webp")
STYLE_COLUMNS = ("style_motion", "style_label", "style_file")


class BatchError(StylizeError):
    """A CSV file of pairs, or one row of it, cannot be used."""


@dataclass(frozen=True)
class Pair:
    """One row: a content, exactly one of the styles, and where the result goes."""

    line: int
    content: Path
    style_motion: Path | None
    style_label: str | None
    style_file: Path | None
    output: Path


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be carried out, and why."""

    line: int
    reason: str


def read_pairs(path: Path, out_dir: Path) -> list[Pair | BadRow]:
    """The rows of a CSV file with ``NEEDED_COLUMNS`` and some of ``STYLE_COLUMNS``.

    Args:
        path: the CSV file, UTF-8; paths in it are relative to its folder.
        out_dir: the folder that every output must be in.

    Raises:
        BatchError: the file cannot be read, lacks a column or has no row.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            header = [name.strip() for name in reader.fieldnames or ()]
            if not (set(NEEDED_COLUMNS) <= set(header) and set(STYLE_COLUMNS) & set(header)):
                raise BatchError(
                    f"{path.name}: the first line must name the columns {' and '.join(NEEDED_COLUMNS)}, and one or "
                    f"more of {', '.join(STYLE_COLUMNS)}."
                )
            reader.fieldnames = header
            rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise BatchError(f"{path}: the CSV file cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BatchError(f"{path.name}: the CSV file is not UTF-8 text; save it as UTF-8.") from error
    except csv.Error as error:
        raise BatchError(f"{path.name}: the CSV file is malformed: {error}.") from error
    if not rows:
        raise BatchError(f"{path.name}: there is no row below the header; add one row for each result.")
    return _checked(rows, path.parent, out_dir.resolve())


def _checked(rows: Sequence[tuple[int, dict]], folder: Path, out_dir: Path) -> list[Pair | BadRow]:
    checked: list[Pair | BadRow] = []
    line_of_output: dict[Path, int] = {}
    for line, row in rows:
        try:
            pair = _pair(line, row, folder, out_dir)
            if (first := line_of_output.setdefault(pair.output, line)) != line:
                raise BatchError(f"the output {row['output']!r} is already that of line {first}; choose another name.")
            checked.append(pair)
        except BatchError as error:
            checked.append(BadRow(line, str(error)))
    return checked


def _pair(line: int, row: dict, folder: Path, out_dir: Path) -> Pair:
    if None in row:
        raise BatchError("there are more values than columns; put values with commas in double quotes.")
    content, output, *styles = ((row.get(name) or "").strip() for name in NEEDED_COLUMNS + STYLE_COLUMNS)
    if not content or not output:
        raise BatchError(f"the column {'output' if content else 'content'} is empty.")
    if sum(map(bool, styles)) != 1:
        raise BatchError(f"fill exactly one of the columns {', '.join(STYLE_COLUMNS)}.")
    try:
        target = (out_dir / output).resolve()
        source = (folder / content).resolve()
    except (OSError, ValueError) as error:
        raise BatchError(f"the path {content!r} or {output!r} is not usable: {error}.") from error
    if not target.is_relative_to(out_dir):
        raise BatchError(f"the output {output!r} is outside the output folder; give a name within it.")
    if target.suffix.lower() not in OUTPUT_SUFFIXES:
        raise BatchError(f"the output {output!r} must end in {' or '.join(OUTPUT_SUFFIXES)}.")
    if target == source:
        raise BatchError(f"the output {output!r} is also the content; choose another name.")
    motion, label, file = styles
    return Pair(
        line, source, folder / motion if motion else None, label or None, folder / file if file else None, target
    )


def stylize_pairs(
    stylizer: "Stylizer",
    rows: Sequence[Pair | BadRow],
    *,
    strength: float = 1.0,
    seed: int = 0,
    keep_timing: bool = False,
    skeleton: Literal["source", "canonical"] = "source",
    styles: Path = Path("styles"),
) -> int:
    """Carry out every row, report those that fail on stderr with their line, and return how many failed.

    A style_label that the model does not know is looked for in ``styles``, a folder of style files.
    """
    from tqdm import tqdm

    failed = 0
    for row in (bar := tqdm(rows, unit="motion", disable=None, file=sys.stderr)):
        try:
            if isinstance(row, BadRow):
                raise BatchError(row.reason)
            bar.set_postfix_str(row.output.name)
            style = _style_of(row, [label.name for label in stylizer.labels], styles)
            result = stylizer.stylize(row.content, style, strength=strength, seed=seed, keep_timing=keep_timing)
            _make_folder(row.output.parent)
            result.save(row.output, skeleton=skeleton)
        except StylizeError as error:
            failed += 1
            tqdm.write(f"line {row.line}: {error}", file=sys.stderr)
        except Exception:  # one broken row must not cost the work on the others
            failed += 1
            tqdm.write(f"line {row.line}: this row failed unexpectedly\n{traceback.format_exc()}", file=sys.stderr)
    return failed


def _style_of(pair: Pair, labels: Collection[str], folder: Path) -> "Style":
    from stylize.styles import Style, style_by_name

    if pair.style_motion is not None:
        return Style.from_motion(pair.style_motion)
    if pair.style_file is not None:
        return Style.from_file(pair.style_file)
    assert pair.style_label is not None
    return style_by_name(pair.style_label, labels, folder)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BatchError(f"the folder {folder} cannot be made: {error.strerror}.") from error
