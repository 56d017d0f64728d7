"""The two containers of glTF 2.0: .glb (and .vrm), JSON and one binary chunk, and .gltf, JSON with data URIs."""

import base64
import binascii
import json
import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from stylize.errors import MotionFileError
from stylize.io.gltf.values import Part, parse_json, shown

MAGIC, JSON_CHUNK, BINARY_CHUNK = b"glTF", b"JSON", b"BIN\0"
COMPRESSIONS = ("EXT_meshopt_compression", "KHR_meshopt_compression")
"""Extensions of buffer views that name a buffer of their own."""
DATA_URI = "data:application/octet-stream;base64,"


@dataclass(frozen=True, eq=False)
class Container:
    """A glTF file's content.

    Attributes:
        file: its name, for error messages.
        json: its JSON, never changed in place.
        binary: the binary chunk of a .glb file, which is its first buffer.
    """

    file: str
    json: dict[str, Any]
    binary: memoryview | None

    @cached_property
    def root(self) -> Part:
        """The JSON, to be read with checks."""
        return Part(self.json, "it", self.file)

    @cached_property
    def _buffers(self) -> list[Part]:
        return self.root.parts("buffers")

    @cached_property
    def _decoded(self) -> dict[int, memoryview]:
        return {}

    def buffer(self, index: int) -> memoryview:
        """The bytes of one buffer; MotionFileError if they are in another file, which is never opened."""
        if index not in self._decoded:
            part = self._buffers[index]
            content = self._content(index, part)
            length = part.integer("byteLength", least=1)
            if len(content) < length:
                part.fail(f"has {len(content)} bytes where {length} are announced", "copy or export the file again")
            self._decoded[index] = content[:length]
        return self._decoded[index]

    @property
    def buffer_count(self) -> int:
        """How many buffers there are."""
        return len(self._buffers)

    @property
    def has_binary_buffer(self) -> bool:
        """Whether the first buffer is the binary chunk."""
        return self.binary is not None and bool(self._buffers) and "uri" not in self._buffers[0].value

    def _content(self, index: int, part: Part) -> memoryview:
        uri = part.text("uri")
        if not uri:
            if index == 0 and self.binary is not None:
                return self.binary
            part.fail("has no bytes in this file", "export the file again as .glb")
        head, comma, encoded = uri.partition(",")
        if not head.startswith("data:"):
            part.fail(
                f"is in another file ({shown(uri)}), which is not opened",
                "export as .glb, or as .gltf with all embedded",
            )
        if not (comma and head.endswith(";base64")):
            part.fail("is not encoded in base64")
        try:
            return memoryview(base64.b64decode(encoded, validate=True))
        except (binascii.Error, ValueError) as error:
            raise MotionFileError(f"{self.file}: {part.where} is no valid base64; export the file again.") from error


def parse_container(content: bytes, file: str) -> Container:
    """Split a .glb, .vrm or .gltf file's content; which of them it is shows in its first bytes."""
    if content[:4] == MAGIC:
        text, binary = _chunks(content, file)
        document = parse_json(text, file)
    else:
        if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
            raise MotionFileError(
                f"{file} is no glTF file: it starts neither with 'glTF' nor with JSON; export it again."
            )
        document, binary = parse_json(content, file), None
    container = Container(file, document, binary)
    asset = container.root.part("asset")
    if asset is None or not asset.text("version").startswith("2."):
        raise MotionFileError(f"{file} is not of glTF version 2; export the character as glTF 2.0.")
    return container


def _chunks(content: bytes, file: str) -> tuple[memoryview, memoryview | None]:
    """The JSON and the binary chunk of a .glb file."""
    if len(content) < 20:
        raise MotionFileError(f"{file} ends in the middle of its header; copy or export the file again.")
    version, length = struct.unpack_from("<II", content, 4)
    if version != 2:
        raise MotionFileError(f"{file} is of glTF version {version}; export the character as glTF 2.0.")
    if length > len(content):
        raise MotionFileError(
            f"{file} has {len(content)} bytes where {length} are announced; copy or export the file again."
        )
    chunks: dict[bytes, memoryview] = {}
    view, start = memoryview(content), 12
    for _ in range(8):  # whatever follows JSON and binary is for others
        if start + 8 > length:
            break
        size, kind = struct.unpack_from("<I4s", content, start)
        if start + 8 + size > length:
            raise MotionFileError(f"{file}: a chunk of {size} bytes goes beyond the file's end; export the file again.")
        chunks.setdefault(kind, view[start + 8 : start + 8 + size])
        start += 8 + size
    if JSON_CHUNK not in chunks:
        raise MotionFileError(f"{file} has no JSON chunk; export the file again as glTF 2.0.")
    return chunks[JSON_CHUNK], chunks.get(BINARY_CHUNK)


def with_binary(container: Container) -> tuple[dict[str, Any], bytes | None]:
    """The JSON and the binary chunk of a file as .glb: one buffer, or several joined, whose bytes are in the JSON."""
    if container.has_binary_buffer:
        return container.json, bytes(container.buffer(0))
    if any("uri" not in part.value for part in container.root.parts("buffers")):
        return container.json, None
    starts, chunks, length = [], [], 0
    for index in range(container.buffer_count):
        content = bytes(container.buffer(index))
        starts.append(length)
        chunks.append(content + b"\0" * (-len(content) % 4))
        length += len(chunks[-1])

    def moved(view: Part) -> dict[str, Any]:
        index = view.index("buffer", len(starts))
        if index is None:
            return view.value
        return {**view.value, "buffer": 0, "byteOffset": view.integer("byteOffset", 0) + starts[index]}

    views = []
    for part in container.root.parts("bufferViews"):
        view = moved(part)
        for name in COMPRESSIONS:
            if (compressed := part.path("extensions", name)) is not None:
                view = {**view, "extensions": {**view["extensions"], name: moved(compressed)}}
        views.append(view)
    return {**container.json, "bufferViews": views, "buffers": [{"byteLength": length}]}, b"".join(chunks)


def encode(document: dict[str, Any], binary: bytes | None, suffix: str) -> bytes:
    """A file's content from its JSON and its first buffer, as .gltf or, for any other suffix, as .glb."""
    if suffix == ".gltf":
        if binary is not None:
            first = {**document["buffers"][0], "uri": data_uri(binary)}
            document = {**document, "buffers": [first, *document["buffers"][1:]]}
        return _dumps(document)
    text = _dumps(document)
    chunks = [(JSON_CHUNK, text + b" " * (-len(text) % 4))]
    if binary is not None:
        chunks.append((BINARY_CHUNK, binary + b"\0" * (-len(binary) % 4)))
    length = 12 + sum(8 + len(chunk) for _, chunk in chunks)
    parts = [struct.pack("<4sII", MAGIC, 2, length)]
    for kind, chunk in chunks:
        parts += [struct.pack("<I4s", len(chunk), kind), chunk]
    return b"".join(parts)


def data_uri(content: bytes) -> str:
    """Bytes as a URI."""
    return DATA_URI + base64.b64encode(content).decode("ascii")


def _dumps(document: dict[str, Any]) -> bytes:
    try:
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can write and UTF-8 cannot
        return json.dumps(document, separators=(",", ":")).encode("ascii")
