"""Turn folders or archives of motion files into one training pack; docs/datasets.md has a command for each data set.

python -m training.prepare --source bandai-namco.tar.xz cmu.tar.xz --exclude bandai-namco-test.txt --out packs/train.npz
python -m training.prepare --dataset 100style --source 100STYLE --frame-cuts 100STYLE/Frame_Cuts.csv --out packs/x.npz
"""

import csv
import io
import re
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath

import numpy as np
from tqdm import tqdm

from stylize.errors import MotionError, StylizeError
from stylize.features import FPS
from stylize.io.bvh import parse_bvh
from stylize.io.files import Limits
from stylize.io.humanml3d import parse_humanml3d
from stylize.motion import Motion
from stylize.retarget import Retargeter
from training.command import run_command
from training.label_patterns import DATASETS, DatasetName, LabelPatterns
from training.packs import Clip, Pack, build_pack, quantize, split_pack
from training.processes import process_pool

SUFFIXES = (".bvh", ".npy")
CAPTION_TABLE = "index.csv"
LONG_TAKES = Limits(file_bytes=2**30, frames=300_000, joint_frames=10_000_000)
"""Takes of many minutes at 120 frames a second; the reader's usual limits are for files from strangers."""
ANY_ACTION = "any"
"""The action of all labelled clips where no name says one."""


@dataclass(frozen=True)
class Prepare:
    """Turn folders or archives (.tar.*, .zip) of motion files (.bvh, HumanML3D's .npy) into one training pack.

    Attributes:
        source: folders or archives.
        out: the pack to write (.npz).
        label_pattern: regular expressions on the file's stem with the named groups `style` and `content`, and
            `set` where the labels of several sets must stay apart ("set1/angry"). The first that matches counts;
            a clip that none matches has no labels. They replace those of the data set.
        dataset: whose file names these are (docs/datasets.md).
        frame_cuts: 100STYLE's Frame_Cuts.csv, which says where each take's T-poses end and begin.
        validation: a second pack for the clips held out of training, chosen by the clip's name.
        validation_share: how many of the labelled clips that is, about.
        exclude: a text file of file names to leave out (a test split).
        only: a text file of file names to take, and no others.
        min_seconds: shorter clips are skipped.
        max_seconds: longer takes are cut into equal clips, "Old_02-1", "Old_02-2"...; whole when not given.
        workers: processes.
    """

    source: list[Path]
    out: Path
    label_pattern: tuple[str, ...] = ()
    dataset: DatasetName = "bandai-namco"
    frame_cuts: Path | None = None
    validation: Path | None = None
    validation_share: float = 0.06
    exclude: Path | None = None
    only: Path | None = None
    min_seconds: float = 0.5
    max_seconds: float | None = None
    workers: int = 2


@dataclass(frozen=True)
class MotionFile:
    """A file that was found: its name, its content, which of its frames to take, and its description, if any."""

    name: str
    content: bytes
    frames: slice
    caption: str | None = None

    def read(self) -> Motion:
        """The file's canonical motion; StylizeError says why there is none."""
        if self.name.lower().endswith(".npy"):
            return parse_humanml3d(self.content, self.name)
        motion = parse_bvh(self.content, self.name, LONG_TAKES)[0].with_frames(self.frames)
        if not len(motion):
            raise MotionError(f"{self.name}: the frame cuts leave no frame of it.")
        return Retargeter.fit(motion).to_canonical(motion)


def _members(source: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Path and content of every file of a folder or an archive, the path from where it begins."""
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.is_file():
                yield path.relative_to(source).as_posix(), path.read_bytes
    elif zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            for name in archive.namelist():
                yield name, partial(archive.read, name)
    elif source.is_file():
        with tarfile.open(source) as archive:
            for member in archive:
                if member.isfile() and (file := archive.extractfile(member)) is not None:
                    yield member.name, file.read
    else:
        raise StylizeError(f"The source {source} is neither a folder nor an archive; name one of them.")


def iterate_files(source: Path) -> Iterator[tuple[str, bytes]]:
    """Path and content of every motion file of a folder or an archive."""
    for path, read in _members(source):
        if path.lower().endswith(SUFFIXES):
            yield path, read()


def read_captions(source: Path) -> dict[str, str]:
    """Path of a motion file to its description, from tables index.csv with the columns file and description."""
    captions = {}
    for path, read in _members(source):
        if PurePosixPath(path).name == CAPTION_TABLE:
            for row in csv.DictReader(io.StringIO(read().decode("utf-8-sig"))):
                if row.get("file") and row.get("description"):
                    captions[(PurePosixPath(path).parent / row["file"]).as_posix()] = row["description"]
    return captions


def read_clip(file: MotionFile) -> tuple[MotionFile, np.ndarray, np.ndarray] | tuple[MotionFile, str]:
    """A file (without its content) and its quantised canonical motion, or the reason why there is none."""
    try:
        rotations, roots = quantize(file.read())
    except StylizeError as error:
        return replace(file, content=b""), str(error)
    return replace(file, content=b""), rotations, roots


def read_frame_cuts(path: Path) -> dict[str, slice]:
    """The frames to take of each take, as "Angry_FW", of a table with the columns STYLE_NAME, FW_START, FW_STOP..."""
    cuts = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        header, *rows = csv.reader(file)
    for row in rows:
        for column, title in enumerate(header[:-1]):
            start, stop = row[column : column + 2] if len(row) > column + 1 else ("", "")
            if title.endswith("_START") and start.strip().isdigit() and stop.strip().isdigit():
                cuts[f"{row[0]}_{title.removesuffix('_START')}"] = slice(int(start), int(stop))
    if not cuts:
        raise StylizeError(f"{path} has no columns such as FW_START and FW_STOP with frame numbers; add them.")
    return cuts


def _names(path: Path | None) -> set[str]:
    return set(path.read_text(encoding="utf-8").split()) if path else set()


def _files(options: Prepare) -> Iterator[MotionFile]:
    exclude, only = _names(options.exclude), _names(options.only)
    cuts = read_frame_cuts(options.frame_cuts) if options.frame_cuts else {}
    for source in options.source:
        captions = read_captions(source)
        for path, content in iterate_files(source):
            name = PurePosixPath(path).name
            if name not in exclude and (not only or name in only):
                yield MotionFile(name, content, cuts.get(Path(name).stem, slice(None)), captions.get(path))


def _label_patterns(options: Prepare) -> LabelPatterns:
    if not options.label_pattern:
        return DATASETS[options.dataset]
    try:
        groups = {group for pattern in options.label_pattern for group in re.compile(pattern).groupindex}
    except re.error as error:
        raise StylizeError(f"The label pattern is no regular expression ({error}); mend it.") from error
    if not groups & {"style", "content"}:
        raise StylizeError("The label pattern has neither a group (?P<style>...) nor (?P<content>...); add one.")
    return LabelPatterns(options.label_pattern)


def _cut(
    clip: Clip, rotations: np.ndarray, roots: np.ndarray, max_seconds: float | None
) -> list[tuple[Clip, np.ndarray, np.ndarray]]:
    count = -(-clip.frames // round(max_seconds * FPS)) if max_seconds else 1
    if count == 1:
        return [(clip, rotations, roots)]
    pieces = zip(np.array_split(rotations, count), np.array_split(roots, count), strict=True)
    return [(replace(clip, name=f"{clip.name}-{i}", frames=len(piece[1])), *piece) for i, piece in enumerate(pieces, 1)]


def _report(pack: Pack, path: Path) -> None:
    """A line of size and a line of labels, so that a pattern that fits nothing is seen at once."""
    hours = sum(clip.frames for clip in pack.clips) / FPS / 3600
    print(f"{len(pack)} clips, {hours:.2f} h, {path.stat().st_size / 1e6:.1f} MB in {path}")
    for kind in ("style", "content"):
        counts = Counter(label for clip in pack.clips if (label := getattr(clip, kind)))
        listing = ", ".join(f"{label} {count}" for label, count in sorted(counts.items())) or "none"
        print(f"  {kind} of {counts.total()} clips: {listing}")
    print(f"  caption of {sum(clip.caption is not None for clip in pack.clips)} clips")


def main(options: Prepare) -> None:
    """Read, retarget, quantise and write; print what was skipped and why."""
    labels = _label_patterns(options)
    files = _files(options)
    entries, skipped = [], []
    with process_pool(options.workers) as pool, tqdm(unit="clip") as bar:
        # In batches, so that an archive is not read into memory as a whole.
        while batch := list(islice(files, 64)):
            for result in pool.map(read_clip, batch, chunksize=8):
                bar.update()
                if len(result) == 2:
                    skipped.append((result[0].name, result[1]))
                elif len(result[1]) < options.min_seconds * FPS:
                    skipped.append((result[0].name, f"{len(result[1])} frames are under {options.min_seconds:g} s"))
                else:
                    file, rotations, roots = result
                    style, content = labels.labels(Path(file.name).stem)
                    clip = Clip(Path(file.name).stem, len(roots), style, content, file.caption)
                    entries += _cut(clip, rotations, roots, options.max_seconds)
    for name, reason in skipped:
        print(f"skipped {name}: {reason}")
    if not entries:
        raise StylizeError("No clip could be read; name folders or archives that hold .bvh or .npy files.")
    entries.sort(key=lambda entry: entry[0].name)
    if not any(clip.content for clip, _, _ in entries):
        # The trainers weigh actions against each other and want at least one.
        entries = [(replace(clip, content=clip.style and ANY_ACTION), *frames) for clip, *frames in entries]
    packs = {options.out: build_pack(entries)}
    if options.validation is not None:
        packs[options.out], packs[options.validation] = split_pack(packs[options.out], options.validation_share)
        if not all(map(len, packs.values())):
            raise StylizeError("No labelled clip, or every clip, would be held out; change --validation-share.")
    for path, pack in packs.items():
        pack.save(path)
        _report(pack, path)
    print(f"{len(skipped)} files skipped")


if __name__ == "__main__":
    run_command(main, Prepare, __doc__)
