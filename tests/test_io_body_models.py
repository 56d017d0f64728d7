"""Body models that a person brings: read without running code in them, posed as smplx does."""

import contextlib
import io
import os
import pickle
import pickletools

import numpy as np
import pytest
import smplx
import torch
from smplx.utils import Struct

from stylize.body import Person
from stylize.errors import MotionFileError
from stylize.io import SmplFile, read_gltf, save_motion
from stylize.io.body_models import find_body, load_body, load_person, read_body
from stylize.motion import Motion
from stylize.rotations import rotvec_to_matrix
from stylize.skeleton import ANKLE_HEIGHT, SKELETON_22
from tests.example_bodies import LAYOUTS, body_arrays, write_npz, write_pickle
from tests.khronos import validator_messages

STANDING = 0.075 + SKELETON_22.leg_length + ANKLE_HEIGHT
"""Metres from the ground to the canonical pelvis: from it to the hips, the legs, and what is below the ankles."""


def refused(path) -> str:
    with pytest.raises(MotionFileError) as caught:
        read_body(path)
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text and len(text) < 300
    return text


@pytest.mark.parametrize("family", LAYOUTS)
def test_an_npz_of_each_family_is_read(family, tmp_path):
    body, sentence = load_body(write_npz(family, tmp_path / "model.npz"))
    assert (len(body.template), body.num_joints) == LAYOUTS[family]
    assert sentence == f"The body shown is model.npz ({family})."
    assert body.parents[0] == -1


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("family", ["SMPL", "SMPL-H"])
def test_an_official_pickle_holds_what_the_npz_holds(family, protocol, tmp_path):
    pickled = read_body(write_pickle(family, tmp_path / "model.pkl", protocol))
    plain = read_body(write_npz(family, tmp_path / "model.npz"))
    for name in ("template", "faces", "weights", "regressor", "parents", "shape_directions", "pose_directions"):
        np.testing.assert_allclose(getattr(pickled, name), getattr(plain, name), atol=1e-6, err_msg=name)


@pytest.mark.parametrize(("family", "model"), [("SMPL", smplx.SMPL), ("SMPL-H", smplx.SMPLH)], ids=["SMPL", "SMPL-H"])
def test_smplx_poses_it_alike(family, model, tmp_path):
    body = read_body(write_npz(family, tmp_path / "model.npz"))
    rng = np.random.default_rng(5)
    pose, betas = rng.normal(0, 0.3, (1, body.num_joints, 3)), rng.normal(0, 1, 10)
    flat = torch.tensor(pose.reshape(1, -1), dtype=torch.float32)
    parts = {"global_orient": flat[:, :3], "body_pose": flat[:, 3:]}
    options = {}
    if family == "SMPL-H":
        parts = {"global_orient": flat[:, :3], "body_pose": flat[:, 3:66]}
        parts |= {"left_hand_pose": flat[:, 66:111], "right_hand_pose": flat[:, 111:]}
        options = {"use_pca": False, "flat_hand_mean": True}
    arrays = body_arrays(family) | {"hands_componentsl": np.eye(45), "hands_componentsr": np.eye(45)}
    with contextlib.redirect_stdout(io.StringIO()):
        official = model("", data_struct=Struct(**arrays), batch_size=1, **options)
    with torch.no_grad():
        expected = official(betas=torch.tensor(betas[None], dtype=torch.float32), **parts).vertices[0].numpy()
    found = body.posed(rotvec_to_matrix(pose), np.zeros((1, 3)), betas)[0]
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_fingers_rest_as_the_model_says(tmp_path, procedural_walk):
    body = read_body(write_npz("SMPL-X", tmp_path / "model.npz"))
    np.testing.assert_allclose(
        body.resting[25:40], rotvec_to_matrix(body_arrays("SMPL-X")["hands_meanl"].reshape(15, 3)), atol=1e-6
    )
    assert body.of_motion(procedural_walk.with_frames(slice(0, 3))).shape == (3, 10475, 3)


def test_betas_beyond_those_of_the_model_are_left_out(tmp_path):
    body = read_body(write_npz("SMPL", tmp_path / "model.npz"))
    betas = np.linspace(-1, 1, 16)
    still = np.tile(np.eye(3), (1, 24, 1, 1))
    found = body.posed(still, np.zeros((1, 3)), betas)[0]
    expected = body_arrays("SMPL")["v_template"] + body_arrays("SMPL")["shapedirs"] @ betas[:10]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(body.at_rest(betas)[0], expected, atol=1e-5)


# Which one is shown


def test_without_a_file_the_bundled_body_is_shown_and_said_so(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        body, sentence = load_body(folder=folder)
        assert body.name == "bundled body"
        assert sentence.startswith("The body shown is the bundled one") and "checkpoints/body_models" in sentence


@pytest.mark.parametrize(
    ("gender", "names", "expected"),
    [
        ("male", ["SMPL_FEMALE.npz", "SMPL_MALE.npz", "SMPL_NEUTRAL.npz"], "SMPL_MALE.npz"),
        ("female", ["SMPL_FEMALE.npz", "SMPL_MALE.npz", "SMPL_NEUTRAL.npz"], "SMPL_FEMALE.npz"),
        ("neutral", ["SMPL_FEMALE.npz", "SMPL_MALE.npz", "SMPL_NEUTRAL.npz"], "SMPL_NEUTRAL.npz"),
        ("male", ["SMPL_FEMALE.npz", "SMPL_NEUTRAL.npz"], "SMPL_NEUTRAL.npz"),
        ("neutral", ["mine.npz"], "mine.npz"),
        ("female", ["smplh/female/model.npz", "smplh/male/model.npz"], "smplh/female/model.npz"),
        ("male", ["smplh/female/model.npz", "smplh/male/model.npz"], "smplh/male/model.npz"),
        ("male", ["basicmodel_m_lbs_10_207_0_v1.0.0.pkl", "basicModel_f_lbs_10_207_0_v1.0.0.pkl"],
         "basicmodel_m_lbs_10_207_0_v1.0.0.pkl"),
    ],
)  # fmt: skip
def test_the_file_of_the_right_gender_is_found(gender, names, expected, tmp_path):
    for name in [*names, "README.txt"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert find_body(tmp_path, gender) == tmp_path / expected


def test_a_folder_may_be_named_and_must_not_be_empty(tmp_path):
    with pytest.raises(MotionFileError, match="has no body model"):
        load_body(tmp_path)
    write_npz("SMPL", tmp_path / "SMPL_FEMALE.npz")
    assert load_body(tmp_path, "female")[1] == "The body shown is SMPL_FEMALE.npz (SMPL)."


# What is refused


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("v_template", np.zeros((6890, 2))),
        ("v_template", np.full((6890, 3), np.nan)),
        ("f", np.full((10, 3), 9999)),
        ("f", np.zeros((10, 4), int)),
        ("weights", np.zeros((6890, 25))),
        ("J_regressor", np.zeros((24, 100))),
        ("kintree_table", np.zeros((2, 20), int)),
        ("kintree_table", np.full((2, 24), 23)),
        ("shapedirs", np.zeros((6890, 10))),
        ("shapedirs", np.zeros((6890, 3, 0))),
        ("posedirs", np.zeros((6890, 3, 10))),
        ("posedirs", np.array(1.0)),
        ("weights", np.array("text")),
        ("v_template", np.zeros((0, 3))),
    ],
)
def test_arrays_that_do_not_fit_are_told_in_one_sentence(name, array, tmp_path):
    arrays = body_arrays("SMPL") | {"posedirs": np.zeros((6890, 3, 207), np.float32)}
    path = tmp_path / "model.npz"
    np.savez(path, **(arrays | {name: array}))
    assert "model.npz is no body model" in refused(path)


def test_a_motion_is_no_body_model(tmp_path):
    np.savez(tmp_path / "walk.npz", poses=np.zeros((10, 72)), trans=np.zeros((10, 3)))
    assert "v_template" in refused(tmp_path / "walk.npz")
    (tmp_path / "empty.npz").write_bytes(b"")
    refused(tmp_path / "empty.npz")
    refused(tmp_path / "missing.npz")


class Command:
    def __init__(self, function, *arguments) -> None:
        self.call = function, arguments

    def __reduce__(self):
        return self.call


BUILD_OF_A_FUNCTION = b"c_codecs\nencode\n}X\x0c\x00\x00\x00__defaults__NsN\x86b."
NAME_OF_TWO_LINES = b"\x80\x04\x8c\x03a\nb\x8c\x03sys\x93."
HUGE_MEMO = b"\x80\x02}r\xff\xff\xff\x7f."
ITSELF_INSIDE = b"}X\x01\x00\x00\x00acchumpy.ch\nCh\n)\x81q\x01}X\x01\x00\x00\x00xh\x01sbs."


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps({"v_template": Command(os.system, "touch executed")}, 2),
        pickle.dumps({"v_template": Command(eval, "open('executed', 'w')")}, 4),
        b"cos\nsystem\n(S'touch executed'\ntR.",
        b"cnumpy\nload\n(S'executed'\ntR.",
        b'cbuiltins\nexec\n(S\'open("executed", "w")\'\ntR.',
        b"cnumpy.core.multiarray\n_reconstruct.__globals__\n.",
        BUILD_OF_A_FUNCTION,
        NAME_OF_TWO_LINES,
        HUGE_MEMO,
        ITSELF_INSIDE,
        b"P1\n.",
        b"]q\x00h\x00a.",
        b"(" * 100_000,
        b"\x80\x05\x8c\xffno",
        pickle.dumps([1, 2, 3]),
        pickle.dumps({"v_template": "text"}),
        pickle.dumps({"v_template": np.array([os.system], dtype=object)}, 2),
    ],
)
def test_hostile_pickles_are_refused_and_not_run(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.pkl").write_bytes(content)
    assert "model.pkl" in refused(tmp_path / "model.pkl")
    assert not (tmp_path / "executed").exists()


def test_a_pickle_with_something_forbidden_among_the_arrays_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arrays = body_arrays("SMPL") | {"extra": Command(os.mkdir, "executed")}
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(arrays, protocol=2))
    assert "posix.mkdir" in refused(tmp_path / "model.pkl")
    assert not (tmp_path / "executed").exists()


def test_damaged_pickles_are_told_in_one_sentence(tmp_path):
    small = {"v_template": np.zeros((3, 3)), "f": np.zeros((2, 3), np.uint32), "name": "x"}
    good = pickle.dumps(small, protocol=2)
    assert sum(1 for _ in pickletools.genops(good)) > 30
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(good)
        for place in rng.integers(0, len(good), rng.integers(1, 4)):
            damaged[place] = rng.integers(0, 256)
        (tmp_path / "model.pkl").write_bytes(bytes(damaged[: rng.integers(len(good) // 2, len(good) + 1)]))
        read_body.cache_clear()
        refused(tmp_path / "model.pkl")


# Where it is shown


def test_a_person_goes_into_gltf_files_with_their_own_joints(tmp_path, procedural_walk):
    body = read_body(write_npz("SMPL-X", tmp_path / "model.npz"))
    person = Person(body, np.full(10, 1.5))
    save_motion(procedural_walk, tmp_path / "out.glb", person=person)
    again, character = read_gltf(tmp_path / "out.glb")
    own = person.fitted(procedural_walk)
    order = [again.skeleton.names.index(name) for name in SKELETON_22.names]
    np.testing.assert_allclose(again.positions[:, order], own.positions, atol=1e-4)
    assert validator_messages(tmp_path / "out.glb") == []
    assert len(character.content_with(again, ".glb")) > 10475 * 12


def test_fitting_puts_the_soles_on_the_ground_and_scales_the_way(tmp_path, procedural_walk):
    body = read_body(write_npz("SMPL", tmp_path / "model.npz"))
    own = body.fitted(procedural_walk)
    scale = own.skeleton.leg_length / SKELETON_22.leg_length
    way = [motion.root_positions[-1] - motion.root_positions[0] for motion in (procedural_walk, own)]
    np.testing.assert_allclose(way[1][[0, 2]], scale * way[0][[0, 2]], rtol=0.05)
    still = Motion(SKELETON_22, np.tile(np.eye(3), (1, 22, 1, 1)), np.array([[0, STANDING, 0]]), 30)
    assert body.of_motion(still)[..., 1].min() == pytest.approx(0, abs=1e-5)


def test_gender_and_shape_of_the_motion_file_choose_whom_to_show(tmp_path):
    for name in ("SMPLH_MALE.npz", "SMPLH_FEMALE.npz"):
        write_npz("SMPL", tmp_path / name)
    file = SmplFile("SMPL-H", np.arange(16.0), "female", np.eye(3))
    person, sentence = load_person(tmp_path, file)
    assert "SMPLH_FEMALE.npz" in sentence
    np.testing.assert_array_equal(person.betas, file.betas)
    assert load_person(tmp_path)[0].betas is None


def test_the_bundled_body_does_not_read_the_shape_numbers_of_others(tmp_path):
    file = SmplFile("SMPL-H", np.arange(16.0), "female", np.eye(3))
    assert load_person(file=file, folder=tmp_path)[0].betas is None


def test_a_variable_may_name_the_model(tmp_path, monkeypatch):
    monkeypatch.setenv("STYLIZE_BODY_MODEL", str(write_npz("SMPL", tmp_path / "mine.npz")))
    assert load_person()[1] == "The body shown is mine.npz (SMPL)."
    monkeypatch.setenv("STYLIZE_BODY_MODEL", str(tmp_path / "other.npz"))
    with pytest.raises(MotionFileError, match=r"other\.npz"):
        load_person()
