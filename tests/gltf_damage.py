"""Damage done to good glTF files, as accident or malice may do it."""

import copy
import json
import struct
from typing import Any

import numpy as np

from stylize.errors import StylizeError
from stylize.io.gltf import parse_character, parse_gltf
from stylize.retarget import Retargeter
from tests.example_gltf import glb, split

ODD_VALUES = (
    None, True, -1, 0, 1, 2, 3, 7, 255, 65535, 2**31 - 1, 2**32, 10**18, 10**400, 0.5, -0.0, 1e-300, 1e38, 1e300,
    "", "x", "VEC3", "SCALAR", "MAT4", "CUBICSPLINE", "STEP", "data:,", "data:;base64,AAAA", "../../etc/passwd",
    [], [[]], {}, [0], [0, 0, 0, 0], [1e38] * 3, [0] * 16, {"a": {}}, 5120, 5121, 5125, 5126,
)  # fmt: skip


def survives(content: bytes) -> str:
    """Read, retarget and write back a file; only errors that are meant for the user may come of it.

    Returns how far it came, to know that a campaign tests something.
    """
    try:
        motion, character = parse_gltf(content, "fuzz.glb")
        retargeter = Retargeter.fit(motion)
        written = character.content_with(retargeter.to_source(retargeter.to_canonical(motion)), ".glb")
        parse_gltf(written, "again.glb")
    except StylizeError as error:
        assert str(error).strip().endswith("."), error
        assert len(str(error)) < 1500, len(str(error))
    else:
        return "written"
    try:
        Retargeter.fit(parse_character(content, "fuzz.glb").rest())
    except StylizeError:
        return "refused"
    return "character"


def damaged_json(content: bytes, rng: np.random.Generator, times: int) -> bytes:
    """Some values of the JSON replaced, deleted or doubled."""
    document, binary = split(content)
    for _ in range(times):
        places: list[tuple[Any, Any]] = []
        stack: list[Any] = [document]
        while stack:
            item = stack.pop()
            keys = list(item) if isinstance(item, dict) else list(range(len(item)))
            places += [(item, key) for key in keys]
            stack += [item[key] for key in keys if isinstance(item[key], dict | list)]
        if not places:
            break
        parent, key = places[rng.integers(len(places))]
        kind = rng.integers(10)
        if kind == 0:
            del parent[key]
        elif kind == 1 and isinstance(parent, list):
            parent.append(copy.deepcopy(parent[key]))
        elif kind == 2 and type(parent[key]) is int:
            parent[key] += int(rng.integers(-3, 4))
        elif kind == 3:
            other, of = places[rng.integers(len(places))]
            parent[key] = copy.deepcopy(other[of])
        else:
            parent[key] = copy.deepcopy(ODD_VALUES[rng.integers(len(ODD_VALUES))])
    try:
        return glb(json.dumps(document).encode(), binary)
    except RecursionError:
        return content


def damaged_numbers(content: bytes, rng: np.random.Generator, times: int) -> bytes:
    """Some floats of the binary chunk replaced by others that are not usual."""
    odd = (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e38, -1e38, 1e-45, 1e9, 5e8, 1e5)
    result = bytearray(content)
    start = 28 + struct.unpack_from("<I", content, 12)[0]
    for _ in range(times):
        place = start + 4 * int(rng.integers((len(content) - start) // 4))
        struct.pack_into("<f", result, place, odd[rng.integers(len(odd))])
    return bytes(result)


def damaged_bytes(content: bytes, rng: np.random.Generator, times: int) -> bytes:
    """Some bytes changed, and at times the end cut off or a piece left out."""
    result = bytearray(content)
    for _ in range(times):
        result[rng.integers(len(result))] = rng.integers(256)
    if rng.integers(4) == 0:
        result = result[: rng.integers(1, len(result))]
    if rng.integers(4) == 0 and len(result) > 10:
        start = int(rng.integers(len(result) - 4))
        del result[start : start + int(rng.integers(1, 40))]
    return bytes(result)


DAMAGES = (damaged_json, damaged_numbers, damaged_bytes)
