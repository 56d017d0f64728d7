import numpy as np
import pytest

from stylize.errors import MotionFileError
from stylize.io import load_motion, read_bvh, save_motion
from tests.example_bvh import EXAMPLE


@pytest.mark.parametrize("name", ["walk.bvh", "WALK.BVH"])
def test_suffix_chooses_the_format(name, tmp_path):
    path = tmp_path / name
    path.write_text(EXAMPLE)
    np.testing.assert_array_equal(load_motion(str(path)).positions, read_bvh(path)[0].positions)


def test_motion_is_saved_on_the_hierarchy_that_it_came_on(tmp_path):
    (tmp_path / "in.bvh").write_text(EXAMPLE)
    motion, hierarchy = read_bvh(tmp_path / "in.bvh")
    save_motion(motion, tmp_path / "out.bvh", hierarchy)
    assert (tmp_path / "out.bvh").read_text().split("MOTION")[0] == EXAMPLE.split("MOTION")[0]


def test_canonical_motion_is_saved_in_centimetres(procedural_walk, tmp_path):
    save_motion(procedural_walk, str(tmp_path / "out.bvh"))
    np.testing.assert_allclose(
        load_motion(tmp_path / "out.bvh").root_positions, procedural_walk.root_positions * 100, atol=1e-4
    )


@pytest.mark.parametrize(("name", "shown"), [("walk.xyz", ".xyz files are"), ("walk", "files without a suffix are")])
def test_other_formats_are_refused_with_the_supported_ones(name, shown, procedural_walk, tmp_path):
    with pytest.raises(MotionFileError, match=rf"^{name}: {shown} not supported; use one of .*\.bvh.*\.$"):
        load_motion(tmp_path / name)
    with pytest.raises(MotionFileError, match=rf"^{name}: {shown} not supported; use one of .*\.bvh.*\.$"):
        save_motion(procedural_walk, tmp_path / name)
    assert not list(tmp_path.iterdir())
