"""The real app, driven as a person would, in headless Chromium and with the network watched."""

import pytest

from stylize.io import GltfCharacter, read_bvh, read_motion, save_motion
from stylize.library import MOTIONS, gallery, list_library
from tests.browser.axe import grave_violations
from tests.browser.person import RUN_MILLISECONDS, Person
from tests.conftest import walk
from tests.example_gltf import bowing, humanoid, waving

pytestmark = pytest.mark.browser

BOW = MOTIONS / "contents" / "bow.bvh"
DROP = """(place, [name, text]) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([text], name));
    place.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
}"""


def test_the_example_and_both_galleries_are_there_before_anything_is_pressed(person):
    assert person.facts() == ""
    assert person.page.locator("#stop").is_hidden()
    for name in ("same_content", "same_style"):
        pictures = person.page.locator(f"#gallery-{name} [role=img]")
        assert pictures.count() == len(gallery(name)) > 0
        assert "image/webp" in pictures.first.evaluate("picture => getComputedStyle(picture).backgroundImage")
    assert person.page.locator("#content-cards input").count() == len(list_library("content"))


def test_choose_a_motion_and_a_style_restyle_watch_and_take_the_files_away(person, tmp_path):
    person.choose("Bow")
    person.choose("Exhausted", "#style-cards")
    person.restyle()
    person.view(3).wait_for()
    person.reads("exhausted")
    assert person.page.locator("#stop").is_hidden() and person.page.locator("#restyle").is_visible()

    bvh = person.download(tmp_path)
    assert 1 < read_bvh(bvh)[0].duration < 10
    person.pick("File", "GLB")
    glb = person.download(tmp_path)
    assert glb.suffix == ".glb" and len(read_motion(glb)[0].skeleton) >= 22

    person.choose("Video")
    video = person.page.locator("#comparison video")
    video.wait_for(timeout=120_000)
    person.page.wait_for_function("document.querySelector('#comparison video')?.duration > 1")
    assert person.view(3).is_hidden()
    person.choose("3D")
    person.view(3).wait_for()
    assert video.is_hidden()


def test_a_broken_upload_says_why_and_a_good_one_what_is_in_it(person, tmp_path):
    person.choose("Exhausted", "#style-cards")
    person.choose("Your file")
    broken = tmp_path / "broken.bvh"
    broken.write_text("HIERARCHY\nROOT hips\n{\n")
    upload = person.page.locator("#content-file input[type=file]")
    upload.set_input_files(broken)
    person.alert("line").wait_for()
    assert person.alert("").count() == 1
    person.restyle()
    assert person.page.locator("#message").get_by_role("alert").inner_text().endswith(".")
    person.sees_chosen("Exhausted", "#style-cards")
    assert person.page.get_by_text("broken").first.is_visible()

    person.page.get_by_role("button", name="Remove").or_(person.page.get_by_label("Clear")).first.click()
    upload.set_input_files(BOW)
    person.page.get_by_text("at 30 fps").wait_for()
    person.restyle()
    person.reads("exhausted")
    assert person.alert("").count() == 0
    written = person.download(tmp_path)
    assert written.stem.endswith("_source")
    assert read_bvh(written)[0].skeleton.names == read_bvh(BOW)[0].skeleton.names


def test_files_of_another_kind_or_too_large_are_refused_beside_where_they_were_dropped(person, tmp_path):
    person.choose("Your file")
    large, notes = tmp_path / "large.bvh", tmp_path / "notes.txt"
    large.write_bytes(b" " * (20 * 2**20 + 1))
    notes.write_text("hello")
    upload = person.page.locator("#content-file input[type=file]")
    upload.set_input_files(notes)
    person.alert("notes.txt cannot be used here").wait_for()
    upload.set_input_files(large)
    person.alert("large.bvh is larger than 20 MB").wait_for()
    assert person.alert("").count() == 1
    person.page.locator("#content-file button").first.evaluate(DROP, ["walk.exe", "hello"])
    person.alert("walk.exe cannot be used here").wait_for()
    person.page.locator("#content-file button").first.evaluate(DROP, ["bow.bvh", BOW.read_text()])
    person.page.get_by_text("at 30 fps").wait_for()
    assert person.alert("").count() == 0


def test_a_trimmed_motion_is_shorter(person):
    person.unfold("Trim")
    end = person.page.get_by_role("spinbutton", name="number input for End, s")
    assert float(end.input_value()) == pytest.approx(read_bvh(MOTIONS / "contents" / "walk.bvh")[0].duration, abs=0.1)
    end.fill("2")
    end.press("Tab")
    person.restyle()
    person.page.wait_for_function("document.querySelector('#view .viewer-clock').textContent.trim().length > 0")
    assert "content 2.0 s" in person.facts() or "Length\n2.0 s" in person.facts()


def test_three_samples_are_seen_at_once_and_each_can_be_chosen(person, tmp_path):
    person.restyle(samples=3)
    person.view(5).wait_for()
    first = person.download(tmp_path)
    person.choose("Sample 3")
    third = person.download(tmp_path)
    assert first.name != third.name and first.read_text() != third.read_text()


def test_go_on_from_a_result_compare_it_and_go_back_to_an_earlier_one(person):
    person.choose("Bow")
    person.restyle()
    person.press("Use as motion")
    person.page.get_by_text("bow, elderly", exact=False).first.wait_for()
    person.sees_chosen("A result")
    person.choose("Active", "#style-cards")
    person.restyle()
    person.reads("active")
    person.pick("Compare with", "1: bow, elderly")
    person.view(4).wait_for()
    person.pick("Results of this session", "1: bow, elderly")
    person.page.locator("#facts").get_by_text("elderly").wait_for()


def test_words_make_a_motion_and_name_its_style(person, tmp_path):
    person.choose("Words")
    person.restyle()
    person.alert("No motion was made of words yet").wait_for()
    person.press("an old man walks slowly")
    person.press("Make the motion")
    person.page.get_by_text("walk; style elderly").wait_for(timeout=RUN_MILLISECONDS)
    person.view(1).wait_for()
    person.sees_chosen("Elderly", "#style-cards")
    person.choose("Exhausted", "#style-cards")
    person.restyle()
    person.reads("exhausted")
    assert person.alert("").count() == 0
    assert "old_man" in person.download(tmp_path).name


def test_a_text_without_an_action_says_what_is_missing_and_variants_can_be_chosen_from(person):
    person.choose("Words")
    prompt, variants = person.page.locator("#prompt textarea"), person.page.get_by_label("Variants", exact=True)
    prompt.fill("quantum tax law")
    person.press("Make the motion")
    person.alert("Nothing that I know is like").wait_for()
    prompt.fill("wave with the left hand")
    variants.fill("2")
    person.press("Make the motion")
    person.view(2).wait_for()
    person.choose("Variant 2")
    person.view(1).wait_for()
    person.restyle()
    person.view(3).wait_for()


def test_make_a_style_of_two_clips_use_it_take_its_file_away_and_open_it_again(person, tmp_path):
    page = person.page
    person.choose("Bow")
    person.choose("Your style")
    clips = [MOTIONS / "styles" / f"{label}.bvh" for label in ("elderly", "exhausted")]
    page.locator("#style-clips input[type=file]").set_input_files(clips)
    page.locator("#style-clips").get_by_text("KB").nth(1).wait_for()
    person.press("Make style")
    person.alert("cannot be called").wait_for()
    page.get_by_placeholder("Name of the style").fill("shuffling")
    person.press("Make style")
    person.sees_chosen("shuffling")
    person.unfold("More")
    person.choose("Change into")
    person.choose("Upper body")
    page.get_by_role("checkbox", name="Keep the content's timing").check()
    person.restyle()
    person.reads("shuffling to active")
    assert len(read_bvh(person.download(tmp_path))[0]) == len(read_bvh(BOW)[0])

    file = person.download(tmp_path, "#download-style")
    page.reload()
    person.choose("Your style")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Open file").click()
    chooser.value.set_files(file)
    person.sees_chosen("shuffling")


def test_settings_that_were_taken_away_open_again_and_make_the_same_file(person, arrive, tmp_path):
    person.choose("Punch")
    person.choose("Active", "#style-cards")
    person.unfold("More")
    person.choose("Upper body")
    person.page.get_by_role("spinbutton", name="Seed").first.fill("5")
    person.restyle(samples=2)
    person.choose("Sample 2")
    first = person.download(tmp_path)
    person.pick("File", "Settings, JSON")
    settings = person.download(tmp_path)
    other = arrive()
    broken = tmp_path / "broken.json"
    broken.write_text("[1, 2]")
    opened = other.page.locator("input[type=file][accept='.json']")
    opened.set_input_files(broken)
    other.alert("no file of settings").wait_for()
    opened.set_input_files(settings)
    other.page.get_by_text("press Restyle for the same result").wait_for()
    other.sees_chosen("Punch", "#content-cards")
    other.sees_chosen("Active", "#style-cards")
    other.restyle(samples=2)
    other.choose("Sample 2")
    assert other.download(tmp_path / "again").read_text() == first.read_text()


def test_a_characters_other_animation_is_restyled_and_worn_by_it(person, tmp_path):
    hero = tmp_path / "hero.glb"
    hero.write_bytes(bowing(waving(humanoid())).glb())
    page = person.page
    person.choose("Your file")
    page.locator("#content-file input[type=file]").set_input_files(hero)
    page.get_by_text("61 at 30 fps").wait_for()
    person.pick("Animation", "bow")
    page.get_by_text("91 at 30 fps").wait_for()
    person.restyle()
    person.pick("File", "GLB, on your skeleton")
    assert read_motion(person.download(tmp_path))[0].skeleton.names[0] == "hips"

    person.choose("Library")
    person.restyle()
    person.unfold("On your own character")
    page.locator("#character-file input[type=file]").set_input_files(hero)
    page.locator("#character-file").get_by_text("hero").first.wait_for()
    worn, character = read_motion(person.download(tmp_path, "#wear"))
    assert isinstance(character, GltfCharacter) and character.animations[0] == "restyled" and worn.duration > 3


def test_a_run_without_what_it_needs_says_so_and_keeps_the_inputs(person):
    person.choose("Your file", nth=-1)
    person.restyle()
    person.alert("No style reference was uploaded").wait_for()
    person.sees_chosen("Your file", nth=-1)


def test_cards_are_chosen_with_the_keyboard(person):
    person.radio("Walk", "#content-cards").focus()
    person.page.keyboard.press("ArrowRight")
    person.sees_chosen("Bow", "#content-cards")
    outline = "label => getComputedStyle(label).outlineStyle"
    label = person.page.locator("#content-cards label").filter(has_text="Bow").first
    assert label.evaluate(outline) == "solid"


def test_two_people_at_once_see_only_their_own(arrive):
    people = [(arrive(), "Active", "Bow"), (arrive(), "Exhausted", "Punch")]
    for person, style, motion in people:
        person.choose(motion)
        person.choose(style, "#style-cards")
    for person, _, _ in people:
        person.press("Restyle")
    for person, style, motion in people:
        person.page.locator("#facts").get_by_text(style.lower()).wait_for(timeout=120_000)
        person.wait_for_the_end()
        assert motion.lower() in person.page.locator("#view .viewer-panels").inner_text()
        assert person.page.locator("#earlier").is_hidden()


def test_a_run_can_be_stopped_while_it_works_and_while_it_waits(arrive, tmp_path):
    save_motion(walk(1770), tmp_path / "long.bvh")  # its eight restyles take longer than all of the presses
    people = [arrive() for _ in range(4)]  # two restyles run at once
    for person in people:
        person.choose("Your file")
        person.page.locator("#content-file input[type=file]").set_input_files(tmp_path / "long.bvh")
        person.page.get_by_text("1770 at 30 fps").wait_for()
        person.page.get_by_role("spinbutton", name="number input for Samples").fill("8")
    for button in ("restyle", "stop"):
        for person in people:
            person.page.evaluate(f"document.getElementById('{button}').click()")
    for person in people:
        person.page.locator("#message").get_by_text("Stopped; everything is as it was.").wait_for()
        assert person.page.locator("#restyle").is_visible() and person.page.locator("#stop").is_hidden()
    people[-1].choose("Library")
    people[-1].restyle()
    people[-1].reads("elderly")
    assert [person.facts() for person in people[:-1]] == ["", "", ""]


def test_where_too_many_wait_the_next_one_is_told_and_can_press_again(browser, app):
    person = Person(browser.new_page())  # the browser itself logs the refusal as an error
    person.page.goto(app)
    person.view().wait_for()
    person.page.route("**/queue/join*", lambda route: route.fulfill(status=503, json={"detail": "Queue is full."}))
    person.restyle()
    person.alert("The app is busy").wait_for()
    person.page.unroute("**/queue/join*")
    person.restyle()
    person.reads("elderly")
    assert person.alert("").count() == 0
    person.page.close()


@pytest.mark.parametrize(
    ("width", "scheme"), [(1440, "light"), (1440, "dark"), (768, "dark"), (375, "light"), (375, "dark")]
)
def test_nothing_is_wider_than_the_screen(arrive, width, scheme):
    person = arrive(width, scheme)
    person.restyle()
    for name in ("More", "Trim"):
        person.unfold(name)
    numbers = person.page.locator("#facts .explained")
    assert numbers.count() == 3
    for index in range(3):
        numbers.nth(index).focus()
        assert person.page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(arrive, scheme):
    person = arrive(scheme=scheme)
    assert person.page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
    assert grave_violations(person.page) == []
    person.restyle(samples=2)
    for name in ("More", "Trim"):
        person.unfold(name)
    assert grave_violations(person.page) == []
    for page in ("Your file", "Your style"):
        person.choose(page, nth=-1)
        person.restyle()
        person.alert(".").first.wait_for()
        assert grave_violations(person.page) == []


def test_the_app_asked_no_host_for_anything(app, asked_hosts):
    assert asked_hosts.read_text() == ""  # the watcher itself made the file
