"""The bundled motions: contents to restyle and a reference for each style."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stylize.errors import MotionFileError
from stylize.io.bvh import read_bvh
from stylize.motion import Motion
from stylize.retarget import Retargeter

ASSETS = Path(__file__).resolve().parent.parent / "assets"
MOTIONS, PREVIEWS, GALLERIES = ASSETS / "motions", ASSETS / "previews", ASSETS / "galleries"


@dataclass(frozen=True)
class LibraryEntry:
    """One bundled motion; ``name`` is unique among all, ``label`` is the style of a reference."""

    name: str
    kind: str
    title: str
    path: Path
    label: str | None = None


@cache
def list_library(kind: str | None = None) -> tuple[LibraryEntry, ...]:
    """The bundled motions, contents before styles; of one kind ("content", "style") if asked for."""
    entries = []
    for folder, folder_kind in (("contents", "content"), ("styles", "style")):
        for path in sorted((MOTIONS / folder).glob("*.bvh")):
            title = path.stem.replace("_", " ").replace("-", " ")
            # A style's file is named after its label; "set1-angry" is the reference of "set1/angry".
            label = path.stem.replace("set1-", "set1/") if folder_kind == "style" else None
            entries.append(LibraryEntry(f"{folder_kind}/{path.stem}", folder_kind, title.capitalize(), path, label))
    return tuple(entry for entry in entries if kind in (None, entry.kind))


def style_example(label: str) -> LibraryEntry | None:
    """The bundled motion in a label's style, if there is one."""
    return next((entry for entry in list_library("style") if entry.label == label), None)


def preview_path(name: str) -> Path | None:
    """The moving picture (render.sprite) of a bundled motion, by its name; None where there is none."""
    path = next((PREVIEWS / f"{entry.name}.webp" for entry in list_library() if entry.name == name), None)
    return path if path is not None and path.exists() else None


def gallery(name: str) -> list[tuple[str, Path]]:
    """The titles and moving pictures (render.sprite) of a bundled gallery, in their order."""
    pictures = sorted((GALLERIES / name).glob("*.webp"))
    return [(path.stem.partition("-")[2].replace("_", " ").capitalize(), path) for path in pictures]


def load_entry(entry: LibraryEntry | str) -> Motion:
    """The canonical motion of a bundled entry, by itself or by its name; an unknown name lists what there is."""
    if isinstance(entry, str):
        found = [candidate for candidate in list_library() if candidate.name == entry]
        if not found:
            names = ", ".join(candidate.name for candidate in list_library())
            raise MotionFileError(f"There is no bundled motion {entry!r}; choose one of: {names}.")
        entry = found[0]
    return _load(entry.path)


@cache
def _load(path: Path) -> Motion:
    motion, _ = read_bvh(path)
    return Retargeter.fit(motion).to_canonical(motion)
