import itertools
import timeit

import numpy as np
import pybvh
import pytest
from scipy.spatial.transform import Rotation

from stylize.io import parse_bvh, read_bvh
from tests.example_bvh import EXAMPLE

ROTATION_ORDERS = ["".join(order) for order in itertools.permutations("XYZ")]


def chain(channels: list[str], rows: list[str], offset: str = "0 1 0", frame_time: str = "0.0333333") -> str:
    """A BVH text of a root and nested joints, one a string of ``channels``."""
    text = "HIERARCHY\n"
    for i, names in enumerate(channels):
        text += f"{'JOINT' if i else 'ROOT'} joint{i}\n{{\nOFFSET {offset}\nCHANNELS {len(names.split())} {names}\n"
    return text + "}\n" * len(channels) + f"MOTION\nFrames: {len(rows)}\nFrame Time: {frame_time}\n" + "\n".join(rows)


def test_hierarchy_is_as_in_the_file():
    motion, hierarchy = parse_bvh(EXAMPLE, "some walk.bvh")
    assert hierarchy.names == motion.skeleton.names == ("hips", "spine", "head", "left leg", "toe")
    assert hierarchy.parents.tolist() == motion.skeleton.parents.tolist() == [-1, 0, 1, 0, 3]
    assert hierarchy.offsets.tolist() == [[1, 2, 3], [0, 10, 0.5], [0, 5, 0], [4, -8, 0], [0, -7, 2]]
    assert motion.skeleton.offsets.tolist() == hierarchy.offsets.tolist()
    assert hierarchy.channels[2] == ("Zrotation", "Yposition", "Xrotation", "Yrotation")
    assert [len(names) for names in hierarchy.channels] == [6, 3, 4, 1, 0]
    assert {joint: tip.tolist() for joint, tip in hierarchy.end_sites.items()} == {2: [0, 2.5, 0]}
    assert (motion.fps, len(motion), motion.name) == (30, 3, "some walk")


def test_motion_matches_kinematics_worked_out_with_scipy():
    motion, _ = parse_bvh(EXAMPLE)
    for frame, row in enumerate(line.split() for line in EXAMPLE.splitlines()[-3:]):
        v = np.array(row, float)
        hips = Rotation.from_euler("ZXY", v[3:6], degrees=True)
        spine = hips * Rotation.from_euler("YXZ", v[6:9], degrees=True)
        head = spine * Rotation.from_euler("ZXY", v[[9, 11, 12]], degrees=True)
        leg = hips * Rotation.from_euler("X", v[13], degrees=True)
        expected = np.zeros((5, 3))
        expected[0] = v[:3]
        expected[1] = expected[0] + hips.apply([0, 10, 0.5])
        expected[2] = expected[1] + spine.apply([0, v[10], 0])
        expected[3] = expected[0] + hips.apply([4, -8, 0])
        expected[4] = expected[3] + leg.apply([0, -7, 2])
        np.testing.assert_allclose(motion.positions[frame], expected, atol=1e-10)
        np.testing.assert_allclose(motion.global_rotations[frame, 2], head.as_matrix(), atol=1e-12)
        np.testing.assert_allclose(motion.local_rotations[frame, 4], np.eye(3))


@pytest.mark.parametrize("order", ROTATION_ORDERS + ["XY", "ZX", "Y"])
def test_rotation_channels_apply_in_their_order(order):
    angles = np.array([[20.0, -100.0, 250.0], [-75.0, 5.0, 89.0]])[:, : len(order)]
    channels = " ".join(f"{axis}rotation" for axis in order)
    motion, _ = parse_bvh(chain([channels], [" ".join(map(str, row)) for row in angles]))
    expected = Rotation.from_euler(order, angles, degrees=True).as_matrix()
    np.testing.assert_allclose(motion.local_rotations[:, 0], expected, atol=1e-12)


def test_position_channels_replace_the_offset_axis_by_axis():
    motion, _ = parse_bvh(chain(["Zposition", "Yposition Xposition", ""], ["7 8 9", "7 8 10"], offset="1 2 3"))
    assert motion.local_positions is not None
    assert motion.root_positions.tolist() == [[1, 2, 7]] * 2
    assert motion.local_positions[:, 1].tolist() == [[9, 8, 3], [10, 8, 3]]
    assert motion.positions[1, 2].tolist() == [1 + 10 + 1, 2 + 8 + 2, 7 + 3 + 3]


def test_root_without_position_channels_stands_on_its_offset():
    motion, _ = parse_bvh(chain(["Zrotation", "Zrotation"], ["0 0"], offset="1 2 3"))
    assert motion.root_positions.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(("channel_value", "is_rigid"), [("4.592500", True), ("4.592503", True), ("4.593500", False)])
def test_local_positions_are_set_only_for_more_than_rounding(channel_value, is_rigid):
    motion, _ = parse_bvh(chain(["Xposition", "Xposition"], [f"0 {channel_value}"], offset="4.5925 0 0"))
    assert (motion.local_positions is None) == is_rigid


@pytest.mark.parametrize(
    ("frame_time", "fps"),
    [
        ("0.0333333", 30), ("0.033333", 30), ("0.008333", 120), ("0.00833333", 120), (".0166667", 60), ("0.04", 25),
        ("0.0416667", 24), ("0.0333667", 30000 / 1001), ("0.008342", 120000 / 1001), ("5e-2", 20), ("1", 1),
        ("0.03", 1 / 0.03), ("0.4", 2.5), ("10", 0.1),
    ],
)  # fmt: skip
def test_frame_rate_undoes_the_rounding_of_the_frame_time(frame_time, fps):
    motion, _ = parse_bvh(chain(["Zrotation"], ["0"], frame_time=frame_time))
    assert motion.fps == pytest.approx(fps, rel=1e-12)


@pytest.mark.parametrize(
    "change",
    {
        "CRLF": lambda text: text.replace("\n", "\r\n"),
        "CR alone": lambda text: text.replace("\n", "\r"),
        "byte order mark": lambda text: "\ufeff" + text,
        "spaces for tabs": lambda text: text.replace("\t", "    "),
        "tabs between values": lambda text: text.replace(" 20 ", "\t20 \t"),
        "trailing whitespace": lambda text: text.replace("\n", " \t \n") + "\n\n \n",
        "no last newline": lambda text: text.rstrip(),
        "blank lines": lambda text: text.replace("\n", "\n\n"),
        "motion on one line": lambda text: text.replace("\n11", " 11").replace("\n12", " 12"),
        "rows broken over lines": lambda text: text.replace(" 5 10 15", "\n5 10 15").replace(" -5 88", "\n -5\n88"),
        "values after the frame time": lambda text: text.replace("0.0333333\n", "0.0333333 "),
        "upper case": lambda text: text.replace("JOINT", "Joint").replace("position", "POSITION").replace("X", "x"),
        "lower case": lambda text: text.replace("HIERARCHY", "hierarchy").replace("MOTION", "motion"),
        "one-line keyword": lambda text: text.replace("End Site", "END SITE").replace("OFFSET", "Offset"),
        "odd spacing of the header": lambda text: text.replace("Frames: ", "Frames :\t").replace("e Time: ", "eTime:"),
        "no colon": lambda text: text.replace("Frames:", "FRAMES").replace("Frame Time:", "FRAME TIME"),
        "whole count as a decimal": lambda text: text.replace("Frames: 3", "Frames: 3.0"),
        "brace on the same line": lambda text: text.replace("\n\t{", " {").replace("\n{", "{"),
        "hierarchy on few lines": lambda text: text.replace("\n\t\t\t", " ").replace("}\n", "} "),
        "named end site": lambda text: text.replace("End Site", "End Site head_tip"),
        "end without site": lambda text: text.replace("End Site", "End"),
        "exponents": lambda text: text.replace(" 20 ", " 2.0e+1 ").replace(" 60 ", " 6E1 ").replace(" 5.5 ", " +5.5 "),
    }.items(),
    ids=lambda item: item[0],
)
def test_harmless_variants_of_a_file_read_the_same(change):
    _, apply = change
    changed = apply(EXAMPLE)
    assert changed != EXAMPLE
    motion, hierarchy = parse_bvh(changed.encode())
    expected, expected_hierarchy = parse_bvh(EXAMPLE)
    assert hierarchy.names == expected_hierarchy.names
    assert hierarchy.end_sites.keys() == expected_hierarchy.end_sites.keys()
    np.testing.assert_array_equal(motion.positions, expected.positions)


def test_end_site_without_offset_is_at_its_joint():
    _, hierarchy = parse_bvh(EXAMPLE.replace("\t\t\t\tOFFSET 0.0 2.5 0.0\n", ""))
    assert hierarchy.end_sites[2].tolist() == [0, 0, 0]


def test_first_of_two_end_sites_counts():
    _, hierarchy = parse_bvh(EXAMPLE.replace("\t\t\tEnd Site", "\t\t\tEnd Site { OFFSET 7 8 9 }\n\t\t\tEnd Site"))
    assert hierarchy.end_sites[2].tolist() == [7, 8, 9]


@pytest.mark.parametrize("name", ["Hüfte", "Bip01 L  Thigh", "mixamorig:Hips", "腰", "MOTION", "a.b-c_#1"])
def test_names_are_kept_as_they_are(name):
    _, hierarchy = parse_bvh(EXAMPLE.replace("JOINT spine", f"JOINT {name}").encode())
    assert hierarchy.names[1] == name


def test_latin_1_names_are_understood():
    _, hierarchy = parse_bvh(EXAMPLE.replace("spine", "R\u00fccken").encode("latin-1"))
    assert hierarchy.names[1] == "R\u00fccken"


def test_joints_may_share_a_name():
    _, hierarchy = parse_bvh(EXAMPLE.replace("JOINT toe", "JOINT spine"))
    assert hierarchy.names == ("hips", "spine", "head", "left leg", "spine")


def test_file_is_read_from_disk_and_gives_the_motion_its_name(tmp_path):
    path = tmp_path / "my walk.bvh"
    path.write_text(EXAMPLE)
    motion, _ = read_bvh(str(path))
    assert motion.name == "my walk"
    np.testing.assert_array_equal(motion.positions, parse_bvh(EXAMPLE)[0].positions)


def test_parsing_a_megabyte_costs_a_few_times_what_its_numbers_cost_numpy():
    row = " ".join(["-123.456"] * 93)
    rows = [row] * (1_000_000 // len(row))
    rotations = "Zrotation Xrotation Yrotation"
    text = chain([f"Xposition Yposition Zposition {rotations}"] + [rotations] * 29, rows)

    def quickest(work) -> float:
        return min(timeit.repeat(work, number=1, repeat=5))

    numbers_alone = quickest(lambda: np.array(" ".join(rows).split(), float))
    assert quickest(lambda: parse_bvh(text.encode())) < 10 * numbers_alone


def test_positions_match_pybvh(tmp_path):
    path = tmp_path / "example.bvh"
    text = EXAMPLE.replace("CHANNELS 4 Zrotation Yposition", "CHANNELS 3 Zrotation")
    text = text.replace("CHANNELS 1 X", "CHANNELS 3 Zrotation Yrotation X")
    text = text.replace("CHANNELS 0", "CHANNELS 3 Zrotation Yrotation Xrotation")
    rows = np.random.default_rng(3).uniform(-180, 180, (3, 18)).round(4)
    head = text[: text.index("10 20 30")]
    path.write_text(head + "\n".join(" ".join(map(str, row)) for row in rows))
    assert_matches_pybvh(path)


def test_samples_match_pybvh(test_data):
    paths = sorted((test_data / "samples").glob("*/*.bvh"))
    assert paths
    for path in paths:
        assert_matches_pybvh(path)


def assert_matches_pybvh(path):
    motion, _ = read_bvh(path)
    oracle = pybvh.read_bvh_file(path)
    is_joint = [i for i, node in enumerate(oracle.nodes) if not node.is_end_site()]
    np.testing.assert_allclose(motion.positions, oracle.node_positions()[:, is_joint], atol=1e-6)
