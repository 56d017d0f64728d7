"""Every format into every format: a table of what a motion loses on the way.

    python -m training.format_matrix --out formats.md [--samples FOLDER]

Each row is a file of one format. It is read, written in each column's format, and read again; the cell has the largest
distance in millimetres between the joints of both readings on the canonical skeleton, and the largest angle in degrees
between their rotations. Where positions alone are kept (HumanML3D, tables), rotations come from inverse kinematics.
"""

import argparse
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from stylize.errors import StylizeError
from stylize.io import save_motion
from stylize.library import MOTIONS
from stylize.motion import Motion
from stylize.retarget.placement import placement_of
from stylize.rotations import geodesic_distance
from stylize.source import SourceMotion, load_source

FORMATS = {
    "BVH": ".bvh",
    "AMASS": ".npz",
    "glTF": ".glb",
    "glTF, text": ".gltf",
    "HumanML3D joints": ".joints.npy",
    "HumanML3D features": ".features.npy",
    "CSV": ".csv",
}
"""Name -> ending; a new format is one more line. VRM is glTF, and only a character of somebody's can be one."""
CLIPS = ("walk", "punch", "run")
SHOWN_SUFFIXES = {".bvh", ".npz", ".npy", ".glb", ".gltf", ".vrm", ".csv"}
MOST_SECONDS = 12.0


@dataclass(frozen=True)
class Loss:
    """What one way lost: millimetres and degrees, the largest over joints and frames, and the mean distance."""

    largest_mm: float
    mean_mm: float
    largest_deg: float

    def __str__(self) -> str:
        return f"{self.largest_mm:.2f} mm, {self.largest_deg:.1f}°"


def loss_between(before: Motion, after: Motion) -> Loss:
    """What is different between two canonical motions, where they start and head put aside."""
    frames = min(len(before), len(after))
    before, after = (_placed(motion.with_frames(slice(0, frames))) for motion in (before, after))
    distances = 1000 * np.linalg.norm(before.positions - after.positions, axis=-1)
    angles = np.degrees(geodesic_distance(before.local_rotations, after.local_rotations))
    return Loss(float(distances.max()), float(distances.mean()), float(angles.max()))


def _placed(motion: Motion) -> Motion:
    rotations = motion.local_rotations.copy()
    rotations[:, 0], roots = placement_of(motion).remove(rotations[:, 0], motion.root_positions)
    return replace(motion, local_rotations=rotations, root_positions=roots)


def written(source: SourceMotion, path: Path) -> None:
    """Write a motion on its file's own skeleton where the format can hold it, else on the canonical one."""
    if source.can_write_back(path):
        source.write_back(source.motion, path)
    else:
        save_motion(source.motion, path)


def row(source: SourceMotion, folder: Path) -> list[Loss | str]:
    """What the motion loses on the way through each format."""
    cells: list[Loss | str] = []
    for ending in FORMATS.values():
        path = folder / f"out{ending}"
        try:
            written(source, path)
            cells.append(loss_between(source.motion, load_source(path).motion))
        except StylizeError as error:
            cells.append(f"no: {error}")
    return cells


def worst(losses: list[list[Loss | str]]) -> list[Loss | str]:
    """The largest of each column over several motions."""
    found: list[Loss | str] = []
    for column in zip(*losses, strict=True):
        good = [cell for cell in column if isinstance(cell, Loss)]
        if len(good) < len(column):
            found.append(next(cell for cell in column if isinstance(cell, str)))
            continue
        parts = ("largest_mm", "mean_mm", "largest_deg")
        found.append(Loss(*(max(getattr(cell, part) for cell in good) for part in parts)))
    return found


def table(rows: dict[str, list[Loss | str]], title: str) -> list[str]:
    """Markdown."""
    lines = [f"| {title} | {' | '.join(FORMATS)} |", "|---" * (len(FORMATS) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(map(str, cells))} |" for name, cells in rows.items()]
    return [*lines, ""]


def of_formats(folder: Path) -> dict[str, list[Loss | str]]:
    """Each format's own files, made of some bundled motions; the worst of these."""
    rows = {}
    for name, ending in FORMATS.items():
        losses = []
        for clip in CLIPS:
            path = folder / f"{clip}{ending}"
            save_motion(load_source(MOTIONS / "contents" / f"{clip}.bvh").motion, path)
            losses.append(row(load_source(path), folder))
        rows[name] = worst(losses)
    return rows


def of_samples(samples: Path, folder: Path) -> dict[str, list[Loss | str]]:
    """Each motion file in a folder."""
    rows = {}
    for path in sorted(samples.rglob("*")):
        if path.suffix.lower() not in SHOWN_SUFFIXES or path.stem in ("Mean", "Std"):
            continue
        try:
            source = load_source(path)
        except StylizeError:
            continue
        if source.motion.duration <= MOST_SECONDS:
            rows[path.name] = row(source, folder)
    return rows


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description="Every format into every format: what a motion loses on the way.")
    parser.add_argument("--out", type=Path, default=Path("formats_matrix.md"))
    parser.add_argument("--samples", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = table(of_formats(folder), "from \\ to")
        if arguments.samples is not None:
            lines += table(of_samples(arguments.samples, folder), "file")
    arguments.out.write_text("\n".join(lines))
    print(arguments.out)


if __name__ == "__main__":
    main()
