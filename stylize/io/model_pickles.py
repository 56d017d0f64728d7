"""SMPL's official model files are pickles: read here without running any code in them.

Nothing that a pickle names is ever called. The few array and matrix types that these files need are stood in for by
classes of ours, which only keep what they are given; anything else is refused.
"""

import pickle
import pickletools
import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np

from stylize.errors import MotionFileError

MOST_PARTS = 1_000_000
LONGEST_REASON = 80
PLAIN_DTYPE = re.compile(r"[<>=|]?[biuf][1248]")


class _DtypeStandIn:
    """numpy.dtype."""

    def __init__(self, code: Any = "", *_: Any) -> None:
        self.code = code.decode("latin-1") if isinstance(code, bytes) else str(code)
        self.order = "<"

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, tuple) and len(state) > 1 and str(state[1]) in "<>=|":
            self.order = str(state[1])

    def dtype(self) -> np.dtype | None:
        """The type, if it is one of plain numbers."""
        code = self.code if self.code[:1] in "<>=|" else f"{self.order}{self.code}"
        return np.dtype(code) if PLAIN_DTYPE.fullmatch(code) else None


class _ArrayStandIn:
    """numpy.ndarray; its numbers stay the bytes that they were."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def array(self) -> np.ndarray | None:
        """The array, if it is one of plain numbers that are all there."""
        if not (isinstance(self.state, tuple) and len(self.state) == 5):
            return None
        _, shape, dtype, is_fortran, raw = self.state
        plain = dtype.dtype() if isinstance(dtype, _DtypeStandIn) else None
        raw = raw.encode("latin-1") if isinstance(raw, str) else raw
        if plain is None or not isinstance(raw, bytes) or not isinstance(shape, tuple):
            return None
        if not all(type(size) is int and 0 <= size <= 2**31 for size in shape):
            return None
        count = 1
        for size in shape:
            count *= size
        if len(raw) != count * plain.itemsize:
            return None
        return np.frombuffer(raw, plain).reshape(shape, order="F" if is_fortran else "C")


class _ObjectStandIn:
    """A sparse matrix of scipy, or an array of chumpy: what they keep, by name."""

    state: Any = None

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.state = state

    @property
    def kept(self) -> dict[str, Any]:
        """Name -> value."""
        return self.state if isinstance(self.state, dict) else {}


class _Stub:
    """A function that a pickle may call, and may not change."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("a changed function")


def _encoded(text: Any = "", *_: Any) -> bytes:
    """Bytes, as Python 3 writes them for Python 2."""
    return text.encode("latin-1") if isinstance(text, str) else b""


_NEW_ARRAY = _Stub(lambda *_: _ArrayStandIn())
_NEW_OBJECT = _Stub(lambda *_: _ObjectStandIn())
_NOTHING = _Stub(lambda *_: None)

STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _ArrayStandIn,
    ("numpy", "dtype"): _DtypeStandIn,
    ("copy_reg", "_reconstructor"): _NEW_OBJECT,
    ("copyreg", "_reconstructor"): _NEW_OBJECT,
    **{(module, name): _NOTHING for module in ("__builtin__", "builtins") for name in ("object", "set")},
    ("_codecs", "encode"): _Stub(_encoded),
    **{(module, "_reconstruct"): _NEW_ARRAY for module in ("numpy.core.multiarray", "numpy._core.multiarray")},
    **{(module, "scalar"): _NOTHING for module in ("numpy.core.multiarray", "numpy._core.multiarray")},
    **{(module, f"{kind}_matrix"): _ObjectStandIn for kind in ("csc", "csr")
       for module in (f"scipy.sparse.{kind}", f"scipy.sparse._{kind}")},
    ("chumpy.ch", "Ch"): _ObjectStandIn,
    ("chumpy.reordering", "Select"): _ObjectStandIn,
}  # fmt: skip
"""What a pickle may name -> what stands in for it."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        """What stands in for a name; none but those in STAND_INS."""
        found = STAND_INS.get((module_name, global_name))
        if found is None:
            raise pickle.UnpicklingError(f"{module_name}.{global_name}")
        return found

    def persistent_load(self, pid: Any) -> Any:
        """Refused."""
        raise pickle.UnpicklingError("a persistent object")


def read_pickled_arrays(content: bytes, source_name: str) -> dict[str, np.ndarray]:
    """The arrays in a pickled dictionary, sparse matrices made dense; other entries are left out.

    Raises:
        MotionFileError: it is no such pickle, or it names something other than arrays and matrices.
    """
    try:
        _check_memo(content)
        found = _Unpickler(BytesIO(content), encoding="latin1").load()
        arrays = {str(name): _array_of(value) for name, value in found.items()} if isinstance(found, dict) else None
    except pickle.UnpicklingError as error:
        reason = ascii(str(error))[1:-1][:LONGEST_REASON]  # names of a stranger's file, which may hold anything
        raise MotionFileError(
            f"{source_name} is no body model that can be read: it is damaged, or holds more than arrays ({reason})."
        ) from error
    except Exception as error:  # a damaged pickle raises whatever its instructions lead to
        raise MotionFileError(f"{source_name} is no body model that can be read; download it again.") from error
    if arrays is None:
        raise MotionFileError(f"{source_name} is no body model: it holds no table of arrays.")
    return {name: array for name, array in arrays.items() if array is not None}


def _check_memo(content: bytes) -> None:
    """UnpicklingError if it counts its parts with huge numbers, for each of which the unpickler would take memory."""
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name.endswith("PUT") and int(str(argument)) > MOST_PARTS:
            raise pickle.UnpicklingError("parts without end")


def _array_of(value: Any) -> np.ndarray | None:
    if isinstance(value, _ArrayStandIn):
        return value.array()
    if not isinstance(value, _ObjectStandIn):
        return None
    if "x" in value.kept:  # chumpy's
        return _array_of(value.kept["x"])
    return _dense(value.kept)


def _dense(kept: dict[str, Any]) -> np.ndarray | None:
    """A sparse matrix of compressed columns, which all official files have."""
    parts = [_array_of(kept.get(name)) for name in ("data", "indices", "indptr")]
    shape = kept.get("_shape", kept.get("shape"))
    if any(part is None for part in parts) or not (isinstance(shape, tuple) and len(shape) == 2):
        return None
    data, rows, starts = (np.asarray(part) for part in parts)
    if not all(type(size) is int and 0 < size < 1_000_000 for size in shape) or shape[0] * shape[1] > 10_000_000:
        return None
    lengths = np.diff(starts)
    is_sound = len(starts) == shape[1] + 1 and (lengths >= 0).all() and lengths.sum() == len(data) == len(rows)
    if not is_sound or (len(rows) and not 0 <= rows.min() <= rows.max() < shape[0]):
        return None
    dense = np.zeros(shape, np.float32)
    np.add.at(dense, (rows, np.repeat(np.arange(shape[1]), lengths)), data)
    return dense
