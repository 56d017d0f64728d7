"""NumPy's .npy and .npz files of strangers: checked before anything is allocated, and never unpickled."""

import re
import struct
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np

from stylize.errors import MotionFileError
from stylize.io.files import DEFAULT_LIMITS, Limits

LONGEST_HEADER = 10_000
MOST_DIMENSIONS, MOST_DIGITS = 8, 18
"""Of a shape; more would be a strange sentence to a person."""
MOST_ENTRIES = 200
"""Files in an .npz; real ones have about ten."""
EXPANSION = 4
"""How many times as large as the largest file an .npz may become when it is unpacked."""
UNREADABLE = (ValueError, TypeError, KeyError, OverflowError, struct.error)

_DESCR = re.compile(r"""['"]descr['"]\s*:\s*['"]([<>=|]?[biufcSUO]\d*)['"]""")
_ORDER = re.compile(r"""['"]fortran_order['"]\s*:\s*(True|False)""")
_SHAPE = re.compile(r"""['"]shape['"]\s*:\s*\(([\d\s,L]*)\)""")


@dataclass(frozen=True)
class ArrayHeader:
    """What an .npy file says of its numbers.

    Attributes:
        dtype: of one number.
        shape: of the array.
        is_fortran: whether the first index runs fastest.
        start: byte at which the numbers begin.
    """

    dtype: np.dtype
    shape: tuple[int, ...]
    is_fortran: bool
    start: int

    @property
    def count(self) -> int:
        """How many numbers there are."""
        count = 1
        for size in self.shape:
            count *= size
        return count


def read_header(content: bytes, source_name: str) -> ArrayHeader:
    """The header of an .npy file; MotionFileError if there is none, or it holds Python objects.

    numpy's own reader is not used: it evaluates the header, warns, and lets other errors through.
    """
    try:
        return _parse_header(content)
    except UNREADABLE as error:
        raise MotionFileError(f"{source_name} is no .npy file that can be read; save it with numpy.save.") from error


def _parse_header(content: bytes) -> ArrayHeader:
    magic, version = content[:6], content[6:8]
    width = {b"\x01\x00": "<H", b"\x02\x00": "<I", b"\x03\x00": "<I"}[version]
    begin = 8 + struct.calcsize(width)
    (length,) = struct.unpack(width, content[8:begin])
    if magic != b"\x93NUMPY" or length > LONGEST_HEADER:
        raise ValueError("no .npy header")
    header = content[begin : begin + length].decode("latin-1")
    found = [pattern.findall(header) for pattern in (_DESCR, _ORDER, _SHAPE)]
    if any(len(matches) != 1 for matches in found):
        raise ValueError("no plain array")
    (descr,), (order,), (shape,) = found
    sizes = [size for part in shape.split(",") if (size := part.strip().rstrip("L"))]
    if len(sizes) > MOST_DIMENSIONS or any(len(size) > MOST_DIGITS for size in sizes):
        raise ValueError("no shape of an array")
    return ArrayHeader(np.dtype(descr), tuple(map(int, sizes)), order == "True", begin + len(header))


def array_of(content: bytes, header: ArrayHeader, source_name: str) -> np.ndarray:
    """The numbers behind a header that was found to be good; MotionFileError if some are missing."""
    if header.dtype.kind == "O":
        raise MotionFileError(
            f"{source_name} holds pickled Python objects, which are never read since they can run code; open it where "
            "it was made and save the array of joints or features in it with numpy.save."
        )
    if len(content) - header.start < header.count * header.dtype.itemsize:
        raise MotionFileError(f"{source_name}: it ends in the middle of its numbers; copy it again.")
    if header.count == 0 or header.dtype.itemsize == 0:
        return np.zeros(header.shape, header.dtype) if header.count == 0 else np.full(header.shape, "", header.dtype)
    values = np.frombuffer(content, header.dtype, header.count, header.start)
    return values.reshape(header.shape, order="F" if header.is_fortran else "C")


def finite_floats(array: np.ndarray, source_name: str, largest: float) -> np.ndarray:
    """An array as float64; MotionFileError if it has other numbers than finite ones up to ``largest``."""
    if array.dtype.kind != "f":
        raise MotionFileError(f"{source_name}: its values are of the type {array.dtype}; save it as float32.")
    with np.errstate(invalid="ignore", over="ignore"):
        array = array.astype(np.float64)
        is_good = np.isfinite(array).all() and (array.size == 0 or np.abs(array).max() <= largest)
    if not is_good:
        raise MotionFileError(f"{source_name}: it has numbers that are not finite or far too large; export it again.")
    return array


def read_npz(
    content: bytes,
    source_name: str,
    wanted: Collection[str],
    limits: Limits = DEFAULT_LIMITS,
    optional: Collection[str] = (),
) -> dict[str, np.ndarray]:
    """The wanted arrays of an .npz file, as far as it has them; others are not even unpacked.

    Args:
        content: of the file.
        source_name: the file's name, for error messages.
        wanted: names of arrays, without ".npy".
        limits: the largest file; unpacked, the wanted arrays may take EXPANSION times as much.
        optional: those of them that are left out where they are pickled.

    Raises:
        MotionFileError: it is no such file, it is damaged, it unpacks to too much, or a wanted array is pickled.
    """
    try:
        with ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
            _check_entries(entries, source_name)
            chosen = {name: entry for entry in entries if (name := entry.filename.removesuffix(".npy")) in wanted}
            total = sum(entry.file_size for entry in chosen.values())
            if total > EXPANSION * limits.file_bytes:
                raise MotionFileError(
                    f"{source_name} unpacks to {total / 1024**2:.0f} MB, over the limit of "
                    f"{EXPANSION * limits.file_bytes / 1024**2:g} MB; cut it into shorter clips."
                )
            unpacked = {name: _unpack(archive, entry) for name, entry in chosen.items()}
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, *UNREADABLE) as error:
        raise MotionFileError(f"{source_name} is no .npz file that can be read; save it with numpy.savez.") from error
    found = {}
    for name, part in unpacked.items():
        label = f"{source_name}: {name}"
        header = read_header(part, label)
        if header.dtype.kind != "O" or name not in optional:
            found[name] = array_of(part, header, label)
    return found


def _unpack(archive: ZipFile, entry: ZipInfo) -> bytes:
    """As much as the entry says; without a size, zipfile unpacks whatever a lying entry holds before it cuts it."""
    with archive.open(entry) as file:
        return file.read(entry.file_size)


def _check_entries(entries: list[ZipInfo], source_name: str) -> None:
    """Refuse an archive that is not what numpy.savez writes, before anything in it is unpacked."""
    names = [entry.filename for entry in entries]
    if len(entries) > MOST_ENTRIES:
        raise MotionFileError(f"{source_name} has {len(entries)} arrays, and {MOST_ENTRIES} is the limit.")
    if len(set(names)) < len(names):
        raise MotionFileError(f"{source_name} has two arrays of the same name; save it again with numpy.savez.")
    for entry in entries:
        if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED) or entry.flag_bits & 1:
            raise MotionFileError(f"{source_name} is packed in an unusual way; save it again with numpy.savez.")
