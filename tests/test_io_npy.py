"""NumPy files of strangers: nothing is unpickled, and nothing is allocated on a header's word."""

import struct
import tracemalloc
import zipfile
from io import BytesIO

import numpy as np
import pytest

from stylize.errors import MotionFileError
from stylize.io.files import Limits
from stylize.io.npy import array_of, read_header, read_npz


def npy(array: np.ndarray) -> bytes:
    stream = BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def archive(entries: list[tuple[str, bytes]], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as file:
        for name, content in entries:
            file.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(3.5),
        np.array("male"),
        np.array(b"female"),
        np.zeros((0, 3)),
        np.arange(3, dtype=">f8"),
    ],
    ids=["float32", "fortran", "scalar", "text", "bytes", "empty", "big endian"],
)
def test_arrays_are_read_as_numpy_reads_them(array):
    header = read_header(npy(array), "a.npy")
    found = array_of(npy(array), header, "a.npy")
    expected = np.load(BytesIO(npy(array)))
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def with_header(text: str) -> bytes:
    head = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + b"\0" * 64


@pytest.mark.parametrize(
    "text",
    [
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }",
        "{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (2,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2.5,), }",
        "{'descr': '<q99', 'fortran_order': False, 'shape': (2,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 5000 + ",), }",
        "__import__('os').system('true')",
    ],
    ids=["no shape", "structured", "two types", "fraction", "unknown type", "huge", "code"],
)
def test_other_headers_are_refused(text):
    with pytest.raises(MotionFileError, match=r"^a\.npy is no \.npy file"):
        read_header(with_header(text), "a.npy")


def test_a_claim_of_more_numbers_than_there_are_is_refused_before_memory_is_taken():
    content = with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000, 3), }")
    tracemalloc.start()
    with pytest.raises(MotionFileError, match="in the middle"):
        array_of(content, read_header(content, "a.npy"), "a.npy")
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


def test_only_the_wanted_arrays_of_an_archive_are_unpacked():
    content = archive([("poses.npy", npy(np.arange(3.0))), ("other.npy", b"not an array"), ("../up.npy", b"x")])
    found = read_npz(content, "a.npz", {"poses", "trans"})
    assert list(found) == ["poses"]
    np.testing.assert_array_equal(found["poses"], np.arange(3.0))


def test_a_zip_bomb_is_refused_before_it_is_unpacked():
    bomb = archive([("poses.npy", npy(np.zeros(12_000_000)))])
    assert len(bomb) < 200_000
    tracemalloc.start()
    with pytest.raises(MotionFileError, match="unpacks to 92 MB, over the limit of 40 MB"):
        read_npz(bomb, "a.npz", {"poses"}, Limits(file_bytes=10 * 1024**2))
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


def test_a_bomb_that_lies_about_its_size_unpacks_to_no_more_than_it_says():
    honest = archive([("poses.npy", npy(np.zeros(4_000_000)))])
    size = struct.pack("<I", len(npy(np.zeros(4_000_000))))
    lying = honest.replace(size, struct.pack("<I", 1000))
    assert lying != honest
    tracemalloc.start()
    with pytest.raises(MotionFileError, match=r"is no \.npz file that can be read"):
        read_npz(lying, "a.npz", {"poses"})
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is no .npz file"),
        (b"PK\x03\x04" + b"\0" * 100, "is no .npz file"),
        (archive([("poses.npy", npy(np.zeros(3)))])[:-30], "is no .npz file"),
        (archive([("poses.npy", b"not an array")]), "poses is no .npy file"),
        (archive([("poses.npy", npy(np.zeros(3)))], zipfile.ZIP_LZMA), "packed in an unusual way"),
        (archive([(f"{k}.npy", b"") for k in range(300)]), "300 arrays"),
        (archive([("poses.npy", archive([("poses.npy", npy(np.zeros(3)))]))]), "poses is no .npy file"),
        (npy(np.zeros(3)), "is no .npz file"),
    ],
    ids=["empty", "no directory", "cut", "no array", "lzma", "many", "nested", "an .npy file"],
)
def test_other_archives_are_refused_in_a_sentence(content, reason):
    with pytest.raises(MotionFileError, match=reason) as error:
        read_npz(content, "a.npz", {"poses"})
    assert str(error.value).startswith("a.npz") and str(error.value).endswith(".")


def test_two_arrays_of_one_name_are_refused():
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = archive([("poses.npy", npy(np.zeros(3))), ("poses.npy", npy(np.ones(3)))])
    with pytest.raises(MotionFileError, match="two arrays of the same name"):
        read_npz(content, "a.npz", {"poses"})
