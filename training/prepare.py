"""Turn folders or archives of BVH files into one training pack.

python -m training.prepare --source bandai-namco.tar.xz cmu.tar.xz --exclude bandai-namco-test.txt --out packs/train.npz
"""

import re
import tarfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

import numpy as np
import tyro
from tqdm import tqdm

from stylize.errors import StylizeError
from stylize.features import FPS
from stylize.io.bvh import parse_bvh
from stylize.retarget import Retargeter
from training.packs import Clip, build_pack, quantize

BANDAI_NAMCO_PATTERNS = (
    r"^dataset-2_(?P<content>.+)_(?P<style>[^_]+)_\d+$",
    r"^dataset-(?P<set>1)_(?P<content>.+)_(?P<style>[^_]+)_\d+$",
)


@dataclass(frozen=True)
class Prepare:
    """Turn folders or archives (.tar.*, .zip) of BVH files into one training pack.

    Attributes:
        source: folders or archives.
        out: the pack to write (.npz).
        label_pattern: regular expressions on the file's stem with the named groups `style` and `content`, and
            `set` where the labels of several sets must stay apart ("set1/angry"). The first that matches counts;
            a clip that none matches has no labels.
        exclude: a text file of file names to leave out (a test split).
        only: a text file of file names to take, and no others.
        min_seconds: shorter clips are skipped.
        workers: processes.
    """

    source: list[Path]
    out: Path
    label_pattern: tuple[str, ...] = BANDAI_NAMCO_PATTERNS
    exclude: Path | None = None
    only: Path | None = None
    min_seconds: float = 0.5
    workers: int = 2


def iterate_files(source: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every BVH file of a folder or an archive."""
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.suffix.lower() == ".bvh" and path.is_file():
                yield path.name, path.read_bytes()
    elif zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            for name in archive.namelist():
                if name.lower().endswith(".bvh"):
                    yield PurePosixPath(name).name, archive.read(name)
    elif source.is_file():
        with tarfile.open(source) as archive:
            for member in archive:
                if member.isfile() and member.name.lower().endswith(".bvh"):
                    file = archive.extractfile(member)
                    assert file is not None
                    yield PurePosixPath(member.name).name, file.read()
    else:
        raise SystemExit(f"error: the source {source} is neither a folder nor an archive")


def read_clip(file: tuple[str, bytes]) -> tuple[str, np.ndarray, np.ndarray] | tuple[str, str]:
    """A file's name with its quantised canonical motion, or with the reason why there is none."""
    name, content = file
    try:
        motion, _ = parse_bvh(content, name)
        rotations, roots = quantize(Retargeter.fit(motion).to_canonical(motion))
    except StylizeError as error:
        return name, str(error)
    return name, rotations, roots


def clip_labels(stem: str, patterns: tuple[str, ...]) -> tuple[str | None, str | None]:
    """Style and content of a file's stem by the first pattern that matches."""
    for pattern in patterns:
        match = re.search(pattern, stem)
        if match:
            groups = match.groupdict()
            style = groups.get("style")
            if style and groups.get("set"):
                style = f"set{groups['set']}/{style}"
            return style, groups.get("content")
    return None, None


def _names(path: Path | None) -> set[str]:
    return set(path.read_text(encoding="utf-8").split()) if path else set()


def main(options: Prepare) -> None:
    """Read, retarget, quantise and write; print what was skipped and why."""
    exclude, only = _names(options.exclude), _names(options.only)

    def wanted(name: str) -> bool:
        return name not in exclude and (not only or name in only)

    files = (file for source in options.source for file in iterate_files(source) if wanted(file[0]))
    entries, skipped = [], []
    with ProcessPoolExecutor(options.workers) as pool, tqdm(unit="clip") as bar:
        # In batches, so that an archive is not read into memory as a whole.
        while batch := list(islice(files, 64)):
            for result in pool.map(read_clip, batch, chunksize=8):
                bar.update()
                if len(result) == 2:
                    skipped.append(result)
                elif len(result[1]) < options.min_seconds * FPS:
                    skipped.append((result[0], f"{len(result[1])} frames are under {options.min_seconds:g} s"))
                else:
                    name, rotations, roots = result
                    style, content = clip_labels(Path(name).stem, options.label_pattern)
                    entries.append((Clip(Path(name).stem, len(roots), style, content), rotations, roots))
    if not entries:
        raise SystemExit("error: no clip could be read; name folders or archives that hold BVH files")
    entries.sort(key=lambda entry: entry[0].name)
    build_pack(entries).save(options.out)
    for name, reason in skipped:
        print(f"skipped {name}: {reason}")
    hours = sum(entry[0].frames for entry in entries) / FPS / 3600
    size = options.out.stat().st_size / 1e6
    print(f"{len(entries)} clips, {hours:.2f} h, {size:.1f} MB in {options.out}; {len(skipped)} files skipped")


if __name__ == "__main__":
    main(tyro.cli(Prepare, description=__doc__))
