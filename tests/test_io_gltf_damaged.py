"""Files that are broken or meant to harm: one sentence each, quickly, without memory or other files."""

import json
import struct
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylize.errors import MotionFileError
from stylize.io import parse_gltf
from stylize.io.gltf import parse_character
from stylize.io.gltf.mannequin import mannequin_content
from tests.conftest import walk
from tests.example_gltf import BONES, Example, glb, humanoid, quat_about, turning_chain, waving
from tests.gltf_damage import DAMAGES, survives

Json = dict[str, Any]


def changed(change: Callable[[Json], object]) -> bytes:
    """A good file after a change of its JSON."""
    example = turning_chain()
    document = example.document()
    change(document)
    return glb(document, example.binary)


def set_in(*path: str | int, value: object) -> Callable[[Json], None]:
    """What sets one value of the JSON."""

    def change(document: Json) -> None:
        item: Any = document
        for key in path[:-1]:
            item = item[key]
        item[path[-1]] = value

    return change


def with_numbers(times: list[float], quats: object) -> bytes:
    example = Example([{"children": [1]}, {"translation": [0, 2, 0]}])
    example.turn("turn", 0, times, quats)
    return example.glb()


def zeros(count: int) -> Callable[[Json], None]:
    """An accessor without a buffer view, all zeros, as long as you like."""

    def change(document: Json) -> None:
        document["accessors"][1] |= {"count": count}
        del document["accessors"][1]["bufferView"]

    return change


GOOD = turning_chain().glb()
PLACE = {"bufferView": 1, "byteOffset": 12, "componentType": 5125}
REFUSED = {
    "nothing": (b"", "starts neither with"),
    "no glTF": (b"HIERARCHY\nROOT", "starts neither with"),
    "the header alone": (GOOD[:11], "middle of its header"),
    "half the file": (GOOD[: len(GOOD) // 2], "are announced"),
    "glTF 1": (GOOD[:4] + struct.pack("<I", 1) + GOOD[8:], "glTF version 1"),
    "a chunk beyond the end": (GOOD[:12] + struct.pack("<I", 2**31) + GOOD[16:], "beyond the file's end"),
    "no JSON chunk": (GOOD[:16] + b"JUNK" + GOOD[20:], "no JSON chunk"),
    "no JSON in it": (glb(b"{'a': 1}", b""), "JSON cannot be read"),
    "a list": (glb(b"[]", b""), "JSON is no object"),
    "NaN": (glb(b'{"asset": {"version": "2.0"}, "x": NaN}', b""), "JSON cannot be read"),
    "a number too long": (glb(b'{"a": ' + b"1" * 5000 + b"}", b""), "JSON cannot be read"),
    "too deep": (glb(b'{"a": ' + b"[" * 500 + b"]" * 500 + b"}", b""), "nested more than"),
    "far too deep": (glb(b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", b""), "JSON cannot be read"),
    "too many values": (glb(b'{"a": [' + b"0," * 2_000_000 + b"0]}", b""), "values; export one character"),
    "no version": (glb(b"{}", b""), "not of glTF version 2"),
    "nothing in it": (glb(b'{"asset": {"version": "2.0"}}', b""), "no skin and no animation"),
    "nodes that are none": (changed(set_in("nodes", value=[1])), r"nodes\[0\] is no object"),
    "too many nodes": (changed(set_in("nodes", value=[{}] * 20_001)), "has 20001 nodes"),
    "a child that is not there": (changed(set_in("nodes", 0, "children", value=[2])), "children that are not there"),
    "a child of its own": (changed(set_in("nodes", 0, "children", value=[0])), "has the child 0"),
    "a child of two": (changed(lambda d: d["nodes"].append({"children": [1]})), "another node has too"),
    "a circle": (changed(set_in("nodes", 1, "children", value=[0])), "run in a circle"),
    "a long chain": (
        changed(set_in("nodes", value=[{"children": [i + 1]} for i in range(9_999)] + [{}])),
        "more than 512 deep",
    ),
    "a translation of two": (changed(set_in("nodes", 1, "translation", value=[0, 1])), "not 3 finite numbers"),
    "a translation of text": (changed(set_in("nodes", 1, "translation", value="abc")), "no list"),
    "an endless translation": (changed(set_in("nodes", 1, "translation", value=[0, 1e300, 0])), "not 3 finite numbers"),
    "a rotation of zero": (changed(set_in("nodes", 1, "rotation", value=[0, 0, 0, 0])), "rotation of length zero"),
    "a mirror": (changed(set_in("nodes", 0, "scale", value=[-1, 1, 1])), "mirrored by a negative scale"),
    "a name that is none": (changed(set_in("nodes", 1, "name", value=7)), "name that is no text"),
    "an accessor that is not there": (changed(set_in("animations", 0, "samplers", 0, "input", value=9)), "only 2"),
    "a negative offset": (changed(set_in("bufferViews", 0, "byteOffset", value=-4)), "no usable byteOffset"),
    "a view beyond the buffer": (changed(set_in("bufferViews", 1, "byteLength", value=9999)), "bytes of its buffer"),
    "an accessor beyond the view": (changed(set_in("accessors", 1, "count", value=4)), "bytes of its buffer view"),
    "a stride of one": (changed(set_in("bufferViews", 1, "byteStride", value=1)), "bytes of its buffer view"),
    "a stride of a gigabyte": (changed(set_in("bufferViews", 1, "byteStride", value=2**30)), "of its buffer view"),
    "a huge count": (changed(set_in("accessors", 0, "count", value=10**12)), "more than can be used"),
    "a huge count of zeros": (changed(zeros(10**9)), "more than can be used"),
    "another type": (changed(set_in("accessors", 1, "type", value="VEC3")), "VEC4 is needed"),
    "a strange component": (changed(set_in("accessors", 1, "componentType", value=5124)), "component type 5124"),
    "meshopt": (
        changed(set_in("bufferViews", 0, "extensions", value={"EXT_meshopt_compression": {"buffer": 0}})),
        "compressed with meshopt",
    ),
    "two channels for one thing": (
        changed(lambda d: d["animations"][0]["channels"].append(d["animations"][0]["channels"][0])),
        "another channel moves",
    ),
    "a strange interpolation": (
        changed(set_in("animations", 0, "samplers", 0, "interpolation", value="X" * 99)),
        r"interpolation 'X+\.\.\.'",
    ),
    "fewer values than keys": (with_numbers([0, 1, 2], quat_about("z", 0, 1)), "has 2 values for 3 keys"),
    "keys back in time": (with_numbers([0, 2, 1], quat_about("z", 0, 1, 2)), "order of time"),
    "keys before time": (with_numbers([-1, 0], quat_about("z", 0, 1)), "order of time"),
    "NaN in the keys": (with_numbers([0, 1], [[0, 0, np.nan, 1], [0, 0, 0, 1]]), "not finite"),
    "times far too large": (with_numbers([0, 1e30], quat_about("z", 0, 1)), "not finite or far too large"),
    "a million nodes": (glb(b'{"nodes": [' + b"{}," * 700_000 + b"{}]}", b""), "values|version"),
    "rotations of zero": (with_numbers([0, 1], np.zeros((2, 4))), "rotations of length zero"),
    "a year": (with_numbers([0, 3e7], quat_about("z", 0, 1)), "cut it into shorter"),
    "sparse indices beyond": (
        changed(set_in("accessors", 1, "sparse", value={"count": 1, "indices": PLACE, "values": {"bufferView": 1}})),
        "entries of its accessor",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_broken_file_is_refused_in_one_sentence(what):
    content, message = REFUSED[what]
    start = time.perf_counter()
    with pytest.raises(MotionFileError, match=message) as caught:
        parse_gltf(content, "a.glb")
    assert time.perf_counter() - start < 2
    assert str(caught.value).startswith("a.glb")
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "uri", ["/etc/passwd", "file:///etc/passwd", "../a.bin", "http://localhost/a.bin", "buffer.bin"]
)
def test_no_other_file_is_opened(uri, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    example = turning_chain()
    document = json.dumps(example.document(uri=uri)).encode()
    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(MotionFileError, match=r"a.gltf: buffers\[0\] is in another file \(.*\), which is not opened; "):
        parse_gltf(document, "a.gltf")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("data:,abc", "not encoded in base64"),
        ("data:;base64,@@@@", "no valid base64"),
        ("data:;base64,AAAA", "3 bytes where"),
    ],
)
def test_data_uris_are_checked(uri, message):
    with pytest.raises(MotionFileError, match=message):
        parse_gltf(json.dumps(turning_chain().document(uri=uri)).encode(), "a.gltf")


def test_too_many_joints_are_refused_but_hair_is_left_at_rest():
    example = waving(humanoid())
    count = len(BONES)
    head = example.json["nodes"][list(BONES).index("head")]
    hair = list(range(count, count + 600))
    head["children"] = hair
    example.json["nodes"] += [{"name": f"hair {i}"} for i in hair]
    example.json["skins"].append({"joints": hair})
    assert len(parse_character(example.glb(), "a.glb").joints) == count
    example.json["skins"][0]["joints"] += hair
    with pytest.raises(MotionFileError, match="a character of 619 joints; at most 512"):
        parse_character(example.glb(), "a.glb")


SEEDS = [
    waving(humanoid()).glb(),
    waving(humanoid(skin=False), 1.0, 24).glb(),
    mannequin_content(walk(40), ".glb"),
]


def test_the_seeds_of_the_fuzz_test_are_good():
    assert [survives(seed) for seed in SEEDS] == ["written"] * len(SEEDS)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.sampled_from(range(len(SEEDS))),
    damage=st.sampled_from(range(len(DAMAGES))),
    draw=st.integers(0, 2**32 - 1),
    times=st.integers(1, 8),
)
def test_whatever_is_damaged_only_errors_for_the_user_come_of_it(seed, damage, draw, times):
    survives(DAMAGES[damage](SEEDS[seed], np.random.default_rng(draw), times))


def test_a_signalling_nan_is_no_warning():
    example = turning_chain()
    example.binary = example.binary[:12] + struct.pack("<I", 0x7F800001) + example.binary[16:]
    with pytest.raises(MotionFileError, match="not finite"):
        parse_gltf(example.glb(), "a.glb")
