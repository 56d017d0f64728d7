"""Damaged and made-up files of numbers: a sentence or a true motion, never another error."""

from io import BytesIO

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from stylize.errors import StylizeError
from stylize.io import ArrayOptions, FeatureStatistics, parse_amass, parse_joint_array, parse_positions_csv
from stylize.io.amass import KEYS
from stylize.io.humanml3d import parse_humanml3d
from stylize.io.humanml3d_features import features_from_positions
from stylize.motion import Motion
from tests.conftest import walk
from tests.test_io_amass import npz, walk_arrays
from tests.test_io_humanml3d import npy

WALK = walk(30)
NAMES = WALK.skeleton.names
NUMBERS = st.one_of(
    st.floats(-10, 10, width=32), st.sampled_from([0.0, -0.0, 1e-30, 3e4, 1e38, np.inf, -np.inf, np.nan])
)
SOME = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def check(motion: Motion) -> None:
    """True rotations, finite places, a frame rate."""
    product = motion.local_rotations @ np.swapaxes(motion.local_rotations, -1, -2)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=1e-5)
    assert np.isfinite(motion.root_positions).all() and motion.fps > 0


def survives(read) -> None:
    try:
        found = read()
    except StylizeError as error:
        text = str(error)
        assert text.endswith(".") and "\n" not in text and len(text) < 700, text
        return
    check(found[0] if isinstance(found, tuple) else found)


def damaged(content: bytes, places: list[tuple[int, bytes]], cut: int) -> bytes:
    broken = bytearray(content)
    for place, damage in places:
        start = place % max(len(broken), 1)
        broken[start : start + len(damage)] = damage
    return bytes(broken[: len(broken) - cut % max(len(broken), 1)] if cut else broken)


DAMAGE = st.lists(st.tuples(st.integers(0, 2**16), st.binary(min_size=1, max_size=8)), max_size=4)
CUT = st.sampled_from([0, 0, 0, 1, 7, 100])
SHORT = {name: array[:4] if array.ndim else array for name, array in walk_arrays(66).items()}


@SOME
@given(DAMAGE, CUT)
def test_damaged_amass_files(places, cut):
    survives(lambda: parse_amass(damaged(npz(**SHORT), places, cut)))


@SOME
@given(
    st.dictionaries(
        st.sampled_from(sorted(KEYS)),
        st.one_of(
            arrays(np.float32, array_shapes(min_dims=0, max_dims=3, max_side=6), elements=NUMBERS),
            arrays(
                np.float64, st.sampled_from([(3, 66), (3, 72), (3, 156), (3, 3), (3, 63), (3, 1)]), elements=NUMBERS
            ),
            arrays(np.int8, array_shapes(max_dims=2, max_side=4)),
            st.sampled_from([np.array("male"), np.array(b"x"), np.array(["a", "b"]), np.zeros((0, 66))]),
        ),
        max_size=6,
    )
)
def test_made_up_amass_files(made_up):
    survives(lambda: parse_amass(npz(**made_up)))


@SOME
@given(DAMAGE, CUT, st.booleans())
def test_damaged_humanml3d_files(places, cut, is_features):
    positions = WALK.positions[:6].astype(np.float32)
    content = npy(features_from_positions(positions) if is_features else positions)
    survives(lambda: parse_humanml3d(damaged(content, places, cut)))


@SOME
@given(
    st.sampled_from([(4, 22, 3), (4, 263), (1, 4, 263), (22, 3, 4), (2, 22, 3)]).flatmap(
        lambda shape: arrays(np.float32, shape, elements=NUMBERS)
    )
)
def test_made_up_humanml3d_files(array):
    statistics = FeatureStatistics(np.zeros(263), np.ones(263))
    survives(lambda: parse_humanml3d(npy(array), statistics=statistics))


@SOME
@given(arrays(np.float32, (3, 22, 3), elements=NUMBERS), st.floats(allow_nan=True))
def test_made_up_joints_under_names(array, fps):
    options = ArrayOptions(NAMES, fps)
    survives(lambda: parse_joint_array(npy(array), "a.npy", options.joint_names or (), fps))


@SOME
@given(DAMAGE, CUT)
def test_damaged_tables(places, cut):
    stream = BytesIO()
    columns = ",".join(["time", *(f"{name}.{axis}" for name in NAMES for axis in "xyz")])
    rows = np.column_stack([np.arange(5) / 30, WALK.positions[:5].reshape(5, -1)])
    np.savetxt(stream, rows, "%.5f", ",", header=columns, comments="")
    survives(lambda: parse_positions_csv(damaged(stream.getvalue(), places, cut)))


@SOME
@given(st.text(alphabet='time,hip.xyz\n\r"0123456789-e+nainf #', max_size=200))
def test_made_up_tables(text):
    survives(lambda: parse_positions_csv(text.encode()))
