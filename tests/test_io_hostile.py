"""Files of strangers that are meant to harm, as they are on disk: one sentence, soon, and in little memory."""

import json
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from time import process_time

import numpy as np
import pytest

from stylize.errors import StylizeError
from stylize.inspection import inspect_file
from stylize.io import ArrayOptions, read_joint_names
from tests.conftest import walk
from tests.example_bvh import EXAMPLE
from tests.example_gltf import glb

SECONDS, BYTES = 2.0, 500e6
SUFFIXES = (".bvh", ".csv", ".glb", ".gltf", ".npy", ".npz", ".vrm")


class Harm:
    """What would make a folder, if it were ever unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return Path.mkdir, (self.folder,)


def npy(array: np.ndarray) -> bytes:
    stream = BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def npy_header(shape: tuple[int, ...]) -> bytes:
    """The beginning of an .npy file that claims to be of a shape."""
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def npz(**entries: bytes) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


@cache
def bomb() -> bytes:
    """Some megabytes that unpack to 520 MB of good zeros."""
    stream, megabyte = BytesIO(), b"\0" * 1_040_000
    packed = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with packed as archive, archive.open("poses.npy", "w") as entry:
        entry.write(npy_header((500 * 1_040_000 // (156 * 4), 156)))
        for _ in range(500):
            entry.write(megabyte)
    return stream.getvalue()


def with_nan(array: np.ndarray) -> np.ndarray:
    array = array.astype(np.float32)
    array[len(array) // 2].flat[0] = np.nan
    return array


def positions() -> np.ndarray:
    return walk(30).positions


def accessor_of(count: int) -> bytes:
    """A glTF file whose only accessor claims a number of entries."""
    skin = {"skins": [{"joints": [0], "inverseBindMatrices": 0}], "nodes": [{"skin": 0}]}
    view = {"bufferViews": [{"buffer": 0, "byteLength": 64}], "buffers": [{"byteLength": 64}]}
    accessors = {"accessors": [{"bufferView": 0, "componentType": 5126, "type": "MAT4", "count": count}]}
    return glb({"asset": {"version": "2.0"}, **skin, **view, **accessors}, b"\0" * 64)


HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "zip bomb": (".npz", bomb),
    "archive in archives": (".npz", lambda: npz(poses=npz(poses=npz(poses=bomb())))),
    "archive of many": (".npz", lambda: npz(**{f"a{k}": b"" for k in range(5000)})),
    "poses without end": (".npz", lambda: npz(poses=npy_header((10**12, 156)))),
    "poses that are not finite": (".npz", lambda: npz(poses=npy(with_nan(np.zeros((9, 156)))))),
    "joints that are not finite": (".npy", lambda: npy(with_nan(positions()))),
    "joints without end": (".npy", lambda: npy_header((10**15, 22, 3))),
    "dimensions without end": (".npy", lambda: npy_header((1,) * 3000)),
    "number of ten thousand digits": (".npy", lambda: npy_header((int("9" * 4000),))),
    "joints nested without end": (".bvh", lambda: b"HIERARCHY\nROOT a\n{\n" + b"JOINT b\n{\n" * 100_000),
    "frames without end": (".bvh", lambda: EXAMPLE.replace("Frames: 3", "Frames: 999999999999").encode()),
    "a channel that is no number": (".bvh", lambda: EXAMPLE.replace("10 20 30", "nan 20 30").encode()),
    "one line without end": (".bvh", lambda: b"HIERARCHY ROOT " + b"a" * 20_000_000),
    "channels without end": (".bvh", lambda: EXAMPLE.replace("CHANNELS 6", "CHANNELS 99999999").encode()),
    "JSON nested without end": (".gltf", lambda: b'{"asset":' + b"[" * 500_000 + b"]" * 500_000 + b"}"),
    "an accessor without end": (".glb", lambda: accessor_of(2**31 - 1)),
    "a glTF file that counts itself long": (".glb", lambda: b"glTF" + struct.pack("<III", 2, 2**32 - 1, 2**32 - 1)),
    "numbers that are no JSON": (".gltf", lambda: b'{"asset": {"version": "2.0"}, "nodes": [{"rotation": [NaN]}]}'),
    "columns without end": (".csv", lambda: b",".join(b"a%d.x" % k for k in range(300_000)) + b"\n" + b"1," * 300_000),
    "lines without end": (".csv", lambda: b"hip.x,hip.y,hip.z\n" + b"1,2,3\n" * 3_000_000),
    "a table that is not finite": (".csv", lambda: b"hip.x,hip.y,hip.z\n" + b"nan,inf,1\n" * 30),
    **{f"empty {suffix}": (suffix, lambda: b"") for suffix in SUFFIXES},
    **{f"a picture as {suffix}": (suffix, lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 1000) for suffix in SUFFIXES},
    **{f"a BVH file as {suffix}": (suffix, lambda: EXAMPLE.encode()) for suffix in SUFFIXES[1:]},
    **{f"an array as {suffix}": (suffix, lambda: npy(positions())) for suffix in SUFFIXES if suffix != ".npy"},
    **{f"an archive as {suffix}": (suffix, lambda: npz(poses=npy(np.zeros((9, 66))))) for suffix in SUFFIXES[:-2]},
    "another program's file": (".fbx", lambda: b"Kaydara FBX Binary"),
}  # fmt: skip


def refused(path: Path, arrays: ArrayOptions | None = None) -> str:
    """The sentence that a file gets, after its time and its memory were looked at."""
    start = process_time()
    with pytest.raises(StylizeError) as error:
        inspect_file(path, arrays=arrays)
    assert process_time() - start < SECONDS
    sentence = str(error.value)
    assert path.name in sentence and sentence.endswith(".") and "\n" not in sentence and len(sentence) < 500, sentence
    return sentence


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_gets_one_sentence_soon(what, tmp_path):
    suffix, content = HOSTILE[what]
    path = tmp_path / f"motion{suffix}"
    path.write_bytes(content())
    refused(path)


@pytest.mark.parametrize(
    "what",
    ["zip bomb", "poses without end", "joints without end", "joints nested without end", "one line without end",
     "JSON nested without end", "an accessor without end", "columns without end", "lines without end"],
)  # fmt: skip
def test_a_hostile_file_takes_little_memory(what, tmp_path):
    suffix, content = HOSTILE[what]
    path = tmp_path / f"motion{suffix}"
    path.write_bytes(content())
    tracemalloc.start()
    try:
        with pytest.raises(StylizeError):
            inspect_file(path)
        assert tracemalloc.get_traced_memory()[1] < BYTES
    finally:
        tracemalloc.stop()


def test_pickles_are_never_opened(tmp_path):
    made = tmp_path / "made"
    array = np.array(Harm(made), dtype=object)
    assert isinstance(pickle.loads(pickle.dumps([1])), list)  # pickles work here
    np.save(tmp_path / "motion.npy", array, allow_pickle=True)
    np.savez(tmp_path / "motion.npz", poses=array, trans=array)
    (tmp_path / "pickle.npy").write_bytes(pickle.dumps(Harm(made)))
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps(Harm(made)))
    for name in ("motion.npy", "motion.npz", "pickle.npy", "pickle.npz"):
        refused(tmp_path / name)
    assert not made.exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_links_to_nothing_themselves_folders_and_devices_are_refused(suffix, tmp_path):
    for name, target in {"none": "nowhere", "self": f"self{suffix}", "up": "..", "zero": "/dev/zero"}.items():
        link = tmp_path / f"{name}{suffix}"
        link.symlink_to(target)
        refused(link)


def test_names_of_joints_may_not_be_nested_without_end(tmp_path):
    (tmp_path / "names.json").write_text("[" * 500_000 + "]" * 500_000)
    with pytest.raises(StylizeError, match=r"names\.json is no list of joint names"):
        read_joint_names(tmp_path / "names.json")


def test_a_list_of_names_longer_than_the_array_is_refused(tmp_path):
    (tmp_path / "motion.npy").write_bytes(npy(positions()))
    (tmp_path / "names.json").write_text(json.dumps(["hips"] * 100_000))
    refused(tmp_path / "motion.npy", ArrayOptions(joint_names=read_joint_names(tmp_path / "names.json")))
