import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylize.errors import MotionFileError
from stylize.io import Limits, parse_bvh, read_bvh
from tests.example_bvh import EXAMPLE, ROW_2

ROOT_CHANNELS = "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation"
LAST_ROW = EXAMPLE.splitlines()[-1]
DEEP = "HIERARCHY\nROOT a\n{\n" + "OFFSET 0 0 0\nCHANNELS 0\nJOINT a\n{\n" * 10_000
WIDE = "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 0\n" + "JOINT a\n{\nOFFSET 0 0 0\nCHANNELS 0\n}\n" * 10_000

# What is replaced in the example, by what, and the line and the phrase of the error.
DAMAGE = {
    "no HIERARCHY": ("HIERARCHY\n", "", 1, "starts with HIERARCHY, not with 'ROOT'"),
    "something else": (EXAMPLE, "<html>\n<body>", 1, "not with '<html>'"),
    "no ROOT": ("ROOT hips", "JOINT hips", 2, "expected ROOT after HIERARCHY, not 'JOINT'"),
    "HIERARCHY alone": (EXAMPLE, "HIERARCHY\n\n", 1, "not the end of the file"),
    "no name": ("JOINT spine", "JOINT", 6, "has no name"),
    "no opening brace": ("\tJOINT spine\n\t{\n", "\tJOINT spine\n", 7, "expected '{' after joint 'spine'"),
    "no closing brace": ("}\nMOTION", "MOTION", 30, "joint 'hips' is not closed before 'MOTION'"),
    "no closing brace of a joint": ("\t}\n\tJOINT left leg", "\tJOINT left leg", 30, "add the missing '}'"),
    "no closing brace of an End Site": ("\t\t\t}\n\t\t}", "\t\t}", 30, "is not closed"),
    "no opening brace of an End Site": ("End Site\n\t\t\t{", "End Site", 15, "expected '{' after End Site"),
    "rubbish in an End Site": ("0.0 2.5 0.0", "0.0 2.5 0.0 9", 16, "expected '}' at the end of End Site, not '9'"),
    "one closing brace too many": ("}\nMOTION", "}\n}\nMOTION", 31, "a '}' without its '{'"),
    "cut in the hierarchy": (EXAMPLE[EXAMPLE.index("\t\t\tEnd Site") :], "", 13, "before the end of the file"),
    "a word that means nothing": ("\tJOINT spine", "\tBONE spine", 6, "not 'BONE'"),
    "two roots in a row": ("}\nMOTION", "}\nROOT b\n{\n}\nMOTION", 31, "second ROOT"),
    "a root in the root": ("JOINT spine", "ROOT spine", 6, "second ROOT"),
    "no OFFSET": ("\t\tOFFSET 4.0 -8.0 0.0\n", "", 20, "joint 'left leg' has no OFFSET"),
    "no CHANNELS": ("\t\t\tCHANNELS 0\n", "", 24, "joint 'toe' has no CHANNELS"),
    "two OFFSETs": ("\tCHANNELS 6", "\tOFFSET 0 0 0\n\tCHANNELS 6", 5, "second OFFSET"),
    "two CHANNELS": ("\t\t\tCHANNELS 0", "\t\t\tCHANNELS 0\n\t\t\tCHANNELS 0", 28, "second CHANNELS"),
    "OFFSET of two values": ("1.0 2.0 3.0", "1.0 2.0", 5, "OFFSET value must be a finite number, not 'CHANNELS'"),
    "OFFSET of four values": ("1.0 2.0 3.0", "1.0 2.0 3.0 4.0", 4, "not '4.0'"),
    "OFFSET not a number": ("0.0 10.0 0.5", "0.0 ten 0.5", 8, "not 'ten'"),
    "OFFSET NaN": ("0.0 10.0 0.5", "0.0 nan 0.5", 8, "not 'nan'"),
    "OFFSET infinite": ("0.0 10.0 0.5", "0.0 -inf 0.5", 8, "not '-inf'"),
    "OFFSET huge": ("0.0 10.0 0.5", "0.0 1e300 0.5", 8, "not '1e300'"),
    "count of channels too large": ("CHANNELS 3 Y", "CHANNELS 4 Y", 9, "CHANNELS says 4 but 3 names follow"),
    "count of channels too small": ("CHANNELS 3 Y", "CHANNELS 2 Y", 9, "not 'Zrotation'"),
    "count of channels absurd": ("CHANNELS 3 Y", "CHANNELS 999999999 Y", 9, "count from 0 to 6"),
    "count of channels missing": ("CHANNELS 3 Y", "CHANNELS Y", 9, "not 'Yrotation'"),
    "unknown channel": ("CHANNELS 1 Xrotation", "CHANNELS 1 Wrotation", 23, "'Wrotation' is no channel; use Xposition"),
    "channel twice": (ROOT_CHANNELS, ROOT_CHANNELS.replace("Yr", "x").replace("xotation", "xrotation"), 5, "twice"),
    "no MOTION": ("MOTION\n", "", 31, "expected MOTION after the hierarchy, not 'Frames:'"),
    "no motion at all": (EXAMPLE[EXAMPLE.index("MOTION") :], "", 30, "not the end of the file"),
    "no Frames": ("Frames: 3\n", "", 32, "expected 'Frames:' after MOTION, not 'Frame'"),
    "no number of frames": ("Frames: 3", "Frames:", 33, "not 'Frame'"),
    "no frames": ("Frames: 3", "Frames: 0", 32, "whole number above 0, not '0'"),
    "negative frames": ("Frames: 3", "Frames: -3", 32, "not '-3'"),
    "fractional frames": ("Frames: 3", "Frames: 2.5", 32, "not '2.5'"),
    "NaN frames": ("Frames: 3", "Frames: nan", 32, "not 'nan'"),
    "infinite frames": ("Frames: 3", "Frames: inf", 32, "'inf'"),
    "huge frames": ("Frames: 3", "Frames: 1000000000000000000", 32, "more than the limit of 60000"),
    "huge frames as 1e18": ("Frames: 3", "Frames: 1e18", 32, "more than the limit"),
    "frames of 5,000 digits": ("Frames: 3", "Frames: " + "9" * 5000, 32, "'99999"),
    "more frames than rows": ("Frames: 3", "Frames: 4", 32, "4 frames of 14 values are announced but 42 values follow"),
    "fewer frames than rows": ("Frames: 3", "Frames: 2", 32, "2 frames of 14 values are announced but 42"),
    "no Frame Time": ("Frame Time: 0.0333333\n", "", 33, "expected 'Frame Time:'"),
    "frame time 0": ("0.0333333", "0", 33, "the frame time is 0;"),
    "frame time negative": ("0.0333333", "-0.0333333", 33, "the frame time is -0.0333333"),
    "frame time NaN": ("0.0333333", "nan", 33, "not 'nan'"),
    "frame time tiny": ("0.0333333", "1e-320", 33, "the frame time is"),
    "frame time not a number": ("0.0333333", "0,0333333", 33, "not '0,0333333'"),
    "truncated last row": (LAST_ROW + "\n", "12 22 32 0 0", 36, "5 values where a frame has 14"),
    "truncated row": (ROW_2, ROW_2[:-4], 35, "13 values where a frame has 14"),
    "row too long": (ROW_2, ROW_2 + " 7", 35, "15 values where a frame has 14"),
    "no values": (EXAMPLE[EXAMPLE.index("10 20 30") :], "", 32, "but 0 values follow"),
    "NaN value": (ROW_2, ROW_2.replace("88", "nan"), 35, "'nan' is not a finite number"),
    "infinite value": (ROW_2, ROW_2.replace("88", "Infinity"), 35, "'Infinity'"),
    "overflowing value": (ROW_2, ROW_2.replace("88", "1e999"), 35, "'1e999'"),
    "Windows NaN": (ROW_2, ROW_2.replace("88", "-1.#IND"), 35, "'-1.#IND'"),
    "decimal comma": (ROW_2, ROW_2.replace("6.0", "6,0"), 35, "'6,0'"),
    "Python's digit groups": (ROW_2, ROW_2.replace("170", "1_70"), 35, "'1_70'"),
    "foreign digits": (ROW_2, ROW_2.replace("88", "\u0668\u0668"), 35, "not a finite number"),
    "a long word": (ROW_2, "x" * 100_000, 35, "'xxxxx"),
    "text after the motion": (LAST_ROW, LAST_ROW + "\nEND", 37, "'END'"),
    "empty": (EXAMPLE, "", 1, "the file is empty"),
    "only whitespace": (EXAMPLE, "\ufeff \r\n\t\n", 1, "the file is empty"),
    "binary": ("JOINT spine", "JOINT sp\0ine", 6, "not plain text"),
    "nested 10,000 deep": (EXAMPLE, DEEP, 4 * 512 + 2, "more than 512 joints"),
    "10,000 joints": (EXAMPLE, WIDE, 6 + 5 * 511, "more than 512 joints"),
    "only braces": (EXAMPLE, "HIERARCHY\nROOT a\n" + "{" * 100_000, 3, "not '{'"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damaged_file_gets_one_sentence_with_its_line(damage):
    old, new, line, phrase = damage
    assert EXAMPLE.count(old) == 1
    with pytest.raises(MotionFileError) as caught:
        parse_bvh(EXAMPLE.replace(old, new).encode(), "walk.bvh")
    message = str(caught.value)
    assert message.startswith(f"walk.bvh, line {line}: ")
    assert phrase in message
    assert_is_one_sentence(message)


def test_utf_16_is_refused_as_no_plain_text():
    with pytest.raises(MotionFileError, match=r"walk.bvh, line 1: not plain text"):
        parse_bvh(EXAMPLE.encode("utf-16"), "walk.bvh")


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_line_numbers_are_right_for_every_kind_of_line_end(line_end):
    with pytest.raises(MotionFileError, match=r"line 35: '88x'"):
        parse_bvh(EXAMPLE.replace(" 88 ", " 88x ").replace("\n", line_end).encode())


def test_no_row_is_blamed_where_all_frames_are_broken_over_lines():
    text = EXAMPLE.replace(" 5 10 15", "\n5 10 15").replace(" -5 88", "\n-5 88").replace("0 0 90\n", "")
    with pytest.raises(MotionFileError, match=r"line 32: 3 frames of 14 values are announced but 39"):
        parse_bvh(text)


@pytest.mark.parametrize(
    ("limits", "phrase"),
    [
        (Limits(file_bytes=200), "larger than the limit of"),
        (Limits(joints=4), "more than 4 joints"),
        (Limits(frames=2), "limit of 2"),
        (Limits(joint_frames=14), "limit of 2 for this skeleton"),
    ],
)
def test_file_over_a_limit_is_refused(limits, phrase, tmp_path):
    path = tmp_path / "walk.bvh"
    path.write_text(EXAMPLE)
    with pytest.raises(MotionFileError, match=phrase) as caught:
        read_bvh(path, limits)
    assert str(caught.value).startswith("walk.bvh")
    assert_is_one_sentence(str(caught.value))
    read_bvh(path, Limits(file_bytes=len(EXAMPLE), joints=5, frames=3, joint_frames=15))


def test_missing_file_is_named(tmp_path):
    with pytest.raises(MotionFileError, match=r"nothing\.bvh cannot be read \(No such file"):
        read_bvh(tmp_path / "nothing.bvh")


def test_folder_is_refused(tmp_path):
    with pytest.raises(MotionFileError, match="is a folder"):
        read_bvh(tmp_path)


def test_path_with_a_null_byte_is_refused():
    with pytest.raises(MotionFileError, match="cannot be read"):
        read_bvh("walk\0.bvh")


def test_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.bvh")
    with pytest.raises(MotionFileError, match="not a regular file"):
        read_bvh(tmp_path / "pipe.bvh")


def test_unreadable_file_is_named(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "walk.bvh"
    path.write_text(EXAMPLE)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(MotionFileError, match=r"walk.bvh cannot be read \(Permission denied\)"):
        read_bvh(path)


PIECES = st.sampled_from(
    [b"{", b"}", b"\n", b" ", b"JOINT x", b"End Site", b"OFFSET 0 0 0", b"CHANNELS 2 Xrotation Yposition", b"MOTION",
     b"ROOT", b"-1e8", b"nan", b"1e9", b"\xff", b"\0", b"0", b"9" * 30, b"Frames: 1", b"Frame Time: 1"]
)  # fmt: skip
PLACES = st.integers(0, len(EXAMPLE))
EDITS = st.lists(st.tuples(PLACES, st.integers(0, 30), PIECES | st.binary(max_size=6)), min_size=1, max_size=4)


@settings(max_examples=400, deadline=None)
@given(EDITS)
def test_mutated_files_are_read_or_refused_and_nothing_else(edits):
    content = EXAMPLE.encode()
    for place, removed, inserted in edits:
        content = content[:place] + inserted + content[place + removed :]
    assert_is_read_or_refused(content)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(EXAMPLE.split() + ["\n"]), max_size=60))
def test_shuffled_words_are_read_or_refused_and_nothing_else(words):
    assert_is_read_or_refused(("HIERARCHY ROOT a { OFFSET 0 0 0 CHANNELS 0 " + " ".join(words)).encode())


def assert_is_read_or_refused(content: bytes) -> None:
    try:
        motion, hierarchy = parse_bvh(content, "walk.bvh")
    except MotionFileError as error:
        assert str(error).startswith("walk.bvh, line ")
        assert_is_one_sentence(str(error))
    else:
        assert np.isfinite(motion.positions).all()
        assert len(hierarchy) == len(motion.skeleton)


def assert_is_one_sentence(message: str) -> None:
    assert message.endswith(".") and not message.endswith("..")
    assert "\n" not in message and len(message) < 300
