import numpy as np
import pytest

from stylize.checkpoint import CHECKPOINTS, write_json
from stylize.errors import CheckpointError, MotionError, StyleError
from stylize.io import read_bvh, save_motion
from stylize.library import list_library, load_entry
from stylize.pipeline import Stylizer
from stylize.source import load_source
from stylize.styles import Style
from training.metrics import bone_length_deviation, foot_sliding, penetration

SET_2 = {"active", "elderly", "exhausted", "feminine", "masculine", "normal", "youthful"}


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    return Stylizer.from_pretrained()


@pytest.fixture(scope="module")
def content():
    return load_entry("content/walk")


def test_the_seven_labels_are_offered_and_the_others_are_marked(stylizer):
    assert {label.name for label in stylizer.labels if not label.experimental} == SET_2
    assert all(label.name.startswith("set1/") for label in stylizer.labels if label.experimental)
    assert all(label.description for label in stylizer.labels)


def test_strength_zero_gives_the_content_back(stylizer, content):
    result = stylizer.stylize(content, "elderly", strength=0.0).motions[0]
    assert np.linalg.norm(result.positions - content.positions, axis=-1).mean() < 0.01


def test_an_elderly_walk_is_stooped_and_more_so_with_strength(stylizer, content):
    def lean(motion):
        return (motion.joint_positions("head") - motion.joint_positions("pelvis"))[:, 1].mean()

    heights = [
        lean(stylizer.stylize(content, "elderly", strength=strength).motions[0]) for strength in (0.0, 0.5, 1.0, 1.5)
    ]
    assert heights[0] > heights[1] > heights[2] > heights[3]
    assert heights[0] - heights[2] > 0.015


@pytest.mark.parametrize(
    "style", [Style.from_label("active"), Style.sample(), Style.sample("feminine"), "reference"], ids=str
)
def test_every_way_of_giving_a_style_makes_rigid_finite_grounded_motion(stylizer, content, style):
    if style == "reference":
        style = Style.from_motion(load_entry("style/exhausted"))
    result = stylizer.stylize(content, style, num_samples=2, seed=3)
    for motion in result.motions:
        assert 0.5 * len(content) < len(motion) < 2 * len(content)
        assert np.isfinite(motion.positions).all()
        assert bone_length_deviation(motion) < 1e-6
        assert penetration(motion) < 0.005
        # The exhausted drag their feet: 0.2 to 0.6 m/s in real walks of theirs.
        assert foot_sliding(motion) < foot_sliding(content) + 0.2


def test_the_same_seed_gives_the_same_motions_and_another_seed_others(stylizer, content):
    first, again, other = (
        stylizer.stylize(content, Style.sample("youthful"), num_samples=2, seed=seed).motions for seed in (5, 5, 6)
    )
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.positions, b.positions)
    for one, another in ((first[0], other[0]), (first[0], first[1])):
        frames = min(len(one), len(another))
        assert np.abs(one.positions[:frames] - another.positions[:frames]).max() > 1e-3


def test_two_styles_give_different_motions(stylizer, content):
    elderly, active = (stylizer.stylize(content, label, keep_timing=True).motions[0] for label in ("elderly", "active"))
    assert np.linalg.norm(elderly.positions - active.positions, axis=-1).mean() > 0.03


def test_a_minute_of_motion_is_restyled_in_one_go_and_stays_in_its_style(stylizer, content):
    there_and_back = np.concatenate([np.arange(len(content)), np.arange(len(content))[::-1]])
    long = content.with_frames(np.resize(there_and_back, 1800))
    result = stylizer.stylize(long, "elderly", keep_timing=True).motions[0]
    assert len(result) == 1800

    def head_height(frames: slice) -> float:
        return float((result.joint_positions("head") - long.joint_positions("head"))[frames, 1].mean())

    period = len(there_and_back)
    assert head_height(slice(0, period)) == pytest.approx(head_height(slice(-period, None)), abs=0.005)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"strength": 2.0}, r"strength is 2; choose one from 0 to 1\.5"),
        ({"strength": float("nan")}, r"strength is nan"),
        ({"num_samples": 9}, r"9 samples .* choose 1 to 8"),
    ],
)
def test_numbers_out_of_range_get_a_sentence(stylizer, content, arguments, sentence):
    with pytest.raises(MotionError, match=sentence):
        stylizer.stylize(content, "elderly", **arguments)


def test_motions_that_are_too_short_or_too_long_get_a_sentence(stylizer, content):
    with pytest.raises(MotionError, match=r"content .* lasts 0\.50 s"):
        stylizer.stylize(content.with_frames(slice(0, 15)), "elderly")
    with pytest.raises(MotionError, match=r"style reference .* lasts 0\.33 s"):
        stylizer.stylize(content, content.with_frames(slice(0, 10)))
    with pytest.raises(MotionError, match="use a motion of 1 to 60 s"):
        stylizer.stylize(content.with_frames(np.zeros(2000, int)), "elderly")


def test_an_unknown_label_lists_the_known(stylizer, content):
    with pytest.raises(StyleError, match="no style 'grumpy'; choose one of: active, elderly"):
        stylizer.stylize(content, "grumpy")
    with pytest.raises(StyleError, match="No style was given"):
        stylizer.stylize(content, Style())


def test_progress_goes_from_zero_to_one(stylizer, content):
    shares = []
    stylizer.stylize(content, "elderly", num_samples=3, progress=lambda share, text: shares.append(share))
    assert shares[0] == 0
    assert shares[-1] == 1
    assert shares == sorted(shares)


def test_an_unknown_checkpoint_lists_the_bundled(tmp_path):
    with pytest.raises(CheckpointError, match=r"no checkpoint 'fancy'.*default"):
        Stylizer.from_pretrained("fancy")
    write_json({"autoencoder": {}}, tmp_path / "config.json")
    with pytest.raises(CheckpointError):
        Stylizer.from_pretrained(tmp_path)


def test_every_file_that_is_bundled_is_under_ten_megabytes():
    files = [path for path in CHECKPOINTS.rglob("*") if path.is_file()]
    assert files
    assert max(path.stat().st_size for path in files) < 10_000_000


def test_a_file_comes_back_on_its_own_skeleton(stylizer, test_data, tmp_path):
    path = test_data / "samples" / "xia" / "old_13_000.bvh"
    source = load_source(path)
    result = stylizer.stylize(path, "active", keep_timing=True)
    result.save(tmp_path / "out.bvh")
    written, hierarchy = read_bvh(tmp_path / "out.bvh")
    assert hierarchy.names == source.rig.document.names
    assert hierarchy.channels == source.rig.document.channels
    np.testing.assert_allclose(hierarchy.offsets, source.rig.document.offsets, atol=1e-5)
    assert written.fps == pytest.approx(source.source.fps)
    assert abs(len(written) - len(source.source)) <= 4
    result.save(tmp_path / "canonical.bvh", skeleton="canonical")
    assert len(read_bvh(tmp_path / "canonical.bvh")[1]) == 22


def test_the_library_has_a_dozen_contents_and_a_reference_for_every_label(stylizer):
    assert len(list_library("content")) >= 12
    assert {entry.label for entry in list_library("style")} == {label.name for label in stylizer.labels}
    for entry in list_library():
        motion = load_entry(entry)
        assert 1 <= motion.duration <= 15, entry.name
        assert penetration(motion) < 0.01, entry.name


def test_a_canonical_file_reads_back_as_it_was_saved(content, tmp_path):
    save_motion(content, tmp_path / "walk.bvh")
    back = load_source(tmp_path / "walk.bvh").motion
    start = content.root_positions[0] * [1, 0, 1]
    error = (back.positions - back.root_positions[0] * [1, 0, 1]) - (content.positions - start)
    assert np.abs(error).max() < 0.03
