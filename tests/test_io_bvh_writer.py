import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pybvh
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from stylize.errors import MotionFileError
from stylize.io import BvhHierarchy, parse_bvh, read_bvh, write_bvh
from stylize.motion import Motion
from tests.example_bvh import EXAMPLE

ROTATION_ORDERS = ["".join(order) for order in itertools.permutations("XYZ")]


def written_values(path: Path) -> np.ndarray:
    """The table of numbers in a file that was just written."""
    return np.loadtxt(path.read_text().split("Frame Time:")[1].splitlines()[1:], ndmin=2)


def single_joint(rotations: Rotation, order: str) -> tuple[Motion, BvhHierarchy]:
    """A motion (T,) of scipy's rotations on a file with one joint."""
    channels = tuple(f"{axis}rotation" for axis in order)
    hierarchy = BvhHierarchy(("root",), np.array([-1]), np.zeros((1, 3)), (channels,))
    count = len(rotations)
    return Motion(hierarchy.skeleton, rotations.as_matrix()[:, None], np.zeros((count, 3)), 30), hierarchy


def assert_same_hierarchy(hierarchy: BvhHierarchy, other: BvhHierarchy) -> None:
    assert hierarchy.names == other.names
    assert hierarchy.channels == other.channels
    np.testing.assert_array_equal(hierarchy.parents, other.parents)
    np.testing.assert_array_equal(hierarchy.offsets, other.offsets)
    assert hierarchy.end_sites.keys() == other.end_sites.keys()
    for joint, tip in hierarchy.end_sites.items():
        np.testing.assert_array_equal(tip, other.end_sites[joint])


def test_file_that_was_read_is_written_back_the_same(tmp_path):
    motion, hierarchy = parse_bvh(EXAMPLE)
    write_bvh(motion, tmp_path / "out.bvh", hierarchy)
    text = (tmp_path / "out.bvh").read_text()
    assert text.split("MOTION")[0] == EXAMPLE.split("MOTION")[0]
    assert text.splitlines()[31:33] == ["Frames: 3", "Frame Time: 0.03333333333"]
    assert text.splitlines()[33].split()[:3] == ["10.000000", "20.000000", "30.000000"]
    again, hierarchy_again = read_bvh(tmp_path / "out.bvh")
    assert_same_hierarchy(hierarchy, hierarchy_again)
    np.testing.assert_allclose(again.positions, motion.positions, atol=1e-5)
    np.testing.assert_allclose(again.global_rotations, motion.global_rotations, atol=1e-7)


@settings(max_examples=60, deadline=None)
@given(
    channels=st.lists(
        st.permutations(["Xposition", "Yposition", "Zposition", "Xrotation", "Yrotation", "Zrotation"]).flatmap(
            lambda names: st.integers(0, 6).map(lambda count: tuple(names[:count]))
        ),
        min_size=1,
        max_size=5,
    ),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_channels_survive_the_round_trip(channels, seed, tmp_path_factory):
    rng = np.random.default_rng(seed)
    count = len(channels)
    parents = [-1] + [int(rng.integers(i)) for i in range(1, count)]
    children = {i: [j for j in range(count) if parents[j] == i] for i in range(count)}
    text, opened = ["HIERARCHY"], []

    def add(joint: int) -> None:
        opened.append(joint)
        offset = " ".join(map(str, rng.normal(size=3) * 20))
        names = channels[joint]
        text.extend([f"{'JOINT' if parents[joint] >= 0 else 'ROOT'} j{joint}", "{", f"OFFSET {offset}"])
        text.append(" ".join(["CHANNELS", str(len(names)), *names]))
        for child in children[joint]:
            add(child)
        text.append("}")

    add(0)
    values = rng.uniform(-400, 400, (7, sum(map(len, channels)))).round(4)
    text += ["MOTION", "Frames: 7", "Frame Time: 0.0166667", *(" ".join(map(str, row)) for row in values)]
    motion, hierarchy = parse_bvh("\n".join(text))
    path = tmp_path_factory.mktemp("round_trip") / "out.bvh"
    write_bvh(motion, path, hierarchy)
    again, hierarchy_again = read_bvh(path)
    assert_same_hierarchy(hierarchy, hierarchy_again)
    assert again.fps == motion.fps == 60
    np.testing.assert_allclose(again.positions, motion.positions, atol=1e-4)


@pytest.mark.parametrize("fps", [30, 24, 25, 60, 120, 30000 / 1001, 12.5, 33.333])
def test_frame_rate_survives_the_round_trip(fps, tmp_path):
    motion, hierarchy = parse_bvh(EXAMPLE)
    write_bvh(replace(motion, fps=fps), tmp_path / "out.bvh", hierarchy)
    assert read_bvh(tmp_path / "out.bvh")[0].fps == pytest.approx(fps, rel=1e-9)


@pytest.mark.parametrize("order", ROTATION_ORDERS)
@pytest.mark.parametrize("axis", range(3))
def test_steady_turn_has_steady_angles(order, axis, tmp_path):
    degrees = np.arange(0, 1000, 7.0)
    turn = np.zeros((len(degrees), 3))
    turn[:, axis] = degrees
    motion, hierarchy = single_joint(Rotation.from_rotvec(turn, degrees=True), order)
    write_bvh(motion, tmp_path / "out.bvh", hierarchy)
    values = written_values(tmp_path / "out.bvh")
    expected = np.zeros_like(values)
    expected[:, order.index("XYZ"[axis])] = degrees
    np.testing.assert_allclose(values, expected, atol=1e-4)


@pytest.mark.parametrize("order", ROTATION_ORDERS)
def test_smooth_angles_have_no_jump_even_through_gimbal_lock(order, tmp_path):
    step = np.array([2.0, 1.8, -3.0])
    angles = [30, 90, 120] + np.arange(-60, 61)[:, None] * step
    motion, hierarchy = single_joint(Rotation.from_euler(order, angles, degrees=True), order)
    write_bvh(motion, tmp_path / "out.bvh", hierarchy)
    values = written_values(tmp_path / "out.bvh")
    written = Rotation.from_euler(order, values, degrees=True)
    np.testing.assert_allclose(written.as_matrix(), motion.local_rotations[:, 0], atol=1e-6)
    assert np.abs(np.diff(values, axis=0)).max() < 2 * np.abs(step).sum()


@pytest.mark.parametrize("order", ["XY", "ZX", "Y"])
def test_joint_with_fewer_rotation_channels_keeps_its_angles(order, tmp_path):
    angles = np.linspace(-300, 400, 50)[:, None] * [1, 0.5][: len(order)]
    motion, hierarchy = single_joint(Rotation.from_euler(order, angles, degrees=True), order)
    write_bvh(motion, tmp_path / "out.bvh", hierarchy)
    written = Rotation.from_euler(order, written_values(tmp_path / "out.bvh"), degrees=True)
    np.testing.assert_allclose(written.as_matrix(), motion.local_rotations[:, 0], atol=1e-6)


def test_position_channels_get_the_offset_where_the_motion_is_rigid(tmp_path):
    motion, hierarchy = parse_bvh(EXAMPLE)
    write_bvh(replace(motion, local_positions=None), tmp_path / "out.bvh", hierarchy)
    assert written_values(tmp_path / "out.bvh")[:, 10].tolist() == [5, 5, 5]


def test_canonical_motion_is_written_in_centimetres(procedural_walk, tmp_path):
    write_bvh(procedural_walk, tmp_path / "out.bvh")
    again, hierarchy = read_bvh(tmp_path / "out.bvh")
    in_file = [again.skeleton.names.index(name) for name in procedural_walk.skeleton.names]
    np.testing.assert_allclose(again.positions[:, in_file], procedural_walk.positions * 100, atol=1e-4)
    parent_names = [again.skeleton.names[parent] for parent in again.skeleton.parents[in_file][1:]]
    assert parent_names == [procedural_walk.skeleton.names[p] for p in procedural_walk.skeleton.parents[1:]]
    assert again.fps == 30
    assert hierarchy.channels[0][:3] == ("Xposition", "Yposition", "Zposition")
    assert set(hierarchy.channels[1:]) == {("Zrotation", "Xrotation", "Yrotation")}
    leaves = set(range(22)) - set(hierarchy.parents.tolist())
    assert set(hierarchy.end_sites) == leaves
    assert all(np.linalg.norm(tip) > 1 for tip in hierarchy.end_sites.values())


def test_pybvh_reads_a_written_canonical_motion_alike(random_motion, tmp_path):
    write_bvh(random_motion, tmp_path / "out.bvh")
    oracle = pybvh.read_bvh_file(tmp_path / "out.bvh")
    names = [node.name for node in oracle.nodes]
    columns = [names.index(name) for name in random_motion.skeleton.names]
    np.testing.assert_allclose(oracle.node_positions()[:, columns], random_motion.positions * 100, atol=1e-4)


def test_motion_in_metres_that_stretches_keeps_its_local_positions(random_motion, tmp_path):
    local_positions = random_motion.skeleton.offsets + np.linspace(0, 0.1, 120)[:, None, None]
    stretching = replace(random_motion, local_positions=local_positions)
    write_bvh(stretching, tmp_path / "out.bvh")
    again, _ = read_bvh(tmp_path / "out.bvh")
    in_file = [again.skeleton.names.index(name) for name in random_motion.skeleton.names]
    np.testing.assert_allclose(again.positions[:, in_file], stretching.positions * 100, atol=1e-4)


def test_samples_survive_the_round_trip(test_data, tmp_path):
    paths = sorted((test_data / "samples").glob("*/*.bvh"))
    assert paths
    for path in paths:
        motion, hierarchy = read_bvh(path)
        write_bvh(motion, tmp_path / "out.bvh", hierarchy)
        again, hierarchy_again = read_bvh(tmp_path / "out.bvh")
        assert_same_hierarchy(hierarchy, hierarchy_again)
        assert again.fps == motion.fps
        np.testing.assert_allclose(again.positions, motion.positions, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "written"), [("a{b}", "a_b_"), ("a\nb", "a_b"), ("", "joint_1"), ("Bip01 L Arm", None)]
)
def test_names_that_would_break_the_file_are_changed(name, written, tmp_path):
    motion, hierarchy = parse_bvh(EXAMPLE)
    names = (hierarchy.names[0], name, *hierarchy.names[2:])
    write_bvh(motion, tmp_path / "out.bvh", replace(hierarchy, names=names))
    assert read_bvh(tmp_path / "out.bvh")[1].names[1] == (written or name)


def test_motion_with_other_joints_than_the_hierarchy_is_refused(procedural_walk, tmp_path):
    _, hierarchy = parse_bvh(EXAMPLE)
    with pytest.raises(MotionFileError, match="has 22 joints and the hierarchy 5; retarget"):
        write_bvh(procedural_walk, tmp_path / "out.bvh", hierarchy)


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_motion_that_is_not_finite_is_refused_and_the_old_file_stays(broken, tmp_path):
    motion, hierarchy = parse_bvh(EXAMPLE)
    path = tmp_path / "out.bvh"
    path.write_text("before")
    root_positions = motion.root_positions.copy()
    root_positions[1, 2] = broken
    with pytest.raises(MotionFileError, match="not finite"):
        write_bvh(replace(motion, root_positions=root_positions), path, hierarchy)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_existing_file_is_replaced_and_nothing_else_is_left(tmp_path):
    motion, hierarchy = parse_bvh(EXAMPLE)
    path = tmp_path / "out.bvh"
    path.write_text("before")
    write_bvh(motion, path, hierarchy)
    assert path.read_text().startswith("HIERARCHY")
    assert list(tmp_path.iterdir()) == [path]


def test_place_that_cannot_be_written_is_named(tmp_path):
    motion, hierarchy = parse_bvh(EXAMPLE)
    with pytest.raises(MotionFileError, match=r"out.bvh cannot be written \(No such file or directory\)"):
        write_bvh(motion, tmp_path / "missing" / "out.bvh", hierarchy)
    (tmp_path / "folder.bvh").mkdir()
    with pytest.raises(MotionFileError, match=r"folder.bvh cannot be written"):
        write_bvh(motion, tmp_path / "folder.bvh", hierarchy)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.bvh"]
