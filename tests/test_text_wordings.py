import re

import pytest

from stylize.text.manner import SplitText, split_manner
from stylize.text.wordings import (
    BOTH,
    LEFT,
    NO_SIDE,
    RIGHT,
    actions,
    core,
    participle,
    phrase,
    side_of,
    styles,
    swap_sides,
    third_person,
)

LABELS = [style.label for style in styles()]
SET_2 = {
    "walk", "run", "walk-turn-left", "walk-turn-right", "raise-up-left-hand", "raise-up-right-hand",
    "raise-up-both-hands", "wave-left-hand", "wave-right-hand", "wave-both-hands",
}  # fmt: skip


def nothing_else(_: str) -> tuple[str, float]:
    return "", 0.0


@pytest.mark.parametrize(
    ("verb", "third", "ing"),
    [
        ("wave", "waves", "waving"),
        ("wash", "washes", "washing"),
        ("hurry", "hurries", "hurrying"),
        ("play", "plays", "playing"),
        ("go", "goes", "going"),
        ("have", "has", "having"),
        ("run", "runs", "running"),
        ("jog", "jogs", "jogging"),
        ("bow", "bows", "bowing"),
        ("see", "sees", "seeing"),
        ("lift", "lifts", "lifting"),
        ("sidestep", "sidesteps", "sidestepping"),
    ],
)
def test_verbs_are_conjugated(verb, third, ing):
    assert (third_person(verb), participle(verb)) == (third, ing)


def test_a_way_is_put_into_words():
    way = "[lift] {their} left arm and [wave] it as high as {they} can"
    assert phrase(way) == "lift their left arm and wave it as high as they can"
    assert phrase(way, "third", "his") == "lifts his left arm and waves it as high as he can"
    assert phrase(way, "ing", "her") == "lifting her left arm and waving it as high as she can"


def test_mirrored_words_have_their_sides_swapped():
    assert swap_sides("Left foot, right hand, 90-degree left turns") == "Right foot, left hand, 90-degree right turns"
    assert swap_sides("walk") == "walk"


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("walk", NO_SIDE),
        ("raise the LEFT hand", LEFT),
        ("turn rightwards", RIGHT),
        ("wave both hands", BOTH),
        ("lift the left and the right arm", BOTH),
        ("walk along the leftover bright path", NO_SIDE),
    ],
)
def test_the_side_is_read_from_whole_words(text, side):
    assert side_of(text) == side


def test_every_action_with_many_clips_is_said_in_thirty_ways():
    said = {content: action for action in actions() for content in action.contents}
    assert set(said) >= SET_2
    for content in SET_2:
        assert len(set(said[content].ways)) >= 30, content
        assert said[content].held_out and said[content].test


def test_every_style_is_said_in_ten_ways():
    assert {"active", "elderly", "exhausted", "feminine", "masculine", "normal", "youthful"} <= set(LABELS)
    for style in styles():
        assert len(set(style.words + style.ways)) >= 10, style.label


def test_what_is_held_out_of_training_is_in_no_training_wording():
    for action in actions():
        trained = {way for other in actions() for way in other.ways}
        assert not trained & set(action.held_out + action.test), action.name
    for style in styles():
        assert not set(style.held_out) & set(style.ways), style.label


@pytest.mark.parametrize("action", actions(), ids=lambda action: action.name)
def test_no_wording_of_an_action_names_a_manner(action):
    for way in action.ways + action.held_out + action.test:
        split = split_manner(phrase(way), LABELS, nothing_else, 0.5)
        assert split.style is None and split.unknown == (), (way, split)


@pytest.mark.parametrize("style", styles(), ids=lambda style: style.label)
def test_every_wording_of_a_style_is_found_and_taken_out(style):
    for way in style.ways:
        manner = way.replace("{their}", "her").replace("{they}", "she")
        split = split_manner(f"a woman walks {manner}", LABELS, nothing_else, 0.5)
        assert (split.style, split.action) == (style.label, "a woman walks"), way
    for word in style.words:
        article = "An" if word[0] in "aeiou" else "A"
        split = split_manner(f"{article} {word} person walks", LABELS, nothing_else, 0.5)
        assert (split.style, split.action) == (style.label, "A person walks"), word


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("walk", SplitText("walk", None)),
        ("Like an old man, a person walks.", SplitText("a person walks", "elderly", "Like an old man")),
        ("walk very sadly and wave", SplitText("walk and wave", "set1/sad", "very sadly")),
        ("a child waves", SplitText("a person waves", "set1/childish", "child")),
        ("walk like a five-year-old", SplitText("walk", "set1/childish", "like a five-year-old")),
        ("walk like an 85 year old", SplitText("walk", "elderly", "like an 85 year old")),
        ("wave with the left hand", SplitText("wave with the left hand", None)),
        ("walk slowly", SplitText("walk slowly", None)),
        ("walk like a fish", SplitText("walk", None, "", ("like a fish",))),
        ("walk grouchily", SplitText("walk", None, "", ("grouchily",))),
        ("walk happily and sadly", SplitText("walk", "set1/happy", "happily", (), ("sadly",))),
    ],
)
def test_a_text_is_split_into_action_and_manner(text, expected):
    assert split_manner(text, LABELS, nothing_else, 0.5) == expected


def test_a_manner_that_is_not_listed_goes_by_its_meaning():
    def nearest(manner: str) -> tuple[str, float]:
        return ("set1/angry", 0.9) if "grouch" in manner else ("elderly", 0.3)

    assert split_manner("walk grouchily", LABELS, nearest, 0.55).style == "set1/angry"
    assert split_manner("a grouchy man walks", LABELS, nearest, 0.55).style == "set1/angry"
    assert split_manner("walk like a tree", LABELS, nearest, 0.55).style is None


def test_a_style_that_the_checkpoint_lacks_is_not_named():
    assert split_manner("walk sadly", ["elderly"], nothing_else, 0.5) == SplitText("walk", None, "", ("sadly",))


def test_the_core_of_a_manner_is_what_it_is_about():
    assert [core(text) for text in ("like a tired king", "in a sad way", "as if angry", "proudly")] == [
        "tired king",
        "sad",
        "angry",
        "proudly",
    ]


def test_wordings_are_lower_case_and_their_verbs_are_marked():
    for action in actions():
        for way in action.ways + action.held_out + action.test:
            assert re.match(r"\[[a-z]+\]", way), way
