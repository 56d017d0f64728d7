import tracemalloc
from dataclasses import replace

import imageio.v2 as imageio
import numpy as np
import pytest

from stylize.errors import MotionError
from stylize.motion import Motion
from stylize.render.camera import Camera, follow
from stylize.render.video import Panel, iterate_frames, render_frame, render_strip, render_video
from stylize.skeleton import Skeleton
from tests.conftest import walk

SIZE = 160


def test_a_video_has_a_frame_for_every_moment_and_moves(tmp_path, procedural_walk):
    panels = [Panel(procedural_walk, "Content", role="content"), Panel(procedural_walk, "Result", "$x_1$", "result")]
    shares = []
    path = tmp_path / "walk.mp4"
    render_video(panels, path, size=SIZE, progress=lambda share, _: shares.append(share))
    with imageio.get_reader(path) as reader:
        details = reader.get_meta_data()
        frames = [np.asarray(frame, np.int16) for frame in reader]  # type: ignore[attr-defined]
    assert (details["codec"], details["pix_fmt"][:7], details["fps"]) == ("h264", "yuv420p", 30)
    assert len(frames) == len(procedural_walk)
    assert frames[0].shape == (SIZE, 2 * SIZE, 3)
    assert frames[0].std() > 5
    assert np.abs(frames[10] - frames[40]).mean() > 0.5
    assert shares == sorted(shares)
    assert [file.name for file in tmp_path.iterdir()] == ["walk.mp4"]


def test_the_video_lasts_as_long_as_the_result_while_the_style_loops(procedural_walk):
    style = Panel(walk(20), "Style", role="style")
    frames = list(iterate_frames([style, Panel(walk(50), "Result")], SIZE))
    assert len(frames) == 50
    np.testing.assert_array_equal(frames[5][:, :SIZE], frames[25][:, :SIZE])


def test_motions_at_another_rate_keep_their_duration(procedural_walk):
    fast = procedural_walk.resample(60)
    assert len(list(iterate_frames([Panel(fast, "Fast")], SIZE))) == len(procedural_walk)


def test_a_gif_is_written_too(tmp_path, procedural_walk):
    render_video([Panel(procedural_walk, "Walk")], tmp_path / "walk.gif", size=SIZE)
    assert len(imageio.mimread(tmp_path / "walk.gif")) == 45


def test_memory_does_not_grow_with_the_length():
    peaks = []
    for seconds in (2, 8):
        panel = Panel(walk(30 * seconds), "Walk")
        tracemalloc.start()
        for _ in iterate_frames([panel], SIZE):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 200_000


def test_the_target_is_in_the_middle_and_a_metre_to_the_right_is_right_of_it():
    camera = Camera(yaw=0.0, distance=5.0, size=SIZE)
    target = np.array([[1.0, 0.9, 2.0]])
    pixels, depth = camera.project(np.array([[[1.0, 0.9, 2.0], [2.0, 0.9, 2.0]]]), target)
    np.testing.assert_allclose(pixels[0, 0], camera.centre)
    np.testing.assert_allclose(depth[0], 5.0)
    assert pixels[0, 1, 0] - pixels[0, 0, 0] == pytest.approx(camera.focal_length / 5)


def test_the_camera_does_not_shake_with_the_body():
    rng = np.random.default_rng(0)
    root = np.stack([np.zeros(200), np.ones(200), np.linspace(0, 8, 200)], axis=1) + 0.03 * rng.normal(size=(200, 3))
    shaking = np.abs(np.diff(root, n=2, axis=0)).mean()
    track = follow(root, 30)
    assert np.abs(np.diff(track, n=2, axis=0)).mean() < shaking / 50
    np.testing.assert_allclose(track[[0, -1]][:, 2], root[[0, -1]][:, 2], atol=0.1)


def test_the_whole_body_stays_in_the_picture_even_with_raised_arms_and_over_ten_metres(procedural_walk):
    far = replace(walk(150), root_positions=walk(150).root_positions * [1, 1, 1.7])
    empty = render_frame([Panel(far.translate(np.array([0, -50.0, 0])), "")], 75, SIZE).astype(int)
    for frame in (0, 75, 149):
        picture = render_frame([Panel(far, "")], frame, SIZE).astype(int)
        border = np.concatenate([picture[:, :3], picture[:, -3:]], axis=1)
        assert border.min() > 120
        assert np.abs(picture - empty).max() > 100


@pytest.mark.parametrize("path", ["out.avi", "missing/folder/out.mp4"])
def test_what_cannot_be_written_is_said_in_a_sentence(tmp_path, procedural_walk, path):
    with pytest.raises(MotionError, match=r"cannot be written"):
        render_video([Panel(procedural_walk, "")], tmp_path / path, size=SIZE)


def test_nothing_to_show_and_foreign_skeletons_are_refused(tmp_path):
    with pytest.raises(MotionError, match="at least one panel"):
        render_frame([], 0)
    stick = Motion(
        Skeleton(("a",), np.array([-1]), np.zeros((1, 3))), np.eye(3)[None, None], np.zeros((1, 3)), 30, name="stick"
    )
    with pytest.raises(MotionError, match="'stick' is not on the canonical skeleton"):
        render_frame([Panel(stick, "")], 0)


def test_a_strip_shows_its_columns_side_by_side(tmp_path, procedural_walk):
    render_strip(procedural_walk, tmp_path / "strip.png", columns=4, size=SIZE)
    assert imageio.imread(tmp_path / "strip.png").shape[:2] == (SIZE, 4 * SIZE)
