"""Arrays of numbers in a glTF file's buffers, in and out."""

from collections.abc import Collection
from typing import Any

import numpy as np

from stylize.io.gltf.container import COMPRESSIONS, Container
from stylize.io.gltf.values import LARGEST, Part

COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
SIZES = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
MOST_NUMBERS = 6_000_000
"""In all accessors of a file that are read, each as often as it is."""


class Accessors:
    """Reads a file's accessors, and refuses a file that would have too much read."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.accessors = container.root.parts("accessors")
        self.views = container.root.parts("bufferViews")
        self.left = MOST_NUMBERS

    def read(self, index: int, kind: str, most: int, components: Collection[int] = COMPONENTS) -> np.ndarray:
        """(count, size) the numbers of an accessor of one kind ("VEC3"), at most ``most``; normalised integers as such.

        Raises:
            MotionFileError: it is of another kind, goes beyond its buffer, is compressed or not finite.
        """
        part = self.accessors[index]
        if (found := part.text("type")) not in SIZES or found != kind:
            part.fail(f"is of the type {found[:10]!r} where {kind} is needed")
        component = part.integer("componentType")
        if component not in COMPONENTS or component not in components:
            part.fail(f"has the component type {component}, which cannot be used here")
        count = part.integer("count", least=1)
        self.left -= count * SIZES[kind]
        if count > most or self.left < 0:
            part.fail(f"has {count} entries, more than can be used", "cut the animation into shorter ones")
        dtype = np.dtype(COMPONENTS[component])
        shape = (count, SIZES[kind])
        view = part.index("bufferView", len(self.views))
        stored = np.zeros(shape, dtype) if view is None else self._array(view, part, dtype, shape)
        if (sparse := part.part("sparse")) is not None:
            stored = self._with_sparse(stored, sparse, dtype)
        with np.errstate(invalid="ignore"):  # a signalling NaN is found below
            values = stored.astype(float)
        if part.value.get("normalized") is True and dtype.kind != "f":
            values = np.maximum(values / np.iinfo(dtype).max, -1.0)
        # Not a number is not at most the largest either.
        if not (np.abs(values) <= LARGEST).all():
            part.fail("has numbers that are not finite or far too large")
        return values

    def _array(self, view_index: int, place: Part, dtype: np.dtype, shape: tuple[int, int]) -> np.ndarray:
        """Numbers (count, size) as they stand in a buffer view, from ``place``'s byteOffset on."""
        view = self.views[view_index]
        if any(view.path("extensions", name) is not None for name in COMPRESSIONS):
            view.fail("is compressed with meshopt, and an animation needs it", "export the file without compression")
        buffer_index = view.index("buffer", self.container.buffer_count)
        if buffer_index is None:
            view.fail("names no buffer")
        buffer = self.container.buffer(buffer_index)
        start, length = view.integer("byteOffset", 0), view.integer("byteLength", least=1)
        if start + length > len(buffer):
            view.fail(f"goes beyond the {len(buffer)} bytes of its buffer")
        row = dtype.itemsize * shape[1]
        stride = view.integer("byteStride", row, least=1) if shape[0] > 1 else row
        offset = place.integer("byteOffset", 0)
        if stride < row or offset + (shape[0] - 1) * stride + row > length:
            place.fail(f"goes beyond the {length} bytes of its buffer view")
        return np.ndarray(shape, dtype, buffer, start + offset, (stride, dtype.itemsize))

    def _with_sparse(self, stored: np.ndarray, sparse: Part, dtype: np.dtype) -> np.ndarray:
        """A copy with some of the entries replaced."""
        count = sparse.integer("count", least=1)
        places, values = sparse.part("indices"), sparse.part("values")
        if count > len(stored) or places is None or values is None:
            sparse.fail("cannot be understood")
        component = places.integer("componentType")
        if component not in (5121, 5123, 5125):
            places.fail("has indices of a type that cannot be used")
        where = self._array(self._view(places), places, np.dtype(COMPONENTS[component]), (count, 1))[:, 0]
        if where.max() >= len(stored):
            places.fail(f"goes beyond the {len(stored)} entries of its accessor")
        replaced = stored.copy()
        replaced[where] = self._array(self._view(values), values, dtype, (count, stored.shape[1]))
        return replaced

    def _view(self, part: Part) -> int:
        view = part.index("bufferView", len(self.views))
        if view is None:
            part.fail("names no buffer view")
        return view


class BufferWriter:
    """Appends arrays to a buffer, and their buffer views and accessors to a file's lists.

    Attributes:
        views: all buffer views, those that were there first.
        accessors: all accessors, likewise.
    """

    def __init__(self, buffer: int = 0, start: bytes = b"", views: Any = (), accessors: Any = ()) -> None:
        self.buffer = buffer
        self.views, self.accessors = list(views), list(accessors)
        self._chunks, self._length = [start], len(start)

    @property
    def content(self) -> bytes:
        """The whole buffer."""
        return b"".join(self._chunks)

    def add(
        self,
        array: np.ndarray,
        kind: str,
        *,
        target: int | None = None,
        with_range: bool = False,
        normalized: bool = False,
    ) -> int:
        """Append an array (count, size) in the type that it has, and return its accessor's index."""
        component = next(code for code, name in COMPONENTS.items() if np.dtype(name) == array.dtype)
        self._append(b"\0" * (-self._length % 4))
        content = np.ascontiguousarray(array).tobytes()
        view = {"buffer": self.buffer, "byteOffset": self._length, "byteLength": len(content)}
        self.views.append(view if target is None else {**view, "target": target})
        accessor = {"bufferView": len(self.views) - 1, "componentType": component, "count": len(array), "type": kind}
        if normalized:
            accessor["normalized"] = True
        if with_range:
            rows = array.reshape(len(array), -1)
            accessor |= {"min": rows.min(0).tolist(), "max": rows.max(0).tolist()}
        self._append(content)
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def _append(self, content: bytes) -> None:
        self._chunks.append(content)
        self._length += len(content)
