"""Small glTF files, put together here byte by byte, without the code that is tested."""

import base64
import json
import struct
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

COMPONENT = {"int8": 5120, "uint8": 5121, "int16": 5122, "uint16": 5123, "uint32": 5125, "float32": 5126}
KIND = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}


class Example:
    """The JSON of a file and its one buffer, which grow by ``accessor`` and ``animate``."""

    def __init__(self, nodes: list[dict[str, Any]]) -> None:
        self.binary = b""
        self.json: dict[str, Any] = {
            "asset": {"version": "2.0"},
            "nodes": nodes,
            "animations": [],
            "accessors": [],
            "bufferViews": [],
        }

    def view(self, content: bytes, **extra: Any) -> int:
        self.binary += b"\0" * (-len(self.binary) % 4)
        view = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(content), **extra}
        self.json["bufferViews"].append(view)
        self.binary += content
        return len(self.json["bufferViews"]) - 1

    def accessor(self, values: Any, dtype: str = "float32", **extra: Any) -> int:
        array = np.array(values, dtype)
        array = array[:, None] if array.ndim == 1 else array
        accessor = {
            "bufferView": self.view(array.tobytes()),
            "componentType": COMPONENT[dtype],
            "count": len(array),
            "type": KIND[array.shape[1]],
            **extra,
        }
        if array.shape[1] == 1:
            accessor |= {"min": [float(array.min())], "max": [float(array.max())]}
        self.json["accessors"].append(accessor)
        return len(self.json["accessors"]) - 1

    def animate(self, name: str, channels: list[tuple[int, str, int, int, str]]) -> None:
        """Add an animation of channels (node, path, input, output, interpolation)."""
        samplers = [{"input": i, "output": o, "interpolation": how} for _, _, i, o, how in channels]
        targets = [{"sampler": k, "target": {"node": c[0], "path": c[1]}} for k, c in enumerate(channels)]
        self.json["animations"].append({"name": name, "channels": targets, "samplers": samplers})

    def turn(self, name: str, node: int, times: Any, quat_xyzw: Any, how: str = "LINEAR") -> None:
        self.animate(name, [(node, "rotation", self.accessor(times), self.accessor(quat_xyzw), how)])

    def document(self, **buffer: Any) -> dict[str, Any]:
        nodes = self.json["nodes"]
        roots = set(range(len(nodes))) - {child for node in nodes for child in node.get("children", ())}
        lists = {key: value for key, value in self.json.items() if value != []}
        buffers = [{"byteLength": len(self.binary), **buffer}]
        return {**lists, "scene": 0, "scenes": [{"nodes": sorted(roots)}], "buffers": buffers}

    def glb(self) -> bytes:
        return glb(self.document(), self.binary)

    def gltf(self) -> bytes:
        uri = "data:application/octet-stream;base64," + base64.b64encode(self.binary).decode()
        return json.dumps(self.document(uri=uri)).encode()


def glb(document: Any, binary: bytes | None) -> bytes:
    text = (document if isinstance(document, bytes) else json.dumps(document).encode()) + b"   "
    text = text[: len(text) // 4 * 4]
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    if binary is not None:
        binary += b"\0" * (-len(binary) % 4)
        chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The JSON and the binary chunk of a .glb file."""
    length = struct.unpack_from("<I", content, 12)[0]
    binary = content[20 + length + 8 :]
    return json.loads(content[20 : 20 + length]), binary


def turning_chain(how: str = "LINEAR") -> Example:
    """Two nodes, the lower one 2 m above the upper, which turns by 90 degrees about z in the second second."""
    example = Example([{"name": "low", "children": [1]}, {"name": "high", "translation": [0, 2, 0]}])
    example.turn("turn", 0, [0, 1, 2], quat_about("z", 0, 0, 90), how)
    return example


def quat_about(axis: str, *degrees: float) -> np.ndarray:
    return Rotation.from_euler(axis, np.array(degrees, float)[:, None], degrees=True).as_quat()


BONES = {
    "hips": (None, (0, 0.9, 0)),
    "spine": ("hips", (0, 0.1, 0)),
    "chest": ("spine", (0, 0.2, 0)),
    "neck": ("chest", (0, 0.25, 0)),
    "head": ("neck", (0, 0.1, 0)),
    "leftUpperArm": ("chest", (0.18, 0.2, 0)),
    "leftLowerArm": ("leftUpperArm", (0.27, 0, 0)),
    "leftHand": ("leftLowerArm", (0.25, 0, 0)),
    "rightUpperArm": ("chest", (-0.18, 0.2, 0)),
    "rightLowerArm": ("rightUpperArm", (-0.27, 0, 0)),
    "rightHand": ("rightLowerArm", (-0.25, 0, 0)),
    "leftUpperLeg": ("hips", (0.09, -0.05, 0)),
    "leftLowerLeg": ("leftUpperLeg", (0, -0.38, 0)),
    "leftFoot": ("leftLowerLeg", (0, -0.4, 0)),
    "leftToes": ("leftFoot", (0, -0.05, 0.13)),
    "rightUpperLeg": ("hips", (-0.09, -0.05, 0)),
    "rightLowerLeg": ("rightUpperLeg", (0, -0.38, 0)),
    "rightFoot": ("rightLowerLeg", (0, -0.4, 0)),
    "rightToes": ("rightFoot", (0, -0.05, 0.13)),
}
"""VRM's bone -> the one above it, and where it is from there in a T-pose that faces +Z."""


def humanoid(names: dict[str, str] | None = None, *, skin: bool = True) -> Example:
    """A humanoid in a T-pose, node 0 its hips, the others in the order of BONES; by default named as in VRM."""
    order = list(BONES)
    nodes: list[dict[str, Any]] = []
    for bone, (_, offset) in BONES.items():
        children = [order.index(other) for other, (above, _) in BONES.items() if above == bone]
        node = {"name": (names or {}).get(bone, bone), "translation": list(offset)}
        nodes.append({**node, "children": children} if children else node)
    example = Example(nodes)
    if skin:
        places = {}
        for bone, (above, offset) in BONES.items():
            places[bone] = np.array(offset) + (places[above] if above else 0)
        matrices = np.tile(np.eye(4), (len(BONES), 1, 1))
        matrices[:, 3, :3] = -np.array(list(places.values()))  # column after column
        inverse = example.accessor(matrices.reshape(-1, 16))
        example.json["skins"] = [{"joints": list(range(len(BONES))), "inverseBindMatrices": inverse}]
    return example


def with_vrm(example: Example, version: int = 1) -> Example:
    """The same humanoid as a VRM file, which says which node is which bone."""
    bones = {bone: {"node": i} for i, bone in enumerate(BONES)}
    if version:
        example.json["extensions"] = {"VRMC_vrm": {"specVersion": "1.0", "humanoid": {"humanBones": bones}}}
    else:
        listed = [{"bone": bone, **node} for bone, node in bones.items()]
        example.json["extensions"] = {"VRM": {"humanoid": {"humanBones": listed}}}
    example.json["extensionsUsed"] = list(example.json["extensions"])
    return example


def with_joint_frames(example: Example, seed: int) -> Example:
    """The same humanoid, with the joints' own axes turned at random, as rigs have them along their bones."""
    frames = Rotation.random(len(BONES), rng=np.random.default_rng(seed))
    order = list(BONES)
    places = {}
    inverse = np.tile(np.eye(4), (len(BONES), 1, 1))
    for i, (bone, (above, offset)) in enumerate(BONES.items()):
        places[bone] = np.array(offset) + (places[above] if above else 0)
        over = frames[order.index(above)] if above else Rotation.identity()
        example.json["nodes"][i] |= {
            "translation": over.inv().apply(offset).tolist(),
            "rotation": (over.inv() * frames[i]).as_quat().tolist(),
        }
        inverse[i, :3, :3] = frames[i].inv().as_matrix()
        inverse[i, :3, 3] = -frames[i].inv().apply(places[bone])
    example.json["skins"][0]["inverseBindMatrices"] = example.accessor(inverse.transpose(0, 2, 1).reshape(-1, 16))
    for animation in example.json["animations"]:
        for channel, sampler in zip(animation["channels"], animation["samplers"], strict=True):
            node = channel["target"]["node"]
            above = BONES[order[node]][0]
            over = frames[order.index(above)] if above else Rotation.identity()
            output = example.json["accessors"][sampler["output"]]
            start = example.json["bufferViews"][output["bufferView"]]["byteOffset"]
            quats = np.frombuffer(example.binary, "float32", 4 * output["count"], start).reshape(-1, 4)
            turned = over.inv() * Rotation.from_quat(quats) * frames[node]
            sampler["output"] = example.accessor(turned.as_quat())
    return example


def waving(example: Example, seconds: float = 2.0, rate: int = 30) -> Example:
    """Add an animation "wave": both arms down, the left forearm to and fro, the knees bent a little."""
    times = np.arange(round(seconds * rate) + 1) / rate
    order = list(BONES)
    wave = 60 + 30 * np.sin(2 * np.pi * times)
    still = np.ones(len(times))
    moves = {
        "leftUpperArm": quat_about("z", *(-70 * still)),
        "rightUpperArm": quat_about("z", *(70 * still)),
        "leftLowerArm": quat_about("y", *-wave),
        "rightLowerArm": quat_about("y", *(30 * still)),
        "leftUpperLeg": quat_about("x", *(-10 * still)),
        "leftLowerLeg": quat_about("x", *(20 * still)),
        "rightUpperLeg": quat_about("x", *(-10 * still)),
        "rightLowerLeg": quat_about("x", *(20 * still)),
    }
    at = example.accessor(times)
    channels = [(order.index(bone), "rotation", at, example.accessor(q), "LINEAR") for bone, q in moves.items()]
    example.animate("wave", channels)
    return example


def bowing(example: Example) -> Example:
    """Add an animation "bow" of three seconds."""
    times = np.arange(91) / 30
    example.turn("bow", 0, times, quat_about("x", *(40 * np.sin(times))))
    return example
