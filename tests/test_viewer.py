import base64
import io
import json
import os

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr

from stylize.body import Person
from stylize.contacts import foot_contacts
from stylize.errors import MotionError
from stylize.io.body_models import load_body
from stylize.motion import Motion
from stylize.render.video import ACCENTS, Panel
from stylize.rotations import yaw_to_matrix
from stylize.skeleton import SKELETON_22, Skeleton
from stylize.skinned_mesh import BUNDLED_BODY
from stylize.viewer.component import STATIC, motion_viewer
from stylize.viewer.scene import MAX_FRAMES, MAX_PANELS, scene
from stylize.viewer.shape import body_shape
from tests.chromium import launched_browser
from tests.conftest import walk

ONE_JOINT = Skeleton(("a",), np.array([-1]), np.zeros((1, 3)))
EMPTY = "Nothing was restyled yet."


def comparison() -> list[Panel]:
    """A content, a shorter style and a result that lasts longest."""
    return [
        Panel(walk(90), "Content", "a walk", "content"),
        Panel(walk(50, cadence=2.0), "Style", "<i>quick</i>", "style"),
        Panel(walk(120, cadence=1.1, speed=0.7), "Result", "slow", "result"),
    ]


def unpacked(track: dict, name: str, dtype: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(track[name]), dtype).reshape(track["frames"], -1)


def decoded_positions(track: dict) -> np.ndarray:
    """(T, 22, 3) what the page makes of a track, by rotations of scipy and the skeleton's own offsets."""
    rotvec = unpacked(track, "rotations", "<i2").reshape(-1, 22, 3) * (np.pi / 32767)
    matrices = Rotation.from_rotvec(rotvec.reshape(-1, 3)).as_matrix().reshape(-1, 22, 3, 3)
    positions = np.zeros_like(rotvec)
    positions[:, 0] = unpacked(track, "roots", "<f4")
    for joint, parent in enumerate(SKELETON_22.parents[1:], start=1):
        positions[:, joint] = positions[:, parent] + matrices[:, parent] @ SKELETON_22.offsets[joint]
    return positions


def turned(motion: Motion, yaw: float, away: tuple[float, float, float]) -> Motion:
    turn = yaw_to_matrix(np.array(yaw))
    rotations = motion.local_rotations.copy()
    rotations[:, 0] = turn @ rotations[:, 0]
    return Motion(SKELETON_22, rotations, motion.root_positions @ turn.T + away, motion.fps)


def test_positions_survive_within_a_millimetre(random_motion):
    for motion in (walk(), random_motion):
        track = scene([Panel(motion, "A")])["tracks"][0]
        decoded, start = decoded_positions(track), motion.root_positions[0] * [1, 0, 1]
        # The view may turn a motion about the vertical; so lengths are compared, and heights.
        pairs = [np.linalg.norm(p[:, :, None] - p[:, None], axis=-1) for p in (decoded, motion.positions)]
        assert np.abs(pairs[0] - pairs[1]).max() < 1e-3
        assert np.abs(decoded[..., 1] - motion.positions[..., 1]).max() < 1e-3
        ways = [np.linalg.norm(p, axis=-1) for p in (decoded, motion.positions - start)]
        assert np.abs(ways[0] - ways[1]).max() < 1e-3


def test_everybody_starts_at_the_origin_and_faces_forward_wherever_they_were():
    here, elsewhere = (
        scene([Panel(motion, "A")])["tracks"][0] for motion in (walk(), turned(walk(), 2.2, (3.0, 0.0, -4.0)))
    )
    assert np.abs(decoded_positions(here) - decoded_positions(elsewhere)).max() < 1e-3
    assert decoded_positions(here)[-1, 0] == pytest.approx(walk().root_positions[-1], abs=1e-3)


def test_results_keep_their_place_beside_the_content():
    content = turned(walk(), 1.0, (5.0, 0.0, 0.0))
    ahead = turned(walk().translate(np.array([0.0, 0.0, 0.5])), 1.0, (5.0, 0.0, 0.0))
    tracks = scene([Panel(content, "A", role="content"), Panel(ahead, "B", role="result")])["tracks"]
    gap = decoded_positions(tracks[1]) - decoded_positions(tracks[0])
    assert gap == pytest.approx(np.broadcast_to([0, 0, 0.5], gap.shape), abs=1e-3)


def test_contacts_are_those_of_the_motion():
    track = scene([Panel(walk(), "A")])["tracks"][0]
    bits = np.unpackbits(unpacked(track, "contacts", "u1"), axis=1, bitorder="little")[:, :4]
    assert np.array_equal(bits.astype(bool), foot_contacts(walk()))
    assert bits.any(axis=0).all() and not bits.all(axis=0).any()


def test_four_motions_of_160_frames_are_well_under_200_kilobytes():
    value = scene([Panel(walk(160), str(number)) for number in range(4)])
    assert len(json.dumps(value)) < 140_000


def test_faster_motions_are_resampled():
    track = scene([Panel(walk(60).resample(120), "A")])["tracks"][0]
    assert (track["fps"], track["frames"]) == (30, 60)


@pytest.mark.parametrize(
    ("panels", "expected"),
    [
        ([], "1 to 10 motions"),
        ([Panel(walk(2), "A")] * (MAX_PANELS + 1), "11 were given"),
        ([Panel(walk(MAX_FRAMES + 1), "A")], "cut it to 120 seconds"),
        ([Panel(walk(2).with_frames(slice(0)), "A")], "no frames"),
        ([Panel(walk(2).translate(np.array([np.nan, 0, 0])), "A")], "not finite"),
        ([Panel(Motion(ONE_JOINT, np.eye(3)[None, None], np.zeros((1, 3)), 30), "A")], "not on the canonical skeleton"),
    ],
    ids=["none", "too many", "too long", "empty", "not finite", "not canonical"],
)
def test_what_cannot_be_shown_is_told(panels, expected):
    with pytest.raises(MotionError, match=expected):
        scene(panels)


def skin_arrays(skin: dict) -> dict[str, np.ndarray]:
    shapes = {
        "vertices": ("<i2", 3),
        "normals": ("i1", 4),
        "joints": ("u1", 4),
        "weights": ("u1", 4),
        "faces": ("<u2", 3),
    }
    return {
        name: np.frombuffer(base64.b64decode(skin[name]), dtype).reshape(-1, width).astype(float)
        for name, (dtype, width) in shapes.items()
    }


def skinned_by_the_page(skin: dict, motion: Motion) -> np.ndarray:
    """(T, V, 3) what the vertex shader makes of a skin."""
    arrays = skin_arrays(skin)
    places, rotations = np.array(skin["places"]), motion.global_rotations
    own = np.zeros((len(motion), 22, 3))
    own[:, 0] = skin["scale"] * motion.root_positions + rotations[:, 0] @ skin["shift"] + [0, skin["lift"], 0]
    for joint, parent in enumerate(SKELETON_22.parents[1:], start=1):
        own[:, joint] = own[:, parent] + rotations[:, parent] @ (places[joint] - places[parent])
    vertices = np.zeros((len(motion), len(arrays["vertices"]), 3))
    for k in range(4):
        joint, weight = arrays["joints"][:, k].astype(int), arrays["weights"][:, k] / 255
        turned = np.einsum("tvab,vb->tva", rotations[:, joint], arrays["vertices"] / 25_000 - places[joint])
        vertices += weight[:, None] * (turned + own[:, joint])
    return vertices


def test_the_page_poses_the_bundled_body_as_smplx_does(procedural_walk):
    frames = procedural_walk.with_frames(slice(0, 40, 13))
    body, _ = load_body(BUNDLED_BODY)
    skin = body_shape()["skin"]
    np.testing.assert_allclose(skinned_by_the_page(skin, frames), body.of_motion(frames), atol=4e-3)
    assert (skin_arrays(skin)["weights"].sum(axis=1) == 255).all()


def test_the_page_poses_a_body_of_other_proportions_as_smplx_does(procedural_walk):
    frames = procedural_walk.with_frames(slice(0, 40, 13))
    body, _ = load_body(BUNDLED_BODY)
    person = Person(body, np.array([3.0, 1.0, 2.0, -2.0]))
    value = scene([Panel(frames, "Tall", person=person), Panel(frames, "Other")])
    assert [track.get("skin") for track in value["tracks"]] == [0, None]
    posed = skinned_by_the_page(value["skins"][0], frames)
    np.testing.assert_allclose(posed, person.of_motion(frames), atol=4e-3)
    assert posed[..., 1].max() > 1.9


def test_what_the_page_loads_of_the_body_is_small():
    assert len(json.dumps(body_shape())) < 100_000


def test_without_assets_the_page_shows_tubes(monkeypatch):
    monkeypatch.setattr("stylize.viewer.shape.bundled_mannequin", lambda: None)
    vertices = skin_arrays(body_shape()["skin"])["vertices"] / 25_000
    assert np.ptp(vertices[:, 1]) == pytest.approx(1.7, abs=0.1)


def test_the_static_files_name_no_other_host():
    assert not any("://" in path.read_text() for path in STATIC.iterdir())


# In the browser


@pytest.fixture(scope="module")
def browser():
    with launched_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def app(browser):
    """A page with the view, filled from the start, and buttons that fill, empty and remove it."""
    with gr.Blocks(analytics_enabled=False) as page:
        viewer = motion_viewer(scene(comparison()), empty=EMPTY, elem_id="viewer")
        for name, update in (
            ("one", scene([Panel(walk(40), "Only one", role="result")])),
            ("three", scene(comparison())),
            ("clear", None),
            ("remove", gr.update(visible=False)),
        ):
            gr.Button(name).click(lambda update=update: update, None, viewer)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False)
    yield url
    page.close(verbose=False)


class View:
    """The view in an open page, as a person uses it."""

    def __init__(self, page) -> None:
        self.page = page
        self.root = page.locator("#viewer .motion-viewer")
        self.stage = page.locator("#viewer .viewer-stage")

    def state(self, name: str) -> str:
        return self.root.get_attribute(f"data-{name}")

    def wait(self, name: str, value: str) -> None:
        self.page.locator(f"#viewer .motion-viewer[data-{name}='{value}']").wait_for(timeout=20_000)

    def press(self, *keys: str) -> None:
        self.stage.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def button(self, name: str):
        return self.root.get_by_role("button", name=name, exact=True)

    def scrub(self, frame: int) -> None:
        self.root.get_by_label("Time", exact=True).fill(str(frame))
        self.wait("frame", str(frame))

    def picture(self) -> np.ndarray:
        """(H, W, 3) of the stage, after the last change was painted."""
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return np.asarray(Image.open(io.BytesIO(self.stage.screenshot())).convert("RGB")).astype(float)


@pytest.fixture
def opened(browser, app):
    """Opens the page with a viewport and options of a browser context; no error may be logged."""
    contexts, errors = [], []

    def open_page(width: int = 1000, *, script: str = "", **options) -> View:
        options = {"reduced_motion": "reduce", **options}
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        if script:
            page.add_init_script(script)
        page.goto(app)
        view = View(page)
        view.wait("tracks", "3")
        return view

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture(scope="module")
def shared_page(browser, app):
    page = browser.new_page(viewport={"width": 1000, "height": 900}, reduced_motion="reduce")
    page.goto(app)
    yield page
    page.close()


@pytest.fixture
def view(shared_page):
    """The view with three motions, still, at its start and as it is at first."""
    shared_page.reload()
    view = View(shared_page)
    view.wait("tracks", "3")
    return view


browser_test = pytest.mark.browser


@browser_test
def test_three_bodies_are_drawn_and_other_frames_look_different(view):
    assert (view.state("renderer"), view.state("tracks")) == ("webgl2", "3")
    first = view.picture()
    for panel in np.array_split(first, 3, axis=1):
        assert panel.std(axis=(0, 1)).max() > 8
    view.scrub(20)
    changed = (np.abs(view.picture() - first).max(axis=2) > 40).mean()
    assert 0.005 < changed < 0.5


@browser_test
def test_joints_are_where_the_camera_should_see_them(view):
    frame = 30
    view.scrub(frame)
    picture = view.picture()
    motion = comparison()[0].motion
    yaw, elevation, distance, *_ = map(float, view.state("camera").split())
    box = view.root.locator(".viewer-panel").first.bounding_box()
    towards = np.array([np.sin(yaw) * np.cos(elevation), np.sin(elevation), np.cos(yaw) * np.cos(elevation)])
    right = np.array([np.cos(yaw), 0, -np.sin(yaw)])
    up = np.cross(towards, right)
    target = np.array([motion.root_positions[frame, 0], 0.83, motion.root_positions[frame, 2]])
    accent = np.array([int(ACCENTS["content"][k : k + 2], 16) for k in (1, 3, 5)], float)
    for role in ("head", "neck", "spine2", "left_elbow", "right_elbow", "left_knee", "right_knee", "left_wrist"):
        relative = motion.positions[frame, SKELETON_22.joint(role)] - target
        scale = 1 / np.tan(np.radians(13)) / (distance - relative @ towards)
        x = box["width"] / 2 + relative @ right * scale * box["height"] / 2
        y = box["height"] / 2 * (1 - relative @ up * scale + 0.1)
        pixel = picture[round(y), round(x)]
        # The body is bluish grey and shaded; the paper is nearly white.
        assert pixel.mean() < 190 and pixel[2] > pixel[0], (role, pixel, accent)


@browser_test
def test_play_pause_and_the_end_without_a_loop(view):
    assert view.state("playing") == "false"  # who wants less motion starts it themselves
    view.button("Play").click()
    view.wait("playing", "true")
    view.page.wait_for_function("document.querySelector('.motion-viewer').dataset.frame > 2")
    view.button("Pause").click(force=True)  # or it waits until nothing moves
    paused = view.state("time")
    view.page.wait_for_timeout(150)
    assert view.state("time") == paused
    view.button("Loop").click()
    view.scrub(115)
    view.button("Play").click()
    view.wait("frame", "119")
    view.wait("playing", "false")
    view.button("Play").click()
    view.page.wait_for_function("document.querySelector('.motion-viewer').dataset.frame < 100")


@browser_test
def test_the_clock_starts_anew_at_the_end_of_the_longest_and_plays_by_itself(opened):
    view = opened(reduced_motion="no-preference")
    view.wait("playing", "true")
    view.scrub(110)
    view.press(" ")
    view.page.wait_for_function("document.querySelector('.motion-viewer').dataset.frame < 60")
    assert view.state("playing") == "true"


@browser_test
def test_keys_step_scrub_and_switch(view):
    view.press("ArrowRight", "ArrowRight")
    assert view.state("frame") == "2"
    view.press("ArrowLeft", "ArrowLeft", "ArrowLeft")
    assert view.state("frame") == "119"  # around the start
    view.press("Home")
    assert view.state("frame") == "0"
    view.press("End")
    assert view.state("frame") == "119"
    view.press("ArrowUp")
    assert view.state("speed") == "1.5"
    view.press("ArrowDown", "ArrowDown")
    assert view.state("speed") == "0.5"
    for key, name, first in (("l", "loop", "true"), ("o", "overlay", "false"), ("f", "follow", "true")):
        assert view.state(name) == first
        view.press(key)
        assert view.state(name) != first
    view.press(" ")
    assert view.state("playing") == "true"
    view.press(" ")
    assert view.state("playing") == "false"


@browser_test
def test_buttons_step_and_say_their_state(view):
    view.button("One frame forward").click()
    assert view.state("frame") == "1"
    view.button("One frame back").click()
    assert view.state("frame") == "0"
    overlay = view.button("Lay the content over the result")
    assert overlay.get_attribute("aria-pressed") == "false"
    overlay.click()
    assert overlay.get_attribute("aria-pressed") == "true"
    assert view.root.get_by_label("Time", exact=True).get_attribute("aria-valuetext") == "0.0 of 4.0 s"
    unnamed = view.root.locator("button:not([aria-label]), input:not([aria-label]), select:not([aria-label])")
    assert unnamed.count() == 0


@browser_test
def test_the_overlay_changes_the_result_and_nothing_else(view):
    view.scrub(30)
    view.press()  # the ring of the focus is there before and after
    before = np.array_split(view.picture(), 3, axis=1)
    view.press("o")
    after = np.array_split(view.picture(), 3, axis=1)
    changes = [np.abs(a[60:] - b[60:]).max(axis=2) > 25 for a, b in zip(after, before, strict=True)]
    assert [change.any() for change in changes] == [False, False, True]


@browser_test
def test_without_following_the_walker_moves_through_the_picture(view):
    view.press("f")
    columns = []
    for frame in (0, 110):
        view.scrub(frame)
        result = np.array_split(view.picture(), 3, axis=1)[2][60:-20]
        body = result[..., 0] < result[..., 1] - 40  # teal
        columns.append(np.nonzero(body)[1].mean())
    assert columns[1] - columns[0] > 30  # from left to right


@browser_test
def test_drag_wheel_and_keys_move_the_camera_and_reset_brings_it_back(view):
    start = view.state("camera")
    box = view.stage.bounding_box()
    mouse = view.page.mouse
    mouse.move(box["x"] + 100, box["y"] + 150)
    mouse.wheel(0, 200)
    assert view.state("camera") == start  # the page scrolls until the view is touched
    seen = {start}

    def moved() -> None:
        view.picture()
        assert view.state("camera") not in seen
        seen.add(view.state("camera"))

    mouse.down()
    mouse.move(box["x"] + 160, box["y"] + 170, steps=3)
    moved()
    view.page.keyboard.down("Shift")
    mouse.move(box["x"] + 100, box["y"] + 150, steps=3)
    view.page.keyboard.up("Shift")
    mouse.up()
    moved()
    mouse.wheel(0, 200)
    moved()
    for key in ("Shift+ArrowLeft", "+"):
        view.press(key)
        moved()
    view.button("Reset the view").click()
    assert view.state("camera") == start


@browser_test
def test_one_finger_turns_and_two_pinch_and_move(opened):
    view = opened(375, has_touch=True)
    box = view.stage.bounding_box()
    session = view.page.context.new_cdp_session(view.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        where = [{"x": box["x"] + x, "y": box["y"] + y, "id": k} for k, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where})

    def camera() -> list[float]:
        view.picture()
        return [float(number) for number in view.state("camera").split()]

    start = camera()
    touch("touchStart", (100, 100))
    for x in (110, 130, 160):
        touch("touchMove", (x, 100))
    touch("touchEnd")
    turned_camera = camera()
    assert turned_camera[0] < start[0] and turned_camera[1:] == start[1:]
    touch("touchStart", (150, 100), (170, 100))
    for apart in (15, 25, 40):
        touch("touchMove", (150 - apart, 100 + apart), (170 + apart, 100 + apart))
    touch("touchEnd")
    yaw, elevation, distance, *pan = camera()
    assert [yaw, elevation] == turned_camera[:2]
    assert distance < 0.5 * start[2] and pan[1] > 0.05


@browser_test
def test_a_new_scene_replaces_the_old_one_and_none_shows_a_sentence(view):
    page = view.page
    page.get_by_role("button", name="one", exact=True).click()
    view.wait("tracks", "1")
    assert view.root.get_by_text("Only one").is_visible()
    assert view.button("Lay the content over the result").is_disabled()
    assert view.picture().std() > 8
    page.get_by_role("button", name="clear").click()
    view.wait("state", "empty")
    assert view.root.get_by_text(EMPTY).is_visible()
    assert not view.stage.is_visible()
    page.get_by_role("button", name="three").click()
    view.wait("tracks", "3")
    view.wait("state", "ready")
    assert view.picture().std() > 8


@browser_test
def test_names_are_shown_as_text(view):
    assert view.root.get_by_text("<i>quick</i>").is_visible()


@browser_test
def test_where_webgl2_is_missing_the_facts_are_told(opened):
    view = opened(
        script="""const getContext = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
            return kind === 'webgl2' ? null : getContext.call(this, kind, ...more);
        };"""
    )
    assert view.state("renderer") == "text"
    assert not view.stage.is_visible()
    text = view.root.inner_text()
    assert "cannot draw the 3D view" in text
    assert "Content (a walk): 3.0 s, 90 frames, moves 3.6 m" in text


@browser_test
def test_the_context_is_freed_when_the_component_goes(view):
    page = view.page
    page.evaluate("window.context = document.querySelector('#viewer canvas').getContext('webgl2')")
    assert not page.evaluate("window.context.isContextLost()")
    view.press(" ")
    page.get_by_role("button", name="remove").click()
    page.wait_for_function("window.context.isContextLost()")


@browser_test
def test_a_lost_context_is_told_and_a_restored_one_drawn_again(view):
    view.page.evaluate(
        """const context = document.querySelector('#viewer canvas').getContext('webgl2');
        window.loss = context.getExtension('WEBGL_lose_context');
        window.loss.loseContext()"""
    )
    view.wait("renderer", "text")
    assert "interrupted" in view.root.inner_text()
    view.page.evaluate("window.loss.restoreContext()")
    view.wait("renderer", "webgl2")
    assert view.picture().std() > 8


@browser_test
def test_dark_mode_darkens_the_picture_at_once(view):
    light = view.picture()
    view.page.evaluate("document.body.classList.add('dark')")
    view.page.wait_for_timeout(100)
    dark = view.picture()
    assert light[5, 5].mean() > 200 and dark[5, 5].mean() < 60


@browser_test
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_is_too_wide_and_the_result_is_large_and_first(opened, scheme):
    view = opened(375, color_scheme=scheme, has_touch=True)
    assert view.page.evaluate("document.documentElement.scrollWidth") == 375
    boxes = {
        name: view.root.locator(f".viewer-panel.viewer-{name}").bounding_box()
        for name in ("content", "style", "result")
    }
    assert boxes["result"]["width"] > 1.9 * boxes["content"]["width"]
    assert boxes["result"]["y"] < boxes["content"]["y"] == boxes["style"]["y"]
    heights = [button.bounding_box()["height"] for button in view.root.get_by_role("button").all()]
    assert min(heights) >= 44
    assert view.stage.evaluate("stage => getComputedStyle(stage).touchAction") == "pan-y"


@browser_test
def test_nothing_is_drawn_while_nothing_changes(view):
    view.picture()
    painted = view.state("painted")
    view.page.wait_for_timeout(300)
    assert view.state("painted") == painted
    view.press("ArrowRight")
    view.picture()
    assert int(view.state("painted")) > int(painted)
